/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands before a message: its time, level and caller, and what a road put there. */
#include <string.h>

#include "oops/line.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

// "[   12.345678]"; the digits after the point are six, in old kernels too.
static const char *parse_time(const char *p, const char *end, double *ret)
{
	static const double scales[] = {1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
	uint64_t seconds = 0, parts = 0;

	if (p == end || *p != '[')
		return NULL;
	p++;
	while (p < end && *p == ' ')
		p++;
	const char *digits = p;
	for (; p < end && is_digit(*p); p++)
		seconds = seconds * 10 + (uint64_t)(*p - '0');
	if (p == digits || p - digits > 12 || p == end || *p != '.')
		return NULL;
	const char *fraction = ++p;
	for (; p < end && is_digit(*p); p++)
		parts = parts * 10 + (uint64_t)(*p - '0');
	if (p - fraction < 3 || p - fraction > 9)
		return NULL;
	const char *last = p;
	// "[   12.345678 <    0.000001>]" (dmesg -d), "[   12.345678@1]" (kernels of some boards).
	if (p < end && (*p == ' ' || *p == '@')) {
		while (p < end && (*p == ' ' || *p == '<' || *p == '>' || *p == '.' || *p == '@' ||
				   is_digit(*p)))
			p++;
	}
	if (p == end || *p != ']')
		return NULL;
	*ret = (double)seconds + (double)parts / scales[last - fraction - 3];
	return p + 1;
}

// "[ T1234]", "[    C0]": CONFIG_PRINTK_CALLER.
static const char *parse_caller(const char *p, const char *end, char *caller)
{
	const char *q = p;
	size_t n = 0;

	if (q == end || *q != '[')
		return NULL;
	q++;
	while (q < end && *q == ' ')
		q++;
	if (q == end || (*q != 'T' && *q != 'C'))
		return NULL;
	const char *id = q++;
	while (q < end && is_digit(*q))
		q++;
	n = (size_t)(q - id);
	if (n < 2 || n >= OOPS_CALLER_MAX || q == end || *q != ']')
		return NULL;
	memcpy(caller, id, n);
	caller[n] = '\0';
	return q + 1;
}

// What dmesg makes of the time: "[Mon Nov 23 12:00:00 2026]" (-T), "[Nov23 12:00]" and
// "[  +0.000001]" (-e, -H).
static const char *parse_calendar(const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	if (n < 13 || *p != '[')
		return NULL;
	if (n > 25 && p[4] == ' ' && p[8] == ' ' && p[14] == ':' && p[17] == ':' && p[20] == ' ' &&
	    is_digit(p[24])) {
		const char *close = memchr(p + 25, ']', n - 25 < 24 ? n - 25 : 24);
		return close && (close == p + 25 || p[26] == '<') ? close + 1 : NULL;
	}
	if (is_upper(p[1]) && is_digit(p[5]) && p[6] == ' ' && p[9] == ':' && p[12] == ']')
		return p + 13;
	const char *q = p + 1;
	while (q < end && *q == ' ')
		q++;
	if (q == end || *q++ != '+')
		return NULL;
	while (q < end && (is_digit(*q) || *q == '.'))
		q++;
	return q < end && *q == ']' && q - p < 24 ? q + 1 : NULL;
}

// "kern  :alert : " (dmesg -x); NULL for none. What other facilities say is a program's.
static const char *parse_facility(const char *p, const char *end, bool *kernel)
{
	size_t n = (size_t)(end - p);

	if (n < 16 || p[6] != ':' || p[13] != ':' || p[14] != ' ' || *p < 'a' || *p > 'z')
		return NULL;
	*kernel = !memcmp(p, "kern  ", 6);
	return p + 15;
}

static const char *parse_level(const char *p, const char *end)
{
	const char *q = p + 1;

	if (p == end || *p != '<')
		return NULL;
	while (q < end && is_digit(*q) && q - p < 5)
		q++;
	return q > p + 1 && q < end && *q == '>' ? q + 1 : NULL;
}

// /dev/kmsg and extended netconsole: "6,1234,567890,-;message", also with ",caller=T1" before ';'.
static const char *parse_kmsg(const char *p, const char *end, struct oops_line *line)
{
	uint64_t field[3] = {0};
	const char *q = p;

	for (int i = 0; i < 3; i++) {
		const char *start = q;
		for (; q < end && is_digit(*q) && q - start < 19; q++)
			field[i] = field[i] * 10 + (uint64_t)(*q - '0');
		if (q == start || q == end || *q != ',')
			return NULL;
		q++;
	}
	const char *semicolon = memchr(q, ';', (size_t)(end - q < 80 ? end - q : 80));
	if (!semicolon)
		return NULL;
	line->time = (double)field[2] / 1e6;
	const char *caller = oops_find_bytes(q, (size_t)(semicolon - q), "caller=", 7);
	if (caller) {
		size_t n = 0;
		for (caller += 7; caller < semicolon && *caller != ',' && n + 1 < OOPS_CALLER_MAX;)
			line->caller[n++] = *caller++;
		line->caller[n] = '\0';
	}
	return semicolon + 1;
}

// "Nov 23 12:00:00 host kernel: ", "2026-11-23T12:00:00+00:00 host kernel[12]: ", and after a
// printk time "host kernel: " (journalctl -o short-monotonic). The tag "kernel" is what counts.
static const char *parse_syslog(const char *p, const char *end, bool dated)
{
	size_t room = (size_t)(end - p);
	const char *tag;

	if (dated) {
		tag = oops_find_bytes(p, room < 160 ? room : 160, " kernel", 7);
	} else {
		// One word, the host's name, and nothing else stands before the tag.
		tag = memchr(p, ' ', room < 80 ? room : 80);
		if (!tag || tag == p || end - tag < 8 || memcmp(tag, " kernel", 7) ||
		    memchr(p, ':', (size_t)(tag - p)) || memchr(p, '[', (size_t)(tag - p)))
			return NULL;
	}
	if (!tag)
		return NULL;
	const char *q = tag + 7;
	if (q < end && *q == '[') {
		for (q++; q < end && is_digit(*q); q++)
			;
		if (q == end || *q != ']')
			return NULL;
		q++;
	}
	if (q == end || *q != ':')
		return NULL;
	q++;
	return q < end && *q == ' ' ? q + 1 : q;
}

static bool is_dated(const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	// "Nov 23 12:00:00", "Nov  3 12:00:00"
	if (n > 16 && is_upper(p[0]) && p[3] == ' ' && (p[6] == ' ' || p[5] == ' ') &&
	    oops_find_bytes(p + 6, 10, ":", 1))
		return true;
	return n > 20 && is_digit(p[0]) && is_digit(p[3]) && p[4] == '-' && p[7] == '-';
}

// "** 12 printk messages dropped ** " (new: "[ 1.0] ** 12 printk messages dropped **" alone).
static const char *parse_dropped(const char *p, const char *end)
{
	size_t room = (size_t)(end - p);

	if (!oops_has_prefix(p, room, "** "))
		return NULL;
	const char *q = oops_find_bytes(p, room < 80 ? room : 80, " messages dropped **", 20);
	if (!q)
		return NULL;
	q += 20;
	return q < end && *q == ' ' ? q + 1 : q;
}

// A console mixes a prompt or a program's output with printk: "login: [   36.852785] text".
static const char *find_time(const char *p, const char *end, double *ret)
{
	const char *limit = end - p > 200 ? p + 200 : end;
	const char *last = NULL;

	for (const char *q = p; (q = memchr(q, '[', (size_t)(limit - q))); q++) {
		const char *after = parse_time(q, end, ret);
		if (after)
			return after;
		if (q + 1 >= limit)
			break;
	}
	return last;
}

// "Nov 23 12:00:00 host sshd[12]: ...": what another program says is not the kernel's word.
static bool is_other_program(const char *p, const char *end)
{
	size_t room = (size_t)(end - p);
	const char *colon = oops_find_bytes(p + 16, (room < 120 ? room : 120) - 16, ": ", 2);

	return colon && (colon[-1] == ']' || memchr(p + 16, ' ', (size_t)(colon - p - 16)));
}

void oops_line_strip(const char *raw, size_t len, struct oops_line *ret)
{
	const char *p = raw, *end = raw + len, *q;
	bool timed = false, dated = false, kernel = true;

	*ret = (struct oops_line){.time = -1};
	while (end > p && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t'))
		end--;
	// Each prefix takes at least a byte, and a line has few: eight rounds are plenty.
	for (int round = 0; round < 8 && p < end; round++) {
		if ((q = parse_level(p, end))) {
			p = q;
		} else if ((q = parse_time(p, end, &ret->time))) {
			p = q < end && *q == ' ' ? q + 1 : q;
			timed = true;
			if ((q = parse_caller(q, end, ret->caller)))
				p = q < end && *q == ' ' ? q + 1 : q;
			else if ((q = parse_caller(p, end, ret->caller)))
				p = q < end && *q == ' ' ? q + 1 : q;
			if ((q = parse_syslog(p, end, false)))
				p = q;
		} else if (*p == '[' && (q = parse_calendar(p, end))) {
			p = q < end && *q == ' ' ? q + 1 : q;
			timed = true;
		} else if (!round && (q = parse_facility(p, end, &kernel))) {
			p = kernel ? q : end;
		} else if ((q = parse_dropped(p, end))) {
			ret->dropped = true;
			p = q;
		} else if (is_dated(p, end)) {
			dated = true;
			if (!(q = parse_syslog(p, end, true)))
				break;
			dated = false;
			p = q;
		} else if (is_digit(*p) && (q = parse_kmsg(p, end, ret))) {
			p = q;
			timed = true;
		} else {
			break;
		}
	}
	if (!timed && p < end && (q = find_time(p, end, &ret->time))) {
		p = q < end && *q == ' ' ? q + 1 : q;
		if ((q = parse_caller(q, end, ret->caller)))
			p = q < end && *q == ' ' ? q + 1 : q;
	} else if (!timed && dated && is_other_program(p, end)) {
		p = end;
	}
	ret->text = p;
	ret->len = (size_t)(end - p);
}

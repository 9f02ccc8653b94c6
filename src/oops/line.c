/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/line.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
	IS_DIGIT = 0x10,
	IS_HEX = 0x20,
	IS_UPPER = 0x40,
	// Of a symbol's name, as compilers and kallsyms write them.
	IS_NAME = 0x80,
};

// What a byte may be, and in the low half its value as a hexadecimal digit.
static const uint8_t classes[256] = {
	['0'] = IS_NAME | IS_HEX | IS_DIGIT | 0,
	['1'] = IS_NAME | IS_HEX | IS_DIGIT | 1,
	['2'] = IS_NAME | IS_HEX | IS_DIGIT | 2,
	['3'] = IS_NAME | IS_HEX | IS_DIGIT | 3,
	['4'] = IS_NAME | IS_HEX | IS_DIGIT | 4,
	['5'] = IS_NAME | IS_HEX | IS_DIGIT | 5,
	['6'] = IS_NAME | IS_HEX | IS_DIGIT | 6,
	['7'] = IS_NAME | IS_HEX | IS_DIGIT | 7,
	['8'] = IS_NAME | IS_HEX | IS_DIGIT | 8,
	['9'] = IS_NAME | IS_HEX | IS_DIGIT | 9,
	['A'] = IS_NAME | IS_UPPER | IS_HEX | 10,
	['B'] = IS_NAME | IS_UPPER | IS_HEX | 11,
	['C'] = IS_NAME | IS_UPPER | IS_HEX | 12,
	['D'] = IS_NAME | IS_UPPER | IS_HEX | 13,
	['E'] = IS_NAME | IS_UPPER | IS_HEX | 14,
	['F'] = IS_NAME | IS_UPPER | IS_HEX | 15,
	['G' ... 'Z'] = IS_NAME | IS_UPPER,
	['a'] = IS_NAME | IS_HEX | 10,
	['b'] = IS_NAME | IS_HEX | 11,
	['c'] = IS_NAME | IS_HEX | 12,
	['d'] = IS_NAME | IS_HEX | 13,
	['e'] = IS_NAME | IS_HEX | 14,
	['f'] = IS_NAME | IS_HEX | 15,
	['g' ... 'z'] = IS_NAME,
	['_'] = IS_NAME,
	['.'] = IS_NAME,
	['$'] = IS_NAME,
	[':'] = IS_NAME,
	['<'] = IS_NAME,
	['>'] = IS_NAME,
	['@'] = IS_NAME,
	['-'] = IS_NAME,
};

static bool is_digit(char c)
{
	return classes[(unsigned char)c] & IS_DIGIT;
}

static bool is_hex(char c)
{
	return classes[(unsigned char)c] & IS_HEX;
}

static bool is_upper(char c)
{
	return classes[(unsigned char)c] & IS_UPPER;
}

const char *oops_find_bytes(const char *s, size_t len, const char *needle, size_t n)
{
	if (!n || len < n)
		return n ? NULL : s;
	const char *p = s, *last = s + (len - n);
#if defined(__SSE2__)
	// Sixteen places at a time: where the first byte and the last one are right.
	const __m128i first = _mm_set1_epi8(needle[0]), end = _mm_set1_epi8(needle[n - 1]);

	for (; last - p >= 15; p += 16) {
		__m128i a = _mm_loadu_si128((const __m128i *)p);
		__m128i b = _mm_loadu_si128((const __m128i *)(p + n - 1));
		unsigned int hits = (unsigned int)_mm_movemask_epi8(
			_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, end)));

		for (; hits; hits &= hits - 1) {
			const char *at = p + __builtin_ctz(hits);
			if (!memcmp(at, needle, n))
				return at;
		}
	}
#endif
	for (; p <= last && (p = memchr(p, needle[0], (size_t)(last - p) + 1)); p++) {
		if (!memcmp(p, needle, n))
			return p;
	}
	return NULL;
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

static const char *parse_hex(const char *p, const char *end, uint64_t *ret)
{
	uint64_t v = 0;
	const char *start = p;

	for (; p < end && p - start < 16 && is_hex(*p); p++)
		v = v << 4 | (classes[(unsigned char)*p] & 15);
	*ret = v;
	return p > start ? p : NULL;
}

static bool is_name(char c)
{
	return classes[(unsigned char)c] & IS_NAME;
}

bool oops_symbol_parse(const char **pos, const char *end, struct oops_symbol *ret)
{
	const char *p = *pos;

	*ret = (struct oops_symbol){0};
	// ":module:name+0x..": kernels before 2.6.29.
	if (p < end && *p == ':') {
		const char *m = p + 1, *c = memchr(m, ':', (size_t)(end - m < 64 ? end - m : 64));
		if (!c)
			return false;
		ret->module = m;
		ret->module_len = (size_t)(c - m);
		p = c + 1;
	}
	const char *name = p;
	while (p < end && p - name < 256 && is_name(*p))
		p++;
	if (p == name || is_digit(*name) || *name == '-')
		return false;
	// ppc64's old function descriptors: ".name".
	ret->name = *name == '.' ? name + 1 : name;
	ret->name_len = (size_t)(p - ret->name);
	if (!ret->name_len || end - p < 3 || p[0] != '+' || p[1] != '0' || p[2] != 'x')
		return false;
	if (!(p = parse_hex(p + 3, end, &ret->offset)) || end - p < 3 || p[0] != '/' ||
	    p[1] != '0' || p[2] != 'x' || !(p = parse_hex(p + 3, end, &ret->size)))
		return false;
	ret->have_offset = true;
	// " [module]", with the module's build id in some distributions' kernels " [module
	// 1a2b..]".
	if (end - p > 3 && p[0] == ' ' && p[1] == '[' && (p[2] < '0' || p[2] > '9' || 1)) {
		const char *m = p + 2, *c = m;
		while (c < end && c - m < 64 && (is_name(*c)) && *c != '<' && *c != ':')
			c++;
		const char *close = memchr(c, ']', (size_t)(end - c < 64 ? end - c : 64));
		size_t n = (size_t)(c - m);
		if (close && n && (*c == ']' || *c == ' ') &&
		    !(n == 6 && !memcmp(m, "inline", 6))) {
			ret->module = m;
			ret->module_len = n;
			p = close + 1;
		}
	}
	*pos = p;
	return true;
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

// "[<ffffffff81234567>]", "[c0000000001234]", "([<0000>]": addresses before a frame's name.
static const char *skip_address(const char *p, const char *end)
{
	uint64_t ignored;
	const char *q = p;

	if (q < end && *q == '(')
		q++;
	if (q == end || *q != '[')
		return NULL;
	q++;
	bool angle = q < end && *q == '<';
	if (angle)
		q++;
	const char *digits = q;
	if (oops_has_prefix(q, (size_t)(end - q), "(ptrval)") ||
	    oops_has_prefix(q, (size_t)(end - q), "          (null)")) {
		q = memchr(q, ')', (size_t)(end - q));
		q++;
	} else if (!(q = parse_hex(q, end, &ignored)) || q - digits < 4) {
		return NULL;
	}
	if (angle) {
		if (q == end || *q != '>')
			return NULL;
		q++;
	}
	return q < end && *q == ']' ? q + 1 : NULL;
}

static const char *parse_plain_name(const char *p, const char *end, struct oops_symbol *ret)
{
	const char *q = p;

	while (q < end && q - p < 256 && is_name(*q))
		q++;
	if (q == p || is_digit(*p))
		return NULL;
	*ret = (struct oops_symbol){.name = p, .name_len = (size_t)(q - p)};
	return q;
}

// ARM: "[<c0014318>] (callee) from [<c001457c>] (caller+0x18/0x1c)", new: "callee from
// caller+0x..".
static bool parse_arm(const char *p, const char *end, struct oops_frame_line *ret)
{
	bool parens = p < end && *p == '(';
	const char *q;

	if (parens)
		p++;
	const char *start = p;
	if (!oops_symbol_parse(&p, end, &ret->callee)) {
		p = start;
		if (!(p = parse_plain_name(p, end, &ret->callee)))
			return false;
	}
	if (parens) {
		if (p == end || *p != ')')
			return false;
		p++;
	}
	if (!oops_has_prefix(p, (size_t)(end - p), " from "))
		return false;
	p += 6;
	if ((q = skip_address(p, end)))
		p = skip_blank(q, end);
	if (p < end && *p == '(')
		p++;
	if (!oops_symbol_parse(&p, end, &ret->symbol))
		return false;
	ret->have_callee = true;
	ret->reliable = true;
	return true;
}

bool oops_frame_parse(const char *s, size_t len, struct oops_frame_line *ret)
{
	const char *end = s + len, *p = skip_blank(s, end), *q;

	// No frame without "name+0x1/0x2".
	if (!memchr(p, '+', (size_t)(end - p)))
		return false;
	*ret = (struct oops_frame_line){.reliable = true};
	// " <IRQ>  [<ffffffff81234567>] f+0x1/0x2", " <<EOE>>  [<...>] ...": kernels before 4.9.
	while (p < end && *p == '<' && (q = memchr(p, '>', (size_t)(end - p < 12 ? end - p : 12))))
		p = skip_blank(q + 1, end);
	while (p < end && *p == '>')
		p = skip_blank(p + 1, end);
	while ((q = skip_address(p, end)))
		p = skip_blank(q, end);
	if (end - p > 2 && p[0] == '?' && p[1] == ' ') {
		ret->reliable = false;
		p += 2;
	}
	if (p == end)
		return false;
	const char *start = p;
	if (!oops_symbol_parse(&p, end, &ret->symbol))
		return parse_arm(start, end, ret);
	// What may follow: nothing, a closing parenthesis, "(unreliable)", "(P)" marks, the place
	// that a symbolizer added, "from" (ARM). Prose that only begins like a symbol is no frame.
	if (p < end && *p == ')')
		p++;
	if (p == end)
		return true;
	if (oops_has_prefix(p, (size_t)(end - p), " from "))
		return parse_arm(start, end, ret);
	if (*p != ' ')
		return false;
	p = skip_blank(p, end);
	if (oops_has_prefix(p, (size_t)(end - p), "(unreliable)"))
		ret->reliable = false;
	if (*p == '(' || *p == '[')
		return true;
	// "fs/read_write.c:123"
	return memchr(p, '/', (size_t)(end - p)) || memchr(p, ':', (size_t)(end - p));
}

static enum oops_pc pc_symbol(const char *p, const char *end, struct oops_symbol *ret)
{
	const char *q;

	p = skip_blank(p, end);
	while ((q = skip_address(p, end)))
		p = skip_blank(q, end);
	if (oops_symbol_parse(&p, end, ret))
		return OOPS_PC_SYMBOL;
	return OOPS_PC_ADDRESS;
}

enum oops_pc oops_pc_parse(const char *s, size_t len, struct oops_symbol *ret)
{
	const char *end = s + len, *p = skip_blank(s, end);
	size_t n = (size_t)(end - p);

	if (n < 6)
		return OOPS_PC_NONE;
	switch (*p) {
	case 'R':
	case 'E':
		if (memcmp(p + 1, "IP:", 3) && memcmp(p + 1, "IP ", 3))
			return OOPS_PC_NONE;
		// "RIP: 0010:f", "RIP: 0033:0x47b7a0", "RIP: e030:f", "EIP: 0060:[<c0>]", "EIP: f".
		p = skip_blank(p + 4, end);
		if (end - p > 5 && p[4] == ':' && is_hex(p[0]) && is_hex(p[3])) {
			// The two low bits of the code segment are the privilege level.
			if (p[3] == '3' || p[3] == 'b' || p[3] == '7')
				return OOPS_PC_USER;
			p += 5;
		}
		return pc_symbol(p, end, ret);
	case 'I':
		// "IP: [<ffff>] f+0x", kernels before 4.12.
		return memcmp(p, "IP: ", 4) ? OOPS_PC_NONE : pc_symbol(p + 4, end, ret);
	case 'p':
	case 'P':
		if (!memcmp(p, "pc : ", 5))
			return pc_symbol(p + 5, end, ret);
		if (oops_has_prefix(p, n, "PC is at "))
			return pc_symbol(p + 9, end, ret);
		return OOPS_PC_NONE;
	case 'e':
		// riscv: "epc : f+0x1/0x2" and then " ra : g+0x..".
		return memcmp(p, "epc : ", 6) ? OOPS_PC_NONE : pc_symbol(p + 6, end, ret);
	case 'N':
		// ppc64: "NIP [c0000] f+0x.."; the line "NIP:  c0000 LR: .." holds addresses only.
		return memcmp(p, "NIP [", 5) ? OOPS_PC_NONE : pc_symbol(p + 4, end, ret);
	case 'K': {
		// s390x: "Krnl PSW : 0704e00180000000 0000000000123456 (f+0x1/0x2)".
		if (!oops_has_prefix(p, n, "Krnl PSW"))
			return OOPS_PC_NONE;
		const char *q = memchr(p, '(', n);
		return q ? pc_symbol(q + 1, end, ret) : OOPS_PC_ADDRESS;
	}
	default:
		return OOPS_PC_NONE;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines "LABEL: value" of crash's banner, sys, sys -t, sys -i and set. */
#include <ctype.h>
#include <stdlib.h>
#include <time.h>

#include "analysis/crash_text_internal.h"
#include "base/cleanup.h"

// A number of at most @p digits digits at *@p p, which moves behind it.
static bool take_number(const char **p, size_t digits, int64_t *ret)
{
	size_t n = strspn(*p, "0123456789");

	if (!n || n > digits || !span_decimal((struct span){*p, *p + n}, ret))
		return false;
	*p += n;
	return true;
}

static bool take_words(const char **p, const char *words)
{
	size_t n = strlen(words);

	if (strncmp(*p, words, n) != 0)
		return false;
	*p += n;
	return true;
}

// A number with a fraction, 0 to 1e9.
static bool take_fraction(const char **p, double *ret)
{
	char *end;

	if (!isdigit((unsigned char)**p))
		return false;
	*ret = strtod(*p, &end);
	*p = end;
	return *ret >= 0 && *ret < 1e9;
}

// "Mon Nov 23 16:03:13 UTC 2026"; crash before 7.2.9 gives no zone. It prints the time of the zone
// that it ran in, whose letters name several zones of the world: only UTC is certain.
static void take_date(struct crash_parser *p, struct span value)
{
	char text[64], zone[32] = "";
	struct tm tm = {0};
	int64_t year;

	span_copy(value, text, sizeof(text));
	const char *rest = strptime(text, "%a %b %d %H:%M:%S", &tm);
	if (!rest)
		return;
	rest += strspn(rest, " ");
	if (!isdigit((unsigned char)*rest)) {
		size_t n = strcspn(rest, " ");

		if (n >= sizeof(zone))
			return;
		memcpy(zone, rest, n);
		rest += n;
		rest += strspn(rest, " ");
	}
	if (!take_number(&rest, 4, &year) || year < 1970)
		return;
	p->have_date = true;
	if (strcmp(zone, "UTC") != 0 && strcmp(zone, "GMT") != 0) {
		memcpy(p->zone, zone, sizeof(p->zone));
		return;
	}
	p->zone[0] = '\0';
	tm.tm_year = (int)year - 1900;
	p->text->sys.crash_time = (int64_t)timegm(&tm);
}

// "00:00:35", "3 days, 01:25:30"
static void take_uptime(struct crash_parser *p, struct span value)
{
	char text[64];
	int64_t days = 0, hours, minutes, seconds;
	const char *at = text;

	span_copy(value, text, sizeof(text));
	if (strstr(text, " days, ") && (!take_number(&at, 6, &days) || !take_words(&at, " days, ")))
		return;
	if (take_number(&at, 2, &hours) && take_words(&at, ":") && take_number(&at, 2, &minutes) &&
	    take_words(&at, ":") && take_number(&at, 2, &seconds))
		p->text->sys.uptime_seconds = days * 86400 + hours * 3600 + minutes * 60 + seconds;
}

// "351.5 MB", "15.9 GB"
static void take_memory(struct crash_parser *p, struct span value)
{
	static const struct {
		const char *unit;
		double scale;
	} units[] = {
		{" KB", 1ULL << 10}, {" MB", 1ULL << 20}, {" GB", 1ULL << 30}, {" TB", 1ULL << 40}};
	char text[64];
	const char *at = text;
	double number;

	span_copy(value, text, sizeof(text));
	if (!take_fraction(&at, &number) || number > 1e6)
		return;
	for (size_t i = 0; i < EY_ARRAY_SIZE(units); i++) {
		if (!strcmp(at, units[i].unit))
			p->text->sys.memory_bytes = (int64_t)(number * units[i].scale);
	}
}

// "2", "4 [OFFLINE: 1]"
static void take_cpus(struct crash_parser *p, struct span value)
{
	char text[64];
	int64_t all, offline = 0;
	const char *at = text;

	span_copy(value, text, sizeof(text));
	if (!take_number(&at, 6, &all))
		return;
	if (take_words(&at, " [OFFLINE: ") && (!take_number(&at, 6, &offline) || offline > all))
		return;
	p->text->sys.cpus = all - offline;
}

static void take_load(struct crash_parser *p, struct span value)
{
	struct crash_sys *s = &p->text->sys;
	char text[64];
	const char *at = text;

	span_copy(value, text, sizeof(text));
	s->have_load = take_fraction(&at, &s->load[0]) && take_words(&at, ", ") &&
		       take_fraction(&at, &s->load[1]) && take_words(&at, ", ") &&
		       take_fraction(&at, &s->load[2]);
}

// "\"Oops: 0002 [#1] PREEMPT SMP NOPTI\" (check log for details)"
static void take_panic(struct crash_parser *p, struct span value)
{
	const char *last = memrchr(value.p, '"', span_len(value));

	if (!span_begins(value, "\"") || last == value.p)
		return;
	span_copy((struct span){value.p + 1, last}, p->text->sys.panic, CRASH_FIELD_SIZE);
}

// "3000  OE"; a mask of 0 has no letters.
static void take_taint(struct crash_parser *p, struct span value)
{
	struct crash_sys *s = &p->text->sys;
	struct span mask, letters;
	uint64_t number;

	if (!span_word(&value, &mask) || !span_hex(mask, &number))
		return;
	s->have_taint = true;
	s->taint[0] = '\0';
	if (number && span_word(&value, &letters))
		span_copy(letters, s->taint, sizeof(s->taint));
}

static void take_comm(struct span value, char *buf, size_t size)
{
	const char *last = memrchr(value.p, '"', span_len(value));

	if (span_begins(value, "\"") && last > value.p)
		span_copy((struct span){value.p + 1, last}, buf, size);
}

// The panic task of the banner, or the context of `set`: PID, COMMAND, TASK, CPU, STATE.
static bool take_context(struct crash_parser *p, struct span label, struct span value)
{
	struct crash_text *t = p->text;
	struct span rest = value, word;
	int64_t number;

	if (span_is(label, "PID")) {
		p->set_pid = -1;
		p->set_cpu = -1;
		p->set_task = 0;
		p->set_comm[0] = '\0';
		if (span_decimal(value, &number))
			p->set_pid = number;
	} else if (span_is(label, "COMMAND")) {
		take_comm(value, p->set_comm, sizeof(p->set_comm));
	} else if (span_is(label, "TASK")) {
		if (!span_word(&rest, &word) || !span_hex(word, &p->set_task))
			p->set_task = 0;
	} else if (span_is(label, "CPU")) {
		p->set_cpu = span_decimal(value, &number) && number >= 0 && number < 65536
				     ? (int)number
				     : -1;
	} else if (span_is(label, "STATE")) {
		// crash's words for the task that took the machine down.
		if (!t->have_panic_task && p->set_pid >= 0 &&
		    (span_has(value, "(PANIC)") || span_has(value, "(SYSRQ)"))) {
			t->have_panic_task = true;
			t->panic_pid = p->set_pid;
			t->panic_address = p->set_task;
			t->panic_cpu = p->set_cpu;
			memcpy(t->panic_comm, p->set_comm, sizeof(t->panic_comm));
		}
	} else {
		return false;
	}
	return true;
}

static void take_tasks(struct crash_parser *p, struct span value)
{
	struct span word;

	if (span_word(&value, &word))
		span_decimal(word, &p->text->sys.tasks);
}

bool crash_sys_line(struct crash_parser *p, struct span line)
{
	struct crash_sys *s = &p->text->sys;
	const struct {
		const char *label;
		char *to;
		void (*take)(struct crash_parser *p, struct span value);
	} fields[] = {
		{"KERNEL", NULL, NULL},
		{"DEBUG KERNEL", NULL, NULL},
		{"DEBUGINFO", NULL, NULL},
		{"SYSTEM MAP", NULL, NULL},
		{"DUMPFILE", NULL, NULL},
		{"CPUS", NULL, take_cpus},
		{"DATE", NULL, take_date},
		{"UPTIME", NULL, take_uptime},
		{"LOAD AVERAGE", NULL, take_load},
		{"TASKS", NULL, take_tasks},
		{"NODENAME", s->hostname, NULL},
		{"RELEASE", s->release, NULL},
		{"VERSION", s->version, NULL},
		{"MACHINE", NULL, NULL},
		{"MEMORY", NULL, take_memory},
		{"PANIC", NULL, take_panic},
		{"TAINTED_MASK", NULL, take_taint},
		{"DMI_BIOS_VENDOR", s->bios_vendor, NULL},
		{"DMI_BIOS_VERSION", s->bios_version, NULL},
		{"DMI_BIOS_DATE", s->bios_date, NULL},
		{"DMI_SYS_VENDOR", s->vendor, NULL},
		{"DMI_PRODUCT_NAME", s->product, NULL},
		{"DMI_PRODUCT_VERSION", s->product_version, NULL},
		{"DMI_PRODUCT_SERIAL", s->product_serial, NULL},
		{"DMI_PRODUCT_UUID", s->product_uuid, NULL},
		{"DMI_BOARD_VENDOR", s->board_vendor, NULL},
		{"DMI_BOARD_NAME", s->board_name, NULL},
	};
	struct span rest = span_trim(line), word;
	const char *colon = memchr(rest.p, ':', EY_MIN(span_len(rest), (size_t)24));

	if (!colon || (colon + 1 < rest.end && colon[1] != ' '))
		return false;
	struct span label = {rest.p, colon}, value = span_trim((struct span){colon + 1, rest.end});
	if (take_context(p, label, value))
		return true;
	for (size_t i = 0; i < EY_ARRAY_SIZE(fields); i++) {
		if (!span_is(label, fields[i].label))
			continue;
		if (fields[i].take)
			fields[i].take(p, value);
		else if (fields[i].to && !fields[i].to[0])
			span_copy(value, fields[i].to, CRASH_FIELD_SIZE);
		else if (span_is(label, "MACHINE") && span_word(&value, &word))
			span_copy(word, s->machine, CRASH_FIELD_SIZE);
		else if (span_is(label, "DUMPFILE"))
			s->incomplete =
				span_has(value, "[INCOMPLETE") || span_has(value, "TRUNCATED]");
		return true;
	}
	// The other lines of sys -i.
	return span_begins(label, "DMI_");
}

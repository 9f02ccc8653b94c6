/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel says at boot of itself, the machine and the time. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/dmesg.h"
#include "base/cleanup.h"
#include "oops/line.h"

enum { MAX_LINE = 1024 };

struct work {
	struct system_info *s;
	/** printk time of the last line, and of the line that told the clock. */
	double time, clock_time;
	/** Seconds since 1970 at clock_time; 0: not told. */
	int64_t clock;
	bool clock_is_rtc;
};

static void copy(char *to, const char *from, size_t len)
{
	len = EY_MIN(len, (size_t)SYSTEM_TEXT_SIZE - 1);
	memcpy(to, from, len);
	to[len] = '\0';
}

static const char *after(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) ? NULL : s + len;
}

// The number at *@p p, which moves behind it and @p unit (which must follow it); -1: none.
static int64_t number(const char **p, int base, const char *unit)
{
	char *end;

	if (!isxdigit((unsigned char)**p))
		return -1;
	errno = 0;
	unsigned long long value = strtoull(*p, &end, base);
	if (errno || end == *p || value > INT64_MAX || !after(end, unit))
		return -1;
	*p = end + strlen(unit);
	return (int64_t)value;
}

// "Linux version RELEASE (who@where) (compiler ...) VERSION" (init/version.c, linux_banner).
static bool read_banner(struct work *w, const char *line)
{
	const char *p = after(line, "Linux version ");

	if (!p)
		return false;
	// Another boot: what the one before said is not of it.
	*w->s = (struct system_info){.cpus = -1,
				     .memory_bytes = -1,
				     .crash_time = -1,
				     .uptime_seconds = -1,
				     .cpu_mhz = -1,
				     .microcode = -1};
	w->time = w->clock_time = w->clock = 0;
	w->clock_is_rtc = false;
	copy(w->s->release, p, strcspn(p, " "));
	p = strstr(p, ") #");
	if (p)
		copy(w->s->version, p + 2, strlen(p + 2));
	return true;
}

// The line does not say where the vendor's name ends: these are known.
static const char *const vendors[] = {
	"ASUSTeK COMPUTER INC.",
	"Amazon EC2",
	"Cisco Systems Inc",
	"Dell Inc.",
	"FUJITSU",
	"Gigabyte Technology Co., Ltd.",
	"Google",
	"HP",
	"HPE",
	"Hewlett-Packard",
	"Huawei",
	"Intel Corporation",
	"LENOVO",
	"Lenovo",
	"Microsoft Corporation",
	"OpenStack Foundation",
	"QEMU",
	"Red Hat",
	"Supermicro",
	"VMware, Inc.",
};

// "DMI: VENDOR PRODUCT[/BOARD], BIOS VERSION DATE" (drivers/firmware/dmi_scan.c, dmi_format_ids()).
static bool read_dmi(struct work *w, const char *line)
{
	const char *p = after(line, "DMI: ");
	const char *bios = p ? strstr(p, ", BIOS ") : NULL;
	const char *vendor = NULL;

	if (!bios)
		return false;
	for (size_t i = 0; i < EY_ARRAY_SIZE(vendors); i++) {
		const char *rest = after(p, vendors[i]);

		if (rest && *rest == ' ')
			vendor = vendors[i];
	}
	const char *product = vendor ? p + strlen(vendor) + 1 : p;
	const char *end = bios;
	for (const char *q = product; q < bios; q++) {
		if (*q == '/')
			end = q;
	}
	if (vendor) {
		copy(w->s->vendor, vendor, strlen(vendor));
		copy(w->s->product, product, (size_t)(end - product));
		if (end < bios)
			copy(w->s->board_name, end + 1, (size_t)(bios - end - 1));
	}
	p = bios + strlen(", BIOS ");
	const char *date = strrchr(p, ' ');
	copy(w->s->bios_version, p, date ? (size_t)(date - p) : strlen(p));
	if (date)
		copy(w->s->bios_date, date + 1, strlen(date + 1));
	return true;
}

static bool read_clock(struct work *w, const char *line)
{
	static const char set[] = " UTC (", first[] = "audit: type=2000 audit(";
	const char *p = strstr(line, "setting system clock to ");
	bool is_rtc = true;

	// drivers/rtc/class.c: "... to 2026-11-23T16:05:16 UTC (1795449916)".
	p = p ? strstr(p, set) : NULL;
	if (p) {
		p += sizeof(set) - 1;
	} else if (!w->clock_is_rtc) {
		// kernel/audit.c: its first record, with the time that the kernel had from the
		// CMOS clock.
		p = after(line, first);
		is_rtc = false;
	}
	int64_t seconds = p ? number(&p, 10, is_rtc ? ")" : ".") : -1;
	// Not beyond the year 9999, so that adding to it is safe.
	if (seconds <= 0 || seconds > 253402300799)
		return false;
	w->clock = seconds;
	w->clock_time = w->time;
	w->clock_is_rtc = is_rtc;
	return true;
}

static bool read_cpus(struct work *w, const char *line)
{
	int64_t n;
	const char *p;

	if ((p = after(line, "smp: Brought up "))) {
		p = strstr(p, ", ");
		n = p ? (p += 2, number(&p, 10, " CPU")) : -1;
		if (n > 0 && n <= KERNEL_MAX_CPUS)
			w->s->cpus = n;
	} else if ((p = after(line, "Memory: "))) {
		n = number(&p, 10, "K/") < 0 ? -1 : number(&p, 10, "K available");
		if (n > 0 && n < 1LL << 50)
			w->s->memory_bytes = n << 10;
	} else if ((p = after(line, "tsc: Detected "))) {
		n = number(&p, 10, ".");
		if (n > 0 && n < 1000000)
			w->s->cpu_mhz = n;
	} else if ((p = after(line, "smpboot: CPU0: "))) {
		const char *end = strstr(p, " (family");

		copy(w->s->cpu_model, p, end ? (size_t)(end - p) : strlen(p));
	} else {
		return false;
	}
	return true;
}

static bool read_microcode(struct work *w, const char *line)
{
	static const char *const marks[] = {"revision=", "revision: "};

	if (!after(line, "microcode: "))
		return false;
	for (size_t i = 0; i < EY_ARRAY_SIZE(marks); i++) {
		const char *p = strstr(line, marks[i]);
		int64_t revision = p ? (p += strlen(marks[i]), number(&p, 16, "")) : -1;

		if (revision >= 0 && revision <= UINT32_MAX)
			w->s->microcode = revision;
	}
	return true;
}

// "systemd[1]: Hostname set to <web-01>." (before 249 "Set hostname to").
static bool read_hostname(struct work *w, const char *line)
{
	const char *p = after(line, "systemd[1]: Hostname set to <");

	if (!p)
		p = after(line, "systemd[1]: Set hostname to <");
	size_t len = p ? strcspn(p, ">") : 0;
	if (!len || p[len] != '>')
		return false;
	copy(w->s->hostname, p, len);
	return true;
}

// "Tainted: G           OE" within the line of an oops: letters of flags, blanks for those not set.
static void read_taint(struct work *w, const char *line)
{
	const char *p = strstr(line, " Tainted: ");
	size_t n = 0;

	if (!p) {
		if (strstr(line, " Not tainted ") && strstr(line, "CPU: ")) {
			w->s->have_taint = true;
			w->s->taint[0] = '\0';
		}
		return;
	}
	for (p += strlen(" Tainted: "); *p == ' ' || isupper((unsigned char)*p); p++) {
		// G says that there is no P.
		if (*p != ' ' && *p != 'G' && n + 1 < sizeof(w->s->taint))
			w->s->taint[n++] = *p;
	}
	w->s->taint[n] = '\0';
	w->s->have_taint = true;
}

static void read_line(struct work *w, const char *line)
{
	if (read_banner(w, line) || read_dmi(w, line) || read_clock(w, line) ||
	    read_cpus(w, line) || read_microcode(w, line) || read_hostname(w, line))
		return;
	read_taint(w, line);
}

void dmesg_read_system(const char *log, size_t len, uint64_t last_line, struct system_info *s)
{
	struct work w = {.s = s};
	char text[MAX_LINE];
	uint64_t number = 0;

	*s = (struct system_info){.cpus = -1,
				  .memory_bytes = -1,
				  .crash_time = -1,
				  .uptime_seconds = -1,
				  .cpu_mhz = -1,
				  .microcode = -1};
	for (size_t at = 0; at < len && (!last_line || number < last_line);) {
		const char *end = memchr(log + at, '\n', len - at);
		size_t n = end ? (size_t)(end - log) - at : len - at;
		struct oops_line line;

		number++;
		oops_line_strip(log + at, n, &line);
		at += n + 1;
		if (line.time >= 0 && line.time < 1e10)
			w.time = line.time;
		size_t keep = EY_MIN(line.len, sizeof(text) - 1);
		memcpy(text, line.text, keep);
		text[keep] = '\0';
		read_line(&w, text);
	}
	if (w.time > 0)
		s->uptime_seconds = (int64_t)w.time;
	if (w.clock)
		s->crash_time = w.clock + (int64_t)(w.time - w.clock_time);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "report/data.h"

static const char *const format_names[] = {
#define X(id, name) [REPORT_##id] = name,
	REPORT_FORMATS(X)
#undef X
};

const char *report_format_name(enum report_format format)
{
	return format_names[format];
}

bool report_format_parse(const char *name, enum report_format *ret)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(format_names); i++) {
		if (!strcmp(name, format_names[i])) {
			*ret = (enum report_format)i;
			return true;
		}
	}
	return false;
}

bool report_month_parse(const char *text, struct report_month *ret)
{
	int digits[6];

	if (strlen(text) != 7 || text[4] != '-')
		return false;
	for (int i = 0, j = 0; i < 7; i++) {
		if (i == 4)
			continue;
		if (text[i] < '0' || text[i] > '9')
			return false;
		digits[j++] = text[i] - '0';
	}
	int year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
	int month = digits[4] * 10 + digits[5];
	if (year < 1970 || month < 1 || month > 12)
		return false;
	*ret = (struct report_month){year, month};
	return true;
}

const char *report_month_format(struct report_month month, char *buf)
{
	snprintf(buf, REPORT_MONTH_TEXT_SIZE, "%04d-%02d", month.year % 10000, month.month % 100);
	return buf;
}

struct report_month report_month_of(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year < 70 || tm.tm_year > 9999 - 1900)
		return (struct report_month){1970, 1};
	return (struct report_month){tm.tm_year + 1900, tm.tm_mon + 1};
}

struct report_month report_month_add(struct report_month month, int months)
{
	int n = month.year * 12 + month.month - 1 + months;

	return (struct report_month){n / 12, n % 12 + 1};
}

int64_t report_month_begin(struct report_month month)
{
	struct tm tm = {.tm_year = month.year - 1900, .tm_mon = month.month - 1, .tm_mday = 1};

	return timegm(&tm);
}

const char *report_month_name(int month)
{
	static const char *const names[] = {"January",	 "February", "March",	 "April",
					    "May",	 "June",     "July",	 "August",
					    "September", "October",  "November", "December"};

	return names[(month + 11) % 12];
}

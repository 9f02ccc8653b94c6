/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *ey_time_format(int64_t t, char *buf)
{
	struct tm tm;
	time_t time = (time_t)t;

	// Years of more than four digits come only from broken input.
	if (!gmtime_r(&time, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
		snprintf(buf, EY_TIME_TEXT_SIZE, "invalid");
	else
		strftime(buf, EY_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

bool ey_time_parse(const char *s, int64_t *ret)
{
	struct tm tm = {0};
	const char *rest = strptime(s, "%Y-%m-%d", &tm);

	if (!rest)
		return false;
	if (*rest == 'T' || *rest == ' ') {
		rest = strptime(rest + 1, "%H:%M:%S", &tm);
		if (!rest)
			return false;
		if (*rest == '.') {
			do {
				rest++;
			} while (isdigit((unsigned char)*rest));
		}
		if (strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0 && *rest)
			return false;
	} else if (*rest) {
		return false;
	}
	*ret = timegm(&tm);
	return true;
}

int64_t ey_time_now(void)
{
	const char *fixed = getenv("EYRIE_NOW");

	if (fixed)
		return strtoll(fixed, NULL, 10);
	return time(NULL);
}

bool ey_duration_parse(const char *s, int64_t *seconds_ret)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {{"", 1},	  {"s", 1},	{"min", 60},  {"m", 60},
		     {"h", 3600}, {"d", 86400}, {"w", 604800}};
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	long long n = strtoll(s, &end, 10);
	if (errno)
		return false;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < EY_ARRAY_SIZE(units); i++) {
		if (!strcmp(end, units[i].name))
			return !__builtin_mul_overflow((int64_t)n, units[i].seconds, seconds_ret) &&
			       *seconds_ret <= EY_DURATION_MAX;
	}
	return false;
}

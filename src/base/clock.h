/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Times as text. All times of Eyrie are UTC. */
#ifndef EYRIE_BASE_CLOCK_H
#define EYRIE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/** "2026-11-23T14:35:46Z" and its NUL. */
enum { EY_TIME_TEXT_SIZE = 32 };

/** Write @p t (seconds since 1970, UTC) as ISO 8601; @p buf has EY_TIME_TEXT_SIZE bytes. */
const char *ey_time_format(int64_t t, char *buf);
/** Read "2026-11-23T14:35:46Z" (a fraction is passed over; "2026-11-23" is midnight). */
bool ey_time_parse(const char *s, int64_t *ret);
/** Now, in seconds since 1970; EYRIE_NOW (seconds) replaces it in tests. */
int64_t ey_time_now(void);
/** A thousand years: so that times and durations may be added, and be said in milliseconds. */
#define EY_DURATION_MAX (INT64_C(365250) * 86400)
/** Read "90", "90s", "15min", "24h", "30d", "2w" as seconds, at most EY_DURATION_MAX. */
bool ey_duration_parse(const char *s, int64_t *seconds_ret);

#endif

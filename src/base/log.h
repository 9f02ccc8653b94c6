/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Messages for the person or the journal, on standard error. An error is logged once, where it
 * is handled. Under systemd (JOURNAL_STREAM set) each line begins with its sd-daemon(3) level.
 */
#ifndef EYRIE_BASE_LOG_H
#define EYRIE_BASE_LOG_H

#include "base/error.h"

/** Levels as in syslog(3). */
enum ey_log_level {
	EY_LOG_ERR = 3,
	EY_LOG_WARNING = 4,
	EY_LOG_NOTICE = 5,
	EY_LOG_INFO = 6,
	EY_LOG_DEBUG = 7,
};

/** Write "eyrie: text" where @p level is at most the level of EYRIE_LOG_LEVEL (default info). */
void ey_log(enum ey_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define ey_log_error(...)   ey_log(EY_LOG_ERR, __VA_ARGS__)
#define ey_log_warning(...) ey_log(EY_LOG_WARNING, __VA_ARGS__)
#define ey_log_info(...)    ey_log(EY_LOG_INFO, __VA_ARGS__)
#define ey_log_debug(...)   ey_log(EY_LOG_DEBUG, __VA_ARGS__)

/** Log @p err if there is one, destroy it, and return its exit code: the end of a command. */
int ey_error_report(struct ey_error *err);

#endif

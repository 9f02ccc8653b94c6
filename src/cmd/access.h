/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the commands of users, tokens and keys share. */
#ifndef EYRIE_CMD_ACCESS_H
#define EYRIE_CMD_ACCESS_H

#include "cmd/center.h"

/** Longest arguments of an action besides its name. */
enum { ACCESS_DAY = 86400 };

/** A row of the audit log: who runs this command did @p action to @p object. */
struct ey_error *access_note(struct db *db, const char *action, const char *object,
			     const char *detail) EY_MUST_CHECK;

/** A whole number of an option; EY_ERR_USAGE where it is none from @p min to @p max. */
struct ey_error *access_number(const char *option, const char *text, int64_t min, int64_t max,
			       int64_t *ret) EY_MUST_CHECK;
/** The id that an action works on. */
struct ey_error *access_id(const char *text, int64_t *ret) EY_MUST_CHECK;

/** "2026-11-23", or @p none for 0. */
void access_print_day(int64_t time, const char *none);

#endif

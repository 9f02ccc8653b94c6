/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Crashes by hour, for the console's overview. */
#ifndef EYRIE_DB_CONSOLE_HOURS_H
#define EYRIE_DB_CONSOLE_HOURS_H

#include "db/arena.h"
#include "db/db.h"

/** One hour (UTC). */
struct db_hour {
	/** Its first second. */
	int64_t hour;
	int64_t crashes;
	int64_t hosts;
	int64_t new_reasons;
};

struct db_hour_list {
	struct db_arena arena;
	struct db_hour *items;
	size_t count;
};

/**
 * A row for each hour that [@p since, @p until) touches, hours without a crash too. At most 1000
 * hours (else EY_ERR_USAGE).
 */
struct ey_error *db_console_hours(struct db *db, int64_t since, int64_t until,
				  struct db_hour_list *ret) EY_MUST_CHECK;
void db_hour_list_deinit(struct db_hour_list *list);
#define _cleanup_hours_ __attribute__((cleanup(db_hour_list_deinit)))

#endif

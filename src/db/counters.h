/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Numbers for those who watch the center: from counters, and by what came since. */
#ifndef EYRIE_DB_COUNTERS_H
#define EYRIE_DB_COUNTERS_H

#include "db/arena.h"
#include "db/db.h"

enum db_counter_kind {
	DB_COUNT_SITE,
	DB_COUNT_KIND,
	DB_COUNT_STATE,
	DB_COUNT_SCOPE,
	/** Sites that forward to here: what waits there, when they were last heard, what was not
	 * taken of them. */
	DB_COUNT_SITE_WAITING,
	DB_COUNT_SITE_SEEN,
	DB_COUNT_SITE_REFUSED,
};

/** At most so many of a kind, the largest first; the others are left out. */
enum { DB_COUNTERS_OF_KIND = 100 };

struct db_counter {
	enum db_counter_kind kind;
	const char *name;
	int64_t value;
};

/** Zero at first, then kept from reading to reading. */
struct db_counters {
	struct db_arena arena;
	struct db_counter *items;
	size_t count;
	int64_t hosts;
	int64_t dumps;
	int64_t dump_bytes;
	int64_t mails_waiting;
	/** Records that wait to be forwarded from here, were set aside; whether the line is down.
	 */
	int64_t forward_waiting;
	int64_t forward_refused;
	int64_t forward_down;
};

/** Read them anew; @p ret is unchanged where that fails. */
struct ey_error *db_counters_read(struct db *db, struct db_counters *ret) EY_MUST_CHECK;
void db_counters_deinit(struct db_counters *counters);

#endif

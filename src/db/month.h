/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Counts that only the report of a month asks for; the others are in db/stats.h. */
#ifndef EYRIE_DB_MONTH_H
#define EYRIE_DB_MONTH_H

#include "db/db.h"
#include "db/reason.h"

/** Uptimes before a crash are counted in these classes: each up to, but without, its bound. */
#define DB_UPTIME_CLASSES(X)          \
	X(600, "under 10 min")        \
	X(3600, "10 min to 1 h")      \
	X(86400, "1 h to 1 day")      \
	X(7 * 86400, "1 to 7 days")   \
	X(30 * 86400, "7 to 30 days") \
	X(INT64_MAX, "over 30 days")

enum { DB_MONTH_DAYS = 31, DB_UPTIME_CLASS_COUNT = 6, DB_REASON_STATE_COUNT = 8 };

struct db_month_counts {
	/** Reasons whose first crash ever lies in the time, and the crashes of these reasons. */
	int64_t new_reasons;
	int64_t new_reason_crashes;
	/** Crashes of these reasons by day, from the first. */
	int64_t new_by_day[DB_MONTH_DAYS];
	/** Crashes by how long the host had been up. */
	int64_t uptime_classes[DB_UPTIME_CLASS_COUNT];
	/** Reasons that crashed in the time, by their state now. */
	int64_t reasons_by_state[DB_REASON_STATE_COUNT];
};

/** Upper bound (seconds) and name of a class. */
int64_t db_uptime_class_bound(unsigned int index);
const char *db_uptime_class_name(unsigned int index);

/** Count since <= time of the crash < until, at most DB_MONTH_DAYS days (else EY_ERR_USAGE). */
struct ey_error *db_month_counts(struct db *db, int64_t since, int64_t until,
				 struct db_month_counts *ret) EY_MUST_CHECK;

/** Only the crashes and their distinct hosts: what db_stats_totals() says, for less reading. */
struct ey_error *db_month_crashes(struct db *db, int64_t since, int64_t until, int64_t *crashes_ret,
				  int64_t *hosts_ret) EY_MUST_CHECK;

/**
 * Until it is released, all reads of the connection see one state of the database: sums and their
 * parts agree. Nothing may be written meanwhile.
 */
struct db_snapshot {
	/** NULL once released. */
	struct db *db;
};
struct ey_error *db_snapshot_begin(struct db *db, struct db_snapshot *ret) EY_MUST_CHECK;
void db_snapshot_deinit(struct db_snapshot *snapshot);
#define _cleanup_snapshot_ __attribute__((cleanup(db_snapshot_deinit)))

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Counts: for the overview, for charts, for the monthly report. */
#ifndef EYRIE_DB_STATS_H
#define EYRIE_DB_STATS_H

#include "db/arena.h"
#include "db/db.h"

/** What to count: since <= time of the crash < until; zero and NULL are "any". */
struct db_stats_filter {
	int64_t since;
	int64_t until;
	int64_t host_id;
	int64_t model_id;
	int64_t reason_id;
	/** Crashes that an alert gathered. */
	int64_t alert_id;
	const char *site;
	const char *kernel;
};

struct db_totals {
	int64_t crashes;
	/** Distinct hosts and reasons of these crashes. */
	int64_t hosts;
	int64_t reasons;
	/** Crashes that made a reason known; the others are `crashes - new_reasons`. */
	int64_t new_reasons;
	/** Crashes whose machine said how long it had been up; sum, least and most, seconds. */
	int64_t uptime_known;
	int64_t uptime_sum;
	int64_t uptime_min;
	int64_t uptime_max;
	/** The middle uptime, seconds; 0 where none is known. */
	int64_t uptime_median;
};

struct ey_error *db_stats_totals(struct db *db, const struct db_stats_filter *filter,
				 struct db_totals *ret) EY_MUST_CHECK;

/** Of everything in the database, what counters and short lists tell at once. */
struct db_stats_now {
	int64_t crashes;
	int64_t reasons;
	int64_t models;
	/** Reasons in state "new". */
	int64_t reasons_unseen;
	int64_t alerts_firing;
	int64_t alerts_acknowledged;
	/** Time of the last crash and when the last row was taken in; 0 for none. */
	int64_t last_crash;
	int64_t last_received;
	/** Folders of the repository that could not be read (db/folder.h). */
	int64_t rejected;
	/** Mails that wait to be sent. */
	int64_t mails_waiting;
};

struct ey_error *db_stats_now(struct db *db, struct db_stats_now *ret) EY_MUST_CHECK;

/** What is counted row by row: with a million hosts that is felt. */
struct db_stats_sums {
	int64_t hosts;
	/** Dumps in the repository, their number and bytes. */
	int64_t dumps;
	int64_t dump_bytes;
	/** Of the 24 hours before @p now, the 24 before those, and the 7 days before @p now. */
	struct db_totals day;
	struct db_totals day_before;
	struct db_totals week;
};

struct ey_error *db_stats_sums(struct db *db, int64_t now, struct db_stats_sums *ret) EY_MUST_CHECK;

/** One day (UTC). */
struct db_day {
	/** Midnight at its begin. */
	int64_t day;
	int64_t crashes;
	int64_t hosts;
	int64_t new_reasons;
};

struct db_day_list {
	struct db_arena arena;
	struct db_day *items;
	size_t count;
};

/**
 * A row for each day from `since` to before `until`, days without a crash too. Both must be set,
 * at most 3660 days apart (else EY_ERR_USAGE).
 */
struct ey_error *db_stats_days(struct db *db, const struct db_stats_filter *filter,
			       struct db_day_list *ret) EY_MUST_CHECK;
void db_day_list_deinit(struct db_day_list *list);
#define _cleanup_days_ __attribute__((cleanup(db_day_list_deinit)))

/** By what db_stats_top() counts. */
#define DB_DIMENSIONS(X)        \
	X(REASON, "reason")     \
	X(HOST, "host")         \
	X(MODEL, "model")       \
	X(KERNEL, "kernel")     \
	X(SITE, "site")         \
	X(KIND, "kind")         \
	X(FIRMWARE, "firmware") \
	X(MODULE, "module")

enum db_dimension {
#define X(id, name) DB_BY_##id,
	DB_DIMENSIONS(X)
#undef X
};
const char *db_dimension_name(enum db_dimension dimension);
bool db_dimension_parse(const char *name, enum db_dimension *ret);

struct db_top {
	/** Of the reason, host or model; 0 for the others. */
	int64_t id;
	/** For people: title of the reason, host name, "vendor product", kernel, ...; "" is the
	 *  group of crashes where it is not known. */
	const char *label;
	/** More of it: group key of the reason, site of the host; else "". */
	const char *detail;
	int64_t crashes;
	int64_t hosts;
	int64_t reasons;
	/** Crashes of it that made a reason known. */
	int64_t new_reasons;
	int64_t first_seen;
	int64_t last_seen;
};

struct db_top_list {
	struct db_arena arena;
	struct db_top *items;
	size_t count;
	/** Groups that @p limit left out. */
	int64_t more;
};

/** Crashes by @p dimension, the most first, at most @p limit (0: 20) groups. */
struct ey_error *db_stats_top(struct db *db, enum db_dimension dimension,
			      const struct db_stats_filter *filter, unsigned int limit,
			      struct db_top_list *ret) EY_MUST_CHECK;
void db_top_list_deinit(struct db_top_list *list);
#define _cleanup_top_ __attribute__((cleanup(db_top_list_deinit)))

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the monitor looks at: who crashed since it looked last, and when. */
#ifndef EYRIE_DB_WATCH_H
#define EYRIE_DB_WATCH_H

#include "db/alert.h"
#include "db/arena.h"
#include "db/db.h"

/** The highest id of a crash; 0 where there is none. */
struct ey_error *db_watch_newest(struct db *db, int64_t *ret) EY_MUST_CHECK;

/** A host, model or reason, and the times of its first and last crash of those asked for. */
struct db_watch_subject {
	int64_t id;
	int64_t first;
	int64_t last;
};

struct db_watch_subject_list {
	struct db_arena arena;
	struct db_watch_subject *items;
	size_t count;
};

/* Crashes of hosts in maintenance and of decommissioned ones make no subject and no alert. */

/** Subjects of the crashes with @p after < id <= @p newest and time >= @p since, by id. */
struct ey_error *db_watch_subjects(struct db *db, enum db_alert_scope scope, int64_t after,
				   int64_t newest, int64_t since,
				   struct db_watch_subject_list *ret) EY_MUST_CHECK;
void db_watch_subject_list_deinit(struct db_watch_subject_list *list);
#define _cleanup_watch_subjects_ __attribute__((cleanup(db_watch_subject_list_deinit)))

struct db_watch_crash {
	int64_t id;
	int64_t time;
	int64_t host_id;
	int64_t reason_id;
};

struct db_watch_crash_list {
	struct db_arena arena;
	struct db_watch_crash *items;
	size_t count;
};

/**
 * The subject's crashes with @p from < time <= @p to, by time, but those that belong to an alert
 * of the subject that is over: they were told once.
 */
struct ey_error *db_watch_crashes(struct db *db, enum db_alert_scope scope, int64_t subject_id,
				  int64_t from, int64_t to,
				  struct db_watch_crash_list *ret) EY_MUST_CHECK;
void db_watch_crash_list_deinit(struct db_watch_crash_list *list);
#define _cleanup_watch_crashes_ __attribute__((cleanup(db_watch_crash_list_deinit)))

/** Reasons that a crash with @p after < id <= @p newest, time >= @p since made known, by id. */
struct ey_error *db_watch_new_reasons(struct db *db, int64_t after, int64_t newest, int64_t since,
				      struct db_watch_subject_list *ret) EY_MUST_CHECK;

#endif

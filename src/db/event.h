/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What happened, in order, for those who follow: a row is written in the transaction that makes it
 * so, whichever process that is.
 */
#ifndef EYRIE_DB_EVENT_H
#define EYRIE_DB_EVENT_H

#include "db/arena.h"
#include "db/db.h"

/** What happened, of which id, and its name in the same order. */
#define DB_EVENTS(X)                                \
	/* A crash came in. */                      \
	X(CRASH, "crash")                           \
	/* It made its reason known. */             \
	X(REASON, "reason")                         \
	X(ALERT_FIRED, "alert-fired")               \
	X(ALERT_ACKNOWLEDGED, "alert-acknowledged") \
	X(ALERT_RESOLVED, "alert-resolved")         \
	/* An issue was made or changed. */         \
	X(ISSUE, "issue")                           \
	/* A job of the scheduler ended; no id. */  \
	X(JOB, "job")

enum db_event_kind {
#define X(id, name) DB_EVENT_##id,
	DB_EVENTS(X)
#undef X
};
const char *db_event_name(enum db_event_kind kind);

enum {
	/** Seconds for which events are kept. */
	DB_EVENT_KEEP = 7 * 86400,
};

struct db_event {
	int64_t id;
	int64_t time;
	/** A name of DB_EVENTS; of a newer Eyrie, any. */
	const char *kind;
	int64_t subject_id;
	/** One line: a title, a summary, a name. Hostile where the kind is crash or reason. */
	const char *text;
};

struct db_event_list {
	struct db_arena arena;
	struct db_event *items;
	size_t count;
};

struct ey_error *db_event_add(struct db *db, enum db_event_kind kind, int64_t subject_id,
			      const char *text) EY_MUST_CHECK;
/**
 * Events after @p id, the oldest first, at most @p limit. Ids are given before commits: behind one
 * that is missing, others may be seen first (PostgreSQL with several writers).
 */
struct ey_error *db_event_list(struct db *db, int64_t id, unsigned int limit,
			       struct db_event_list *ret) EY_MUST_CHECK;
/** The largest id; 0 where there is none. */
struct ey_error *db_event_last(struct db *db, int64_t *ret) EY_MUST_CHECK;
/** Remove what is older than DB_EVENT_KEEP, but the last one: ids go on from it. */
struct ey_error *db_event_expire(struct db *db, int64_t now) EY_MUST_CHECK;
void db_event_list_deinit(struct db_event_list *list);
#define _cleanup_events_ __attribute__((cleanup(db_event_list_deinit)))

#endif

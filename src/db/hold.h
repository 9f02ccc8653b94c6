/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Holds: somebody wants dumps to stay, whatever retention and quotas say. Kept for good. */
#ifndef EYRIE_DB_HOLD_H
#define EYRIE_DB_HOLD_H

#include "db/arena.h"
#include "db/db.h"

/** Whose dumps are held; the names are those of the column. */
#define DB_HOLD_SCOPES(X)   \
	X(CRASH, "crash")   \
	X(REASON, "reason") \
	X(HOST, "host")     \
	X(ISSUE, "issue")

enum db_hold_scope {
#define X(id, name) DB_HOLD_##id,
	DB_HOLD_SCOPES(X)
#undef X
};
const char *db_hold_scope_name(enum db_hold_scope scope);
bool db_hold_scope_parse(const char *name, enum db_hold_scope *ret);

struct db_hold {
	int64_t id;
	enum db_hold_scope scope;
	int64_t subject_id;
	const char *who;
	const char *why;
	int64_t created;
	/** When it ends by itself; 0: never. */
	int64_t ends;
	/** When and by whom it was released; 0 and "" while it holds. */
	int64_t released;
	const char *released_by;
	const char *released_why;
};

struct db_hold_list {
	struct db_arena arena;
	struct db_hold *items;
	size_t count;
};

/**
 * EY_ERR_NOT_FOUND where there is no such crash, reason, host or issue; EY_ERR_INPUT: a reason that
 * was merged into another, which the message names.
 */
struct ey_error *db_hold_add(struct db *db, const struct db_hold *hold,
			     int64_t *id_ret) EY_MUST_CHECK;
/**
 * Release it, and its copies on reasons that crashes went to (db/hold_follow.h). EY_ERR_NOT_FOUND
 * where there is no such hold, EY_ERR_INPUT where it was released before.
 */
struct ey_error *db_hold_release(struct db *db, int64_t id, const char *who, const char *why,
				 int64_t now) EY_MUST_CHECK;
/** The latest first, at most @p limit; only those that hold at @p now, unless it is 0. */
struct ey_error *db_hold_list(struct db *db, int64_t now, unsigned int limit,
			      struct db_hold_list *ret) EY_MUST_CHECK;
/** Those that hold the dump of a crash at @p now. */
struct ey_error *db_hold_of_crash(struct db *db, int64_t crash_id, int64_t now,
				  struct db_hold_list *ret) EY_MUST_CHECK;
/** One, released or not; EY_ERR_NOT_FOUND. */
struct ey_error *db_hold_get(struct db *db, int64_t id, struct db_hold_list *ret) EY_MUST_CHECK;
void db_hold_list_deinit(struct db_hold_list *list);
#define _cleanup_holds_ __attribute__((cleanup(db_hold_list_deinit)))

#endif

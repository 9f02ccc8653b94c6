/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Take crashes to the reasons under which they belong after a change: in batches, each one
 * transaction that keeps every counter right. For this room, and for the job that does it.
 */
#ifndef EYRIE_DB_REASON_MOVE_H
#define EYRIE_DB_REASON_MOVE_H

#include "db/db.h"

/** Which crashes are looked at, and the names in the same order. */
#define DB_SWEEPS(X)        \
	X(REASON, "reason") \
	X(HOME, "home")     \
	X(SIGNATURE, "signature")

enum db_sweep {
#define X(id, name) DB_SWEEP_##id,
	DB_SWEEPS(X)
#undef X
};
const char *db_sweep_name(enum db_sweep sweep);
bool db_sweep_parse(const char *name, enum db_sweep *ret);

/** Crashes a transaction looks at; others can write between two. */
enum { DB_MOVE_BATCH = 500 };

/** Within the transaction of a change: have the crashes of @p subject_id looked at. */
struct ey_error *db_reason_sweep_add(struct db *db, int64_t change_id, enum db_sweep sweep,
				     int64_t subject_id) EY_MUST_CHECK;

struct db_crash_move;
/**
 * Within a transaction: count the @p count crashes of @p ids under @p reason_id (0: where the rules
 * lead them) and give them the home @p home_id (0: the one that they have). @p moved_ret: how many
 * are under another reason now.
 */
struct ey_error *db_reason_move_crashes(struct db *db, const int64_t *ids, size_t count,
					int64_t home_id, int64_t *moved_ret) EY_MUST_CHECK;

struct db_move_result {
	/** Crashes looked at, and of these taken to another reason. */
	int64_t seen;
	int64_t moved;
	/** Something is left to be looked at. */
	bool left;
};

/**
 * Look at crashes that wait for it, @p max of them (0: all), a batch a transaction. What was
 * committed stays done; safe to run from several programs at once, and to kill.
 */
struct ey_error *db_reason_move_run(struct db *db, int64_t max,
				    struct db_move_result *ret) EY_MUST_CHECK;

/** Whether crashes under the reason, or that are to come to it, wait to be moved. */
struct ey_error *db_reason_is_moving(struct db *db, int64_t reason_id, bool *ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the crash utility said of a crash's dump at the center. */
#ifndef EYRIE_DB_CRASH_RUN_H
#define EYRIE_DB_CRASH_RUN_H

#include "db/arena.h"
#include "db/db.h"

/** What came of a run, and the names in the same order. */
#define DB_CRASH_RUNS(X)                                  \
	X(DONE, "done")                                   \
	/* No vmlinux of the dump's build id is there. */ \
	X(NO_SYMBOLS, "no-symbols")                       \
	X(FAILED, "failed")

enum db_crash_run_state {
#define X(id, name) DB_CRASH_RUN_##id,
	DB_CRASH_RUNS(X)
#undef X
};
const char *db_crash_run_name(enum db_crash_run_state state);
bool db_crash_run_parse(const char *name, enum db_crash_run_state *ret);

struct db_crash_run {
	int64_t crash_id;
	enum db_crash_run_state state;
	/** Of the dump's kernel; "" where not known. */
	const char *build_id;
	/** Why it is not done, for people; "" where it is. */
	const char *message;
	/** JSON: a list of {"field", "native", "crash"}; "[]" for none. */
	const char *differences;
	/** How many these are. */
	int64_t differs;
	int64_t time;
	int64_t milliseconds;
};

struct db_crash_run_list {
	struct db_arena arena;
	struct db_crash_run *items;
	size_t count;
};

/** The run of a crash; an empty list where there was none. */
struct ey_error *db_crash_run_get(struct db *db, int64_t crash_id,
				  struct db_crash_run_list *ret) EY_MUST_CHECK;
/** All that wait for symbols. */
struct ey_error *db_crash_run_waiting(struct db *db, struct db_crash_run_list *ret) EY_MUST_CHECK;
void db_crash_run_list_deinit(struct db_crash_run_list *list);
#define _cleanup_crash_runs_ __attribute__((cleanup(db_crash_run_list_deinit)))

/** The newest crashes with a dump that had no run, at most @p limit; `crash_id` alone is set. */
struct ey_error *db_crash_run_todo(struct db *db, unsigned int limit,
				   struct db_crash_run_list *ret) EY_MUST_CHECK;
/** Note a run, in place of an earlier one, with the text of crash (NULL: none). */
struct ey_error *db_crash_run_set(struct db *db, const struct db_crash_run *run, const char *text,
				  size_t len) EY_MUST_CHECK;

#endif

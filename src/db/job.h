/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Runs of the jobs (populate, purge, monitor, ...): when, how long, what came of it. */
#ifndef EYRIE_DB_JOB_H
#define EYRIE_DB_JOB_H

#include "db/arena.h"
#include "db/db.h"

#define DB_JOB_STATES(X)      \
	X(RUNNING, "running") \
	X(DONE, "done")       \
	X(FAILED, "failed")   \
	X(KILLED, "killed")

enum db_job_state {
#define X(id, name) DB_JOB_##id,
	DB_JOB_STATES(X)
#undef X
};
const char *db_job_state_name(enum db_job_state state);
bool db_job_state_parse(const char *name, enum db_job_state *ret);

struct db_job {
	int64_t id;
	const char *name;
	enum db_job_state state;
	int64_t started;
	/** 0 while it runs. */
	int64_t finished;
	/** One line: what it did, or why it failed. */
	const char *summary;
};

struct db_job_list {
	struct db_arena arena;
	struct db_job *items;
	size_t count;
};

/**
 * Note that @p name begins. Runs of it that never ended (their process was killed) are marked
 * killed: a job runs once at a time, which its caller sees to.
 */
struct ey_error *db_job_start(struct db *db, const char *name, int64_t now,
			      int64_t *id_ret) EY_MUST_CHECK;
/** Note its end; @p outcome NULL: done, with @p summary; else failed, with the error's message. */
struct ey_error *db_job_finish(struct db *db, int64_t id, const struct ey_error *outcome,
			       const char *summary, int64_t now) EY_MUST_CHECK;
/** The last @p limit (0: 50) runs, the latest first; @p name may be NULL. */
struct ey_error *db_job_list(struct db *db, const char *name, unsigned int limit,
			     struct db_job_list *ret) EY_MUST_CHECK;
void db_job_list_deinit(struct db_job_list *list);
#define _cleanup_jobs_ __attribute__((cleanup(db_job_list_deinit)))

/**
 * Ask to be the one that runs @p name, of all that work on this database: @p ret says whether
 * @p db's connection is. It stays so until the connection ends, also by a kill; ask before each
 * run, since a connection that was lost and made anew has lost it. An SQLite file always says yes:
 * it is on one machine, and has one eyried.
 */
struct ey_error *db_job_lead(struct db *db, const char *name, bool *ret) EY_MUST_CHECK;

/** A small value that a job keeps from run to run; @p fallback where it was never set. */
struct ey_error *db_state_get(struct db *db, const char *key, int64_t fallback,
			      int64_t *ret) EY_MUST_CHECK;
struct ey_error *db_state_set(struct db *db, const char *key, int64_t value) EY_MUST_CHECK;

#endif

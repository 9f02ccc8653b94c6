/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The scheduler: one thread that runs the center's jobs when they are due, one at a time, so no
 * job ever overlaps itself or another.
 */
#ifndef EYRIE_SERVER_JOBS_H
#define EYRIE_SERVER_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct server_job {
	const char *name;
	/** Seconds between two starts; 0: never runs. */
	int64_t interval;
	/**
	 * Do the work. @p said takes one sentence about what was done. @p kick set to true makes
	 * the job after this one in the table due at once.
	 */
	struct ey_error *(*run)(void *arg, struct ey_buf *said, bool *kick);
	void *arg;
};

enum server_job_state {
	/** Has not run since the start. */
	SERVER_JOB_WAITING,
	SERVER_JOB_RUNNING,
	SERVER_JOB_OK,
	SERVER_JOB_FAILED,
	/** Its interval is 0. */
	SERVER_JOB_OFF,
};

const char *server_job_state_name(enum server_job_state state);

/** What is known of a job; a copy, see server_jobs_status(). */
struct server_job_status {
	const char *name;
	int64_t interval;
	enum server_job_state state;
	/** Seconds since 1970; 0: not yet. */
	int64_t last_start;
	int64_t last_ok;
	/** When the failures began; 0 while the last run went well. */
	int64_t failing_since;
	int64_t next;
	/** Of the last finished run. */
	int64_t milliseconds;
	uint64_t runs;
	uint64_t failures;
	/** What the last finished run said, or why it failed; owned by the copy. */
	char *message;
};

struct server_jobs;

/** Make the scheduler, which runs nothing yet; @p jobs (ended by a NULL name) must outlive it. */
struct ey_error *server_jobs_create(const struct server_job *jobs,
				    struct server_jobs **ret) EY_MUST_CHECK;
/** Call @p finished after each run, from the scheduler's thread. */
void server_jobs_on_finished(struct server_jobs *jobs,
			     void (*finished)(void *arg, const char *name), void *arg);
/** Start its thread. All jobs are due at once. */
struct ey_error *server_jobs_start(struct server_jobs *jobs) EY_MUST_CHECK;
/**
 * Stop, where it was started, and release: no job starts any more; waits up to @p seconds for one
 * that runs. False where that one still runs: then nothing was released, and the process should
 * exit.
 */
bool server_jobs_stop(struct server_jobs *jobs, int seconds);

/** A copy of all states in the table's order; release with server_jobs_status_free(). */
struct ey_error *server_jobs_status(struct server_jobs *jobs, struct server_job_status **ret,
				    size_t *count_ret) EY_MUST_CHECK;
void server_jobs_status_free(struct server_job_status *status, size_t count);

#endif

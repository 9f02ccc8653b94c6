/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"

struct server_jobs {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	const struct server_job *jobs;
	size_t count;
	struct server_job_status *status;
	// Monotonic milliseconds at which each is due: the wall clock may be set.
	int64_t *due;
	void (*finished)(void *arg, const char *name);
	void *finished_arg;
};

const char *server_job_state_name(enum server_job_state state)
{
	static const char *const names[] = {"waiting", "running", "ok", "failed", "off"};

	return names[state];
}

static int64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// Under the lock: the job that is due first, or NULL where none ever is.
static const struct server_job *next_due(const struct server_jobs *s, int64_t *due_ret)
{
	const struct server_job *next = NULL;

	for (size_t i = 0; i < s->count; i++) {
		if (s->jobs[i].interval && (!next || s->due[i] < *due_ret)) {
			next = &s->jobs[i];
			*due_ret = s->due[i];
		}
	}
	return next;
}

// A job that fails again and again for the same reason is logged once, not each time.
static void log_result(const struct server_job_status *st, const struct server_job *job,
		       const struct ey_error *err)
{
	if (err && (!st->message || st->state != SERVER_JOB_FAILED ||
		    strcmp(st->message, err->message) != 0))
		ey_log_error("job %s: %s", job->name, err->message);
	else if (!err && st->failing_since)
		ey_log_info("job %s: works again", job->name);
}

static void run_one(struct server_jobs *s, size_t i)
{
	_cleanup_buf_ struct ey_buf said = EY_BUF_INIT;
	const struct server_job *job = &s->jobs[i];
	struct server_job_status *st = &s->status[i];
	enum server_job_state before = st->state;
	int64_t start = monotonic_ms();
	bool kick = false;

	st->state = SERVER_JOB_RUNNING;
	st->last_start = time(NULL);
	pthread_mutex_unlock(&s->lock);
	struct ey_error *err = job->run(job->arg, &said, &kick);
	int64_t end = monotonic_ms();
	if (s->finished)
		s->finished(s->finished_arg, job->name);
	pthread_mutex_lock(&s->lock);

	st->state = before;
	log_result(st, job, err);
	st->state = err ? SERVER_JOB_FAILED : SERVER_JOB_OK;
	st->milliseconds = end - start;
	st->runs++;
	st->failures += err != NULL;
	free(st->message);
	st->message = strdup(err ? err->message : ey_buf_str(&said));
	if (!err) {
		st->last_ok = time(NULL);
		st->failing_since = 0;
	} else if (!st->failing_since) {
		st->failing_since = st->last_start;
	}
	s->due[i] = start + job->interval * 1000;
	if (s->due[i] < end)
		s->due[i] = end;
	st->next = time(NULL) + (s->due[i] - end) / 1000;
	if (kick && i + 1 < s->count)
		s->due[i + 1] = end;
	ey_error_destroy(err);
}

static void *run_jobs(void *arg)
{
	struct server_jobs *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		int64_t due = 0;
		const struct server_job *job = next_due(s, &due);

		if (job && due <= monotonic_ms()) {
			run_one(s, (size_t)(job - s->jobs));
			continue;
		}
		struct timespec until = {.tv_sec = due / 1000, .tv_nsec = due % 1000 * 1000000};
		if (job)
			pthread_cond_timedwait(&s->wake, &s->lock, &until);
		else
			pthread_cond_wait(&s->wake, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void release(struct server_jobs *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->status && i < s->count; i++)
		free(s->status[i].message);
	free(s->status);
	free(s->due);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct ey_error *server_jobs_create(const struct server_job *jobs, struct server_jobs **ret)
{
	struct server_jobs *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return &ey_error_nomem;
	while (jobs[s->count].name)
		s->count++;
	s->jobs = jobs;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	s->status = calloc(s->count + 1, sizeof(*s->status));
	s->due = calloc(s->count + 1, sizeof(*s->due));
	if (!s->status || !s->due) {
		release(s);
		return &ey_error_nomem;
	}
	for (size_t i = 0; i < s->count; i++) {
		s->status[i].name = jobs[i].name;
		s->status[i].interval = jobs[i].interval;
		s->status[i].state = jobs[i].interval ? SERVER_JOB_WAITING : SERVER_JOB_OFF;
	}
	*ret = s;
	return NULL;
}

void server_jobs_on_finished(struct server_jobs *s, void (*finished)(void *arg, const char *name),
			     void *arg)
{
	s->finished = finished;
	s->finished_arg = arg;
}

struct ey_error *server_jobs_start(struct server_jobs *s)
{
	int errnum = pthread_create(&s->thread, NULL, run_jobs, s);

	if (errnum)
		return ey_error_errno(EY_ERR_IO, errnum, "cannot start the scheduler's thread");
	s->started = true;
	return NULL;
}

bool server_jobs_stop(struct server_jobs *s, int seconds)
{
	struct timespec until;

	if (!s)
		return true;
	if (!s->started) {
		release(s);
		return true;
	}
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	if (pthread_timedjoin_np(s->thread, NULL, &until))
		return false;
	release(s);
	return true;
}

struct ey_error *server_jobs_status(struct server_jobs *s, struct server_job_status **ret,
				    size_t *count_ret)
{
	struct server_job_status *copy = calloc(s->count + 1, sizeof(*copy));
	bool failed = false;

	if (!copy)
		return &ey_error_nomem;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->count; i++) {
		copy[i] = s->status[i];
		if (copy[i].message) {
			copy[i].message = strdup(copy[i].message);
			failed |= !copy[i].message;
		}
	}
	pthread_mutex_unlock(&s->lock);
	if (failed) {
		server_jobs_status_free(copy, s->count);
		return &ey_error_nomem;
	}
	*ret = copy;
	*count_ret = s->count;
	return NULL;
}

void server_jobs_status_free(struct server_job_status *status, size_t count)
{
	for (size_t i = 0; status && i < count; i++)
		free(status[i].message);
	free(status);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/intake_queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/db.h"
#include "server/intake_answer.h"

/* Crashes in one transaction: after a hundred the disk's share of each is small. */
enum { BATCH_MAX = 128 };

struct job {
	struct job *next;
	struct delivery delivery;
	struct server_later *later;
};

struct intake_queue {
	const struct ey_config *config;
	struct intake_settings settings;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct job *first;
	struct job **last;
	bool stopping;
	/** The thread's own; NULL: to be opened. */
	struct db *db;
};

static void job_free(struct job *job)
{
	delivery_deinit(&job->delivery);
	free(job);
}

static void reply(struct job *job, const struct intake_outcome *outcome, struct ey_error *err)
{
	struct server_response response = {0};

	if (!err)
		intake_answer(&job->delivery, outcome, &response);
	server_later_done(job->later, &response, err);
}

// Up to BATCH_MAX jobs; none when the queue is empty and the server stops.
static size_t take_jobs(struct intake_queue *q, struct job **jobs)
{
	size_t n = 0;

	pthread_mutex_lock(&q->lock);
	while (!q->first && !q->stopping)
		pthread_cond_wait(&q->more, &q->lock);
	for (; n < BATCH_MAX && q->first; n++) {
		jobs[n] = q->first;
		q->first = q->first->next;
	}
	if (!q->first)
		q->last = &q->first;
	pthread_mutex_unlock(&q->lock);
	return n;
}

static struct ey_error *write_jobs(struct intake_queue *q, struct job *const *jobs, size_t count,
				   struct intake_outcome *outcomes)
{
	const struct delivery *deliveries[BATCH_MAX];
	struct ey_error *err = NULL;

	if (!q->db)
		err = db_open_config(q->config, DB_OPEN_WRITE, &q->db);
	for (size_t i = 0; i < count; i++)
		deliveries[i] = &jobs[i]->delivery;
	if (!err)
		err = intake_write(q->db, &q->settings, deliveries, count, ey_time_now(), outcomes);
	return err;
}

// Whatever the database or its connection has: the next transaction begins with a new one.
static void drop_connection(struct intake_queue *q)
{
	if (q->db)
		db_close(q->db);
	q->db = NULL;
}

static struct ey_error *copy_error(const struct ey_error *err)
{
	return ey_error_create(err->code, "%s", err->message);
}

static void run_batch(struct intake_queue *q, struct job *const *jobs, size_t count)
{
	struct intake_outcome outcomes[BATCH_MAX];
	_cleanup_error_ struct ey_error *err = write_jobs(q, jobs, count, outcomes);

	if (err && err->code != EY_ERR_IO && count > 1) {
		// One of them is not to the database's liking: each by itself then.
		for (size_t i = 0; i < count; i++)
			run_batch(q, &jobs[i], 1);
		return;
	}
	if (err && err->code == EY_ERR_IO)
		drop_connection(q);
	for (size_t i = 0; i < count; i++) {
		reply(jobs[i], &outcomes[i], err ? copy_error(err) : NULL);
		job_free(jobs[i]);
	}
}

static void *run(void *arg)
{
	struct intake_queue *q = arg;
	struct job *jobs[BATCH_MAX];
	size_t n;

	while ((n = take_jobs(q, jobs)))
		run_batch(q, jobs, n);
	drop_connection(q);
	return NULL;
}

struct ey_error *intake_queue_create(const struct ey_config *config, struct intake_queue **ret)
{
	struct intake_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return &ey_error_nomem;
	q->config = config;
	q->last = &q->first;
	struct ey_error *err = intake_settings_load(&q->settings, config);
	if (err) {
		free(q);
		return err;
	}
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->more, NULL);
	if (pthread_create(&q->thread, NULL, run, q)) {
		intake_queue_destroy(q);
		return ey_error_create(EY_ERR_IO, "cannot start a thread");
	}
	q->started = true;
	*ret = q;
	return NULL;
}

void intake_queue_stop(struct intake_queue *q)
{
	if (!q)
		return;
	pthread_mutex_lock(&q->lock);
	q->stopping = true;
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->lock);
	if (q->started)
		pthread_join(q->thread, NULL);
	q->started = false;
}

void intake_queue_destroy(struct intake_queue *q)
{
	if (!q)
		return;
	intake_queue_stop(q);
	pthread_cond_destroy(&q->more);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

struct ey_error *intake_queue_add(struct intake_queue *q, struct delivery *delivery,
				  const struct server_request *request)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return &ey_error_nomem;
	job->delivery = *delivery;
	pthread_mutex_lock(&q->lock);
	if (q->stopping) {
		pthread_mutex_unlock(&q->lock);
		free(job);
		return ey_error_create(EY_ERR_IO, "the server stops; try again later");
	}
	*delivery = (struct delivery){0};
	job->later = server_later_take(request);
	*q->last = job;
	q->last = &job->next;
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

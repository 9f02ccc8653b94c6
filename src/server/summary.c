/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/summary.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "db/watch.h"

enum {
	/** Different sums: some of the overview, some months of the report. */
	ENTRIES = 24,
	FRESH_MS = 5000,
	/** At most a twentieth of one core works at the back for each. */
	FRESH_COSTS = 20,
	STALE_MS = 600000,
};

struct entry {
	server_summary_fn *fn;
	int64_t arg;
	/** NULL while it is worked out for the first time. */
	char *text;
	size_t len;
	/** Monotonic milliseconds: when it was begun, how long it took, when it was asked for. */
	int64_t made;
	int64_t cost;
	int64_t asked;
	/** A thread works on it; somebody waits for the one at the back to do so. */
	bool busy;
	bool wanted;
};

struct server_summaries {
	struct server_db_pool *pool;
	int64_t from;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	/** Something is wanted, or all must end; and an entry is not busy any more. */
	pthread_cond_t wake;
	pthread_cond_t done;
	bool stop;
	struct entry entries[ENTRIES];
};

static int64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// Works it out without the lock, and keeps it under the lock. What failed leaves the last one.
static struct ey_error *make(struct server_summaries *s, struct entry *e, struct db *db)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	server_summary_fn *fn = e->fn;
	int64_t arg = e->arg, start = monotonic_ms();

	e->busy = true;
	e->wanted = false;
	pthread_mutex_unlock(&s->lock);
	struct ey_error *err = fn(db, arg, &text);
	char *copy = err || text.failed ? NULL : malloc(text.len + 1);
	if (copy)
		memcpy(copy, ey_buf_str(&text), text.len + 1);
	pthread_mutex_lock(&s->lock);
	e->busy = false;
	pthread_cond_broadcast(&s->done);
	if (err || !copy)
		return err ? err : &ey_error_nomem;
	free(e->text);
	e->text = copy;
	e->len = text.len;
	e->made = start;
	e->cost = monotonic_ms() - start;
	return NULL;
}

// What was prepared for may be small yet.
static struct ey_error *make_if_large(struct server_summaries *s, struct entry *e, struct db *db)
{
	int64_t crashes = 0;
	struct ey_error *err = db_watch_newest(db, &crashes);

	return err || crashes < s->from ? err : make(s, e, db);
}

static struct entry *next_wanted(struct server_summaries *s)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (s->entries[i].wanted && !s->entries[i].busy)
			return &s->entries[i];
	}
	return NULL;
}

static void make_at_the_back(struct server_summaries *s, struct entry *e)
{
	struct db *db = NULL;

	e->busy = true;
	pthread_mutex_unlock(&s->lock);
	struct ey_error *err = server_db_pool_take(s->pool, &db);
	pthread_mutex_lock(&s->lock);
	e->busy = false;
	e->wanted = false;
	if (!err)
		err = make_if_large(s, e, db);
	if (db)
		server_db_pool_give(s->pool, db, err != NULL);
	// Asked for again, it is tried again; when it is too old, who asks gets the error.
	if (err)
		ey_log_warning("a sum over the history: %s", err->message);
	ey_error_destroy(err);
	pthread_cond_broadcast(&s->done);
}

static void *run(void *arg)
{
	struct server_summaries *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		struct entry *e = next_wanted(s);

		if (e)
			make_at_the_back(s, e);
		else
			pthread_cond_wait(&s->wake, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct ey_error *server_summaries_create(struct server_db_pool *pool, int64_t from,
					 struct server_summaries **ret)
{
	struct server_summaries *s = calloc(1, sizeof(*s));

	if (!s)
		return &ey_error_nomem;
	s->pool = pool;
	s->from = from;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	pthread_cond_init(&s->done, NULL);
	int code = pthread_create(&s->thread, NULL, run, s);
	if (code) {
		server_summaries_destroy(s);
		return ey_error_create(EY_ERR_IO, "cannot start a thread: %s", strerror(code));
	}
	s->started = true;
	*ret = s;
	return NULL;
}

void server_summaries_destroy(struct server_summaries *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->started)
		pthread_join(s->thread, NULL);
	for (size_t i = 0; i < ENTRIES; i++)
		free(s->entries[i].text);
	pthread_cond_destroy(&s->done);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

// The entry of this sum, or the one that nobody asked for the longest, made free; NULL where
// threads work on all of them.
static struct entry *entry_of(struct server_summaries *s, server_summary_fn *fn, int64_t arg)
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *e = &s->entries[i];

		if (e->fn == fn && e->arg == arg)
			return e;
		if (!e->busy && (!oldest || e->asked < oldest->asked))
			oldest = e;
	}
	if (oldest) {
		free(oldest->text);
		*oldest = (struct entry){.fn = fn, .arg = arg};
	}
	return oldest;
}

void server_summary_prepare(struct server_summaries *s, server_summary_fn *fn, int64_t arg)
{
	pthread_mutex_lock(&s->lock);
	struct entry *e = entry_of(s, fn, arg);
	if (e)
		e->wanted = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

// Under the lock, and without it where the sum is worked out.
static struct ey_error *look_up(struct server_summaries *s, struct db *db, server_summary_fn *fn,
				int64_t arg, struct ey_buf *out)
{
	for (;;) {
		int64_t now = monotonic_ms();
		struct entry *e = entry_of(s, fn, arg);

		if (!e) {
			pthread_cond_wait(&s->done, &s->lock);
			continue;
		}
		e->asked = now;
		if (e->text && now - e->made <= STALE_MS) {
			if (now - e->made > EY_MAX(FRESH_MS, FRESH_COSTS * e->cost) && !e->busy) {
				e->wanted = true;
				pthread_cond_signal(&s->wake);
			}
			ey_buf_add(out, e->text, e->len);
			return NULL;
		}
		if (e->busy) {
			pthread_cond_wait(&s->done, &s->lock);
			continue;
		}
		struct ey_error *err = make(s, e, db);
		if (err)
			return err;
		ey_buf_add(out, e->text, e->len);
		return NULL;
	}
}

struct ey_error *server_summary(struct server_summaries *s, struct db *db, server_summary_fn *fn,
				int64_t arg, struct ey_buf *out)
{
	int64_t crashes = 0;
	struct ey_error *err = db_watch_newest(db, &crashes);

	if (err)
		return err;
	if (crashes < s->from)
		return fn(db, arg, out);
	pthread_mutex_lock(&s->lock);
	err = look_up(s, db, fn, arg, out);
	pthread_mutex_unlock(&s->lock);
	return err;
}

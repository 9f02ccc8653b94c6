/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of downloads and the rings between them and their clients. */
#include "server/download.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "server/download_internal.h"

struct server_downloads {
	const struct ey_config *config;
	struct server_db_pool *pool;
	/** Taken before that of a download. */
	pthread_mutex_t lock;
	pthread_cond_t idle;
	/** Those with a thread. */
	struct download *first;
	unsigned int running;
	bool stopping;
};

static void unref(struct download *d)
{
	pthread_mutex_lock(&d->lock);
	bool last = !--d->refs;
	pthread_mutex_unlock(&d->lock);
	if (!last)
		return;
	pthread_cond_destroy(&d->room);
	pthread_mutex_destroy(&d->lock);
	free(d->range);
	free(d->if_range);
	free(d->if_none_match);
	free(d->path);
	free(d->ring);
	free(d);
}

// Under the lock.
static void wake(struct download *d)
{
	void *client = d->asleep;

	d->asleep = NULL;
	if (client)
		server_source_wake(client);
}

static ssize_t client_read(void *arg, char *buf, size_t max, void (*sleep)(void *client),
			   void *client)
{
	struct download *d = arg;
	ssize_t n = 0;

	pthread_mutex_lock(&d->lock);
	size_t at = (size_t)(d->taken % DOWNLOAD_RING);
	uint64_t ready = d->released - d->taken;
	if (ready) {
		n = (ssize_t)EY_MIN(EY_MIN(ready, (uint64_t)max), (uint64_t)(DOWNLOAD_RING - at));
		memcpy(buf, d->ring + at, (size_t)n);
		d->taken += (uint64_t)n;
		pthread_cond_signal(&d->room);
	} else if (d->broken) {
		n = SERVER_SOURCE_BROKEN;
	} else if (d->taken == d->len) {
		n = SERVER_SOURCE_END;
	} else {
		// Under the lock, so that it is not woken before it sleeps.
		d->asleep = client;
		sleep(client);
	}
	pthread_mutex_unlock(&d->lock);
	return n;
}

static void client_close(void *arg)
{
	struct download *d = arg;

	pthread_mutex_lock(&d->lock);
	d->gone = true;
	d->asleep = NULL;
	pthread_cond_signal(&d->room);
	pthread_mutex_unlock(&d->lock);
	unref(d);
}

void download_attach(struct download *d, struct server_response *response)
{
	pthread_mutex_lock(&d->lock);
	d->refs++;
	pthread_mutex_unlock(&d->lock);
	response->source = (struct server_source){.read = client_read,
						  .close = client_close,
						  .arg = d,
						  .sized = true,
						  .size = d->len};
}

void download_answer(struct download *d, struct server_response *response, struct ey_error *err)
{
	pthread_mutex_lock(&d->lock);
	struct server_later *later = d->later;
	d->later = NULL;
	pthread_mutex_unlock(&d->lock);
	if (later) {
		server_later_done(later, response, err);
		return;
	}
	// The server stops, and said so.
	server_response_deinit(response);
	ey_error_destroy(err);
}

bool download_is_full(struct download *d)
{
	pthread_mutex_lock(&d->lock);
	bool full = d->produced - d->taken == DOWNLOAD_RING;
	pthread_mutex_unlock(&d->lock);
	return full;
}

bool download_room(struct download *d, unsigned char **to_ret, size_t *room_ret)
{
	pthread_mutex_lock(&d->lock);
	while (!d->gone && !d->broken && d->produced - d->taken == DOWNLOAD_RING)
		pthread_cond_wait(&d->room, &d->lock);
	bool going = !d->gone && !d->broken;
	size_t at = (size_t)(d->produced % DOWNLOAD_RING);
	size_t free_bytes = DOWNLOAD_RING - (size_t)(d->produced - d->taken);
	pthread_mutex_unlock(&d->lock);
	*to_ret = d->ring + at;
	*room_ret = EY_MIN(free_bytes, DOWNLOAD_RING - at);
	return going;
}

void download_produced(struct download *d, size_t n, bool hold)
{
	pthread_mutex_lock(&d->lock);
	d->produced += n;
	pthread_mutex_unlock(&d->lock);
	if (!hold)
		download_release(d);
}

void download_release(struct download *d)
{
	pthread_mutex_lock(&d->lock);
	d->released = d->produced;
	wake(d);
	pthread_mutex_unlock(&d->lock);
}

static void *run(void *arg)
{
	struct download *d = arg;
	struct server_downloads *all = d->all;

	download_dump(d);
	pthread_mutex_lock(&d->lock);
	// Whoever waits for more than there is waits no longer.
	d->broken = true;
	wake(d);
	pthread_mutex_unlock(&d->lock);
	pthread_mutex_lock(&all->lock);
	struct download **p = &all->first;
	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	all->running--;
	pthread_cond_signal(&all->idle);
	pthread_mutex_unlock(&all->lock);
	unref(d);
	return NULL;
}

static bool copy(char **ret, const char *text)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

static struct download *make(struct server_downloads *all, int64_t crash_id,
			     const struct server_request *request)
{
	struct download *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->all = all;
	d->pool = all->pool;
	d->config = all->config;
	d->crash_id = crash_id;
	d->who = request->who;
	d->head = request->head;
	d->refs = 1;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->room, NULL);
	d->ring = malloc(DOWNLOAD_RING);
	if (!d->ring || !copy(&d->range, server_header(request, "Range")) ||
	    !copy(&d->if_range, server_header(request, "If-Range")) ||
	    !copy(&d->if_none_match, server_header(request, "If-None-Match"))) {
		unref(d);
		return NULL;
	}
	return d;
}

struct ey_error *server_downloads_add(struct server_downloads *all, int64_t crash_id,
				      const struct server_request *request)
{
	struct download *d = make(all, crash_id, request);
	struct ey_error *err = NULL;
	pthread_attr_t attr;
	pthread_t thread;

	if (!d)
		return &ey_error_nomem;
	pthread_mutex_lock(&all->lock);
	if (all->stopping)
		err = ey_error_create(EY_ERR_IO, "the server stops; try again later");
	else if (all->running >= DOWNLOADS_MAX)
		err = ey_error_create(EY_ERR_IO,
				      "%d dumps are being downloaded already; try again later",
				      DOWNLOADS_MAX);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (!err) {
		d->next = all->first;
		all->first = d;
		all->running++;
		d->later = server_later_take(request);
		// The thread needs the lock to end, so it is in the list for certain.
		int errnum = pthread_create(&thread, &attr, run, d);
		if (errnum) {
			struct server_response none = {0};

			all->first = d->next;
			all->running--;
			download_answer(d, &none,
					ey_error_errno(EY_ERR_IO, errnum,
						       "cannot start the thread of a download"));
			unref(d);
		}
	} else {
		unref(d);
	}
	pthread_attr_destroy(&attr);
	pthread_mutex_unlock(&all->lock);
	return err;
}

struct ey_error *server_downloads_create(const struct ey_config *config,
					 struct server_db_pool *pool, struct server_downloads **ret)
{
	struct server_downloads *all = calloc(1, sizeof(*all));
	pthread_condattr_t attr;

	if (!all)
		return &ey_error_nomem;
	all->config = config;
	all->pool = pool;
	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&all->idle, &attr);
	pthread_condattr_destroy(&attr);
	*ret = all;
	return NULL;
}

void server_downloads_stop(struct server_downloads *all)
{
	if (!all)
		return;
	pthread_mutex_lock(&all->lock);
	all->stopping = true;
	for (struct download *d = all->first; d; d = d->next) {
		struct server_response none = {0};

		download_answer(d, &none,
				ey_error_create(EY_ERR_IO, "the server stops; try again later"));
		pthread_mutex_lock(&d->lock);
		d->broken = true;
		d->released = d->taken;
		pthread_cond_signal(&d->room);
		wake(d);
		pthread_mutex_unlock(&d->lock);
	}
	pthread_mutex_unlock(&all->lock);
}

bool server_downloads_destroy(struct server_downloads *all, unsigned int seconds)
{
	struct timespec until;
	int late = 0;

	if (!all)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&all->lock);
	while (all->running && !late)
		late = pthread_cond_timedwait(&all->idle, &all->lock, &until);
	bool done = !all->running;
	pthread_mutex_unlock(&all->lock);
	if (!done)
		return false;
	pthread_cond_destroy(&all->idle);
	pthread_mutex_destroy(&all->lock);
	free(all);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/events.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/event.h"

struct event_client {
	struct server_events *events;
	struct event_client *next;
	/** No two have the same. */
	uint64_t number;
	struct auth_principal who;
	/** What let it in is over. */
	bool over;
	/** What goes out before the ring: what was missed, the event that is half sent. */
	struct ey_buf pending;
	size_t sent;
	/** Number of the next event of the ring. */
	uint64_t seq;
	/** The connection that sleeps until something happens; NULL while it does not. */
	void *asleep;
	bool alive_due;
};

/** An event as it travels, and its id. */
struct slot {
	char *text;
	int64_t id;
};

struct server_events {
	struct server_db_pool *pool;
	struct auth *auth;
	uint64_t numbers;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	struct event_client *clients;
	size_t client_count;
	/** The last EVENTS_RING events; number `seq` comes next. */
	struct slot ring[EVENTS_RING];
	uint64_t seq;
	/** All events up to this id were handed on. */
	int64_t last_id;
	/** When an id was first seen missing, monotonic; 0: none is. */
	int64_t gap_since;
};

static int64_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + 1;
}

static void write_event(struct ey_buf *out, const struct db_event *e)
{
	_cleanup_buf_ struct ey_buf data = EY_BUF_INIT;
	char time[EY_TIME_TEXT_SIZE];
	struct ey_json json;

	ey_json_init(&json, &data, 0);
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "id", e->id);
	ey_json_kv_string(&json, "time", ey_time_format(e->time, time));
	ey_json_kv_string(&json, "kind", e->kind);
	ey_json_key(&json, "subject");
	if (e->subject_id)
		ey_json_int(&json, e->subject_id);
	else
		ey_json_null(&json);
	ey_json_kv_string(&json, "text", e->text);
	ey_json_object_end(&json);
	// JSON has no line breaks of its own: those of texts are escaped in it.
	ey_buf_printf(out, "id: %" PRId64 "\nevent: %s\ndata: %s\n\n", e->id, e->kind,
		      ey_buf_str(&data));
}

// Under the lock.
static void wake_all(struct server_events *ev)
{
	for (struct event_client *c = ev->clients; c; c = c->next) {
		void *client = c->asleep;

		c->asleep = NULL;
		if (client)
			server_source_wake(client);
	}
}

// Under the lock. False: out of memory; it is tried again.
static bool hand_on(struct server_events *ev, const struct db_event *e)
{
	struct slot *slot = &ev->ring[ev->seq % EVENTS_RING];
	struct ey_buf text = EY_BUF_INIT;
	size_t len;

	write_event(&text, e);
	char *s = ey_buf_steal(&text, &len);
	if (!s)
		return false;
	free(slot->text);
	*slot = (struct slot){.text = s, .id = e->id};
	ev->seq++;
	ev->last_id = e->id;
	return true;
}

// Under the lock. An id that is missing may be one that is not committed yet: it is waited for.
static bool may_pass(struct server_events *ev, int64_t id)
{
	if (id == ev->last_id + 1) {
		ev->gap_since = 0;
		return true;
	}
	if (!ev->gap_since)
		ev->gap_since = monotonic();
	if (monotonic() - ev->gap_since < EVENTS_GAP_SECONDS)
		return false;
	ev->gap_since = 0;
	return true;
}

static void poll_database(struct server_events *ev, int64_t last_id)
{
	_cleanup_events_ struct db_event_list list = {0};
	struct db *db = NULL;
	struct ey_error *err = server_db_pool_take(ev->pool, &db);

	if (!err) {
		err = db_event_list(db, last_id, EVENTS_RING / 2, &list);
		server_db_pool_give(ev->pool, db, err != NULL);
	}
	// It will be asked again; whoever asks for something else says what is wrong.
	ey_error_destroy(err);
	pthread_mutex_lock(&ev->lock);
	for (size_t i = 0; i < list.count && may_pass(ev, list.items[i].id); i++) {
		if (!hand_on(ev, &list.items[i]))
			break;
	}
	wake_all(ev);
	pthread_mutex_unlock(&ev->lock);
}

/** A client as it is looked at without the lock. */
struct checked {
	uint64_t number;
	struct auth_principal who;
	bool over;
};

// Under the lock.
static struct checked *copy_clients(const struct server_events *ev, size_t *count_ret)
{
	struct checked *list = calloc(ev->client_count + 1, sizeof(*list));
	size_t n = 0;

	for (const struct event_client *c = ev->clients; list && c; c = c->next)
		list[n++] = (struct checked){.number = c->number, .who = c->who};
	*count_ret = n;
	return list;
}

static void check_all(struct server_events *ev, struct checked *list, size_t count)
{
	struct db *db = NULL;
	struct ey_error *err = server_db_pool_take(ev->pool, &db);

	for (size_t i = 0; !err && i < count; i++) {
		bool still = true;

		err = auth_still(ev->auth, db, &list[i].who, &still);
		list[i].over = !err && !still;
	}
	if (db)
		server_db_pool_give(ev->pool, db, err != NULL);
	// A database that does not answer is no reason to let anybody go.
	ey_error_destroy(err);
}

// Whose session, token or account ended follows no more.
static void end_those_over(struct server_events *ev)
{
	_cleanup_free_ struct checked *list = NULL;
	size_t count;

	pthread_mutex_lock(&ev->lock);
	list = copy_clients(ev, &count);
	pthread_mutex_unlock(&ev->lock);
	if (!list)
		return;
	check_all(ev, list, count);
	pthread_mutex_lock(&ev->lock);
	for (size_t i = 0; i < count; i++) {
		for (struct event_client *c = ev->clients; list[i].over && c; c = c->next)
			c->over = c->over || c->number == list[i].number;
	}
	pthread_mutex_unlock(&ev->lock);
}

static void *run(void *arg)
{
	struct server_events *ev = arg;
	int64_t alive = monotonic(), checked = alive;

	pthread_mutex_lock(&ev->lock);
	while (!ev->stop) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += EVENTS_POLL_SECONDS;
		if (ev->clients)
			pthread_cond_timedwait(&ev->wake, &ev->lock, &until);
		else
			pthread_cond_wait(&ev->wake, &ev->lock);
		if (ev->stop || !ev->clients)
			continue;
		if (monotonic() - alive >= EVENTS_ALIVE_SECONDS) {
			alive = monotonic();
			for (struct event_client *c = ev->clients; c; c = c->next)
				c->alive_due = true;
		}
		int64_t last_id = ev->last_id;
		pthread_mutex_unlock(&ev->lock);
		if (monotonic() - checked >= EVENTS_CHECK_SECONDS) {
			checked = monotonic();
			end_those_over(ev);
		}
		poll_database(ev, last_id);
		pthread_mutex_lock(&ev->lock);
	}
	wake_all(ev);
	pthread_mutex_unlock(&ev->lock);
	return NULL;
}

struct ey_error *server_events_create(struct server_db_pool *pool, struct auth *auth,
				      struct server_events **ret)
{
	struct server_events *ev = calloc(1, sizeof(*ev));
	pthread_condattr_t attr;

	if (!ev)
		return &ey_error_nomem;
	ev->pool = pool;
	ev->auth = auth;
	pthread_mutex_init(&ev->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ev->wake, &attr);
	pthread_condattr_destroy(&attr);
	int errnum = pthread_create(&ev->thread, NULL, run, ev);
	if (errnum) {
		free(ev);
		return ey_error_errno(EY_ERR_IO, errnum, "cannot start the thread of events");
	}
	*ret = ev;
	return NULL;
}

void server_events_stop(struct server_events *ev)
{
	if (!ev)
		return;
	pthread_mutex_lock(&ev->lock);
	bool running = !ev->stop;
	ev->stop = true;
	pthread_cond_signal(&ev->wake);
	pthread_mutex_unlock(&ev->lock);
	if (running)
		pthread_join(ev->thread, NULL);
}

void server_events_destroy(struct server_events *ev)
{
	if (!ev)
		return;
	server_events_stop(ev);
	for (size_t i = 0; i < EVENTS_RING; i++)
		free(ev->ring[i].text);
	pthread_cond_destroy(&ev->wake);
	pthread_mutex_destroy(&ev->lock);
	free(ev);
}

// Under the lock: what is next for the client, -1 at its end, 0: nothing.
static int next_piece(struct server_events *ev, struct event_client *c)
{
	if (c->sent < c->pending.len)
		return 1;
	ey_buf_clear(&c->pending);
	c->sent = 0;
	// Too slow: what comes next for it is gone.
	if (ev->stop || c->over || ev->seq - c->seq > EVENTS_RING)
		return -1;
	if (c->seq < ev->seq)
		ey_buf_adds(&c->pending, ev->ring[c->seq++ % EVENTS_RING].text);
	else if (c->alive_due)
		ey_buf_adds(&c->pending, ":\n\n");
	c->alive_due = false;
	if (c->pending.failed)
		return -1;
	return c->pending.len > 0;
}

static ssize_t client_read(void *arg, char *buf, size_t max, void (*sleep)(void *client),
			   void *client)
{
	struct event_client *c = arg;
	struct server_events *ev = c->events;
	ssize_t n = 0;

	pthread_mutex_lock(&ev->lock);
	int what = next_piece(ev, c);
	if (what < 0) {
		n = -1;
	} else if (what > 0) {
		n = (ssize_t)EY_MIN(c->pending.len - c->sent, max);
		memcpy(buf, c->pending.data + c->sent, (size_t)n);
		c->sent += (size_t)n;
	} else {
		// Under the lock, so that it is not woken before it sleeps.
		c->asleep = client;
		sleep(client);
	}
	pthread_mutex_unlock(&ev->lock);
	return n;
}

static void client_close(void *arg)
{
	struct event_client *c = arg;
	struct server_events *ev = c->events;

	pthread_mutex_lock(&ev->lock);
	for (struct event_client **p = &ev->clients; *p; p = &(*p)->next) {
		if (*p == c) {
			*p = c->next;
			ev->client_count--;
			break;
		}
	}
	pthread_mutex_unlock(&ev->lock);
	ey_buf_deinit(&c->pending);
	free(c);
}

// What came between the client's last event and those that are handed on from now.
static struct ey_error *replay(struct db *db, struct event_client *c, int64_t from, int64_t to)
{
	_cleanup_events_ struct db_event_list oldest = {0}, list = {0};
	struct ey_error *err = db_event_list(db, 0, 1, &oldest);

	if (!err)
		err = db_event_list(db, from, EVENTS_REPLAY_MAX + 1, &list);
	if (err)
		return err;
	// So many, or so old that they were removed, or of another database.
	if (list.count > EVENTS_REPLAY_MAX || from > to ||
	    (from && oldest.count && from + 1 < oldest.items[0].id)) {
		ey_buf_printf(&c->pending, "id: %" PRId64 "\nevent: reset\ndata: {}\n\n", to);
		return ey_buf_error(&c->pending);
	}
	for (size_t i = 0; i < list.count && list.items[i].id <= to; i++)
		write_event(&c->pending, &list.items[i]);
	return ey_buf_error(&c->pending);
}

static struct ey_error *attach(struct server_events *ev, struct event_client *c, int64_t to)
{
	struct ey_error *err = NULL;

	pthread_mutex_lock(&ev->lock);
	if (ev->stop || ev->client_count >= EVENTS_CLIENTS_MAX) {
		err = ey_error_create(EY_ERR_IO, ev->stop ? "this eyried is stopping"
							  : "too many follow the events already");
	} else {
		// Nobody followed meanwhile: the thread did not look.
		if (!ev->clients) {
			ev->last_id = to;
			ev->gap_since = 0;
		}
		c->seq = ev->seq;
		while (c->seq && ev->seq - c->seq < EVENTS_RING &&
		       ev->ring[(c->seq - 1) % EVENTS_RING].id > to)
			c->seq--;
		c->number = ++ev->numbers;
		c->next = ev->clients;
		ev->clients = c;
		ev->client_count++;
		pthread_cond_signal(&ev->wake);
	}
	pthread_mutex_unlock(&ev->lock);
	return err;
}

struct ey_error *server_events_follow(struct server_events *ev, struct db *db,
				      const struct auth_principal *who, int64_t last_id,
				      struct server_response *response)
{
	struct event_client *c = calloc(1, sizeof(*c));
	int64_t to = 0;

	if (!c)
		return &ey_error_nomem;
	c->events = ev;
	c->who = *who;
	ey_buf_adds(&c->pending, "retry: 3000\n\n");
	pthread_mutex_lock(&ev->lock);
	bool running = ev->clients != NULL;
	to = ev->last_id;
	pthread_mutex_unlock(&ev->lock);
	struct ey_error *err = running ? NULL : db_event_last(db, &to);
	if (!err && last_id >= 0 && last_id != to)
		err = replay(db, c, last_id, to);
	if (!err)
		err = attach(ev, c, to);
	if (err) {
		ey_buf_deinit(&c->pending);
		free(c);
		return err;
	}
	response->status = 200;
	response->content_type = "text/event-stream";
	response->cache_control = "no-store";
	response->source = (struct server_source){client_read, client_close, c};
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/forward.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "client/client.h"
#include "db/job.h"
#include "notify/console.h"
#include "server/api.h"
#include "server/forward_frame.h"

enum {
	DEFAULT_INTERVAL = 5,
	/** Longest pause between two tries while the line is down: so many intervals. */
	PAUSE_INTERVALS = 12,
	/** A line without a byte for so long is cut. */
	STALL_SECONDS = 60,
	ANSWER_MAX = 1 << 20,
};

struct forwarder {
	const struct api *api;
	/** NULL: nothing is forwarded. */
	const char *url;
	const char *site;
	char *console;
	int64_t interval;
	int64_t pause_max;
	struct client *client;
	/** Holds the lead among the eyrieds of this database. */
	struct db *db;
	/** Whether the other side's position was asked for since the start or the last failure. */
	bool met;
	bool down;
	int64_t pause;
	int64_t next_try;
};

const char *forward_url(const struct ey_config *config)
{
	const char *url = ey_config_string(config, "forward", "url", NULL);

	return url && *url ? url : NULL;
}

const char *forward_site(const struct ey_config *config)
{
	return ey_config_string(config, "forward", "site",
				ey_config_string(config, "repository", "site", "default"));
}

static struct ey_error *make_client(struct forwarder *f, const struct ey_config *config)
{
	const struct client_options options = {
		.url = f->url,
		.token = ey_config_string(config, "forward", "token", NULL),
		.token_file = ey_config_string(config, "forward", "token_file", NULL),
		.ca_file = ey_config_string(config, "forward", "ca", NULL),
		.stall_timeout = STALL_SECONDS,
		.answer_max = ANSWER_MAX,
	};

	if (options.token && options.token_file)
		return ey_error_create(EY_ERR_USAGE, "[forward] has a token and a token_file; one "
						     "of them is enough");
	return client_create(&options, &f->client);
}

static struct ey_error *load(struct forwarder *f, const struct ey_config *config)
{
	f->url = forward_url(config);
	f->site = forward_site(config);
	struct ey_error *err =
		ey_config_duration(config, "forward", "interval", DEFAULT_INTERVAL, &f->interval);
	if (err || !f->url)
		return err;
	if (f->interval < 1)
		return ey_error_create(EY_ERR_USAGE, "[forward] interval must be at least 1s");
	f->pause_max = PAUSE_INTERVALS * f->interval;
	if (!ey_name_is_safe(f->site))
		return ey_error_create(EY_ERR_USAGE, "[forward] site: \"%s\" is no name of a site",
				       f->site);
	err = notify_console_url(config, &f->console);
	return err ? err : ey_error_prefix(make_client(f, config), "[forward]");
}

struct ey_error *forwarder_create(const struct api *api, struct forwarder **ret)
{
	_cleanup_db_ struct db *db = NULL;
	struct forwarder *f = calloc(1, sizeof(*f));

	if (!f)
		return &ey_error_nomem;
	*ret = f;
	f->api = api;
	struct ey_error *err = load(f, api->config);
	if (!err)
		err = db_open_config(api->config, DB_OPEN_WRITE, &db);
	return err ? err : db_forward_switch(db, f->url != NULL);
}

static void drop_connection(struct forwarder *f)
{
	if (f->db)
		db_close(f->db);
	f->db = NULL;
}

void forwarder_destroy(struct forwarder *f)
{
	if (!f)
		return;
	drop_connection(f);
	client_destroy(f->client);
	free(f->console);
	free(f);
}

/** What the other center said. */
struct reply {
	int64_t position;
	int64_t refused;
	bool fits;
};

static struct ey_error *read_reply(struct forwarder *f, const struct client_answer *answer,
				   const struct db_forward_line *line, int64_t sent,
				   struct reply *ret)
{
	json_t *root = NULL, *refused, *item;
	struct ey_error *err = client_answer_json(f->client, answer, &root);
	size_t i;

	if (err)
		return err;
	const char *stream = json_string_value(json_object_get(root, "stream"));
	json_t *position = json_object_get(root, "position");
	if (!stream || !json_is_integer(position))
		err = ey_error_create(EY_ERR_INPUT,
				      "what answers at %s is no center that sites forward to",
				      f->url);
	ret->position = json_integer_value(position);
	ret->fits = stream && !strcmp(stream, line->stream) && ret->position >= line->confirmed &&
		    ret->position <= sent;
	refused = json_object_get(root, "refused");
	json_array_foreach(refused, i, item)
	{
		const char *why = json_string_value(json_object_get(item, "why"));

		ret->refused++;
		ey_log_warning("forward: the center refused record %lld: %s",
			       (long long)json_integer_value(json_object_get(item, "sequence")),
			       why ? why : "");
	}
	json_decref(root);
	return err;
}

static struct ey_error *post(struct forwarder *f, const struct ey_buf *body,
			     const struct db_forward_line *line, int64_t sent, struct reply *ret)
{
	_cleanup_client_answer_ struct client_answer answer = {0};
	const struct client_body data = {.data = body->data, .len = body->len};
	struct ey_error *err = client_call(f->client,
					   &(struct client_request){
						   .method = "POST",
						   .target = "/api/v1/forward",
						   .content_type = FORWARD_TYPE,
						   .body = &data,
					   },
					   &answer);

	if (!err)
		err = read_reply(f, &answer, line, sent, ret);
	// Busy or starting: no sooner than it asks for.
	if (err && answer.retry_after > f->pause)
		f->pause = EY_MIN(answer.retry_after, f->pause_max);
	return err;
}

// One batch there and its confirmation back; a batch without records asks how far the other side
// is.
static struct ey_error *send_batch(struct forwarder *f, struct db *db, bool meet,
				   uint64_t *sent_ret, bool *more_ret)
{
	_cleanup_forward_list_ struct db_forward_list items = {0};
	_cleanup_buf_ struct ey_buf body = EY_BUF_INIT;
	struct db_forward_line line;
	struct forward_head head = {.site = f->site, .url = f->console, .line = &line};
	struct reply reply = {0};
	int64_t last = 0;
	struct ey_error *err = db_forward_line(db, &line);

	*more_ret = false;
	if (!err && !meet)
		err = db_forward_next(db, line.confirmed, FORWARD_BATCH_MAX, &items);
	if (!err)
		err = forward_body_write(db, &head, &items, &body, &last);
	if (err || (!meet && !items.count))
		return err;
	// Known before it is sent: so a position beyond it shows that this database is an old copy.
	if (last > line.sent)
		err = db_forward_sending(db, last);
	if (!err)
		err = post(f, &body, &line, EY_MAX(line.sent, last), &reply);
	if (err)
		return err;
	*more_ret = true;
	if (!reply.fits) {
		ey_log_warning("forward: this database and that of %s are not of one time, as one "
			       "of them was restored: all crashes are sent again, what is there "
			       "is not counted twice",
			       f->url);
		return db_forward_restart(db);
	}
	f->met = true;
	*sent_ret += (uint64_t)(reply.position - line.confirmed);
	*more_ret = meet || items.count;
	return db_forward_confirm(db, reply.position, reply.refused, ey_time_now());
}

static void went_down(struct forwarder *f, const struct ey_error *err)
{
	struct db_forward_line line = {0};
	struct ey_error *other = db_forward_down(f->db, err->message, ey_time_now());

	if (!other)
		other = db_forward_line(f->db, &line);
	if (!f->down)
		ey_log_warning("forward: the line to %s is down, %" PRId64 " records wait: %s",
			       f->url, line.queue, err->message);
	if (other)
		drop_connection(f);
	ey_error_destroy(other);
	f->down = true;
	f->met = false;
	f->pause = 2 * f->pause < f->interval ? f->interval : 2 * f->pause;
	if (f->pause > f->pause_max)
		f->pause = f->pause_max;
	f->next_try = ey_time_now() + f->pause;
	// The token in its file, and the authorities, may have been mended by the next try.
	client_destroy(f->client);
	f->client = NULL;
}

static void came_back(struct forwarder *f, int64_t queue)
{
	if (f->down)
		ey_log_info("forward: the line to %s is up again, %" PRId64 " records to send",
			    f->url, queue);
	f->down = false;
	f->pause = 0;
	f->next_try = 0;
}

// All that waits, batch after batch.
static struct ey_error *send_all(struct forwarder *f, struct ey_buf *said)
{
	struct db_forward_line line;
	uint64_t sent = 0;
	bool more = true;
	struct ey_error *err = NULL;

	while (!err && more && !atomic_load(&f->api->stopping)) {
		bool meet = !f->met;

		err = send_batch(f, f->db, meet, &sent, &more);
		if (!err && meet && f->met) {
			err = db_forward_line(f->db, &line);
			came_back(f, line.queue);
		}
	}
	if (!err)
		ey_buf_printf(said, "%" PRIu64 " records forwarded to %s", sent, f->url);
	return err;
}

// What the database says of the line outlives this process.
static struct ey_error *recall(struct forwarder *f)
{
	struct db_forward_line line;
	struct ey_error *err = db_forward_line(f->db, &line);

	if (!err && line.down_since)
		f->down = true;
	return err;
}

static struct ey_error *run(void *arg, struct ey_buf *said, bool *kick)
{
	struct forwarder *f = arg;
	bool leads = false;
	struct ey_error *err = NULL;

	if (f->down && f->next_try > ey_time_now() && f->next_try <= ey_time_now() + f->pause_max) {
		ey_buf_printf(said, "the line to %s is down", f->url);
		return NULL;
	}
	if (!f->db) {
		err = db_open_config(f->api->config, DB_OPEN_WRITE, &f->db);
		if (!err)
			err = recall(f);
	}
	if (!err)
		err = db_job_lead(f->db, "forward", &leads);
	if (err) {
		drop_connection(f);
		return err;
	}
	if (!leads) {
		f->met = false;
		ey_buf_adds(said, "another eyried on this database runs it");
		return NULL;
	}
	if (!f->client)
		err = make_client(f, f->api->config);
	if (!err)
		err = send_all(f, said);
	if (!err)
		return NULL;
	// Told by the line's own state, in words that say what waits.
	went_down(f, err);
	ey_buf_printf(said, "the line to %s is down: %s", f->url, err->message);
	ey_error_destroy(err);
	return NULL;
}

struct server_job forwarder_job(struct forwarder *f)
{
	return (struct server_job){"forward", f->url ? f->interval : 0, run, f};
}

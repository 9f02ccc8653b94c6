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
	/** A record that fails alone is given up after so many tries, and this time at least. */
	STUCK_TRIES = 3,
	DEFAULT_GIVE_UP = 600,
	/** Crashes of the history that are queued at once. */
	FILL = 256,
	/** Without a record the other side is asked how far it is this often, seconds. */
	IDLE_SECONDS = 60,
	/** New streams in a row before there is a pause. */
	MISFITS_MAX = 2,
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
	/** Where the line was left: a database that says otherwise was restored meanwhile. */
	int64_t confirmed;
	char stream[DB_FORWARD_STREAM_SIZE];
	/** How often in a row both sides' numbers did not fit. */
	unsigned int misfits;
	bool down;
	int64_t pause;
	int64_t next_try;
	/** When the other side was last heard. */
	int64_t said;
	/** The record that is in the way alone (0: none), since when, and why it is given up. */
	int64_t stuck;
	int64_t stuck_since;
	unsigned int stuck_tries;
	int64_t give_up;
	char *gone;
	/** The last request was too large, and how many more go alone for that. */
	bool too_large;
	unsigned int singles;
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
	if (!err)
		err = ey_config_duration(config, "forward", "give_up", DEFAULT_GIVE_UP,
					 &f->give_up);
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

// Nothing is dropped silently.
static struct ey_error *tell_what_stays(struct db *db)
{
	struct db_forward_line line;
	struct ey_error *err = db_forward_line(db, &line);

	if (!err && line.queue)
		ey_log_warning("forward: [forward] url is not set any more; %" PRId64 " records "
			       "that wait are kept, and go when it is set again",
			       line.queue);
	return err;
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
	if (!err)
		err = db_forward_switch(db, f->url != NULL);
	if (!err && !f->url)
		err = tell_what_stays(db);
	return err;
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
	free(f->gone);
	free(f);
}

/** What the other center said; texts are of `root`. */
struct reply {
	json_t *root;
	int64_t position;
	struct db_forward_refusal refused[FORWARD_BATCH_MAX];
	size_t count;
	/** The record at which it stays, 0: none, and why. */
	int64_t failed;
	const char *failure;
	bool fits;
};

static void reply_deinit(struct reply *reply)
{
	json_decref(reply->root);
}

static void read_refusals(struct forwarder *f, json_t *refused, struct reply *ret)
{
	json_t *item;
	size_t i;

	json_array_foreach(refused, i, item)
	{
		const char *why = json_string_value(json_object_get(item, "why"));
		int64_t sequence = json_integer_value(json_object_get(item, "sequence"));

		if (sequence > ret->position || ret->count == EY_ARRAY_SIZE(ret->refused))
			break;
		ret->refused[ret->count++] =
			(struct db_forward_refusal){.sequence = sequence, .why = why ? why : ""};
		ey_log_warning("forward: %s does not take record %" PRId64 ", which is set aside: "
			       "%.*s",
			       f->url, sequence, FORWARD_WHY_MAX, why ? why : "");
	}
}

static struct ey_error *read_reply(struct forwarder *f, const struct client_answer *answer,
				   const struct db_forward_line *line, int64_t sent,
				   struct reply *ret)
{
	struct ey_error *err = client_answer_json(f->client, answer, &ret->root);

	if (err)
		return err;
	const char *stream = json_string_value(json_object_get(ret->root, "stream"));
	json_t *position = json_object_get(ret->root, "position");
	json_t *failed = json_object_get(ret->root, "failed");
	if (!stream || !json_is_integer(position))
		return ey_error_create(EY_ERR_INPUT,
				       "what answers at %s is no center that sites forward to",
				       f->url);
	ret->position = json_integer_value(position);
	ret->fits = !strcmp(stream, line->stream) && ret->position >= line->confirmed &&
		    ret->position <= sent;
	if (!ret->fits)
		return NULL;
	read_refusals(f, json_object_get(ret->root, "refused"), ret);
	ret->failed = json_integer_value(json_object_get(failed, "sequence"));
	ret->failure = json_string_value(json_object_get(failed, "why"));
	return NULL;
}

// A record that alone is in the way: how long it has been, and whether it is given up.
static bool is_stuck(struct forwarder *f, int64_t sequence)
{
	int64_t now = ey_time_now();

	// A clock that went back begins anew.
	if (f->stuck != sequence || now < f->stuck_since) {
		f->stuck = sequence;
		f->stuck_since = now;
		f->stuck_tries = 0;
	}
	f->stuck_tries++;
	return f->stuck_tries >= STUCK_TRIES && now - f->stuck_since >= f->give_up;
}

// What is said of the line while it stays at a record.
static struct ey_error *stuck(struct forwarder *f, int64_t sequence, const char *why)
{
	char text[FORWARD_WHY_MAX + 1];

	forward_clean_why(why, text);
	if (is_stuck(f, sequence)) {
		free(f->gone);
		f->gone = strdup(text);
		return f->gone ? NULL : &ey_error_nomem;
	}
	return ey_error_create(EY_ERR_IO, "record %" PRId64 " fails, and is tried again: %s",
			       sequence, text);
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
	f->too_large = err && answer.status == 413;
	return err;
}

// The other side's numbers are told, and ours noted.
static struct ey_error *take_reply(struct forwarder *f, struct db *db,
				   const struct db_forward_line *line, const struct reply *reply,
				   uint64_t *sent_ret)
{
	struct ey_error *err = NULL;

	if (!reply->fits) {
		ey_log_warning("forward: this database and that of %s are not of one time, as one "
			       "of them was restored: all crashes are sent again, what is there "
			       "is not counted twice",
			       f->url);
		err = db_forward_restart(db);
		if (!err && ++f->misfits > MISFITS_MAX)
			err = ey_error_create(EY_ERR_IO,
					      "%s does not know the numbers that it "
					      "was just told; it is tried again",
					      f->url);
		return err;
	}
	f->misfits = 0;
	f->confirmed = reply->position;
	memcpy(f->stream, line->stream, sizeof(f->stream));
	f->met = true;
	f->said = ey_time_now();
	*sent_ret += (uint64_t)(reply->position - line->confirmed);
	// That the other side is there is no news while it stays at a record.
	if (!f->stuck || reply->position > line->confirmed)
		err = db_forward_confirm(db, reply->position, reply->refused, reply->count,
					 ey_time_now());
	if (!err && reply->position >= f->stuck) {
		f->stuck = 0;
		free(f->gone);
		f->gone = NULL;
	}
	if (!err && reply->failed > reply->position)
		err = stuck(f, reply->failed, reply->failure ? reply->failure : "");
	return err;
}

// What waits, after the history was queued as far as it is needed.
static struct ey_error *next_items(struct forwarder *f, struct db *db, struct db_forward_line *line,
				   struct db_forward_list *ret)
{
	unsigned int limit = f->stuck || f->singles ? 1 : FORWARD_BATCH_MAX;
	struct ey_error *err = db_forward_next(db, line->confirmed, limit, ret);

	if (err || !line->filling || ret->count == limit)
		return err;
	db_forward_list_deinit(ret);
	err = db_forward_fill(db, FILL);
	if (!err)
		err = db_forward_line(db, line);
	return err ? err : db_forward_next(db, line->confirmed, limit, ret);
}

// One batch there and its confirmation back; a batch without records asks how far the other side
// is.
static struct ey_error *send_batch(struct forwarder *f, struct db *db, bool meet,
				   uint64_t *sent_ret, bool *more_ret)
{
	_cleanup_forward_list_ struct db_forward_list items = {0};
	_cleanup_forward_body_ struct forward_body body = {.data = EY_BUF_INIT};
	_cleanup_(reply_deinit) struct reply reply = {0};
	struct db_forward_line line;
	struct forward_head head = {.site = f->site, .url = f->console, .line = &line};
	struct ey_error *err = db_forward_line(db, &line);

	*more_ret = false;
	// Its numbers may be known at the other side for something else.
	if (!err && f->met &&
	    (line.confirmed != f->confirmed || strcmp(line.stream, f->stream) != 0))
		f->met = false;
	meet |= !f->met;
	if (!err && !meet)
		err = next_items(f, db, &line, &items);
	if (!err && !meet && !items.count) {
		// A site that has nothing to say says that it is there.
		if (ey_time_now() - f->said < IDLE_SECONDS && ey_time_now() >= f->said)
			return NULL;
		meet = true;
	}
	bool gone = !meet && !err && f->gone && items.items[0].sequence == f->stuck;
	if (!err)
		err = forward_body_write(db, &head, &items, gone ? f->gone : NULL, &body);
	if (err && body.failed) {
		_cleanup_error_ struct ey_error *why = err;

		*more_ret = true;
		return stuck(f, body.failed, why->message);
	}
	// Known before it is sent: so a position beyond it shows that this database is an old copy.
	if (!err && body.last > line.sent)
		err = db_forward_sending(db, body.last);
	if (!err)
		err = post(f, &body.data, &line, EY_MAX(line.sent, body.last), &reply);
	if (err && f->too_large && items.count) {
		_cleanup_error_ struct ey_error *why = err;

		// Something between is stricter than the other center: one by one.
		*more_ret = true;
		f->singles = FORWARD_BATCH_MAX;
		return items.count > 1 ? NULL : stuck(f, items.items[0].sequence, why->message);
	}
	if (err)
		return err;
	f->singles -= f->singles > 0;
	*more_ret = items.count || !f->met;
	return take_reply(f, db, &line, &reply, sent_ret);
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
		err = send_batch(f, f->db, !f->met, &sent, &more);
		if (!err && f->down && f->met && !f->stuck) {
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a site's eyried forwards comes in: POST /api/v1/forward (ADR 0019). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/intake.h"
#include "db/site.h"
#include "db/token.h"
#include "ingest/delivery.h"
#include "server/api.h"
#include "server/forward_frame.h"

/** Another stream of the same site is refused for so long after the last one was heard. */
enum { TWO_SITES_SECONDS = 600 };

struct taking {
	struct db *db;
	const struct forward_batch *batch;
	int64_t now;
	/** As the database has it. */
	struct db_site_list list;
	struct db_site site;
	/** The record at which it stays, since the database fails it alone; NULL: none. */
	const struct forward_frame *failed;
	struct ey_error *failure;
};

static void taking_deinit(struct taking *t)
{
	db_site_list_deinit(&t->list);
	ey_error_destroy(t->failure);
}

static struct ey_error *read_site(struct taking *t)
{
	db_site_list_deinit(&t->list);
	t->site = (struct db_site){.name = t->batch->site, .stream = "", .first_seen = t->now};
	struct ey_error *err = db_site_list(t->db, t->batch->site, &t->list);
	if (!err && t->list.count)
		t->site = t->list.items[0];
	return err;
}

static struct ey_error *take_crash(struct taking *t, const struct forward_frame *f)
{
	const struct delivery_options options = {.site = t->batch->site, .now = f->time};
	_cleanup_delivery_ struct delivery d = {0};
	struct db_intake_result result;
	struct ey_error *err = delivery_read(f->type, f->data, f->len, &options, &d);

	// Its files are where it came from.
	if (!err && strcmp(d.site, t->batch->site) != 0)
		err = ey_error_create(EY_ERR_DENIED, "the record is one of another site");
	if (!err)
		err = db_intake(t->db, &d.take.intake, t->now, &result);
	if (err || !f->dump_state)
		return err;
	return db_site_dump_set(t->db, result.crash_id,
				&(struct db_site_dump){.site = t->batch->site,
						       .origin = f->origin,
						       .state = f->dump_state,
						       .bytes = f->dump_bytes,
						       .path = f->dump_path,
						       .purged = f->dump_purged});
}

static struct ey_error *take_dump(struct taking *t, const struct forward_frame *f)
{
	if (!f->dump_state)
		return ey_error_create(EY_ERR_INPUT, "the record does not say what became of the "
						     "dump");
	return db_site_dump_set(t->db, 0,
				&(struct db_site_dump){.site = t->batch->site,
						       .origin = f->origin,
						       .state = f->dump_state,
						       .bytes = f->dump_bytes,
						       .path = f->dump_path,
						       .purged = f->dump_purged});
}

// What somebody said to the site is taken in as if it were said here, then and for that site.
static struct ey_error *take_said(struct taking *t, const struct forward_frame *f)
{
	_cleanup_free_ char *body = strndup(f->data, f->len);
	struct server_request request = {
		.method = SERVER_POST,
		.who = {.kind = AUTH_IS_LOCAL, .permissions = AUTH_SUBMIT | AUTH_OPERATE},
		.body = body,
		.body_len = f->len,
	};
	const struct api_said said = {.only_site = t->batch->site, .time = f->time};
	struct server_response response = {0};
	struct db_heartbeat_result beat;
	struct ey_error *err;

	if (!body)
		return &ey_error_nomem;
	snprintf(request.who.name, sizeof(request.who.name), "%s", t->batch->site);
	err = f->kind == DB_FORWARD_HEARTBEAT ? api_heartbeat_take(t->db, &request, &said, &beat)
					      : api_change_take(t->db, &request, &said, &response);
	server_response_deinit(&response);
	return err;
}

static struct ey_error *take(struct taking *t, const struct forward_frame *f)
{
	if (f->known && f->kind == DB_FORWARD_CRASH)
		return take_crash(t, f);
	if (f->known && f->kind == DB_FORWARD_DUMP)
		return take_dump(t, f);
	if (f->known)
		return take_said(t, f);
	// The site gave it up, and says why.
	if (!strcmp(f->kind_name, "gone"))
		return ey_error_create(EY_ERR_INPUT, "%s", f->why ? f->why : "it is gone");
	return ey_error_create(EY_ERR_INPUT, "records of the kind \"%s\" are not known here",
			       f->kind_name);
}

static struct ey_error *refuse(struct taking *t, const struct forward_frame *f, const char *why)
{
	char text[FORWARD_WHY_MAX + 1];
	const struct db_forward_aside aside = {
		.sequence = f->sequence,
		.kind = f->kind_name,
		.object_id = f->origin,
		.time = t->now,
		.why = text,
	};

	forward_clean_why(why, text);
	t->site.refused++;
	return db_site_refused_add(t->db, t->site.name, t->site.stream, &aside);
}

// All of some records and how far the site is now, or nothing of it; @p why: that one is refused.
static struct ey_error *take_some(struct taking *t, const struct forward_frame *frames,
				  size_t count, const char *why)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(t->db, &txn);
	struct db_site *site = &t->site;

	// Under the lock: the same batch may be here twice, its first line cut.
	if (!err)
		err = read_site(t);
	if (!err && strcmp(site->stream, t->batch->stream) != 0)
		err = ey_error_create(EY_ERR_IO, "the site began another stream meanwhile");
	for (size_t i = 0; !err && i < count; i++) {
		if (frames[i].sequence <= site->position)
			continue;
		err = why ? refuse(t, &frames[i], why) : take(t, &frames[i]);
		site->position = frames[i].sequence;
		site->records += !why;
	}
	site->last_seen = t->now;
	if (!err)
		err = db_site_set(t->db, site);
	return err ? err : db_commit(&txn);
}

static bool is_final(const struct ey_error *err)
{
	return err->code == EY_ERR_INPUT || err->code == EY_ERR_NOT_FOUND ||
	       err->code == EY_ERR_DENIED;
}

// A record that is not to the database's liking must not stop those behind it.
static struct ey_error *take_one(struct taking *t, const struct forward_frame *f)
{
	struct ey_error *err = take_some(t, f, 1, NULL), *other;

	if (!err || err == &ey_error_nomem)
		return err;
	if (is_final(err)) {
		_cleanup_error_ struct ey_error *why = err;

		ey_log_warning("site %s: record %" PRId64 " (%s %" PRId64 " there) is refused: %s",
			       t->batch->site, f->sequence, f->known ? f->kind_name : "unknown",
			       f->origin, why->message);
		return take_some(t, f, 1, why->message);
	}
	// Is it the database, or this one? The site tries it again, and gives it up in the end.
	other = take_some(t, NULL, 0, NULL);
	if (other) {
		ey_error_destroy(other);
		return err;
	}
	t->failed = f;
	t->failure = err;
	return NULL;
}

static struct ey_error *take_all(struct taking *t)
{
	const struct forward_batch *b = t->batch;
	struct ey_error *err = take_some(t, b->frames, b->count, NULL);

	if (!err || !b->count || err == &ey_error_nomem)
		return err;
	ey_error_destroy(err);
	err = NULL;
	for (size_t i = 0; !err && !t->failed && i < b->count; i++)
		err = take_one(t, &b->frames[i]);
	// As it was committed: what failed has counted itself.
	return err ? err : read_site(t);
}

/*
 * Where the site's stream is the one we know, its numbers go on from ours; one that begins is taken
 * as it is. Anything else (a database was restored, here or there) is told by a position that does
 * not fit, and the site sends all of it again in a new stream.
 */
static struct ey_error *meet(struct taking *t, bool *fits_ret, bool *two_ret)
{
	const struct forward_batch *b = t->batch;
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(t->db, &txn);

	if (!err)
		err = read_site(t);
	if (err)
		return err;
	bool same = !strcmp(t->site.stream, b->stream);
	bool heir = !*t->site.stream || !strcmp(t->site.stream, b->replaces);
	*two_ret = !same && !heir && t->now - t->site.last_seen < TWO_SITES_SECONDS;
	*fits_ret = same ? b->after <= t->site.position : b->after == b->base;
	if (*two_ret || !*fits_ret)
		return NULL;
	if (!same) {
		ey_log_info("site %s: forwards from now on by a new stream", b->site);
		t->site.stream = b->stream;
		t->site.position = b->base;
	}
	t->site.url = b->url;
	t->site.last_seen = t->now;
	t->site.queue = b->queue;
	t->site.oldest = b->oldest;
	err = db_site_set(t->db, &t->site);
	return err ? err : db_commit(&txn);
}

// A token's name says which site it speaks for.
static struct ey_error *check_site(struct db *db, const struct server_request *request,
				   const char *site)
{
	_cleanup_free_ char *name = NULL;

	if (request->who.kind != AUTH_IS_TOKEN)
		return NULL;
	struct ey_error *err = db_token_name(db, request->who.token_id, &name);
	if (err || !strcmp(name, site))
		return err;
	return ey_error_create(EY_ERR_DENIED,
			       "the token is that of the site \"%s\", and the batch is of \"%s\": "
			       "the token of a site has its name",
			       name, site);
}

static void kv_refusal(struct ey_json *json, int64_t sequence, const char *why)
{
	char text[FORWARD_WHY_MAX + 1];

	forward_clean_why(why, text);
	ey_json_object_begin(json);
	ey_json_kv_int(json, "sequence", sequence);
	ey_json_kv_string(json, "why", text);
	ey_json_object_end(json);
}

// What was refused is told until the site knows: an answer may have been lost.
static struct ey_error *answer(const struct taking *t, bool fits, struct server_response *response)
{
	_cleanup_forward_aside_ struct db_forward_aside_list refused = {0};
	struct ey_json json;
	struct ey_error *err = NULL;

	if (fits)
		err = db_site_refused_after(t->db, t->site.name, t->batch->stream, t->batch->after,
					    FORWARD_BATCH_MAX, &refused);
	if (err)
		return err;
	server_response_json(response, &json);
	response->cache_control = "no-store";
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "stream", t->batch->stream);
	ey_json_kv_int(&json, "position", fits ? t->site.position : -1);
	ey_json_key(&json, "refused");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < refused.count; i++)
		kv_refusal(&json, refused.items[i].sequence, refused.items[i].why);
	ey_json_array_end(&json);
	ey_json_key(&json, "failed");
	if (t->failed)
		kv_refusal(&json, t->failed->sequence, t->failure->message);
	else
		ey_json_null(&json);
	ey_json_object_end(&json);
	return NULL;
}

struct ey_error *api_forward(const struct api *api, struct db *db,
			     const struct server_request *request, struct server_response *response)
{
	_cleanup_forward_batch_ struct forward_batch batch = {0};
	_cleanup_(taking_deinit) struct taking t = {
		.db = db, .batch = &batch, .now = ey_time_now()};
	bool fits = false, two = false;
	struct ey_error *err = server_query_only(&request->target, (const char *const[]){NULL});

	if (!err)
		err = forward_batch_read(request->body, request->body_len, &batch);
	if (!err)
		err = check_site(db, request, batch.site);
	if (!err)
		err = meet(&t, &fits, &two);
	if (!err && two) {
		server_response_error(response, 409,
				      "another eyried forwards as this site: each needs a name "
				      "and a token of its own ([forward] site)");
		return NULL;
	}
	if (!err && fits && batch.count)
		err = take_all(&t);
	return err ? err : answer(&t, fits, response);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sites: those that forward to here, and the line on which this one forwards. */
#include "base/cleanup.h"
#include "db/forward.h"
#include "db/site.h"
#include "server/api.h"
#include "server/forward.h"

/** Of what was refused so many are shown, the newest first. */
enum { SHOWN = 20 };

static void kv_refusals(struct ey_json *json, const struct db_forward_aside_list *list)
{
	ey_json_key(json, "refusals");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list->count; i++) {
		const struct db_forward_aside *a = &list->items[i];

		ey_json_object_begin(json);
		ey_json_kv_int(json, "sequence", a->sequence);
		ey_json_kv_string(json, "kind", a->kind);
		ey_json_kv_int(json, "object", a->object_id);
		api_kv_time(json, "time", a->time);
		ey_json_kv_string(json, "why", a->why);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
}

static void write_line(struct ey_json *json, const struct ey_config *config,
		       const struct db_forward_line *line,
		       const struct db_forward_aside_list *refused)
{
	if (!line->active && !line->queue) {
		ey_json_null(json);
		return;
	}
	ey_json_object_begin(json);
	api_kv_text(json, "url", forward_url(config));
	ey_json_kv_string(json, "site", forward_site(config));
	ey_json_kv_bool(json, "up", line->active && line->last_ok && !line->down_since);
	api_kv_time(json, "down_since", line->down_since);
	api_kv_text(json, "why", line->why);
	api_kv_time(json, "last_ok", line->last_ok);
	ey_json_kv_int(json, "queue", line->queue);
	api_kv_time(json, "oldest", line->oldest);
	ey_json_kv_int(json, "records", line->records);
	ey_json_kv_int(json, "refused", line->refused);
	kv_refusals(json, refused);
	ey_json_object_end(json);
}

static struct ey_error *write_site(struct ey_json *json, struct db *db, const struct db_site *s)
{
	_cleanup_forward_aside_ struct db_forward_aside_list refused = {0};
	struct ey_error *err = NULL;

	if (s->refused)
		err = db_site_refused_last(db, s->name, SHOWN, &refused);
	ey_json_object_begin(json);
	ey_json_kv_string(json, "name", s->name);
	api_kv_text(json, "url", s->url);
	api_kv_time(json, "first_seen", s->first_seen);
	api_kv_time(json, "last_seen", s->last_seen);
	ey_json_kv_int(json, "queue", s->queue);
	api_kv_time(json, "oldest", s->oldest);
	ey_json_kv_int(json, "records", s->records);
	ey_json_kv_int(json, "refused", s->refused);
	kv_refusals(json, &refused);
	ey_json_object_end(json);
	return err;
}

struct ey_error *api_sites(const struct api *api, struct db *db,
			   const struct server_request *request, struct server_response *response)
{
	_cleanup_sites_ struct db_site_list list = {0};
	_cleanup_forward_aside_ struct db_forward_aside_list refused = {0};
	struct db_forward_line line;
	struct ey_json json;
	struct ey_error *err = server_query_only(&request->target, (const char *const[]){NULL});

	if (!err)
		err = db_forward_line(db, &line);
	if (!err)
		err = db_forward_aside(db, SHOWN, &refused);
	if (!err)
		err = db_site_list(db, NULL, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "forward");
	write_line(&json, api->config, &line, &refused);
	ey_json_key(&json, "sites");
	ey_json_array_begin(&json);
	for (size_t i = 0; !err && i < list.count; i++)
		err = write_site(&json, db, &list.items[i]);
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return err;
}

struct ey_error *api_kv_site_dumps(struct ey_json *json, struct db *db, int64_t crash_id)
{
	_cleanup_site_dumps_ struct db_site_dump_list list = {0};
	struct ey_error *err = db_site_dumps(db, crash_id, &list);

	ey_json_key(json, "sites");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		const struct db_site_dump *d = &list.items[i];

		ey_json_object_begin(json);
		ey_json_kv_string(json, "site", d->site);
		api_kv_text(json, "url", d->url);
		ey_json_kv_int(json, "crash", d->origin);
		ey_json_kv_string(json, "state", d->state);
		ey_json_kv_int(json, "bytes", d->bytes);
		api_kv_text(json, "path", d->path);
		api_kv_time(json, "purged", d->purged);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

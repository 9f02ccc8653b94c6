/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The space that dumps take, who holds which, what was removed, and what is damaged. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/hold.h"
#include "db/kept.h"
#include "ingest/keep.h"
#include "server/api.h"
#include "server/body.h"

enum { HOSTS_MAX = 50, REMOVALS_MAX = 100, DAMAGED_MAX = 100, HOLDS_MAX = 1000 };

static void write_hold(struct ey_json *json, const struct db_hold *h)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", h->id);
	ey_json_kv_string(json, "scope", db_hold_scope_name(h->scope));
	ey_json_kv_int(json, "subject", h->subject_id);
	ey_json_kv_string(json, "who", h->who);
	ey_json_kv_string(json, "why", h->why);
	api_kv_time(json, "created", h->created);
	api_kv_time(json, "ends", h->ends);
	api_kv_time(json, "released", h->released);
	api_kv_text(json, "released_by", h->released_by);
	api_kv_text(json, "released_why", h->released_why);
	ey_json_object_end(json);
}

static void kv_holds(struct ey_json *json, const struct db_hold_list *list)
{
	ey_json_key(json, "holds");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list->count; i++)
		write_hold(json, &list->items[i]);
	ey_json_array_end(json);
}

static struct ey_error *kv_removals(struct ey_json *json, struct db *db, int64_t crash_id)
{
	_cleanup_removals_ struct db_removal_list list = {0};
	struct ey_error *err = db_removals(db, crash_id, REMOVALS_MAX, &list);

	ey_json_key(json, "removals");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_int(json, "crash", list.items[i].crash_id);
		api_kv_time(json, "time", list.items[i].time);
		ey_json_kv_string(json, "kind", list.items[i].kind);
		ey_json_kv_string(json, "why", list.items[i].why);
		ey_json_kv_int(json, "bytes", list.items[i].bytes);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

static struct ey_error *kv_usage(struct ey_json *json, struct db *db, const char *key,
				 enum db_usage_by by, unsigned int limit)
{
	_cleanup_usage_ struct db_usage_list list = {0};
	struct ey_error *err = db_usage(db, by, -1, limit, &list);

	ey_json_key(json, key);
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		api_kv_text(json, "name", list.items[i].name);
		api_kv_count(json, "id", list.items[i].id ? list.items[i].id : -1);
		ey_json_kv_int(json, "dumps", list.items[i].dumps);
		ey_json_kv_int(json, "bytes", list.items[i].bytes);
		api_kv_time(json, "oldest", list.items[i].oldest);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

static struct ey_error *kv_damaged(struct ey_json *json, struct db *db)
{
	_cleanup_dumps_ struct db_kept_list list = {0};
	const struct db_kept_filter filter = {.damaged = true, .limit = DAMAGED_MAX};
	struct ey_error *err = db_kept_list(db, &filter, ey_time_now(), &list);

	ey_json_key(json, "damaged");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_int(json, "crash", list.items[i].crash_id);
		ey_json_kv_string(json, "damage", list.items[i].damage);
		api_kv_time(json, "checked", list.items[i].checked);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

static struct ey_error *kv_quotas(struct ey_json *json, const struct ey_config *config)
{
	struct keep_quotas q;
	struct ey_error *err = keep_quotas_load(&q, config);

	if (err)
		return err;
	ey_json_key(json, "quota");
	ey_json_object_begin(json);
	ey_json_kv_int(json, "host", q.host);
	ey_json_kv_int(json, "site", q.site);
	ey_json_kv_int(json, "repository", q.repository);
	ey_json_object_end(json);
	return NULL;
}

struct ey_error *api_repository(const struct api *api, struct db *db,
				const struct server_request *request,
				struct server_response *response)
{
	static const char *const known[] = {NULL};
	_cleanup_holds_ struct db_hold_list holds = {0};
	struct ey_json json;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = db_hold_list(db, ey_time_now(), HOLDS_MAX, &holds);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	err = kv_usage(&json, db, "total", DB_USAGE_TOTAL, 1);
	if (!err)
		err = kv_usage(&json, db, "sites", DB_USAGE_SITE, 0);
	if (!err)
		err = kv_usage(&json, db, "states", DB_USAGE_STATE, 0);
	if (!err)
		err = kv_usage(&json, db, "hosts", DB_USAGE_HOST, HOSTS_MAX);
	if (!err)
		err = kv_quotas(&json, api->config);
	if (!err)
		err = kv_removals(&json, db, 0);
	if (!err)
		err = kv_damaged(&json, db);
	kv_holds(&json, &holds);
	ey_json_object_end(&json);
	return err;
}

struct ey_error *api_kv_dump(struct ey_json *json, struct db *db, int64_t crash_id)
{
	_cleanup_holds_ struct db_hold_list holds = {0};
	_cleanup_dumps_ struct db_kept_list dumps = {0};
	const char *damage = "";
	int64_t now = ey_time_now(), checked = 0;
	struct ey_error *err = db_hold_of_crash(db, crash_id, now, &holds);

	if (!err)
		err = db_kept_list(db, &(struct db_kept_filter){.crash_id = crash_id}, now, &dumps);
	for (size_t i = 0; i < dumps.count; i++) {
		damage = *damage ? damage : dumps.items[i].damage;
		checked = EY_MAX(checked, dumps.items[i].checked);
	}
	ey_json_key(json, "dump_state");
	ey_json_object_begin(json);
	api_kv_time(json, "checked", checked);
	api_kv_text(json, "damage", damage);
	kv_holds(json, &holds);
	if (!err)
		err = kv_removals(json, db, crash_id);
	if (!err)
		err = api_kv_site_dumps(json, db, crash_id);
	ey_json_object_end(json);
	return err;
}

struct ey_error *api_holds(const struct api *api, struct db *db,
			   const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {"all", "limit", NULL};
	_cleanup_holds_ struct db_hold_list list = {0};
	struct ey_json json;
	int64_t all = 0, limit = HOLDS_MAX;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = server_query_int(&request->target, "all", 0, 1, 0, &all);
	if (!err)
		err = server_query_int(&request->target, "limit", 1, HOLDS_MAX, HOLDS_MAX, &limit);
	if (!err)
		err = db_hold_list(db, all ? 0 : ey_time_now(), (unsigned int)limit, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	kv_holds(&json, &list);
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *answer_hold(struct db *db, int64_t id, struct server_response *response)
{
	_cleanup_holds_ struct db_hold_list list = {0};
	struct ey_json json;
	struct ey_error *err = db_hold_get(db, id, &list);

	if (err)
		return err;
	server_response_json(response, &json);
	write_hold(&json, list.items);
	return NULL;
}

struct ey_error *api_hold_add(const struct api *api, struct db *db,
			      const struct server_request *request,
			      struct server_response *response)
{
	static const char *const none[] = {NULL};
	static const char *const known[] = {"scope", "subject", "who", "why", "ends", NULL};
	struct db_hold hold = {.created = ey_time_now()};
	_cleanup_json_ json_t *body = NULL;
	const char *scope = NULL, *said = NULL, *ends = NULL;
	int64_t id = 0;
	struct ey_error *err = server_query_only(&request->target, none);

	if (!err)
		err = server_body_read(request, known, &body);
	if (!err)
		err = server_body_need(body, "scope", SERVER_NAME_MAX, &scope);
	if (!err && !db_hold_scope_parse(scope, &hold.scope))
		err = ey_error_create(EY_ERR_INPUT, "\"scope\" is crash, reason, host or issue");
	if (!err)
		err = server_body_int(body, "subject", 1, 0, &hold.subject_id);
	if (!err)
		err = server_body_need(body, "why", SERVER_LINE_MAX, &hold.why);
	if (!err)
		err = server_body_text(body, "ends", SERVER_NAME_MAX, &ends);
	if (!err && ends && !ey_time_parse(ends, &hold.ends))
		err = ey_error_create(EY_ERR_INPUT,
				      "\"ends\" is a time such as 2026-11-23T14:35:46Z");
	if (!err)
		err = server_body_text(body, "who", SERVER_NAME_MAX, &said);
	if (!err)
		err = auth_name(&request->who, said, &hold.who);
	if (!err)
		err = db_hold_add(db, &hold, &id);
	if (!err)
		err = answer_hold(db, id, response);
	if (!err)
		response->status = 201;
	return err;
}

struct ey_error *api_hold_release(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	static const char *const none[] = {NULL};
	static const char *const known[] = {"who", "why", NULL};
	_cleanup_json_ json_t *body = NULL;
	const char *said = NULL, *who = NULL, *why = NULL;
	int64_t id = 0;
	struct ey_error *err = server_query_only(&request->target, none);

	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = server_body_read(request, known, &body);
	if (!err)
		err = server_body_text(body, "why", SERVER_LINE_MAX, &why);
	if (!err)
		err = server_body_text(body, "who", SERVER_NAME_MAX, &said);
	if (!err)
		err = auth_name(&request->who, said, &who);
	if (!err)
		err = db_hold_release(db, id, who, why, ey_time_now());
	return err ? err : answer_hold(db, id, response);
}

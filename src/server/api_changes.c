/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host's life, and changes that a configuration management system tells of. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/boot.h"
#include "db/change.h"
#include "db/forward.h"
#include "db/life.h"
#include "server/api.h"
#include "server/auth.h"
#include "server/body.h"

enum {
	CHANGE_HOSTS_MAX = 1000,
	/** A time further in the future is a mistake, seconds. */
	FUTURE_MAX = 86400,
	/** Changes on a host's page. */
	CHANGES_SHOWN = 20,
};

static void write_change(struct ey_json *json, const struct db_change *c)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", c->id);
	api_kv_time(json, "time", c->time);
	api_kv_time(json, "received", c->received);
	api_kv_text(json, "site", c->site);
	ey_json_kv_bool(json, "everywhere", c->everywhere);
	ey_json_kv_string(json, "tool", c->tool);
	ey_json_kv_string(json, "what", c->what);
	api_kv_text(json, "link", c->link);
	api_kv_text(json, "who", c->who);
	ey_json_kv_int(json, "hosts", c->hosts);
	ey_json_object_end(json);
}

static void kv_changes(struct ey_json *json, const struct db_change_list *list)
{
	ey_json_key(json, "changes");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list->count; i++)
		write_change(json, &list->items[i]);
	ey_json_array_end(json);
}

struct ey_error *api_changes(const struct api *api, struct db *db,
			     const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {"host",  "site",   "tool",	"since",
					    "until", "cursor", "limit", NULL};
	const struct server_target *target = &request->target;
	_cleanup_change_list_ struct db_change_list list = {0};
	struct db_change_filter filter = {.site = server_query_string(target, "site"),
					  .tool = server_query_string(target, "tool")};
	struct db_page page;
	struct ey_json json;
	struct ey_error *err = server_query_only(target, known);

	if (!err)
		err = server_query_int(target, "host", 1, INT64_MAX, 0, &filter.host_id);
	if (!err)
		err = server_query_time(target, "since", 0, &filter.since);
	if (!err)
		err = server_query_time(target, "until", 0, &filter.until);
	if (!err)
		err = api_page(request, &page);
	if (!err)
		err = db_change_list(db, &filter, &page, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	kv_changes(&json, &list);
	api_kv_next(&json, list.next);
	ey_json_object_end(&json);
	return NULL;
}

/** Whom a change is about. */
struct targets {
	const char **hosts;
	json_t *unknown;
};

static void targets_deinit(struct targets *t)
{
	free(t->hosts);
	json_decref(t->unknown);
}

static struct ey_error *read_hosts(json_t *body, struct targets *t, struct db_change_new *change)
{
	json_t *list = json_object_get(body, "hosts"), *item;
	size_t i;

	if (!list)
		return NULL;
	if (!json_is_array(list) || json_array_size(list) > CHANGE_HOSTS_MAX)
		return ey_error_create(EY_ERR_INPUT,
				       "\"hosts\" must be a list of at most %d names; more are "
				       "better named by a label",
				       CHANGE_HOSTS_MAX);
	t->hosts = calloc(json_array_size(list) + 1, sizeof(*t->hosts));
	if (!t->hosts)
		return &ey_error_nomem;
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(item);

		if (!name || !*name || strlen(name) > SERVER_LINE_MAX)
			return ey_error_create(EY_ERR_INPUT, "\"hosts\" must be names of hosts");
		t->hosts[i] = name;
	}
	change->hosts = t->hosts;
	change->host_count = json_array_size(list);
	return NULL;
}

static struct ey_error *read_whom(json_t *body, struct targets *t, struct db_change_new *change)
{
	json_t *label = json_object_get(body, "label"), *all = json_object_get(body, "everywhere");
	struct ey_error *err = read_hosts(body, t, change);

	if (!err && label)
		err = server_body_need(label, "name", SERVER_LINE_MAX, &change->label_name);
	if (!err && label)
		err = server_body_text(label, "value", SERVER_LINE_MAX, &change->label_value);
	change->everywhere = json_is_true(all);
	if (!err && (!!change->host_count + !!label + change->everywhere != 1 ||
		     (all && !json_is_boolean(all))))
		err = ey_error_create(EY_ERR_INPUT, "the body must name its hosts by one of "
						    "\"hosts\", \"label\" or \"everywhere\"");
	return err;
}

static struct ey_error *read_change(const struct server_request *request, json_t *body, int64_t now,
				    struct db_change_new *change)
{
	const char *time, *who;
	struct ey_error *err = server_body_need(body, "what", SERVER_LINE_MAX, &change->what);

	if (!err)
		err = server_body_need(body, "tool", SERVER_NAME_MAX, &change->tool);
	if (!err)
		err = server_body_text(body, "link", SERVER_LINE_MAX, &change->link);
	if (!err)
		err = server_body_text(body, "key", SERVER_LINE_MAX, &change->key);
	if (!err)
		err = server_body_text(body, "site", SERVER_NAME_MAX, &change->site);
	if (!err)
		err = server_body_text(body, "time", SERVER_NAME_MAX, &time);
	if (!err)
		err = server_body_text(body, "who", SERVER_NAME_MAX, &who);
	if (err)
		return err;
	if (change->site && !ey_name_is_safe(change->site))
		return ey_error_create(EY_ERR_INPUT, "\"site\" is no name of a site");
	if (change->link && strncmp(change->link, "https://", 8) != 0 &&
	    strncmp(change->link, "http://", 7) != 0)
		return ey_error_create(EY_ERR_INPUT, "\"link\" must begin with https:// or "
						     "http://");
	change->time = now;
	if (time && (!ey_time_parse(time, &change->time) || change->time < 0 ||
		     change->time > now + FUTURE_MAX))
		return ey_error_create(EY_ERR_INPUT, "\"time\" must be a time of the past, as "
						     "\"2026-11-23T14:35:46Z\"");
	return auth_name(&request->who, who ? who : change->tool, &change->who);
}

static void on_unknown(const char *host, void *arg)
{
	struct targets *t = arg;

	json_array_append_new(t->unknown, json_string(host));
}

// What was said, as it is to be said to the next center: by whom and when is known by now.
static struct ey_error *forward_change(struct db *db, json_t *body,
				       const struct db_change_new *change,
				       const struct db_change *made, int64_t now)
{
	_cleanup_free_ char *text = NULL;
	char time[EY_TIME_TEXT_SIZE];

	json_object_set_new(body, "who", json_string(change->who));
	json_object_set_new(body, "time", json_string(ey_time_format(change->time, time)));
	text = json_dumps(body, JSON_COMPACT);
	if (!text)
		return &ey_error_nomem;
	return db_forward_note(db, DB_FORWARD_CHANGE, made->id, now, text, strlen(text));
}

struct ey_error *api_change_take(struct db *db, const struct server_request *request,
				 const struct api_said *said, struct server_response *response)
{
	static const char *const known[] = {"key",   "time",	   "site", "tool",  "what", "link",
					    "hosts", "everywhere", "who",  "label", NULL};
	_cleanup_(targets_deinit) struct targets targets = {.unknown = json_array()};
	_cleanup_json_ json_t *body = NULL;
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_change_new change = {.on_unknown = on_unknown, .arg = &targets};
	struct db_change made;
	struct ey_json json;
	bool already;
	struct ey_error *err = server_body_read(request, known, &body);

	if (!err)
		err = read_whom(body, &targets, &change);
	if (!err)
		err = read_change(request, body, said->time, &change);
	if (!err && said->only_site)
		change.site = said->only_site;
	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = db_change_add(db, &change, said->time, &made, &already);
	if (!err && !already)
		err = forward_change(db, body, &change, &made, said->time);
	if (!err)
		err = db_commit(&txn);
	if (err)
		return err;
	server_response_json(response, &json);
	response->status = already ? 200 : 201;
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "id", made.id);
	ey_json_kv_bool(&json, "already", already);
	ey_json_kv_int(&json, "hosts", made.hosts);
	ey_json_key(&json, "unknown");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < json_array_size(targets.unknown); i++)
		ey_json_string(&json, json_string_value(json_array_get(targets.unknown, i)));
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return NULL;
}

struct ey_error *api_change_add(const struct api *api, struct db *db,
				const struct server_request *request,
				struct server_response *response)
{
	static const char *const no_parameters[] = {NULL};
	const struct api_said said = {.time = ey_time_now()};
	struct ey_error *err = server_query_only(&request->target, no_parameters);

	return err ? err : api_change_take(db, request, &said, response);
}

static struct ey_error *kv_life(struct ey_json *json, struct db *db, int64_t id)
{
	_cleanup_life_history_ struct db_life_history list = {0};
	struct ey_error *err = db_life_history(db, id, &list);

	ey_json_key(json, "life_history");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		api_kv_time(json, "time", list.items[i].time);
		ey_json_kv_string(json, "who", list.items[i].who);
		ey_json_kv_string(json, "old", list.items[i].old_value);
		ey_json_kv_string(json, "new", list.items[i].new_value);
		ey_json_kv_string(json, "why", list.items[i].why);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

static struct ey_error *kv_labels(struct ey_json *json, struct db *db, int64_t id)
{
	_cleanup_labels_ struct db_label_list list = {0};
	struct ey_error *err = db_labels(db, id, &list);

	ey_json_key(json, "labels");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_string(json, "name", list.items[i].name);
		ey_json_kv_string(json, "value", list.items[i].value);
		ey_json_kv_string(json, "source", db_label_source_name(list.items[i].source));
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

static struct ey_error *kv_twins(struct ey_json *json, struct db *db, int64_t id)
{
	_cleanup_twins_ struct db_twin_list list = {0};
	struct ey_error *err = db_host_twins(db, id, &list);

	ey_json_key(json, "twins");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++)
		api_write_twin(json, &list.items[i]);
	ey_json_array_end(json);
	return err;
}

struct ey_error *api_kv_host_life(struct ey_json *json, struct db *db, int64_t id)
{
	_cleanup_change_list_ struct db_change_list changes = {0};
	struct db_change_filter filter = {.host_id = id};
	struct db_page page = {.limit = CHANGES_SHOWN};
	struct ey_error *err = kv_life(json, db, id);

	if (!err)
		err = kv_labels(json, db, id);
	if (!err)
		err = kv_twins(json, db, id);
	if (!err)
		err = db_change_list(db, &filter, &page, &changes);
	if (!err)
		kv_changes(json, &changes);
	return err;
}

struct ey_error *api_host_life(const struct api *api, struct db *db,
			       const struct server_request *request,
			       struct server_response *response)
{
	static const char *const no_parameters[] = {NULL};
	static const char *const known[] = {"life", "why", "who", NULL};
	_cleanup_json_ json_t *body = NULL;
	const char *word, *why, *said, *who;
	enum db_life life;
	struct ey_json json;
	bool changed;
	int64_t id;
	struct ey_error *err = server_query_only(&request->target, no_parameters);

	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = server_body_read(request, known, &body);
	if (!err)
		err = server_body_need(body, "life", SERVER_NAME_MAX, &word);
	if (!err)
		err = db_life_parse(word, &life);
	if (!err)
		err = server_body_text(body, "why", SERVER_LINE_MAX, &why);
	if (!err)
		err = server_body_text(body, "who", SERVER_NAME_MAX, &said);
	if (!err)
		err = auth_name(&request->who, said, &who);
	if (!err)
		err = db_life_set(db, id, life, who, why, ey_time_now(), &changed);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "host", id);
	ey_json_kv_string(&json, "life", db_life_name(life));
	ey_json_kv_bool(&json, "changed", changed);
	err = kv_life(&json, db, id);
	ey_json_object_end(&json);
	return err;
}

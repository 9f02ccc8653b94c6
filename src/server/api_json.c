/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pieces that several answers share. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/console_hours.h"
#include "server/api.h"

struct ey_error *api_id(const struct server_request *request, int64_t *ret)
{
	if (!request->id || !server_int_parse(request->id, ret) || *ret < 1)
		return ey_error_create(EY_ERR_NOT_FOUND, "there is nothing at this address");
	return NULL;
}

struct ey_error *api_page(const struct server_request *request, struct db_page *ret)
{
	int64_t limit;
	struct ey_error *err = server_query_int(&request->target, "limit", 1, DB_PAGE_MAX,
						DB_PAGE_DEFAULT, &limit);

	if (err)
		return err;
	*ret = (struct db_page){
		.cursor = server_query_string(&request->target, "cursor"),
		.limit = (unsigned int)limit,
	};
	return NULL;
}

void api_kv_text(struct ey_json *json, const char *key, const char *text)
{
	ey_json_kv_string(json, key, text && *text ? text : NULL);
}

void api_kv_time(struct ey_json *json, const char *key, int64_t time)
{
	char text[EY_TIME_TEXT_SIZE];

	ey_json_kv_string(json, key, time ? ey_time_format(time, text) : NULL);
}

void api_kv_count(struct ey_json *json, const char *key, int64_t v)
{
	ey_json_key(json, key);
	if (v < 0)
		ey_json_null(json);
	else
		ey_json_int(json, v);
}

void api_kv_next(struct ey_json *json, const char *next)
{
	ey_json_kv_string(json, "next", next);
}

static void kv_model(struct ey_json *json, int64_t id, const char *vendor, const char *product)
{
	ey_json_key(json, "model");
	if (!id) {
		ey_json_null(json);
		return;
	}
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", id);
	api_kv_text(json, "vendor", vendor);
	api_kv_text(json, "product", product);
	ey_json_object_end(json);
}

static void kv_issue(struct ey_json *json, int64_t id)
{
	api_kv_count(json, "issue_id", id ? id : -1);
}

static void kv_dump(struct ey_json *json, const struct db_crash *c)
{
	ey_json_key(json, "dump");
	ey_json_object_begin(json);
	ey_json_kv_string(json, "state", db_dump_name(c->dump));
	ey_json_kv_int(json, "bytes", c->dump_bytes);
	api_kv_text(json, "format", c->dump_format);
	ey_json_kv_bool(json, "complete", c->dump_complete);
	api_kv_time(json, "purged", c->purged);
	ey_json_object_end(json);
}

void api_fixes_deinit(struct api_fixes *fixes)
{
	db_issue_fix_list_deinit(&fixes->list);
}

struct ey_error *api_triage(struct db *db, struct api_fixes *fixes, const struct db_crash *c,
			    const char **ret)
{
	enum db_reason_state state;
	struct ey_error *err = NULL;

	if (c->issue_id != fixes->issue_id) {
		db_issue_fix_list_deinit(&fixes->list);
		fixes->issue_id = c->issue_id;
		if (c->issue_id)
			err = db_issue_fixes(db, c->issue_id, &fixes->list);
	}
	if (!db_reason_state_parse(c->reason_state, &state))
		state = DB_REASON_NEW;
	*ret = db_verdict_name(db_verdict_of(state, &fixes->list, c->kernel, c->kernel_version));
	return err;
}

static struct ey_error *kv_triage(struct ey_json *json, struct db *db, struct api_fixes *fixes,
				  const struct db_crash *c)
{
	const char *name;
	struct ey_error *err = api_triage(db, fixes, c, &name);

	ey_json_kv_string(json, "triage", name);
	return err;
}

struct ey_error *api_write_crash(struct ey_json *json, struct db *db, struct api_fixes *fixes,
				 const struct db_crash *c)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", c->id);
	api_kv_time(json, "time", c->time);
	api_kv_time(json, "received", c->received);
	api_kv_count(json, "uptime_seconds", c->uptime);
	ey_json_key(json, "host");
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", c->host_id);
	ey_json_kv_string(json, "name", c->hostname);
	ey_json_kv_string(json, "site", c->site);
	ey_json_object_end(json);
	api_kv_text(json, "boot_id", c->boot_uuid);
	kv_model(json, c->model_id, c->vendor, c->product);
	api_kv_text(json, "firmware", c->firmware);
	api_kv_text(json, "kernel", c->kernel);
	api_kv_text(json, "kernel_version", c->kernel_version);
	api_kv_text(json, "machine", c->machine);
	ey_json_key(json, "reason");
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", c->reason_id);
	ey_json_kv_string(json, "key", c->reason_key);
	ey_json_kv_string(json, "state", c->reason_state);
	kv_issue(json, c->issue_id);
	ey_json_kv_int(json, "crashes", c->reason_crashes);
	ey_json_object_end(json);
	ey_json_kv_string(json, "verdict", c->is_new ? "new" : "known");
	struct ey_error *err = kv_triage(json, db, fixes, c);
	api_kv_text(json, "kind", c->kind);
	api_kv_text(json, "title", c->title);
	api_kv_text(json, "function", c->function);
	api_kv_text(json, "module", c->module);
	api_kv_text(json, "guilty", c->guilty);
	api_kv_text(json, "signature", c->signature);
	api_kv_text(json, "comm", c->comm);
	api_kv_text(json, "taint", c->taint);
	api_kv_count(json, "cpu", c->cpu);
	api_kv_count(json, "pid", c->pid);
	ey_json_kv_bool(json, "corrupted", c->corrupted);
	api_kv_text(json, "engine", c->engine);
	ey_json_kv_int(json, "gaps", c->gaps);
	api_kv_text(json, "path", c->path);
	kv_dump(json, c);
	ey_json_object_end(json);
	return err;
}

void api_write_reason(struct ey_json *json, const struct db_reason *r)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", r->id);
	ey_json_kv_string(json, "key", r->key);
	api_kv_text(json, "kind", r->kind);
	api_kv_text(json, "guilty", r->guilty);
	api_kv_text(json, "title", r->title);
	ey_json_kv_string(json, "state", db_reason_state_name(r->state));
	api_kv_time(json, "first_seen", r->first_seen);
	api_kv_time(json, "last_seen", r->last_seen);
	api_kv_time(json, "received", r->received);
	ey_json_kv_int(json, "first_crash_id", r->first_crash_id);
	kv_issue(json, r->issue_id);
	ey_json_kv_int(json, "crashes", r->crashes);
	ey_json_kv_int(json, "hosts", r->hosts);
	ey_json_kv_int(json, "dumps", r->dumps);
	ey_json_key(json, "merged_into");
	if (r->merged_into)
		ey_json_int(json, r->merged_into);
	else
		ey_json_null(json);
	ey_json_object_end(json);
}

void api_write_host(struct ey_json *json, const struct db_host *h)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", h->id);
	ey_json_kv_string(json, "name", h->hostname);
	ey_json_kv_string(json, "site", h->site);
	ey_json_kv_string(json, "folder", h->folder);
	api_kv_text(json, "machine_id", h->machine_id);
	api_kv_text(json, "dmi_uuid", h->dmi_uuid);
	api_kv_text(json, "dmi_serial", h->dmi_serial);
	kv_model(json, h->model_id, h->vendor, h->product);
	api_kv_text(json, "firmware", h->firmware);
	api_kv_text(json, "kernel", h->kernel);
	api_kv_text(json, "image", h->image);
	ey_json_kv_string(json, "life", h->life);
	api_kv_time(json, "last_beat", h->last_beat);
	api_kv_time(json, "first_seen", h->first_seen);
	api_kv_time(json, "last_seen", h->last_seen);
	ey_json_kv_int(json, "crashes", h->crashes);
	ey_json_kv_int(json, "reasons", h->reasons);
	ey_json_key(json, "alert_id");
	if (h->alert_id)
		ey_json_int(json, h->alert_id);
	else
		ey_json_null(json);
	ey_json_object_end(json);
}

void api_write_alert(struct ey_json *json, const struct db_alert *a)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", a->id);
	ey_json_kv_string(json, "scope", db_alert_scope_name(a->scope));
	ey_json_key(json, "subject");
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", a->subject_id);
	ey_json_kv_string(json, "name", a->subject);
	ey_json_object_end(json);
	ey_json_kv_string(json, "summary", a->summary);
	api_kv_text(json, "hint", a->hint);
	ey_json_kv_string(json, "state", db_alert_state_name(a->state));
	api_kv_time(json, "since", a->since);
	api_kv_time(json, "updated", a->updated);
	api_kv_time(json, "resolved", a->resolved);
	api_kv_time(json, "acknowledged", a->acknowledged);
	api_kv_text(json, "who", a->who);
	ey_json_kv_int(json, "count", a->count);
	ey_json_kv_int(json, "threshold", a->threshold);
	ey_json_kv_int(json, "window_seconds", a->window);
	ey_json_kv_int(json, "crashes", a->crashes);
	ey_json_kv_int(json, "hosts", a->hosts);
	ey_json_kv_int(json, "reasons", a->reasons);
	ey_json_object_end(json);
}

struct ey_error *api_kv_days(struct ey_json *json, struct db *db, const char *key, int days,
			     struct db_stats_filter filter)
{
	_cleanup_(db_day_list_deinit) struct db_day_list list = {0};
	int64_t now = ey_time_now();

	filter.until = now - now % 86400 + 86400;
	filter.since = filter.until - (int64_t)days * 86400;
	struct ey_error *err = db_stats_days(db, &filter, &list);
	if (err)
		return err;
	ey_json_key(json, key);
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		api_kv_time(json, "day", list.items[i].day);
		ey_json_kv_int(json, "crashes", list.items[i].crashes);
		ey_json_kv_int(json, "hosts", list.items[i].hosts);
		ey_json_kv_int(json, "new_reasons", list.items[i].new_reasons);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return NULL;
}

struct ey_error *api_kv_hours(struct ey_json *json, struct db *db, int hours)
{
	_cleanup_hours_ struct db_hour_list list = {0};
	int64_t now = ey_time_now();
	int64_t until = now - now % 3600 + 3600;
	struct ey_error *err = db_console_hours(db, until - (int64_t)hours * 3600, until, &list);

	if (err)
		return err;
	ey_json_key(json, "hours");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		api_kv_time(json, "hour", list.items[i].hour);
		ey_json_kv_int(json, "crashes", list.items[i].crashes);
		ey_json_kv_int(json, "hosts", list.items[i].hosts);
		ey_json_kv_int(json, "new_reasons", list.items[i].new_reasons);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return NULL;
}

void api_write_tops(struct ey_json *json, const struct db_top_list *list)
{
	ey_json_array_begin(json);
	for (size_t i = 0; i < list->count; i++) {
		const struct db_top *t = &list->items[i];

		ey_json_object_begin(json);
		ey_json_kv_int(json, "id", t->id);
		api_kv_text(json, "label", t->label);
		api_kv_text(json, "detail", t->detail);
		ey_json_kv_int(json, "crashes", t->crashes);
		ey_json_kv_int(json, "hosts", t->hosts);
		ey_json_kv_int(json, "reasons", t->reasons);
		ey_json_kv_int(json, "new_reasons", t->new_reasons);
		api_kv_time(json, "first_seen", t->first_seen);
		api_kv_time(json, "last_seen", t->last_seen);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
}

struct ey_error *api_kv_top(struct ey_json *json, struct db *db, const char *key,
			    enum db_dimension dimension, const struct db_stats_filter *filter,
			    unsigned int limit)
{
	_cleanup_top_ struct db_top_list list = {0};
	struct ey_error *err = db_stats_top(db, dimension, filter, limit, &list);

	if (err)
		return err;
	ey_json_key(json, key);
	api_write_tops(json, &list);
	return NULL;
}

struct ey_error *api_kv_alerts(struct ey_json *json, struct db *db, const char *scope,
			       int64_t subject_id)
{
	_cleanup_alerts_ struct db_alert_list list = {0};
	struct db_alert_filter filter = {
		.only_active = true, .scope = scope, .subject_id = subject_id};
	struct db_page page = {.limit = 200};
	struct ey_error *err = db_alert_list(db, &filter, &page, &list);

	if (err)
		return err;
	ey_json_key(json, "alerts");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++)
		api_write_alert(json, &list.items[i]);
	ey_json_array_end(json);
	return NULL;
}

struct ey_error *api_kv_crashes(struct ey_json *json, struct db *db, const char *key,
				const struct db_crash_filter *filter, unsigned int limit)
{
	_cleanup_crashes_ struct db_crash_list list = {0};
	_cleanup_api_fixes_ struct api_fixes fixes = {0};
	struct db_page page = {.limit = limit};
	struct ey_error *err = db_crash_list(db, filter, &page, &list);

	if (err)
		return err;
	ey_json_key(json, key);
	ey_json_array_begin(json);
	for (size_t i = 0; !err && i < list.count; i++)
		err = api_write_crash(json, db, &fixes, &list.items[i]);
	ey_json_array_end(json);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people do to reasons: merge, split, take it back; and what was done. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/reason_change.h"
#include "db/reason_move.h"
#include "server/api.h"
#include "server/auth.h"
#include "server/body.h"

/** Crashes that the request itself moves; the rest is the job's. */
enum { MOVE_AT_ONCE = 1000 };

/** A request to change reasons: its body, and who makes it why. */
struct change {
	json_t *body;
	int64_t id;
	struct db_reason_edit edit;
	bool preview;
};

static void change_deinit(struct change *c)
{
	json_decref(c->body);
}
#define _cleanup_change_ _cleanup_(change_deinit)

// "preview": 1, so that a form can ask before it sends the same for good.
static struct ey_error *read_change(const struct server_request *request, const char *const *known,
				    struct change *c)
{
	static const char *const no_parameters[] = {NULL};
	struct ey_error *err = server_query_only(&request->target, no_parameters);

	c->edit.now = ey_time_now();
	if (!err)
		err = api_id(request, &c->id);
	if (!err)
		err = server_body_read(request, known, &c->body);
	if (!err)
		err = server_body_text(c->body, "who", SERVER_NAME_MAX, &c->edit.who);
	if (!err)
		err = auth_name(&request->who, c->edit.who, &c->edit.who);
	if (!err)
		err = server_body_text(c->body, "why", SERVER_LINE_MAX, &c->edit.why);
	c->preview = !err && json_is_true(json_object_get(c->body, "preview"));
	return err;
}

static void kv_side(struct ey_json *json, const char *side, int64_t id, const char *key,
		    const char *title)
{
	ey_json_key(json, side);
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", id);
	ey_json_kv_string(json, "key", key);
	api_kv_text(json, "title", title);
	ey_json_object_end(json);
}

static void write_change(struct ey_json *json, const struct db_reason_change *c)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", c->id);
	ey_json_kv_string(json, "what", c->what);
	kv_side(json, "from", c->from_id, c->from_key, c->from_title);
	kv_side(json, "to", c->to_id, c->to_key, c->to_title);
	api_kv_text(json, "by", c->field);
	api_kv_text(json, "value", c->value);
	api_kv_time(json, "time", c->time);
	ey_json_kv_string(json, "who", c->who);
	ey_json_kv_string(json, "why", c->why);
	api_kv_time(json, "undone", c->undone);
	api_kv_text(json, "undone_by", c->undone_by);
	api_kv_text(json, "undone_why", c->undone_why);
	ey_json_key(json, "moving");
	ey_json_bool(json, c->moving);
	ey_json_object_end(json);
}

// Move what is quickly moved, then answer with the change and the reason to look at next.
static struct ey_error *answer_change(struct db *db, int64_t change_id, int64_t reason_id,
				      struct server_response *response)
{
	_cleanup_changes_ struct db_reason_change_list changes = {0};
	_cleanup_reasons_ struct db_reason_list reasons = {0};
	struct db_move_result moved;
	struct ey_json json;
	struct ey_error *err = db_reason_move_run(db, MOVE_AT_ONCE, &moved);

	if (!err)
		err = db_reason_change_get(db, change_id, &changes);
	if (!err)
		err = db_reason_get(db, reason_id, &reasons);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "change");
	write_change(&json, changes.items);
	ey_json_key(&json, "reason");
	api_write_reason(&json, reasons.items);
	ey_json_object_end(&json);
	return NULL;
}

static void answer_preview(const struct db_reason_preview *p, struct server_response *response)
{
	struct ey_json json;

	server_response_json(response, &json);
	response->unchanged = true;
	ey_json_object_begin(&json);
	ey_json_key(&json, "preview");
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "crashes", p->crashes);
	ey_json_kv_int(&json, "hosts", p->hosts);
	ey_json_kv_int(&json, "dumps", p->dumps);
	ey_json_kv_int(&json, "looked_at", p->looked_at);
	ey_json_key(&json, "issue_id");
	if (p->issue_id)
		ey_json_int(&json, p->issue_id);
	else
		ey_json_null(&json);
	ey_json_object_end(&json);
	ey_json_object_end(&json);
}

struct ey_error *api_reason_merge(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	static const char *const known[] = {"who", "why", "preview", "into", "issue", NULL};
	_cleanup_change_ struct change c = {0};
	struct db_reason_merge merge = {0};
	struct db_reason_preview preview;
	int64_t change_id;
	struct ey_error *err = read_change(request, known, &c);

	merge.from_id = c.id;
	if (!err)
		err = server_body_int(c.body, "into", 1, 0, &merge.into_id);
	if (!err)
		err = server_body_int(c.body, "issue", 1, 0, &merge.issue_id);
	if (!err && !merge.into_id)
		err = ey_error_create(EY_ERR_INPUT, "the body must have \"into\", the reason to "
						    "merge this one into");
	if (!err && c.preview) {
		err = db_reason_merge_preview(db, &merge, &preview);
		if (!err)
			answer_preview(&preview, response);
		return err;
	}
	if (!err)
		err = db_reason_merge(db, &merge, &c.edit, &change_id);
	if (err)
		return err;
	ey_log_info("reason %lld merged into %lld by \"%s\"", (long long)merge.from_id,
		    (long long)merge.into_id, c.edit.who);
	err = answer_change(db, change_id, merge.into_id, response);
	response->status = 201;
	return err;
}

struct ey_error *api_reason_split(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	static const char *const known[] = {"who", "why", "preview", "by", "value", "title", NULL};
	_cleanup_change_ struct change c = {0};
	struct db_reason_split split = {0};
	struct db_reason_preview preview;
	int64_t change_id, reason_id;
	const char *by = NULL;
	struct ey_error *err = read_change(request, known, &c);

	split.from_id = c.id;
	if (!err)
		err = server_body_need(c.body, "by", SERVER_LINE_MAX, &by);
	if (!err)
		err = server_body_need(c.body, "value", SERVER_LINE_MAX, &split.value);
	if (!err)
		err = server_body_text(c.body, "title", SERVER_LINE_MAX, &split.title);
	if (!err && !db_split_field_parse(by, &split.field))
		err = ey_error_create(EY_ERR_INPUT,
				      "\"by\" is \"signature\", \"guilty\" or \"kernel\"");
	if (!err && c.preview) {
		err = db_reason_split_preview(db, &split, &preview);
		if (!err)
			answer_preview(&preview, response);
		return err;
	}
	if (!err)
		err = db_reason_split(db, &split, &c.edit, &change_id, &reason_id);
	if (err)
		return err;
	ey_log_info("reason %lld split by \"%s\": reason %lld", (long long)split.from_id,
		    c.edit.who, (long long)reason_id);
	err = answer_change(db, change_id, reason_id, response);
	response->status = 201;
	return err;
}

struct ey_error *api_reason_undo(const struct api *api, struct db *db,
				 const struct server_request *request,
				 struct server_response *response)
{
	static const char *const known[] = {"who", "why", NULL};
	_cleanup_change_ struct change c = {0};
	_cleanup_changes_ struct db_reason_change_list changes = {0};
	struct ey_error *err = read_change(request, known, &c);

	if (!err)
		err = db_reason_undo(db, c.id, &c.edit);
	if (!err)
		err = db_reason_change_get(db, c.id, &changes);
	if (err)
		return err;
	ey_log_info("change %lld of reasons taken back by \"%s\"", (long long)c.id, c.edit.who);
	return answer_change(db, c.id, changes.items[0].from_id, response);
}

struct ey_error *api_reason_history(const struct api *api, struct db *db,
				    const struct server_request *request,
				    struct server_response *response)
{
	static const char *const known[] = {NULL};
	_cleanup_changes_ struct db_reason_change_list list = {0};
	_cleanup_reasons_ struct db_reason_list reason = {0};
	struct ey_json json;
	int64_t id;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = db_reason_get(db, id, &reason);
	if (!err)
		err = db_reason_history(db, id, 0, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "changes");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		write_change(&json, &list.items[i]);
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return NULL;
}

struct ey_error *api_reason_values(const struct api *api, struct db *db,
				   const struct server_request *request,
				   struct server_response *response)
{
	static const char *const known[] = {"by", NULL};
	_cleanup_values_ struct db_reason_value_list list = {0};
	_cleanup_reasons_ struct db_reason_list reason = {0};
	enum db_split_field field = DB_SPLIT_SIGNATURE;
	const char *by = server_query_string(&request->target, "by");
	struct ey_json json;
	int64_t id;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = api_id(request, &id);
	if (!err && by && !db_split_field_parse(by, &field))
		err = ey_error_create(EY_ERR_INPUT,
				      "parameter \"by\" is none of signature, guilty, kernel");
	if (!err)
		err = db_reason_get(db, id, &reason);
	if (!err)
		err = db_reason_values(db, id, field, 0, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "by", db_split_field_name(field));
	ey_json_kv_int(&json, "looked_at",
		       EY_MIN(reason.items->crashes, (int64_t)DB_REASON_SAMPLE));
	ey_json_key(&json, "values");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(&json);
		ey_json_kv_string(&json, "value", list.items[i].value);
		ey_json_kv_int(&json, "crashes", list.items[i].crashes);
		ey_json_kv_int(&json, "hosts", list.items[i].hosts);
		ey_json_object_end(&json);
	}
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Known issues: the list, one with all that belongs to it, and the changes of people. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/issue.h"
#include "server/api.h"
#include "server/api_filter.h"
#include "server/body.h"

static void write_issue(struct ey_json *json, const struct db_issue *issue)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", issue->id);
	ey_json_kv_int(json, "version", issue->version);
	for (int i = 0; i < DB_ISSUE_FIELD_COUNT; i++)
		ey_json_kv_string(json, db_issue_field_name((enum db_issue_field)i),
				  issue->fields[i]);
	api_kv_time(json, "created", issue->created);
	api_kv_time(json, "updated", issue->updated);
	ey_json_kv_int(json, "reasons", issue->reasons);
	ey_json_kv_int(json, "crashes", issue->crashes);
	api_kv_time(json, "last_seen", issue->last_seen);
	ey_json_object_end(json);
}

#define X(id, name) name,
static const char *const states[] = {DB_REASON_STATES(X) NULL};
#undef X

static struct ey_error *read_filter(const struct server_target *target, struct db_issue_filter *f)
{
	enum db_flag open = DB_FLAG_ANY;
	const struct api_filter filters[] = {
		{"state", API_FILTER_TEXT_OF, &f->state, states},
		{"open", API_FILTER_FLAG, &open},
		{"owner", API_FILTER_TEXT, &f->owner},
		{"vendor", API_FILTER_TEXT, &f->vendor},
		{"vendor_case", API_FILTER_TEXT, &f->vendor_case},
		{"changed_since", API_FILTER_TIME, &f->changed_since},
		{"changed_until", API_FILTER_TIME, &f->changed_until},
		{"q", API_FILTER_TEXT, &f->text},
	};
	struct ey_error *err = api_filters_read(target, filters, EY_ARRAY_SIZE(filters));

	f->only_open = open == DB_FLAG_YES;
	return err;
}

struct ey_error *api_issues(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	_cleanup_issues_ struct db_issue_list list = {0};
	struct db_issue_filter filter = {0};
	struct db_page page;
	struct ey_json json;
	struct ey_error *err = read_filter(&request->target, &filter);

	if (!err)
		err = api_page(request, &page);
	if (!err)
		err = db_issue_list(db, &filter, &page, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "issues");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		write_issue(&json, &list.items[i]);
	ey_json_array_end(&json);
	api_kv_next(&json, list.next);
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *kv_fixes(struct ey_json *json, struct db *db, int64_t id)
{
	_cleanup_fixes_ struct db_issue_fix_list list = {0};
	struct ey_error *err = db_issue_fixes(db, id, &list);

	ey_json_key(json, "fixes");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		const struct db_issue_fix *f = &list.items[i];

		ey_json_object_begin(json);
		ey_json_kv_int(json, "id", f->id);
		ey_json_kv_string(json, "distribution", f->distribution);
		ey_json_kv_string(json, "package", f->package);
		ey_json_kv_string(json, "format", ey_package_format_name(f->format));
		ey_json_kv_string(json, "version", f->version);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

static struct ey_error *kv_rules(struct ey_json *json, struct db *db, int64_t id)
{
	_cleanup_rules_ struct db_issue_rule_list list = {0};
	struct ey_error *err = db_issue_rules(db, id, &list);

	ey_json_key(json, "rules");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_int(json, "id", list.items[i].id);
		ey_json_kv_string(json, "kind", list.items[i].kind);
		ey_json_kv_string(json, "function", list.items[i].function);
		ey_json_kv_string(json, "module", list.items[i].module);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

static struct ey_error *kv_history(struct ey_json *json, struct db *db, int64_t id)
{
	_cleanup_history_ struct db_issue_history list = {0};
	struct ey_error *err = db_issue_history(db, id, 0, &list);

	ey_json_key(json, "history");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		const struct db_issue_event *e = &list.items[i];

		ey_json_object_begin(json);
		api_kv_time(json, "time", e->time);
		ey_json_kv_string(json, "who", e->who);
		ey_json_kv_string(json, "what", e->what);
		ey_json_kv_string(json, "old", e->old_value);
		ey_json_kv_string(json, "new", e->new_value);
		ey_json_kv_string(json, "why", e->why);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

static struct ey_error *kv_reasons(struct ey_json *json, struct db *db, int64_t id)
{
	_cleanup_reasons_ struct db_reason_list list = {0};
	struct db_reason_filter filter = {.issue_id = id};
	struct db_page page = {.limit = DB_PAGE_MAX};
	struct ey_error *err = db_reason_list(db, &filter, &page, &list);

	ey_json_key(json, "reasons");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++)
		api_write_reason(json, &list.items[i]);
	ey_json_array_end(json);
	return err;
}

static struct ey_error *answer_issue(struct db *db, int64_t id, struct server_response *response)
{
	_cleanup_issues_ struct db_issue_list list = {0};
	struct ey_json json;
	struct ey_error *err = db_issue_get(db, id, &list);

	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "issue");
	write_issue(&json, list.items);
	err = kv_reasons(&json, db, id);
	if (!err)
		err = kv_fixes(&json, db, id);
	if (!err)
		err = kv_rules(&json, db, id);
	if (!err)
		err = kv_history(&json, db, id);
	ey_json_object_end(&json);
	return err;
}

struct ey_error *api_issue(const struct api *api, struct db *db,
			   const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	int64_t id;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = api_id(request, &id);
	return err ? err : answer_issue(db, id, response);
}

/** A request to change an issue: its body, and who makes it why. */
struct change {
	json_t *body;
	struct db_issue_edit edit;
};

static void change_deinit(struct change *c)
{
	json_decref(c->body);
}
#define _cleanup_change_ _cleanup_(change_deinit)

static struct ey_error *read_change(const struct server_request *request, const char *const *known,
				    struct change *c)
{
	static const char *const no_parameters[] = {NULL};
	struct ey_error *err = server_query_only(&request->target, no_parameters);

	c->edit.now = ey_time_now();
	if (!err && request->id)
		err = api_id(request, &c->edit.issue_id);
	if (!err)
		err = server_body_read(request, known, &c->body);
	if (!err)
		err = server_body_text(c->body, "who", SERVER_NAME_MAX, &c->edit.who);
	if (!err)
		err = auth_name(&request->who, c->edit.who, &c->edit.who);
	if (!err)
		err = server_body_text(c->body, "why", SERVER_LINE_MAX, &c->edit.why);
	if (!err)
		err = server_body_int(c->body, "version", 1, 0, &c->edit.version);
	return err;
}

static struct ey_error *read_fields(const struct change *c,
				    const char *fields[DB_ISSUE_FIELD_COUNT])
{
	struct ey_error *err = NULL;

	for (int i = 0; !err && i < DB_ISSUE_FIELD_COUNT; i++)
		err = server_body_text(c->body, db_issue_field_name((enum db_issue_field)i),
				       i == DB_ISSUE_NOTES ? SERVER_TEXT_MAX : SERVER_LINE_MAX,
				       &fields[i]);
	return err;
}

#define X(id, name) name,
static const char *const change_keys[] = {DB_ISSUE_FIELDS(X) "who", "why", "version", NULL};
static const char *const create_keys[] = {DB_ISSUE_FIELDS(X) "who", "why", "reason", NULL};
#undef X

// With the reason that made somebody think of it, where there is one.
static struct ey_error *create_issue(struct db *db, struct change *c,
				     const char *const fields[DB_ISSUE_FIELD_COUNT],
				     int64_t reason_id)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_issue_create(db, fields, &c->edit, &c->edit.issue_id);
	if (!err && reason_id)
		err = db_issue_set_reason(db, reason_id, true, &c->edit);
	return err ? err : db_commit(&txn);
}

struct ey_error *api_issue_create(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	_cleanup_change_ struct change c = {0};
	const char *fields[DB_ISSUE_FIELD_COUNT];
	int64_t reason_id;
	struct ey_error *err = read_change(request, create_keys, &c);

	if (!err)
		err = read_fields(&c, fields);
	if (!err)
		err = server_body_int(c.body, "reason", 1, 0, &reason_id);
	if (!err)
		err = create_issue(db, &c, fields, reason_id);
	if (err)
		return err;
	ey_log_info("issue %lld made by \"%s\"", (long long)c.edit.issue_id, c.edit.who);
	err = answer_issue(db, c.edit.issue_id, response);
	response->status = 201;
	return err;
}

struct ey_error *api_issue_change(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	_cleanup_change_ struct change c = {0};
	const char *fields[DB_ISSUE_FIELD_COUNT];
	bool conflict = false;
	struct ey_error *err = read_change(request, change_keys, &c);

	if (!err)
		err = read_fields(&c, fields);
	if (!err)
		err = db_issue_change(db, fields, &c.edit, &conflict);
	if (err)
		return err;
	if (conflict) {
		server_response_error(
			response, 409,
			"somebody changed the issue since you read it; read it again");
		return NULL;
	}
	return answer_issue(db, c.edit.issue_id, response);
}

struct ey_error *api_issue_comment(const struct api *api, struct db *db,
				   const struct server_request *request,
				   struct server_response *response)
{
	static const char *const known[] = {"who", "text", NULL};
	_cleanup_change_ struct change c = {0};
	const char *text;
	struct ey_error *err = read_change(request, known, &c);

	if (!err)
		err = server_body_need(c.body, "text", SERVER_TEXT_MAX, &text);
	if (!err)
		err = db_issue_comment(db, text, &c.edit);
	return err ? err : answer_issue(db, c.edit.issue_id, response);
}

struct ey_error *api_issue_reasons(const struct api *api, struct db *db,
				   const struct server_request *request,
				   struct server_response *response)
{
	static const char *const known[] = {"who", "why", "add", "remove", NULL};
	_cleanup_change_ struct change c = {0};
	int64_t add, remove;
	struct ey_error *err = read_change(request, known, &c);

	if (!err)
		err = server_body_int(c.body, "add", 1, 0, &add);
	if (!err)
		err = server_body_int(c.body, "remove", 1, 0, &remove);
	if (!err && !add == !remove)
		err = ey_error_create(
			EY_ERR_INPUT,
			"the body must have \"add\" or \"remove\", the id of a reason");
	if (!err)
		err = db_issue_set_reason(db, add ? add : remove, add != 0, &c.edit);
	return err ? err : answer_issue(db, c.edit.issue_id, response);
}

static struct ey_error *add_fix(struct db *db, const struct change *c)
{
	struct db_issue_fix fix = {0};
	const char *format = NULL;
	struct ey_error *err =
		server_body_need(c->body, "distribution", SERVER_LINE_MAX, &fix.distribution);

	if (!err)
		err = server_body_need(c->body, "package", SERVER_LINE_MAX, &fix.package);
	if (!err)
		err = server_body_need(c->body, "format", SERVER_LINE_MAX, &format);
	if (!err)
		err = server_body_need(c->body, "fixed_in", SERVER_LINE_MAX, &fix.version);
	if (!err && !ey_package_format_parse(format, &fix.format))
		err = ey_error_create(EY_ERR_INPUT, "\"format\" is \"dpkg\" or \"rpm\"");
	return err ? err : db_issue_add_fix(db, &fix, &c->edit);
}

struct ey_error *api_issue_fixes(const struct api *api, struct db *db,
				 const struct server_request *request,
				 struct server_response *response)
{
	static const char *const known[] = {"who",     "why",	 "remove",   "distribution",
					    "package", "format", "fixed_in", NULL};
	_cleanup_change_ struct change c = {0};
	int64_t remove;
	struct ey_error *err = read_change(request, known, &c);

	if (!err)
		err = server_body_int(c.body, "remove", 1, 0, &remove);
	if (!err)
		err = remove ? db_issue_remove_fix(db, remove, &c.edit) : add_fix(db, &c);
	return err ? err : answer_issue(db, c.edit.issue_id, response);
}

static struct ey_error *add_rule(struct db *db, const struct change *c)
{
	struct db_issue_rule rule = {0};
	struct ey_error *err = server_body_text(c->body, "kind", SERVER_LINE_MAX, &rule.kind);

	if (!err)
		err = server_body_text(c->body, "function", SERVER_LINE_MAX, &rule.function);
	if (!err)
		err = server_body_text(c->body, "module", SERVER_LINE_MAX, &rule.module);
	if (err)
		return err;
	rule.kind = rule.kind ? rule.kind : "";
	rule.function = rule.function ? rule.function : "";
	rule.module = rule.module ? rule.module : "";
	return db_issue_add_rule(db, &rule, &c->edit);
}

struct ey_error *api_issue_rules(const struct api *api, struct db *db,
				 const struct server_request *request,
				 struct server_response *response)
{
	static const char *const known[] = {"who",	"why",	  "remove", "kind",
					    "function", "module", NULL};
	_cleanup_change_ struct change c = {0};
	int64_t remove;
	struct ey_error *err = read_change(request, known, &c);

	if (!err)
		err = server_body_int(c.body, "remove", 1, 0, &remove);
	if (!err)
		err = remove ? db_issue_remove_rule(db, remove, &c.edit) : add_rule(db, &c);
	return err ? err : answer_issue(db, c.edit.issue_id, response);
}

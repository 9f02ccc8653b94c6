/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Issues as one document, out and in (docs/issues.schema.json). */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/issue_share.h"
#include "server/api.h"
#include "server/auth.h"

struct ey_error *api_issue_export(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	static const char *const known[] = {"issue", "comments", NULL};
	struct db_issue_export options = {.now = ey_time_now()};
	int64_t comments = 0;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = server_query_int(&request->target, "issue", 1, INT64_MAX, 0,
				       &options.issue_id);
	if (!err)
		err = server_query_int(&request->target, "comments", 0, 1, 0, &comments);
	options.comments = comments;
	if (err)
		return err;
	response->status = 200;
	response->content_type = "application/json";
	response->cache_control = "no-store";
	return db_issues_export(db, &options, &response->body);
}

static void write_answer(const struct db_imported_list *list, struct server_response *response)
{
	struct ey_json json;

	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "issues");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list->count; i++) {
		const struct db_imported *item = &list->items[i];

		ey_json_object_begin(&json);
		ey_json_kv_int(&json, "id", item->issue_id);
		ey_json_kv_string(&json, "uid", item->uid);
		ey_json_kv_string(&json, "title", item->title);
		ey_json_kv_string(&json, "result", db_import_name(item->result));
		ey_json_kv_int(&json, "taken", item->taken);
		ey_json_object_end(&json);
	}
	ey_json_array_end(&json);
	ey_json_kv_int(&json, "conflicts", list->conflicts);
	ey_json_object_end(&json);
}

struct ey_error *api_issue_import(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	static const char *const known[] = {"theirs", "who", NULL};
	_cleanup_imported_ struct db_imported_list list = {0};
	struct db_issue_import options = {.why = "from another site", .now = ey_time_now()};
	int64_t theirs = 0;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = server_query_int(&request->target, "theirs", 0, 1, 0, &theirs);
	options.theirs = theirs;
	if (!err)
		err = auth_name(&request->who, server_query_string(&request->target, "who"),
				&options.who);
	if (!err)
		err = db_issues_import(db, request->body, request->body_len, &options, &list);
	if (err)
		return err;
	ey_log_info("%zu issues imported by \"%s\", %lld conflicts", list.count, options.who,
		    (long long)list.conflicts);
	write_answer(&list, response);
	return NULL;
}

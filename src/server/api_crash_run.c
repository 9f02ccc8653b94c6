/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the crash utility said of a crash's dump. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "db/crash_run.h"
#include "server/api.h"

struct ey_error *api_crash_crash(const struct api *api, struct db *db,
				 const struct server_request *request,
				 struct server_response *response)
{
	static const char *const known[] = {NULL};
	_cleanup_crashes_ struct db_crash_list crash = {0};
	_cleanup_crash_runs_ struct db_crash_run_list runs = {0};
	_cleanup_free_ char *text = NULL;
	struct ey_json json;
	size_t len = 0;
	int64_t id;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = db_crash_get(db, id, &crash);
	if (!err)
		err = db_crash_run_get(db, id, &runs);
	if (!err && runs.count && runs.items[0].state == DB_CRASH_RUN_DONE)
		err = db_crash_part(db, id, DB_PART_CRASH, &text, &len);
	if (err)
		return err;
	const struct db_crash_run *run = runs.count ? runs.items : NULL;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "state", run ? db_crash_run_name(run->state) : "none");
	api_kv_text(&json, "build_id", run ? run->build_id : "");
	api_kv_text(&json, "message", run ? run->message : "");
	api_kv_time(&json, "time", run ? run->time : 0);
	ey_json_kv_int(&json, "milliseconds", run ? run->milliseconds : 0);
	ey_json_key(&json, "differences");
	// As it was made here; never anything else than a list.
	if (run && run->differences[0] == '[')
		ey_json_raw(&json, run->differences, strlen(run->differences));
	else
		ey_json_raw(&json, "[]", 2);
	ey_json_key(&json, "text");
	if (text)
		ey_json_stringn(&json, text, len);
	else
		ey_json_null(&json);
	ey_json_object_end(&json);
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crashes: the list, one of them, and its heavy parts. */
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "oops/event.h"
#include "server/api.h"
#include "server/api_filter.h"

enum { RECORD_DEPTH = 64, RECORD_VALUES = 4 << 20 };

#define X(id, name) name,
static const char *const dumps[] = {DB_DUMPS(X) NULL};
static const char *const states[] = {DB_REASON_STATES(X) NULL};
static const char *const triages[] = {DB_VERDICTS(X) NULL};
#undef X
static const char *const new_known[] = {"new", "known", NULL};

static struct ey_error *read_filter(const struct server_target *target, struct db_crash_filter *f,
				    const char **triage)
{
	const struct api_filter filters[] = {
		{"since", API_FILTER_TIME, &f->since},
		{"until", API_FILTER_TIME, &f->until},
		{"host", API_FILTER_NUMBER, &f->host_id},
		{"hostname", API_FILTER_TEXT, &f->hostname},
		{"site", API_FILTER_TEXT, &f->site},
		{"model", API_FILTER_NUMBER, &f->model_id},
		{"vendor", API_FILTER_TEXT, &f->vendor},
		{"product", API_FILTER_TEXT, &f->product},
		{"firmware", API_FILTER_TEXT, &f->firmware},
		{"kernel", API_FILTER_TEXT, &f->kernel},
		{"kernel_version", API_FILTER_TEXT, &f->kernel_version},
		{"machine", API_FILTER_TEXT, &f->machine},
		{"reason", API_FILTER_NUMBER, &f->reason_id},
		{"issue", API_FILTER_NUMBER, &f->issue_id},
		{"alert", API_FILTER_NUMBER, &f->alert_id},
		{"reason_state", API_FILTER_TEXT_OF, &f->reason_state, states},
		{"triage", API_FILTER_TEXT_OF, triage, triages},
		{"verdict", API_FILTER_FLAG, &f->is_new, new_known},
		{"kind", API_FILTER_TEXT, &f->kind},
		{"function", API_FILTER_TEXT, &f->function},
		{"guilty", API_FILTER_TEXT, &f->guilty},
		{"module", API_FILTER_TEXT, &f->module},
		{"signature", API_FILTER_TEXT, &f->signature},
		{"comm", API_FILTER_TEXT, &f->comm},
		{"taint", API_FILTER_TEXT, &f->taint},
		{"engine", API_FILTER_TEXT, &f->engine},
		{"corrupted", API_FILTER_FLAG, &f->corrupted},
		{"dump", API_FILTER_TEXT_OF, &f->dump, dumps},
		{"q", API_FILTER_TEXT, &f->text},
	};

	return api_filters_read(target, filters, EY_ARRAY_SIZE(filters));
}

// What a crash is depends on the versions of packages that hold a fix: no database orders those.
static struct ey_error *keep_triage(struct db *db, const char *triage, struct db_crash_list *list)
{
	_cleanup_api_fixes_ struct api_fixes fixes = {0};
	struct ey_error *err = NULL;
	size_t kept = 0;

	for (size_t i = 0; !err && i < list->count; i++) {
		const char *name;

		err = api_triage(db, &fixes, &list->items[i], &name);
		if (!err && !strcmp(name, triage))
			list->items[kept++] = list->items[i];
	}
	list->bounded |= kept < list->count && list->next;
	list->count = kept;
	return err;
}

struct ey_error *api_crashes(const struct api *api, struct db *db,
			     const struct server_request *request, struct server_response *response)
{
	_cleanup_crashes_ struct db_crash_list list = {0};
	_cleanup_api_fixes_ struct api_fixes fixes = {0};
	struct db_crash_filter filter = {0};
	struct db_page page;
	struct ey_json json;
	const char *triage = NULL;
	int64_t total = -1;
	bool exact = false;

	struct ey_error *err = read_filter(&request->target, &filter, &triage);
	if (!err)
		err = api_page(request, &page);
	if (!err)
		err = db_crash_list(db, &filter, &page, &list);
	// Who pages on has the total from the first page.
	if (!err && !page.cursor && !triage)
		err = db_crash_count(db, &filter, &total, &exact);
	if (!err && triage)
		err = keep_triage(db, triage, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	api_kv_count(&json, "total", total);
	ey_json_kv_bool(&json, "total_exact", exact);
	ey_json_key(&json, "crashes");
	ey_json_array_begin(&json);
	for (size_t i = 0; !err && i < list.count; i++)
		err = api_write_crash(&json, db, &fixes, &list.items[i]);
	ey_json_array_end(&json);
	api_kv_next(&json, list.next);
	ey_json_kv_bool(&json, "complete", !list.bounded);
	ey_json_object_end(&json);
	return err;
}

// The record without what is long: the page asks for that when it is looked at.
static struct ey_error *kv_record(struct ey_json *json, struct db *db, int64_t id)
{
	static const char *const heavy[] = {"log", "tasks"};
	_cleanup_free_ char *text = NULL;
	_cleanup_(json_decrefp) json_t *record = NULL;
	struct ey_error *err;
	size_t len;

	ey_json_key(json, "record");
	err = db_crash_part(db, id, DB_PART_RECORD, &text, &len);
	if (err && err->code != EY_ERR_NOT_FOUND)
		return err;
	ey_error_destroy(err);
	// A record is taken in within limits, but they were perhaps others then.
	if (text) {
		err = ey_json_check_limits(text, len, RECORD_DEPTH, RECORD_VALUES);
		if (!err)
			record = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
		ey_error_destroy(err);
	}
	if (!json_is_object(record)) {
		ey_json_null(json);
		return NULL;
	}
	for (size_t i = 0; i < EY_ARRAY_SIZE(heavy); i++)
		json_object_del(record, heavy[i]);
	_cleanup_free_ char *light = json_dumps(record, JSON_COMPACT);
	if (!light)
		return &ey_error_nomem;
	ey_json_raw(json, light, strlen(light));
	return NULL;
}

// The active alerts about the crash's host, model or reason.
static struct ey_error *kv_alerts_about(struct ey_json *json, struct db *db,
					const struct db_crash *crash)
{
	const struct {
		const char *scope;
		int64_t id;
	} subjects[] = {
		{"host", crash->host_id}, {"model", crash->model_id}, {"reason", crash->reason_id}};

	ey_json_key(json, "alerts");
	ey_json_array_begin(json);
	for (size_t i = 0; i < EY_ARRAY_SIZE(subjects); i++) {
		_cleanup_alerts_ struct db_alert_list list = {0};
		struct db_alert_filter filter = {.only_active = true,
						 .scope = subjects[i].scope,
						 .subject_id = subjects[i].id};
		if (!subjects[i].id)
			continue;
		struct ey_error *err = db_alert_list(db, &filter, NULL, &list);
		if (err)
			return err;
		for (size_t k = 0; k < list.count; k++)
			api_write_alert(json, &list.items[k]);
	}
	ey_json_array_end(json);
	return NULL;
}

struct ey_error *api_crash(const struct api *api, struct db *db,
			   const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	_cleanup_crashes_ struct db_crash_list list = {0};
	_cleanup_api_fixes_ struct api_fixes fixes = {0};
	struct ey_json json;
	int64_t id;

	struct ey_error *err = server_query_only(&request->target, known);
	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = db_crash_get(db, id, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "crash");
	err = api_write_crash(&json, db, &fixes, list.items);
	if (!err)
		err = kv_record(&json, db, id);
	if (!err)
		err = kv_alerts_about(&json, db, list.items);
	if (!err)
		err = api_kv_dump(&json, db, id);
	if (err)
		return err;
	struct db_crash_filter same = {.reason_id = list.items[0].reason_id};
	err = api_kv_crashes(&json, db, "same_reason", &same, 8);
	if (err)
		return err;
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *part(struct db *db, const struct server_request *request,
			     struct server_response *response, enum db_part which,
			     const char *content_type, const char *suffix)
{
	static const char *const known[] = {"download", NULL};
	_cleanup_free_ char *text = NULL;
	size_t len;
	int64_t id;

	struct ey_error *err = server_query_only(&request->target, known);
	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = db_crash_part(db, id, which, &text, &len);
	if (err)
		return err;
	response->status = 200;
	response->content_type = content_type;
	if (server_query_string(&request->target, "download") &&
	    asprintf(&response->download_name, "crash-%lld-%s", (long long)id, suffix) < 0) {
		response->download_name = NULL;
		return &ey_error_nomem;
	}
	// Text of a hostile machine, opened by hand in a browser: nothing in it may run.
	response->csp = "default-src 'none'; sandbox";
	ey_buf_add(&response->body, text, len);
	return NULL;
}

struct ey_error *api_crash_log(const struct api *api, struct db *db,
			       const struct server_request *request,
			       struct server_response *response)
{
	return part(db, request, response, DB_PART_LOG, "text/plain; charset=utf-8", "dmesg.txt");
}

struct ey_error *api_crash_analysis(const struct api *api, struct db *db,
				    const struct server_request *request,
				    struct server_response *response)
{
	return part(db, request, response, DB_PART_ANALYSIS, "text/plain; charset=utf-8",
		    "analysis.txt");
}

struct ey_error *api_crash_record(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	return part(db, request, response, DB_PART_RECORD, "application/json", "record.json");
}

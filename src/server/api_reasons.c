/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons: the list, and one with who has it. */
#include <string.h>

#include "base/cleanup.h"
#include "db/reason_spread.h"
#include "server/api.h"
#include "server/api_filter.h"

#define X(id, name) name,
static const char *const states[] = {DB_REASON_STATES(X) NULL};
#undef X
static const char *const orders[] = {"last_seen", "first_seen", "crashes", "hosts", NULL};

static struct ey_error *read_filter(const struct server_target *target, struct db_reason_filter *f)
{
	unsigned int order = DB_REASONS_BY_LAST_SEEN;
	const struct api_filter filters[] = {
		{"order", API_FILTER_WORD, &order, orders},
		{"state", API_FILTER_TEXT_OF, &f->state, states},
		{"issue", API_FILTER_NUMBER, &f->issue_id},
		{"has_issue", API_FILTER_FLAG, &f->has_issue},
		{"kind", API_FILTER_TEXT, &f->kind},
		{"function", API_FILTER_TEXT, &f->function},
		{"module", API_FILTER_TEXT, &f->module},
		{"kernel", API_FILTER_TEXT, &f->kernel},
		{"q", API_FILTER_TEXT, &f->text},
		{"seen_since", API_FILTER_TIME, &f->seen_since},
		{"seen_until", API_FILTER_TIME, &f->seen_until},
		{"first_seen_since", API_FILTER_TIME, &f->first_seen_since},
		{"first_seen_until", API_FILTER_TIME, &f->first_seen_until},
		{"min_crashes", API_FILTER_NUMBER, &f->min_crashes},
		{"min_hosts", API_FILTER_NUMBER, &f->min_hosts},
		{"host", API_FILTER_NUMBER, &f->host_id},
		{"model", API_FILTER_NUMBER, &f->model_id},
	};
	struct ey_error *err = api_filters_read(target, filters, EY_ARRAY_SIZE(filters));

	f->order = (enum db_reason_order)order;
	return err;
}

struct ey_error *api_reasons(const struct api *api, struct db *db,
			     const struct server_request *request, struct server_response *response)
{
	_cleanup_reasons_ struct db_reason_list list = {0};
	struct db_reason_filter filter = {0};
	struct db_page page;
	struct ey_json json;

	struct ey_error *err = read_filter(&request->target, &filter);
	if (!err)
		err = api_page(request, &page);
	if (!err)
		err = db_reason_list(db, &filter, &page, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "reasons");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		api_write_reason(&json, &list.items[i]);
	ey_json_array_end(&json);
	api_kv_next(&json, list.next);
	ey_json_kv_bool(&json, "complete", !list.bounded);
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *kv_signatures(struct ey_json *json, struct db *db, int64_t id)
{
	_cleanup_signatures_ struct db_signature_list list = {0};
	struct ey_error *err = db_reason_signatures(db, id, 20, &list);

	if (err)
		return err;
	ey_json_key(json, "signatures");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_string(json, "signature", list.items[i].signature);
		api_kv_time(json, "first_seen", list.items[i].first_seen);
		api_kv_time(json, "last_seen", list.items[i].last_seen);
		ey_json_kv_int(json, "crashes", list.items[i].crashes);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return NULL;
}

// On what it happens, and how many of its crashes that says.
static struct ey_error *kv_spread(struct ey_json *json, struct db *db, int64_t id)
{
	static const char *const keys[DB_SPREAD_COUNT] = {
		[DB_SPREAD_KERNEL] = "kernels",	    [DB_SPREAD_MODEL] = "models",
		[DB_SPREAD_FIRMWARE] = "firmwares", [DB_SPREAD_SITE] = "sites",
		[DB_SPREAD_HOST] = "hosts",
	};
	_cleanup_spread_ struct db_spread spread = {0};
	struct ey_error *err = db_reason_spread(db, id, &spread);

	if (err)
		return err;
	for (size_t i = 0; i < DB_SPREAD_COUNT; i++) {
		ey_json_key(json, keys[i]);
		api_write_tops(json, &spread.by[i]);
	}
	ey_json_key(json, "spread");
	ey_json_object_begin(json);
	ey_json_kv_int(json, "crashes", spread.crashes);
	api_kv_time(json, "since", spread.since);
	ey_json_kv_bool(json, "complete", spread.complete);
	ey_json_object_end(json);
	return NULL;
}

struct ey_error *api_reason(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	_cleanup_reasons_ struct db_reason_list list = {0};
	struct ey_json json;
	int64_t id;

	struct ey_error *err = server_query_only(&request->target, known);
	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = db_reason_get(db, id, &list);
	if (err)
		return err;
	struct db_stats_filter filter = {.reason_id = id};
	struct db_crash_filter crashes = {.reason_id = id};
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "reason");
	api_write_reason(&json, list.items);
	err = kv_signatures(&json, db, id);
	if (!err)
		err = kv_spread(&json, db, id);
	if (!err)
		err = api_kv_days(&json, db, "days", 90, filter);
	if (!err)
		err = api_kv_alerts(&json, db, "reason", id);
	if (!err)
		err = api_kv_crashes(&json, db, "latest", &crashes, 25);
	if (err)
		return err;
	ey_json_object_end(&json);
	return NULL;
}

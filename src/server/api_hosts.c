/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts that crashed: the list, and one with its history. */
#include <string.h>

#include "base/cleanup.h"
#include "server/api.h"
#include "server/api_filter.h"

static const char *const orders[] = {"last_seen", "crashes", NULL};

static const char *const lives[] = {"production", "maintenance", "lab", "decommissioned", NULL};

static struct ey_error *read_filter(const struct server_target *target, struct db_host_filter *f)
{
	unsigned int order = DB_HOSTS_BY_LAST_SEEN;
	const struct api_filter filters[] = {
		{"order", API_FILTER_WORD, &order, orders},
		{"site", API_FILTER_TEXT, &f->site},
		{"hostname", API_FILTER_TEXT, &f->hostname},
		{"model", API_FILTER_NUMBER, &f->model_id},
		{"vendor", API_FILTER_TEXT, &f->vendor},
		{"product", API_FILTER_TEXT, &f->product},
		{"firmware", API_FILTER_TEXT, &f->firmware},
		{"kernel", API_FILTER_TEXT, &f->kernel},
		{"reason", API_FILTER_NUMBER, &f->reason_id},
		{"seen_since", API_FILTER_TIME, &f->seen_since},
		{"seen_until", API_FILTER_TIME, &f->seen_until},
		{"life", API_FILTER_TEXT_OF, &f->life, lives},
		{"min_crashes", API_FILTER_NUMBER, &f->min_crashes},
		{"q", API_FILTER_TEXT, &f->text},
	};
	struct ey_error *err = api_filters_read(target, filters, EY_ARRAY_SIZE(filters));

	f->order = (enum db_host_order)order;
	return err;
}

struct ey_error *api_hosts(const struct api *api, struct db *db,
			   const struct server_request *request, struct server_response *response)
{
	_cleanup_hosts_ struct db_host_list list = {0};
	struct db_host_filter filter = {0};
	struct db_page page;
	struct ey_json json;

	struct ey_error *err = read_filter(&request->target, &filter);
	if (!err)
		err = api_page(request, &page);
	if (!err)
		err = db_host_list(db, &filter, &page, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "hosts");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		api_write_host(&json, &list.items[i]);
	ey_json_array_end(&json);
	api_kv_next(&json, list.next);
	ey_json_kv_bool(&json, "complete", !list.bounded);
	ey_json_object_end(&json);
	return NULL;
}

struct ey_error *api_host(const struct api *api, struct db *db,
			  const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	_cleanup_hosts_ struct db_host_list list = {0};
	struct ey_json json;
	int64_t id;

	struct ey_error *err = server_query_only(&request->target, known);
	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = db_host_get(db, id, &list);
	if (err)
		return err;
	struct db_stats_filter filter = {.host_id = id};
	struct db_crash_filter crashes = {.host_id = id};
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "host");
	api_write_host(&json, list.items);
	err = api_kv_alerts(&json, db, "host", id);
	if (!err)
		err = api_kv_top(&json, db, "reasons", DB_BY_REASON, &filter, 20);
	if (!err)
		err = api_kv_days(&json, db, "days", 90, filter);
	if (!err)
		err = api_kv_boots(&json, db, id);
	if (!err)
		err = api_kv_host_life(&json, db, id);
	if (!err)
		err = api_kv_crashes(&json, db, "latest", &crashes, 25);
	if (err)
		return err;
	ey_json_object_end(&json);
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alerts: the list, one, and taking one on. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/api.h"
#include "server/api_filter.h"
#include "server/body.h"

#define X(id, name) name,
static const char *const states[] = {"active", DB_ALERT_STATES(X) NULL};
static const char *const scopes[] = {DB_ALERT_SCOPES(X) NULL};
#undef X

static struct ey_error *read_filter(const struct server_target *target, struct db_alert_filter *f)
{
	const struct api_filter filters[] = {
		{"state", API_FILTER_TEXT_OF, &f->state, states},
		{"scope", API_FILTER_TEXT_OF, &f->scope, scopes},
		{"subject", API_FILTER_NUMBER, &f->subject_id},
		{"acknowledged", API_FILTER_FLAG, &f->acknowledged},
		{"who", API_FILTER_TEXT, &f->who},
		{"since", API_FILTER_TIME, &f->since},
		{"until", API_FILTER_TIME, &f->until},
	};
	struct ey_error *err = api_filters_read(target, filters, EY_ARRAY_SIZE(filters));

	if (f->state && !strcmp(f->state, "active")) {
		f->only_active = true;
		f->state = NULL;
	}
	return err;
}

struct ey_error *api_alerts(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	_cleanup_alerts_ struct db_alert_list list = {0};
	struct db_alert_filter filter = {0};
	struct db_page page;
	struct ey_json json;
	struct ey_error *err = read_filter(&request->target, &filter);

	if (!err)
		err = api_page(request, &page);
	if (!err)
		err = db_alert_list(db, &filter, &page, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "alerts");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		api_write_alert(&json, &list.items[i]);
	ey_json_array_end(&json);
	api_kv_next(&json, list.next);
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *write_one(struct db *db, int64_t id, struct server_response *response)
{
	_cleanup_alerts_ struct db_alert_list list = {0};
	struct db_crash_filter crashes = {.alert_id = id};
	struct ey_json json;
	struct ey_error *err = db_alert_get(db, id, &list);

	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "alert");
	api_write_alert(&json, list.items);
	err = api_kv_crashes(&json, db, "latest", &crashes, 25);
	if (err)
		return err;
	ey_json_object_end(&json);
	return NULL;
}

struct ey_error *api_alert(const struct api *api, struct db *db,
			   const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	int64_t id;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = api_id(request, &id);
	return err ? err : write_one(db, id, response);
}

struct ey_error *api_alert_ack(const struct api *api, struct db *db,
			       const struct server_request *request,
			       struct server_response *response)
{
	static const char *const no_parameters[] = {NULL}, *const known[] = {"who", NULL};
	_cleanup_json_ json_t *body = NULL;
	const char *who;
	int64_t id;

	struct ey_error *err = server_query_only(&request->target, no_parameters);
	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = server_body_read(request, known, &body);
	if (!err)
		err = server_body_text(body, "who", SERVER_NAME_MAX, &who);
	if (!err)
		err = auth_name(&request->who, who, &who);
	if (!err)
		err = db_alert_acknowledge(db, id, who, ey_time_now());
	if (err)
		return err;
	ey_log_info("alert %lld acknowledged by \"%s\"", (long long)id, who);
	return write_one(db, id, response);
}

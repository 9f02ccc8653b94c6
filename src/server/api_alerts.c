/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alerts: the list, one, and taking one on. */
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/api.h"

enum { WHO_MAX = 64 };

struct ey_error *api_alerts(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {"state", "scope",  "subject", "since",
					    "until", "cursor", "limit",	  NULL};
	const struct server_target *target = &request->target;
	const char *state = server_query_string(target, "state");
	_cleanup_alerts_ struct db_alert_list list = {0};
	struct db_alert_filter filter = {.scope = server_query_string(target, "scope")};
	struct db_page page;
	struct ey_json json;

	if (state && !strcmp(state, "active"))
		filter.only_active = true;
	else
		filter.state = state;
	struct ey_error *err = server_query_only(target, known);
	if (!err)
		err = server_query_int(target, "subject", 1, INT64_MAX, 0, &filter.subject_id);
	if (!err)
		err = server_query_time(target, "since", 0, &filter.since);
	if (!err)
		err = server_query_time(target, "until", 0, &filter.until);
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

// A name as people write theirs: something visible, nothing that ends a line.
static bool name_is_fine(const char *name, size_t len)
{
	bool visible = false;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
		visible |= name[i] != ' ';
	}
	return visible && len <= WHO_MAX;
}

struct ey_error *api_alert_ack(const struct api *api, struct db *db,
			       const struct server_request *request,
			       struct server_response *response)
{
	static const char *const known[] = {NULL};
	_cleanup_(json_decrefp) json_t *body =
		json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *who = json_object_get(body, "who");
	int64_t id;

	struct ey_error *err = server_query_only(&request->target, known);
	if (!err)
		err = api_id(request, &id);
	if (err)
		return err;
	if (!json_is_string(who) || !name_is_fine(json_string_value(who), json_string_length(who)))
		return ey_error_create(
			EY_ERR_INPUT,
			"the body must be {\"who\": \"NAME\"} with a name of at most "
			"%d bytes",
			WHO_MAX);
	err = db_alert_acknowledge(db, id, json_string_value(who), ey_time_now());
	if (err)
		return err;
	ey_log_info("alert %lld acknowledged by \"%s\"", (long long)id, json_string_value(who));
	return write_one(db, id, response);
}

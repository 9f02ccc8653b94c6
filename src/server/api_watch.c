/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For those who watch: metrics, and the stream of what happens. */
#include <string.h>

#include "base/cleanup.h"
#include "server/api.h"
#include "server/events.h"
#include "server/metrics.h"
#include "server/routes.h"

static const char *route_name(size_t route, const char **method_ret)
{
	enum server_method method = SERVER_GET;
	const char *path = server_route_at(route, &method);

	*method_ret = server_method_name(method);
	return path ? path : "";
}

struct ey_error *api_metrics(const struct api *api, struct db *db,
			     const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	const char *accept = server_header(request, "Accept");
	bool openmetrics = accept && strstr(accept, "application/openmetrics-text");
	struct ey_error *err = server_query_only(&request->target, known);

	if (err)
		return err;
	// Without the database there are numbers, too, and one that says so.
	err = server_db_pool_take(api->pool, &db);
	if (err) {
		server_metrics_database_error(api->metrics);
		ey_error_destroy(err);
		db = NULL;
	}
	err = server_metrics_write(api->metrics, db, api->jobs, route_name, openmetrics,
				   &response->body);
	if (db)
		server_db_pool_give(api->pool, db, err != NULL);
	response->status = 200;
	response->content_type = openmetrics ? "application/openmetrics-text; version=1.0.0; "
					       "charset=utf-8"
					     : "text/plain; version=0.0.4; charset=utf-8";
	return err;
}

struct ey_error *api_events(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {"last_id", NULL};
	const char *header = server_header(request, "Last-Event-ID");
	int64_t last_id = -1;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = server_query_int(&request->target, "last_id", 0, INT64_MAX, -1, &last_id);
	if (err)
		return err;
	if (header && *header && (!server_int_parse(header, &last_id) || last_id < 0))
		return ey_error_create(EY_ERR_INPUT, "Last-Event-ID is no id of an event");
	return server_events_follow(api->events, db, &request->who, last_id, response);
}

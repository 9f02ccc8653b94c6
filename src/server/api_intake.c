/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A crash comes in: POST /api/v1/crashes. */
#include "base/clock.h"
#include "base/file.h"
#include "ingest/delivery.h"
#include "ingest/policy_make.h"
#include "server/api.h"
#include "server/auth.h"
#include "server/intake_queue.h"

// A host's token speaks for that host alone.
static struct ey_error *check_host(const struct server_request *request, const struct delivery *d)
{
	const struct record *r = &d->take.record;
	const struct auth_claim claim = {
		.site = d->site,
		.hostname = record_hostname(r),
		.machine_id = r->identity.machine_id,
		.dmi_uuid = r->identity.dmi_uuid,
	};

	return auth_check_host(&request->who, &claim);
}

struct ey_error *api_crash_deliver(const struct api *api, struct db *db,
				   const struct server_request *request,
				   struct server_response *response)
{
	const char *own = request->who.host.site;
	const struct delivery_options options = {
		.site = *own ? own : ey_config_string(api->config, "repository", "site", "default"),
		.now = ey_time_now(),
	};
	_cleanup_delivery_ struct delivery delivery = {0};
	struct ey_error *err = server_query_only(&request->target, (const char *const[]){NULL});

	if (!err)
		err = delivery_read(server_header(request, "Content-Type"), request->body,
				    request->body_len, &options, &delivery);
	if (!err)
		err = check_host(request, &delivery);
	return err ? err : intake_queue_add(api->intake, &delivery, request);
}

struct ey_error *api_policy(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	struct policy_rules rules;
	struct ey_error *err = server_query_only(&request->target, (const char *const[]){NULL});

	if (!err)
		err = policy_rules_load(&rules, api->config);
	if (!err)
		err = policy_make(db, &rules, &response->body);
	response->status = 200;
	response->content_type = "application/json";
	return err;
}

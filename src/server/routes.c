/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/routes.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/audit.h"
#include "server/assets.h"
#include "server/auth.h"
#include "server/metrics.h"

struct route {
	enum server_method method;
	/** At most one component is "{id}". */
	const char *pattern;
	/** Bits of enum auth_permission: who has one of them may. Each row must name one. */
	unsigned int permissions;
	api_fn *fn;
	/**
	 * What the audit log calls it. The function runs in a transaction then, which its row is
	 * part of; needed for all that changes something but what hosts submit.
	 */
	const char *action;
	/** How its body comes; a stream's `begin` says where it goes. */
	enum server_body body;
	api_begin_fn *begin;
	/** Answers without a connection to the database (its `db` is NULL), or takes one itself. */
	bool no_db;
};

static const struct route routes[] = {
	{SERVER_GET, "/api/v1/overview", AUTH_VIEW, api_overview},
	{SERVER_GET, "/api/v1/facets", AUTH_VIEW, api_facets},
	{SERVER_GET, "/api/v1/crashes", AUTH_VIEW, api_crashes},
	{SERVER_POST, "/api/v1/crashes", AUTH_SUBMIT, api_crash_deliver,
	 .body = SERVER_BODY_DELIVERY},
	{SERVER_GET, "/api/v1/crashes/{id}", AUTH_VIEW, api_crash},
	{SERVER_GET, "/api/v1/crashes/{id}/log", AUTH_VIEW, api_crash_log},
	{SERVER_GET, "/api/v1/crashes/{id}/analysis", AUTH_VIEW, api_crash_analysis},
	{SERVER_GET, "/api/v1/crashes/{id}/record", AUTH_VIEW, api_crash_record},
	{SERVER_GET, "/api/v1/policy", AUTH_VIEW | AUTH_SUBMIT, api_policy},
	{SERVER_OPTIONS, "/api/v1/uploads", AUTH_PUBLIC, api_upload_options, .no_db = true},
	{SERVER_POST, "/api/v1/uploads", AUTH_SUBMIT, api_upload_create,
	 .body = SERVER_BODY_DELIVERY},
	{SERVER_GET, "/api/v1/uploads/{id}", AUTH_SUBMIT, api_upload},
	{SERVER_PATCH, "/api/v1/uploads/{id}", AUTH_SUBMIT, api_upload_piece,
	 .body = SERVER_BODY_STREAM, .begin = api_upload_begin},
	{SERVER_DELETE, "/api/v1/uploads/{id}", AUTH_SUBMIT, api_upload_delete},
	{SERVER_POST, "/api/v1/uploads/{id}/direct", AUTH_SUBMIT, api_upload_direct},
	{SERVER_GET, "/api/v1/direct", AUTH_SUBMIT, api_direct, .no_db = true},
	{SERVER_GET, "/api/v1/crashes/{id}/crash", AUTH_VIEW, api_crash_crash},
	{SERVER_GET, "/api/v1/crashes/{id}/dump", AUTH_DOWNLOAD, api_crash_dump, .no_db = true},
	{SERVER_GET, "/api/v1/reasons", AUTH_VIEW, api_reasons},
	{SERVER_GET, "/api/v1/reasons/{id}", AUTH_VIEW, api_reason},
	{SERVER_GET, "/api/v1/reasons/{id}/history", AUTH_VIEW, api_reason_history},
	{SERVER_GET, "/api/v1/reasons/{id}/values", AUTH_VIEW, api_reason_values},
	{SERVER_POST, "/api/v1/reasons/{id}/merge", AUTH_MERGE, api_reason_merge, "reason.merge"},
	{SERVER_POST, "/api/v1/reasons/{id}/split", AUTH_MERGE, api_reason_split, "reason.split"},
	{SERVER_POST, "/api/v1/reason-changes/{id}/undo", AUTH_MERGE, api_reason_undo,
	 "reason.undo"},
	{SERVER_GET, "/api/v1/hosts", AUTH_VIEW, api_hosts},
	{SERVER_GET, "/api/v1/hosts/{id}", AUTH_VIEW, api_host},
	{SERVER_POST, "/api/v1/hosts/{id}/life", AUTH_OPERATE, api_host_life, "host.life"},
	{SERVER_POST, "/api/v1/heartbeats", AUTH_SUBMIT, api_heartbeat},
	{SERVER_POST, "/api/v1/forward", AUTH_FORWARD, api_forward, .body = SERVER_BODY_DELIVERY},
	{SERVER_GET, "/api/v1/sites", AUTH_VIEW, api_sites},
	{SERVER_GET, "/api/v1/exposure", AUTH_VIEW, api_exposure},
	{SERVER_GET, "/api/v1/clones", AUTH_VIEW, api_clones},
	{SERVER_GET, "/api/v1/changes", AUTH_VIEW, api_changes},
	{SERVER_POST, "/api/v1/changes", AUTH_OPERATE, api_change_add, "change.add"},
	{SERVER_GET, "/api/v1/alerts", AUTH_VIEW, api_alerts},
	{SERVER_GET, "/api/v1/alerts/{id}", AUTH_VIEW, api_alert},
	{SERVER_POST, "/api/v1/alerts/{id}/ack", AUTH_TRIAGE, api_alert_ack, "alert.acknowledge"},
	{SERVER_GET, "/api/v1/issues", AUTH_VIEW, api_issues},
	{SERVER_GET, "/api/v1/issue-export", AUTH_TRIAGE, api_issue_export},
	{SERVER_POST, "/api/v1/issue-import", AUTH_TRIAGE, api_issue_import, "issue.import",
	 .body = SERVER_BODY_DELIVERY},
	{SERVER_POST, "/api/v1/issues", AUTH_TRIAGE, api_issue_create, "issue.create"},
	{SERVER_GET, "/api/v1/issues/{id}", AUTH_VIEW, api_issue},
	{SERVER_POST, "/api/v1/issues/{id}", AUTH_TRIAGE, api_issue_change, "issue.change"},
	{SERVER_POST, "/api/v1/issues/{id}/comments", AUTH_TRIAGE, api_issue_comment,
	 "issue.comment"},
	{SERVER_POST, "/api/v1/issues/{id}/reasons", AUTH_TRIAGE, api_issue_reasons,
	 "issue.reasons"},
	{SERVER_POST, "/api/v1/issues/{id}/fixes", AUTH_TRIAGE, api_issue_fixes, "issue.fixes"},
	{SERVER_POST, "/api/v1/issues/{id}/rules", AUTH_TRIAGE, api_issue_rules, "issue.rules"},
	{SERVER_GET, "/api/v1/repository", AUTH_VIEW, api_repository},
	{SERVER_GET, "/api/v1/holds", AUTH_VIEW, api_holds},
	{SERVER_POST, "/api/v1/holds", AUTH_OPERATE, api_hold_add, "hold.add"},
	{SERVER_POST, "/api/v1/holds/{id}/release", AUTH_OPERATE, api_hold_release, "hold.release"},
	{SERVER_GET, "/api/v1/report", AUTH_VIEW, api_report},
	{SERVER_GET, "/report.html", AUTH_VIEW, api_report_page},
	{SERVER_GET, "/api/v1/session", AUTH_PUBLIC, api_session},
	{SERVER_POST, "/api/v1/session", AUTH_PUBLIC, api_sign_in},
	{SERVER_DELETE, "/api/v1/session", AUTH_PUBLIC, api_sign_out},
	{SERVER_GET, "/api/v1/tokens", AUTH_KNOWN, api_tokens},
	{SERVER_POST, "/api/v1/tokens", AUTH_KNOWN, api_token_create, "token.create"},
	{SERVER_DELETE, "/api/v1/tokens/{id}", AUTH_KNOWN, api_token_revoke, "token.revoke"},
	{SERVER_POST, "/api/v1/password", AUTH_KNOWN, api_password},
	{SERVER_GET, "/api/v1/users", AUTH_ADMINISTER, api_users},
	{SERVER_POST, "/api/v1/users", AUTH_ADMINISTER, api_user_add, "user.add"},
	{SERVER_POST, "/api/v1/users/{id}/role", AUTH_ADMINISTER, api_user_role, "user.role"},
	{SERVER_POST, "/api/v1/users/{id}/disable", AUTH_ADMINISTER, api_user_disable,
	 "user.disable"},
	{SERVER_POST, "/api/v1/users/{id}/enable", AUTH_ADMINISTER, api_user_enable, "user.enable"},
	{SERVER_POST, "/api/v1/users/{id}/password", AUTH_ADMINISTER, api_user_password,
	 "user.passwd"},
	{SERVER_GET, "/api/v1/enroll-keys", AUTH_ADMINISTER, api_enroll_keys},
	{SERVER_POST, "/api/v1/enroll-keys", AUTH_ADMINISTER, api_enroll_key_add,
	 "enroll-key.create"},
	{SERVER_DELETE, "/api/v1/enroll-keys/{id}", AUTH_ADMINISTER, api_enroll_key_revoke,
	 "enroll-key.revoke"},
	{SERVER_GET, "/api/v1/host-tokens", AUTH_ADMINISTER, api_host_tokens},
	{SERVER_DELETE, "/api/v1/host-tokens/{id}", AUTH_ADMINISTER, api_host_token_revoke,
	 "host-token.revoke"},
	{SERVER_GET, "/api/v1/audit", AUTH_ADMINISTER, api_audit},
	{SERVER_POST, "/api/v1/enroll", AUTH_PUBLIC, api_enroll},
	{SERVER_GET, "/metrics", AUTH_VIEW, api_metrics, .no_db = true},
	{SERVER_GET, "/api/v1/events", AUTH_VIEW, api_events},
	{SERVER_GET, "/healthz", AUTH_PUBLIC, api_health, .no_db = true},
	{SERVER_GET, "/readyz", AUTH_PUBLIC, api_ready, .no_db = true},
};

/** Addresses of the console's pages: its script draws them all from one index.html. */
static const char *const pages[] = {
	"/",	       "/alerts",	"/alerts/{id}", "/crashes",	"/crashes/{id}",
	"/reasons",    "/reasons/{id}", "/issues",	"/issues/{id}", "/hosts",
	"/hosts/{id}", "/report",	"/tokens",	"/audit",	"/people",
	"/enrolment",  "/password",
};

// The component at "{id}" starts at *id_ret in path and ends at the next '/' or the end.
static bool matches(const char *pattern, const char *path, const char **id_ret, size_t *len_ret)
{
	while (*pattern) {
		if (*pattern == '{') {
			size_t len = strcspn(path, "/");

			if (!len)
				return false;
			*id_ret = path;
			*len_ret = len;
			path += len;
			pattern += strlen("{id}");
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*path;
}

static bool is_page(const char *path)
{
	const char *id;
	size_t len;

	for (size_t i = 0; i < EY_ARRAY_SIZE(pages); i++) {
		if (matches(pages[i], path, &id, &len))
			return true;
	}
	return false;
}

static unsigned int methods(void *arg, const char *path)
{
	unsigned int found = 0;
	const char *id;
	size_t len;

	for (size_t i = 0; i < EY_ARRAY_SIZE(routes); i++) {
		if (matches(routes[i].pattern, path, &id, &len))
			found |= routes[i].method;
	}
	if (!found && (is_page(path) || server_asset_find(path)))
		found = SERVER_GET;
	return found;
}

static void answer_asset(const struct server_asset *asset, bool forever,
			 struct server_response *response)
{
	response->status = 200;
	response->content_type = asset->content_type;
	response->fixed = asset->data;
	response->fixed_len = asset->len;
	response->fixed_gzip = asset->gzip;
	response->fixed_gzip_len = asset->gzip_len;
	response->fixed_etag = asset->etag;
	if (forever)
		response->cache_control = "public, max-age=31536000, immutable";
}

// The audit log's row of what was just done; nothing where it was refused.
static struct ey_error *note(struct db *db, const struct route *route,
			     const struct server_request *request,
			     const struct server_response *response)
{
	const struct auth_principal *who = &request->who;
	const struct db_audit_row row = {
		.time = ey_time_now(),
		.kind = auth_kind_name(who->kind),
		.who = who->name,
		.address = who->address,
		.action = route->action,
		.object = *response->audit_object ? response->audit_object : request->id,
		.detail = response->audit,
	};

	return db_audit_add(db, &row);
}

// What is refused leaves no trace, and what is done leaves one in the audit log for certain.
static struct ey_error *run_noted(const struct api *api, struct db *db, const struct route *route,
				  struct server_request *request, struct server_response *response)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = route->fn(api, db, request, response);
	if (err || response->status >= 400)
		return err;
	if (!response->unchanged)
		err = note(db, route, request, response);
	return err ? err : db_commit(&txn);
}

static struct ey_error *answer_route(const struct api *api, const struct route *route,
				     struct server_request *request,
				     struct server_response *response)
{
	struct db *db = NULL;

	if (route->no_db)
		return route->fn(api, NULL, request, response);
	struct ey_error *err = server_db_pool_take(api->pool, &db);
	if (err)
		return err;
	err = route->action ? run_noted(api, db, route, request, response)
			    : route->fn(api, db, request, response);
	if (err && err->code == EY_ERR_IO)
		server_metrics_database_error(api->metrics);
	// Out of reach or locked: whatever state the connection is in, the next one begins anew.
	server_db_pool_give(api->pool, db, err && err->code == EY_ERR_IO);
	return err;
}

// Who asks, and whether they may: before anything of the body is read.
static struct ey_error *admit(const struct api *api, const struct route *route,
			      struct server_request *request, struct server_response *response)
{
	bool changes = request->method != SERVER_GET && request->method != SERVER_OPTIONS;
	struct db *db = NULL;

	// Health is asked for when nothing else answers.
	if (route->no_db && (route->permissions & AUTH_PUBLIC))
		return NULL;
	struct ey_error *err = server_db_pool_take(api->pool, &db);
	if (err)
		return err;
	err = auth_identify(api->auth, db, request, &request->who);
	server_db_pool_give(api->pool, db, err && err->code == EY_ERR_IO);
	if (err)
		return err;
	if (!auth_allows(&request->who, route->permissions)) {
		bool anonymous = request->who.kind == AUTH_IS_ANONYMOUS;

		server_response_error(response, anonymous ? 401 : 403,
				      anonymous ? "sign in, or send a token that is in force"
						: "you may not do that");
		if (anonymous)
			server_response_header(response, "WWW-Authenticate", "Bearer");
	} else if (changes && !auth_csrf_is_right(api->auth, request)) {
		server_response_error(response, 403,
				      "the header X-Eyrie-CSRF of your session is missing or old; "
				      "load the page again");
	}
	return NULL;
}

static struct ey_error *begin(void *arg, struct server_request *request,
			      struct server_response *response)
{
	const struct api *api = arg;
	const char *id = NULL;
	size_t len = 0;

	for (size_t i = 0; i < EY_ARRAY_SIZE(routes); i++) {
		if (routes[i].method != request->method ||
		    !matches(routes[i].pattern, request->target.path, &id, &len))
			continue;
		if (id && len < sizeof(request->id_text)) {
			memcpy(request->id_text, id, len);
			request->id = request->id_text;
		} else if (id) {
			return ey_error_create(EY_ERR_NOT_FOUND,
					       "there is nothing at this address");
		}
		request->route = &routes[i];
		request->body_kind = routes[i].body;
		struct ey_error *err = admit(api, &routes[i], request, response);
		if (err || response->status)
			return err;
		return routes[i].begin ? routes[i].begin(api, request, response) : NULL;
	}
	return NULL;
}

static struct ey_error *handle(void *arg, struct server_request *request,
			       struct server_response *response)
{
	const struct api *api = arg;
	const char *path = request->target.path;

	if (request->route)
		return answer_route(api, request->route, request, response);
	const struct server_asset *asset = server_asset_find(is_page(path) ? "/index.html" : path);
	if (!asset)
		return ey_error_create(EY_ERR_NOT_FOUND, "there is nothing at this address");
	// Their names carry a hash of their content.
	answer_asset(asset, !strncmp(path, "/assets/", 8), response);
	return NULL;
}

static void done(void *arg, const struct server_request *request, unsigned int status,
		 double seconds)
{
	const struct api *api = arg;
	const struct route *route = request->route;

	if (!route)
		return;
	server_metrics_request(api->metrics, (size_t)(route - routes), status, seconds);
	if (route->fn == api_crash_deliver && status < 300)
		server_metrics_ingest(api->metrics, seconds);
}

size_t server_route_count(void)
{
	return EY_ARRAY_SIZE(routes);
}

const char *server_route_at(size_t i, enum server_method *method_ret)
{
	if (i >= EY_ARRAY_SIZE(routes))
		return NULL;
	*method_ret = routes[i].method;
	return routes[i].pattern;
}

bool server_route_row(size_t i, struct server_route_row *ret)
{
	if (i >= EY_ARRAY_SIZE(routes))
		return false;
	*ret = (struct server_route_row){
		.method = routes[i].method,
		.pattern = routes[i].pattern,
		.permissions = routes[i].permissions,
		.action = routes[i].action,
	};
	return true;
}

struct http_handler server_routes(struct api *api)
{
	return (struct http_handler){
		.methods = methods, .begin = begin, .handle = handle, .done = done, .arg = api};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The JSON API, one file a subject, one function a route. docs/openapi.json describes it for its
 * users; tests/server/api.py holds the two together.
 */
#ifndef EYRIE_SERVER_API_H
#define EYRIE_SERVER_API_H

#include <stdatomic.h>

#include "base/config.h"
#include "base/error.h"
#include "base/json.h"
#include "db/alert.h"
#include "db/boot.h"
#include "db/crash.h"
#include "db/host.h"
#include "db/issue.h"
#include "db/reason.h"
#include "db/stats.h"
#include "server/auth_request.h"
#include "server/db_pool.h"
#include "server/jobs.h"
#include "server/message.h"

struct intake_queue;
struct upload_worker;
struct server_downloads;
struct server_events;
struct server_metrics;
struct server_summaries;

/** What the routes share; not changed while the server runs. */
struct api {
	const struct ey_config *config;
	struct server_db_pool *pool;
	struct server_jobs *jobs;
	/** The scrub, in a thread of its own. */
	struct server_jobs *scrub;
	/** The forwarder of a site, in one too. */
	struct server_jobs *forward;
	struct intake_queue *intake;
	struct auth *auth;
	struct upload_worker *uploads;
	struct server_downloads *downloads;
	struct server_metrics *metrics;
	struct server_events *events;
	struct server_summaries *summaries;
	/** When eyried started, seconds since 1970. */
	int64_t started;
	/** The server was told to stop: balancers should send nobody here any more. */
	atomic_bool stopping;
};

/** A route's function: answer @p request over the connection @p db. */
typedef struct ey_error *api_fn(const struct api *api, struct db *db,
				const struct server_request *request,
				struct server_response *response);

/**
 * What a route does before the body of @p request comes: say where a stream goes, or answer at once
 * (then the status of @p response is set).
 */
typedef struct ey_error *api_begin_fn(const struct api *api, struct server_request *request,
				      struct server_response *response);

api_fn api_overview, api_facets;
api_fn api_crashes, api_crash, api_crash_log, api_crash_analysis, api_crash_record;
api_fn api_crash_deliver, api_policy;
api_fn api_upload_options, api_upload_create, api_upload, api_upload_piece, api_upload_delete;
api_begin_fn api_upload_begin;
api_fn api_reasons, api_reason;
api_fn api_reason_merge, api_reason_split, api_reason_undo, api_reason_history, api_reason_values;
api_fn api_hosts, api_host;
api_fn api_host_life, api_heartbeat, api_exposure, api_clones, api_changes, api_change_add;
api_fn api_alerts, api_alert, api_alert_ack;
api_fn api_issues, api_issue, api_issue_create, api_issue_change, api_issue_comment;
api_fn api_issue_export, api_issue_import;
api_fn api_crash_crash, api_crash_dump, api_direct, api_upload_direct;
api_fn api_issue_reasons, api_issue_fixes, api_issue_rules;
api_fn api_report, api_report_page;
api_fn api_session, api_sign_in, api_sign_out;
api_fn api_tokens, api_token_create, api_token_revoke, api_audit;
api_fn api_password;
api_fn api_users, api_user_add, api_user_role, api_user_disable, api_user_enable, api_user_password;
api_fn api_enroll_keys, api_enroll_key_add, api_enroll_key_revoke;
api_fn api_host_tokens, api_host_token_revoke;
api_fn api_enroll;
api_fn api_health, api_ready, api_metrics, api_events;

api_fn api_forward, api_sites;
api_fn api_repository, api_holds, api_hold_add, api_hold_release;

/** When, and of which site, something is said that is taken from a body. */
struct api_said {
	/** Where the body names none; and where it is not the body's to say (NULL: it is). */
	const char *site;
	const char *only_site;
	int64_t time;
};
/** The body of @p request is a heartbeat, or a change: take it in, and queue it to be forwarded. */
struct ey_error *api_heartbeat_take(struct db *db, const struct server_request *request,
				    const struct api_said *said,
				    struct db_heartbeat_result *ret) EY_MUST_CHECK;
struct ey_error *api_change_take(struct db *db, const struct server_request *request,
				 const struct api_said *said,
				 struct server_response *response) EY_MUST_CHECK;
/** "sites": [what sites keep of the crash's dump]. */
struct ey_error *api_kv_site_dumps(struct ey_json *json, struct db *db,
				   int64_t crash_id) EY_MUST_CHECK;

/** The number in the route's "{id}"; EY_ERR_NOT_FOUND where it is none. */
struct ey_error *api_id(const struct server_request *request, int64_t *ret) EY_MUST_CHECK;
/** "cursor" and "limit" of a list. */
struct ey_error *api_page(const struct server_request *request, struct db_page *ret) EY_MUST_CHECK;

/**
 * Count an attempt of @p kind ("user", "address") at @p value; beyond @p max in a quarter of an
 * hour
 * @p response is 429 and @p refused_ret set.
 */
struct ey_error *api_attempt_refuse(const struct server_request *request, struct db *db,
				    const char *kind, const char *value, int64_t max,
				    struct server_response *response,
				    bool *refused_ret) EY_MUST_CHECK;

/* Pieces of answers; each writes one value. "" is written as null. */
void api_kv_text(struct ey_json *json, const char *key, const char *text);
void api_kv_time(struct ey_json *json, const char *key, int64_t time);
/** null where @p v is negative. */
void api_kv_count(struct ey_json *json, const char *key, int64_t v);
/** The fixes of the issue that was asked for last: crashes of a list tend to be of few. */
struct api_fixes {
	int64_t issue_id;
	struct db_issue_fix_list list;
};
void api_fixes_deinit(struct api_fixes *fixes);
#define _cleanup_api_fixes_ __attribute__((cleanup(api_fixes_deinit)))
/** What a crash is to those who look at it: a name of DB_VERDICTS. */
struct ey_error *api_triage(struct db *db, struct api_fixes *fixes, const struct db_crash *crash,
			    const char **ret) EY_MUST_CHECK;
struct ey_error *api_write_crash(struct ey_json *json, struct db *db, struct api_fixes *fixes,
				 const struct db_crash *crash) EY_MUST_CHECK;
void api_write_reason(struct ey_json *json, const struct db_reason *reason);
void api_write_host(struct ey_json *json, const struct db_host *host);
void api_write_alert(struct ey_json *json, const struct db_alert *alert);
/** "boots": [the host's boots, the latest first, each with what changed before it]. */
struct ey_error *api_kv_boots(struct ey_json *json, struct db *db, int64_t host_id) EY_MUST_CHECK;
/** "life_history", "labels", "twins" and "changes" of a host. */
struct ey_error *api_kv_host_life(struct ey_json *json, struct db *db,
				  int64_t host_id) EY_MUST_CHECK;
void api_write_twin(struct ey_json *json, const struct db_twin *twin);
/** "dump_state": {holds, removals, damage} of a crash. */
struct ey_error *api_kv_dump(struct ey_json *json, struct db *db, int64_t crash_id) EY_MUST_CHECK;
void api_kv_next(struct ey_json *json, const char *next);

/** "KEY": [crashes by day] for the @p days days up to today. */
struct ey_error *api_kv_days(struct ey_json *json, struct db *db, const char *key, int days,
			     struct db_stats_filter filter) EY_MUST_CHECK;
/** "hours": [crashes by hour for the @p hours hours up to now]. */
struct ey_error *api_kv_hours(struct ey_json *json, struct db *db, int hours) EY_MUST_CHECK;
/** "KEY": [groups of @p dimension, the most crashes first]. */
struct ey_error *api_kv_top(struct ey_json *json, struct db *db, const char *key,
			    enum db_dimension dimension, const struct db_stats_filter *filter,
			    unsigned int limit) EY_MUST_CHECK;
/** Begin to work out what the overview tells of a long history, before anybody asks. */
void api_overview_prepare(const struct api *api);
/** Groups as a list of objects; the value of a key that is written already. */
void api_write_tops(struct ey_json *json, const struct db_top_list *list);
/** "alerts": [active alerts, of one subject where @p subject_id is set]. */
struct ey_error *api_kv_alerts(struct ey_json *json, struct db *db, const char *scope,
			       int64_t subject_id) EY_MUST_CHECK;
/** "KEY": [the latest crashes that @p filter leaves]. */
struct ey_error *api_kv_crashes(struct ey_json *json, struct db *db, const char *key,
				const struct db_crash_filter *filter,
				unsigned int limit) EY_MUST_CHECK;

#endif

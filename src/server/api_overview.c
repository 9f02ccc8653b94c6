/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong now, where, since when, who has it; and the words that filters can be set to. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "db/console_facets.h"
#include "server/api.h"
#include "server/summary.h"

enum { WEEK = 7 * 86400 };

static void kv_totals(struct ey_json *json, const char *key, const struct db_totals *t)
{
	ey_json_key(json, key);
	ey_json_object_begin(json);
	ey_json_kv_int(json, "crashes", t->crashes);
	ey_json_kv_int(json, "hosts", t->hosts);
	ey_json_kv_int(json, "reasons", t->reasons);
	ey_json_kv_int(json, "new_reasons", t->new_reasons);
	ey_json_object_end(json);
}

// As an object that goes to @p out.
static struct ey_error *write_sums(struct db *db, int64_t arg, struct ey_buf *out)
{
	int64_t now = ey_time_now();
	struct db_stats_sums sums;
	struct ey_json json;
	struct ey_error *err = db_stats_sums(db, now, &sums);

	// By the first crash of each, as the list of new reasons has them: a repository with a
	// history that is taken in at once does not come in the order of the crashes.
	if (!err)
		err = db_console_new_reasons(db, now - WEEK, &sums.week.new_reasons);
	if (err)
		return err;
	ey_json_init(&json, out, 0);
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "hosts", sums.hosts);
	ey_json_kv_int(&json, "dumps", sums.dumps);
	ey_json_kv_int(&json, "dump_bytes", sums.dump_bytes);
	kv_totals(&json, "day", &sums.day);
	kv_totals(&json, "day_before", &sums.day_before);
	kv_totals(&json, "week", &sums.week);
	ey_json_object_end(&json);
	return NULL;
}

// Charts and ranks, as an object that goes to @p out.
static struct ey_error *write_trends(struct db *db, int64_t arg, struct ey_buf *out)
{
	static const struct {
		const char *key;
		enum db_dimension dimension;
		unsigned int limit;
	} tops[] = {{"top_reasons", DB_BY_REASON, 8},
		    {"top_hosts", DB_BY_HOST, 8},
		    {"top_models", DB_BY_MODEL, 8},
		    {"top_kernels", DB_BY_KERNEL, 8},
		    {"sites", DB_BY_SITE, 12}};
	struct db_stats_filter week = {.since = ey_time_now() - WEEK};
	struct ey_json json;

	ey_json_init(&json, out, 0);
	ey_json_object_begin(&json);
	struct ey_error *err = api_kv_hours(&json, db, 48);
	if (!err)
		err = api_kv_days(&json, db, "days", 30, (struct db_stats_filter){0});
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(tops); i++)
		err = api_kv_top(&json, db, tops[i].key, tops[i].dimension, &week, tops[i].limit);
	ey_json_object_end(&json);
	return err;
}

// The members of the object that @p fn writes, or wrote lately.
static struct ey_error *members(struct ey_json *json, const struct api *api, struct db *db,
				server_summary_fn *fn)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	struct ey_error *err = server_summary(api->summaries, db, fn, 0, &text);

	if (!err && text.failed)
		err = &ey_error_nomem;
	if (!err)
		ey_json_raw(json, text.data + 1, text.len - 2);
	return err;
}

static struct ey_error *kv_fleet(struct ey_json *json, const struct api *api, struct db *db)
{
	struct db_stats_now o;
	struct ey_error *err = db_stats_now(db, &o);

	if (err)
		return err;
	ey_json_key(json, "fleet");
	ey_json_object_begin(json);
	ey_json_kv_int(json, "crashes", o.crashes);
	ey_json_kv_int(json, "reasons", o.reasons);
	ey_json_kv_int(json, "models", o.models);
	ey_json_kv_int(json, "reasons_unseen", o.reasons_unseen);
	ey_json_kv_int(json, "alerts_firing", o.alerts_firing);
	ey_json_kv_int(json, "alerts_acknowledged", o.alerts_acknowledged);
	api_kv_time(json, "last_crash", o.last_crash);
	api_kv_time(json, "last_received", o.last_received);
	ey_json_kv_int(json, "rejected", o.rejected);
	ey_json_kv_int(json, "mails_waiting", o.mails_waiting);
	err = members(json, api, db, write_sums);
	ey_json_object_end(json);
	return err;
}

static struct ey_error *kv_new_reasons(struct ey_json *json, struct db *db, int64_t now)
{
	_cleanup_reasons_ struct db_reason_list list = {0};
	struct db_reason_filter filter = {.order = DB_REASONS_BY_FIRST_SEEN,
					  .first_seen_since = now - WEEK};
	struct db_page page = {.limit = 10};
	struct ey_error *err = db_reason_list(db, &filter, &page, &list);

	if (err)
		return err;
	ey_json_key(json, "new_reasons");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++)
		api_write_reason(json, &list.items[i]);
	ey_json_array_end(json);
	return NULL;
}

static struct ey_error *write_jobs(struct ey_json *json, struct server_jobs *from)
{
	struct server_job_status *jobs = NULL;
	size_t count = 0;
	struct ey_error *err = server_jobs_status(from, &jobs, &count);

	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_string(json, "name", jobs[i].name);
		ey_json_kv_string(json, "state", server_job_state_name(jobs[i].state));
		ey_json_kv_int(json, "interval_seconds", jobs[i].interval);
		api_kv_time(json, "last_start", jobs[i].last_start);
		api_kv_time(json, "last_ok", jobs[i].last_ok);
		api_kv_time(json, "failing_since", jobs[i].failing_since);
		api_kv_time(json, "next", jobs[i].next);
		ey_json_kv_int(json, "milliseconds", jobs[i].milliseconds);
		ey_json_kv_uint(json, "runs", jobs[i].runs);
		ey_json_kv_uint(json, "failures", jobs[i].failures);
		api_kv_text(json, "message", jobs[i].message);
		ey_json_object_end(json);
	}
	server_jobs_status_free(jobs, count);
	return NULL;
}

static struct ey_error *kv_jobs(struct ey_json *json, const struct api *api)
{
	ey_json_key(json, "jobs");
	ey_json_array_begin(json);
	struct ey_error *err = write_jobs(json, api->jobs);
	if (!err)
		err = write_jobs(json, api->scrub);
	ey_json_array_end(json);
	return err;
}

static void kv_server(struct ey_json *json, const struct api *api)
{
	ey_json_key(json, "server");
	ey_json_object_begin(json);
	ey_json_kv_string(json, "version", EYRIE_VERSION);
	api_kv_time(json, "started", api->started);
	ey_json_kv_string(
		json, "repository",
		ey_config_string(api->config, "repository", "path", "/var/lib/eyrie/repository"));
	ey_json_object_end(json);
}

struct ey_error *api_overview(const struct api *api, struct db *db,
			      const struct server_request *request,
			      struct server_response *response)
{
	static const char *const known[] = {NULL};
	int64_t now = ey_time_now();
	struct ey_json json;

	struct ey_error *err = server_query_only(&request->target, known);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	kv_server(&json, api);
	err = kv_fleet(&json, api, db);
	if (!err)
		err = api_kv_alerts(&json, db, NULL, 0);
	if (!err)
		err = kv_new_reasons(&json, db, now);
	if (!err)
		err = members(&json, api, db, write_trends);
	if (!err)
		err = api_kv_crashes(&json, db, "latest", NULL, 12);
	if (!err)
		err = kv_jobs(&json, api);
	if (err)
		return err;
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *kv_words(struct ey_json *json, struct db *db, const char *key,
				 enum db_facet facet)
{
	_cleanup_words_ struct db_word_list list = {0};
	struct ey_error *err = db_console_facet(db, facet, &list);

	if (err)
		return err;
	ey_json_key(json, key);
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_int(json, "id", list.items[i].id);
		api_kv_text(json, "label", list.items[i].label);
		ey_json_kv_int(json, "crashes", list.items[i].crashes);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return NULL;
}

static struct ey_error *write_facets(struct db *db, int64_t arg, struct ey_buf *out)
{
	static const struct {
		const char *key;
		enum db_facet facet;
	} words[] = {{"kinds", DB_FACET_KIND},
		     {"kernels", DB_FACET_KERNEL},
		     {"models", DB_FACET_MODEL},
		     {"sites", DB_FACET_SITE}};
	struct ey_error *err = NULL;
	struct ey_json json;

	ey_json_init(&json, out, 0);
	ey_json_object_begin(&json);
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(words); i++)
		err = kv_words(&json, db, words[i].key, words[i].facet);
	ey_json_object_end(&json);
	return err;
}

void api_overview_prepare(const struct api *api)
{
	server_summary_prepare(api->summaries, write_sums, 0);
	server_summary_prepare(api->summaries, write_trends, 0);
	server_summary_prepare(api->summaries, write_facets, 0);
}

struct ey_error *api_facets(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	struct ey_json json;

	struct ey_error *err = server_query_only(&request->target, known);
	if (err)
		return err;
	server_response_json(response, &json);
	return server_summary(api->summaries, db, write_facets, 0, &response->body);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/intake_answer.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "ingest/policy_make.h"
#include "ingest/populate.h"

struct ey_error *intake_settings_load(struct intake_settings *settings,
				      const struct ey_config *config)
{
	struct populate_options populate = {0};
	struct ey_error *err = populate_options_load(&populate, config);

	settings->keep_dumps = populate.keep_dumps;
	return err;
}

static enum store_want decide(const struct intake_settings *settings, const struct delivery *d,
			      const struct db_intake_result *r)
{
	const struct db_reason reason = {
		.key = d->take.intake.reason,
		.state = r->reason_state,
		.dumps = r->reason_dumps,
	};
	enum store_want want = policy_want_of(&reason, settings->keep_dumps);

	return want == STORE_WANT_VMCORE && (!d->dump_bytes || r->has_dump) ? STORE_WANT_DMESG
									    : want;
}

struct ey_error *intake_write(struct db *db, const struct intake_settings *settings,
			      const struct delivery *const *deliveries, size_t count, int64_t now,
			      struct intake_outcome *outcomes)
{
	_cleanup_free_ const struct db_intake **intakes = calloc(count, sizeof(*intakes));
	_cleanup_free_ struct db_intake_result *results = calloc(count, sizeof(*results));
	_cleanup_fixes_ struct db_issue_fix_list fixes = {0};
	int64_t issue = 0;

	if (!intakes || !results)
		return &ey_error_nomem;
	for (size_t i = 0; i < count; i++)
		intakes[i] = &deliveries[i]->take.intake;
	struct ey_error *err = db_intake_many(db, intakes, count, now, results);
	for (size_t i = 0; !err && i < count; i++) {
		const struct db_intake *in = intakes[i];

		if (results[i].issue_id != issue) {
			issue = results[i].issue_id;
			db_issue_fix_list_deinit(&fixes);
			if (issue)
				err = db_issue_fixes(db, issue, &fixes);
		}
		outcomes[i] = (struct intake_outcome){
			.result = results[i],
			.triage = db_verdict_of(results[i].reason_state, &fixes,
						in->kernel ? in->kernel : "",
						in->kernel_version ? in->kernel_version : ""),
			.want = decide(settings, deliveries[i], &results[i]),
		};
	}
	return err;
}

void intake_answer(const struct delivery *d, const struct intake_outcome *o,
		   struct server_response *response)
{
	static const char *const verdicts[] = {"new", "known", "double"};
	const struct db_intake_result *r = &o->result;
	struct ey_json json;

	server_response_json(response, &json);
	response->status = r->verdict == DB_INTAKE_DOUBLE ? 200 : 201;
	response->cache_control = "no-store";
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "id", r->crash_id);
	ey_json_kv_string(&json, "path", d->path);
	ey_json_kv_string(&json, "verdict", verdicts[r->verdict]);
	ey_json_kv_string(&json, "triage", db_verdict_name(o->triage));
	ey_json_key(&json, "reason");
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "id", r->reason_id);
	ey_json_kv_string(&json, "state", db_reason_state_name(r->reason_state));
	ey_json_kv_int(&json, "crashes", r->reason_crashes);
	ey_json_kv_int(&json, "hosts", r->reason_hosts);
	ey_json_object_end(&json);
	ey_json_key(&json, "issue");
	if (r->issue_id)
		ey_json_int(&json, r->issue_id);
	else
		ey_json_null(&json);
	ey_json_kv_bool(&json, "schema_known", !d->take.intake.schema);
	ey_json_kv_string(&json, "want", store_want_name(o->want));
	ey_json_key(&json, "upload");
	if (o->want == STORE_WANT_VMCORE)
		ey_json_string(&json, "/api/v1/uploads");
	else
		ey_json_null(&json);
	ey_json_kv_int(&json, "retry_after", 0);
	ey_json_object_end(&json);
}

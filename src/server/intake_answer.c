/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/intake_answer.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/upload.h"

/* Left free on the repository's file system, as the store does. */
enum { SPARE_BYTES = 16 << 20 };

struct ey_error *intake_settings_load(struct intake_settings *settings,
				      const struct ey_config *config)
{
	settings->root = ey_config_string(config, "repository", "path", STORE_DEFAULT_ROOT);
	struct keep_quotas *quotas = &settings->purge.quotas;
	struct ey_error *err = purge_options_load(&settings->purge, config);

	// Nothing new is refused for want of space while something worth less can go.
	if (!quotas->free_bytes && !quotas->free_percent)
		quotas->free_bytes = SPARE_BYTES;
	return err ? err : policy_rules_load(&settings->rules, config);
}

int64_t intake_retry_after(const struct intake_settings *settings, int64_t crash_id)
{
	// Spread, or all who were put off by a storm come back at once.
	return settings->rules.retry_after + crash_id % settings->rules.retry_after;
}

uint64_t intake_room(const char *root)
{
	struct statvfs vfs;

	// Of a root that is not there yet, or a bucket, the upload itself will tell.
	if (statvfs(root, &vfs) < 0 || !vfs.f_blocks)
		return UINT64_MAX;
	uint64_t free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return free_bytes > SPARE_BYTES ? free_bytes - SPARE_BYTES : 0;
}

struct ey_error *intake_decide(struct db *db, const struct intake_settings *settings,
			       int64_t crash_id, uint64_t bytes, uint64_t room, int64_t now,
			       enum policy_want *ret)
{
	struct db_upload_facts facts;
	struct ey_error *err = db_upload_facts(db, crash_id, now, &facts);

	if (err)
		return err;
	*ret = policy_decide(&settings->rules, &(struct policy_case){
						       .state = facts.state,
						       .no_event = facts.no_event,
						       .has_dump = bytes && !facts.has_dump,
						       .promised = facts.promised,
						       .reason_dumps = facts.reason_dumps,
						       .dumps = facts.dumps,
						       .crashes = facts.crashes,
						       .slots_taken = facts.slots_taken,
						       .has_room = bytes <= room,
					       });
	return *ret == POLICY_WANT_VMCORE ? db_upload_offer(db, crash_id, now) : NULL;
}

struct ey_error *intake_write(struct db *db, const struct intake_settings *settings,
			      const struct delivery *const *deliveries, size_t count, int64_t now,
			      struct intake_outcome *outcomes)
{
	_cleanup_free_ const struct db_intake **intakes = calloc(count, sizeof(*intakes));
	_cleanup_free_ struct db_intake_result *results = calloc(count, sizeof(*results));
	_cleanup_fixes_ struct db_issue_fix_list fixes = {0};
	_cleanup_txn_ struct db_txn txn = {0};
	uint64_t room = intake_room(settings->root);
	int64_t issue = 0;

	if (!intakes || !results)
		return &ey_error_nomem;
	for (size_t i = 0; i < count; i++)
		intakes[i] = &deliveries[i]->take.intake;
	struct ey_error *err = db_begin(db, &txn);
	if (!err)
		err = db_intake_many(db, intakes, count, now, results);
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
		};
		if (!err)
			err = intake_decide(db, settings, results[i].crash_id,
					    deliveries[i]->dump_bytes, room, now,
					    &outcomes[i].want);
		if (outcomes[i].want == POLICY_WANT_LATER)
			outcomes[i].retry_after = intake_retry_after(settings, results[i].crash_id);
	}
	return err ? err : db_commit(&txn);
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
	if (o->retry_after)
		server_response_header(response, "Retry-After", "%lld", (long long)o->retry_after);
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
	ey_json_kv_string(&json, "want", policy_want_name(o->want));
	ey_json_key(&json, "upload");
	if (o->want == POLICY_WANT_VMCORE)
		ey_json_string(&json, "/api/v1/uploads");
	else
		ey_json_null(&json);
	ey_json_kv_int(&json, "retry_after", o->retry_after);
	ey_json_object_end(&json);
}

struct ey_error *intake_make_room(struct db *db, const struct intake_settings *settings,
				  int64_t crash_id, uint64_t bytes, bool *fits_ret)
{
	_cleanup_crashes_ struct db_crash_list list = {0};
	struct db_upload_facts facts;
	struct purge_incoming in = {.bytes = (int64_t)EY_MIN(bytes, (uint64_t)INT64_MAX / 2)};
	struct ey_error *err = db_crash_get(db, crash_id, &list);

	*fits_ret = true;
	if (!err)
		err = db_upload_facts(db, crash_id, ey_time_now(), &facts);
	if (err)
		return err;
	in.site = list.items[0].site;
	in.host_id = list.items[0].host_id;
	in.reason_dumps = facts.reason_dumps;
	if (!db_reason_state_parse(list.items[0].reason_state, &in.state))
		in.state = DB_REASON_NEW;
	return purge_make_room(db, &settings->purge, &in, fits_ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/crash_run.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/compare.h"
#include "analysis/engine.h"
#include "analysis/identify.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/crash.h"
#include "ingest/damage.h"
#include "ingest/fetch_dump.h"

/** Dumps a run looks for at a time. */
enum { LIST = 50 };

struct job {
	struct db *db;
	const struct crash_run_options *o;
	struct store *store;
	struct engine_options engine;
	/** Where vmlinux files are looked for: the store of symbols, then the usual folder. */
	char *debug_path;
	struct crash_run_result *r;
};

static void job_deinit(struct job *job)
{
	store_destroyp(&job->store);
	free(job->debug_path);
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// What crash says otherwise than the stored record, as compact JSON.
static struct ey_error *compare(struct job *job, int64_t id, const struct analysis_result *crash,
				char **differences, int64_t *count)
{
	struct analysis_result native = {0};
	struct ey_error *err =
		db_crash_part(job->db, id, DB_PART_RECORD, &native.record, &native.record_len);

	if (!err) {
		native.text = strdup("");
		err = native.text ? compare_results(&native, crash) : &ey_error_nomem;
	}
	json_t *root =
		err ? NULL : json_loadb(native.record, native.record_len, JSON_ALLOW_NUL, NULL);
	const json_t *list = json_object_get(root, "comparison");
	if (!err && json_is_array(list)) {
		*differences = json_dumps(list, JSON_COMPACT);
		*count = (int64_t)json_array_size(list);
	}
	json_decref(root);
	analysis_result_deinit(&native);
	return err;
}

static struct ey_error *run_engine(struct job *job, const struct store_entry *entry,
				   const char *path, struct db_crash_run *run)
{
	_cleanup_free_ char *differences = NULL;
	struct analysis_result crash = {0};
	int64_t begin = milliseconds();
	struct ey_error *err = engine_run(path, &job->engine, &crash);

	run->milliseconds = milliseconds() - begin;
	if (err)
		return err;
	err = compare(job, run->crash_id, &crash, &differences, &run->differs);
	// A record that cannot be compared is no reason to lose what crash said.
	if (err && (err->code == EY_ERR_INPUT || err->code == EY_ERR_NOT_FOUND)) {
		ey_error_destroy(err);
		err = NULL;
	}
	run->state = DB_CRASH_RUN_DONE;
	run->message = "";
	run->differences = differences ? differences : "[]";
	if (!err)
		err = store_entry_put(entry, "crash.txt", crash.text, crash.text_len);
	if (!err)
		err = db_crash_run_set(job->db, run, crash.text, crash.text_len);
	analysis_result_deinit(&crash);
	return err;
}

static struct ey_error *run_dump(struct job *job, const char *path, struct db_crash_run *run)
{
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	_cleanup_fetched_dump_ struct fetched_dump dump = {0};
	struct dump_identity id = {0};
	static _Thread_local char build_id[sizeof(id.build_id)];
	struct ey_error *err = store_entry_open(job->store, path, &entry);

	if (!err)
		err = fetch_dump(entry, job->o->config, &dump);
	if (err && dump.damaged) {
		_cleanup_error_ struct ey_error *unnoted =
			damage_note(job->db, path, STORE_VMCORE, DAMAGE_DIFFERS);

		if (unnoted)
			ey_log_warning("cannot note that %s is damaged: %s", path,
				       unnoted->message);
	}
	if (!err)
		err = analysis_identify(dump.path, job->engine.native, &id);
	if (err)
		return err;
	snprintf(build_id, sizeof(build_id), "%s", id.build_id);
	run->build_id = build_id;
	return run_engine(job, entry, dump.path, run);
}

static struct ey_error *note_failure(struct job *job, struct db_crash_run *run,
				     struct ey_error *failure)
{
	_cleanup_error_ struct ey_error *why = failure;
	_cleanup_free_ char *message = NULL;
	bool symbols = why->code == EY_ERR_NOT_FOUND && *run->build_id;
	int n = symbols ? asprintf(&message,
				   "no symbols for build id %s; add them with: eyrie symbols add "
				   "PACKAGE (%s)",
				   run->build_id, why->message)
			: asprintf(&message, "%s", why->message);

	if (n < 0) {
		message = NULL;
		return &ey_error_nomem;
	}
	run->state = symbols ? DB_CRASH_RUN_NO_SYMBOLS : DB_CRASH_RUN_FAILED;
	run->message = message;
	run->differences = "[]";
	if (symbols)
		job->r->no_symbols++;
	else
		job->r->failed++;
	return db_crash_run_set(job->db, run, NULL, 0);
}

static struct ey_error *run_one(struct job *job, int64_t crash_id)
{
	_cleanup_crashes_ struct db_crash_list list = {0};
	struct db_crash_run run = {.crash_id = crash_id, .build_id = "", .time = ey_time_now()};
	struct ey_error *err = db_crash_get(job->db, crash_id, &list);

	if (!err && list.items->dump != DB_DUMP_KEPT)
		return ey_error_create(EY_ERR_INPUT, "crash %" PRId64 " has no dump", crash_id);
	if (err)
		return err;
	err = run_dump(job, list.items->path, &run);
	if (!err) {
		job->r->done++;
		job->r->differ += run.differs > 0;
		return NULL;
	}
	// The repository or the database out of reach: the next run.
	return err->code == EY_ERR_IO || err == &ey_error_nomem ? err
								: note_failure(job, &run, err);
}

static bool enough(const struct job *job)
{
	const struct crash_run_result *r = job->r;

	return job->o->max && r->done + r->no_symbols + r->failed >= job->o->max;
}

static struct ey_error *run_todo(struct job *job)
{
	struct ey_error *err = NULL;
	size_t count = 1;

	while (!err && count && !enough(job)) {
		_cleanup_crash_runs_ struct db_crash_run_list list = {0};

		err = db_crash_run_todo(job->db, LIST, &list);
		count = list.count;
		for (size_t i = 0; !err && i < list.count && !enough(job); i++)
			err = run_one(job, list.items[i].crash_id);
	}
	return err;
}

static struct ey_error *run_waiting(struct job *job)
{
	_cleanup_crash_runs_ struct db_crash_run_list list = {0};
	struct ey_error *err = db_crash_run_waiting(job->db, &list);

	for (size_t i = 0; !err && i < list.count && !enough(job); i++) {
		_cleanup_crashes_ struct db_crash_list crash = {0};

		if (!symbols_has(&job->o->symbols, list.items[i].build_id))
			continue;
		// Its dump may be gone by now.
		err = db_crash_get(job->db, list.items[i].crash_id, &crash);
		if (!err && crash.items->dump == DB_DUMP_KEPT)
			err = run_one(job, list.items[i].crash_id);
	}
	return err;
}

struct ey_error *crash_run(struct db *db, const struct crash_run_options *options,
			   struct crash_run_result *ret)
{
	const struct analysis_options native = {0};
	__attribute__((cleanup(job_deinit))) struct job job = {.db = db, .o = options, .r = ret};
	struct store_s3_options s3 = {0};
	const char *root = options->root;

	*ret = (struct crash_run_result){0};
	if (!root)
		root = ey_config_string(options->config, "repository", "path", STORE_DEFAULT_ROOT);
	job.engine.engine = ENGINE_CRASH;
	job.engine.native = &native;
	struct ey_error *err = engine_configure(&job.engine, options->config);
	if (err)
		return err;
	if (asprintf(&job.debug_path, "%s:%s", options->symbols.root,
		     job.engine.debug_path ? job.engine.debug_path : "/usr/lib/debug") < 0) {
		job.debug_path = NULL;
		return &ey_error_nomem;
	}
	job.engine.debug_path = job.debug_path;
	err = store_s3_options_load(options->config, &s3);
	if (!err)
		err = store_open_with(root, 0, &s3, &job.store);
	if (!err && options->crash_id)
		return run_one(&job, options->crash_id);
	if (!err)
		err = run_todo(&job);
	return err ? err : run_waiting(&job);
}

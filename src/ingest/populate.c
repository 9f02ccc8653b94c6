/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/populate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/folder.h"
#include "ingest/damage.h"
#include "ingest/place.h"
#include "ingest/policy_make.h"
#include "ingest/take.h"
#include "store/repository.h"
#include "store/sealed.h"

enum { PROGRESS_EVERY = 200 };

struct run {
	struct db *db;
	const struct populate_options *options;
	struct populate_result *result;
	int64_t now;
	/** Paths of all that could not be read, in this run or since before. */
	char **rejected;
	size_t rejected_count;
	size_t rejected_capacity;
	/** What made the walk impossible to go on, found where no error can be returned. */
	struct ey_error *err;
};

struct ey_error *populate_options_load(struct populate_options *options,
				       const struct ey_config *config)
{
	struct ey_error *err = policy_rules_load(&options->rules, config);

	if (!err)
		err = store_s3_options_load(config, &options->s3);
	if (!err)
		err = place_flags(config, &options->store_flags);
	options->root = ey_config_string(config, "repository", "path", STORE_DEFAULT_ROOT);
	options->seal_secret = ey_config_string(config, "repository", "seal_secret", NULL);
	return err;
}

static void tell(struct run *run, const struct populate_event *event)
{
	if (run->options->on_folder)
		run->options->on_folder(event, run->options->arg);
}

static void run_deinit(struct run *run)
{
	for (size_t i = 0; i < run->rejected_count; i++)
		free(run->rejected[i]);
	free(run->rejected);
	ey_error_destroy(run->err);
}

static struct ey_error *add_rejected(struct run *run, const char *path)
{
	if (run->rejected_count == run->rejected_capacity) {
		size_t capacity = run->rejected_capacity ? 2 * run->rejected_capacity : 16;
		char **more = reallocarray(run->rejected, capacity, sizeof(*more));

		if (!more)
			return &ey_error_nomem;
		run->rejected = more;
		run->rejected_capacity = capacity;
	}
	run->rejected[run->rejected_count] = strdup(path);
	if (!run->rejected[run->rejected_count])
		return &ey_error_nomem;
	run->rejected_count++;
	return NULL;
}

// Note why a folder was not taken in. Returns only errors of the database.
static struct ey_error *reject(struct run *run, const char *path, const char *stamp,
			       const char *why)
{
	_cleanup_free_ char *old = NULL;
	enum db_folder_state state;
	struct ey_error *err = db_folder_get(run->db, path, &state, &old);

	if (err)
		return err;
	if (state == DB_FOLDER_TAKEN)
		return NULL; // it was readable once; its crash is kept
	err = add_rejected(run, path);
	if (err)
		return err;
	if (state == DB_FOLDER_REJECTED && !strcmp(old, stamp)) {
		run->result->rejected_before++;
		return NULL;
	}
	run->result->rejected++;
	tell(run, &(struct populate_event){.path = path, .rejected = why});
	return db_folder_reject(run->db, path, stamp, why, run->now);
}

static struct ey_error *take_in(struct run *run, const struct store_entry *entry, const char *stamp)
{
	_cleanup_take_ struct take take = {0};
	_cleanup_error_ struct ey_error *unreadable =
		take_read(entry, run->options, run->now, &take);
	struct db_intake_result result;

	if (unreadable == &ey_error_nomem)
		return unreadable;
	// What an I/O error hides may be readable the next time: an empty stamp never matches.
	if (unreadable)
		return reject(run, entry->path, unreadable->code == EY_ERR_IO ? "" : stamp,
			      unreadable->message);
	struct ey_error *err = db_intake(run->db, &take.intake, run->now, &result);
	if (!err && take.damaged)
		err = damage_note(run->db, entry->path, take.damaged, DAMAGE_DIFFERS);
	if (err)
		return ey_error_prefix(err, "%s", entry->path);
	switch (result.verdict) {
	case DB_INTAKE_NEW:
		run->result->fresh++;
		break;
	case DB_INTAKE_KNOWN:
		run->result->known++;
		break;
	case DB_INTAKE_DOUBLE:
		run->result->doubles++;
		break;
	}
	tell(run, &(struct populate_event){
			  .path = entry->path,
			  .result = result,
			  .hostname = take.intake.hostname ? take.intake.hostname : entry->host,
			  .title = take.intake.title,
			  .reason = take.intake.reason,
		  });
	return NULL;
}

static struct ey_error *on_entry(const struct store_entry *entry, void *arg)
{
	struct run *run = arg;
	struct populate_result *r = run->result;
	_cleanup_free_ char *old = NULL, *stamp = NULL;
	enum db_folder_state state;
	struct ey_error *err = run->err ? no_cleanup_ptr(run->err)
					: db_folder_get(run->db, entry->path, &state, &old);

	if (err)
		return err;
	r->folders++;
	if (run->options->on_progress && r->folders % PROGRESS_EVERY == 0)
		run->options->on_progress(r->folders, r->fresh + r->known, run->options->arg);
	if (state == DB_FOLDER_TAKEN) {
		r->unchanged++;
		return NULL;
	}
	err = take_stamp(entry, &stamp);
	if (err)
		return err;
	if (state == DB_FOLDER_REJECTED && !strcmp(old, stamp)) {
		r->rejected_before++;
		return add_rejected(run, entry->path);
	}
	return take_in(run, entry, stamp);
}

static void on_skip(const char *path, const char *why, void *arg)
{
	struct run *run = arg;

	if (run->err)
		return;
	run->result->folders++;
	run->err = reject(run, path, why, why);
}

struct ey_error *populate_run(struct db *db, const struct populate_options *options,
			      struct populate_result *ret)
{
	_cleanup_(run_deinit) struct run run = {
		.db = db, .options = options, .result = ret, .now = ey_time_now()};
	const struct store_walker walker = {.on_entry = on_entry, .on_skip = on_skip, .arg = &run};
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_entry_ struct store_entry *entry = NULL;

	*ret = (struct populate_result){0};
	struct ey_error *err =
		store_open_with(options->root, options->store_flags, &options->s3, &store);
	if (!err)
		err = store_set_secret(store, options->seal_secret);
	if (err)
		return err;
	if (options->only) {
		err = store_entry_open(store, options->only, &entry);
		if (!err)
			err = on_entry(entry, &run);
	} else {
		err = store_walk(store, &walker);
		if (!err)
			err = no_cleanup_ptr(run.err);
		// What is readable or gone by now is nobody's worry any more.
		if (!err)
			err = db_folder_rejects_keep(db, run.rejected, run.rejected_count, run.now);
	}
	if (!err && !options->no_policy)
		err = policy_make_publish(db, &options->rules, store);
	return err;
}

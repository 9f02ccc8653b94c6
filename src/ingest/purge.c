/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/purge.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/hold.h"
#include "ingest/place.h"
#include "ingest/purge_internal.h"

enum {
	BATCH = 500,
	WARNINGS_MAX = 20,
};

struct ey_error *purge_options_load(struct purge_options *options, const struct ey_config *config)
{
	struct ey_error *err = store_s3_options_load(config, &options->s3);

	if (!err)
		err = place_flags(config, &options->store_flags);
	options->root = ey_config_string(config, "repository", "path", STORE_DEFAULT_ROOT);
	options->retention = 0;
	if (!err)
		err = keep_rules_load(&options->rules, config);
	return err ? err : keep_quotas_load(&options->quotas, config);
}

/*
 * Whether a folder that cannot be found is really gone: an NFS tree that is not mounted just now
 * has none of them, and must not make the center forget its dumps.
 */
static struct ey_error *check_site(struct store *store, const char *path)
{
	_cleanup_free_ char *site = strndup(path, strcspn(path, "/"));
	bool found;

	if (!site)
		return &ey_error_nomem;
	struct ey_error *err = store_has_site(store, site, &found);
	if (!err && !found)
		err = ey_error_create(
			EY_ERR_IO,
			"there is no folder %s/%s, which held dumps: is the repository mounted?",
			store_root(store), site);
	return err;
}

static void tell(const struct purge *run, const struct db_kept *dump, bool removed,
		 enum db_removal_kind kind, const char *why, uint64_t bytes)
{
	const struct purge_event event = {.dump = dump,
					  .removed = removed,
					  .kind = kind,
					  .why = why,
					  .bytes = bytes,
					  .age = run->now - dump->time};

	if (run->options->on_dump && (removed || run->options->tell_all))
		run->options->on_dump(&event, run->options->arg);
}

// Somebody may have come to hold it since the list was read.
static struct ey_error *is_held(struct purge *run, const struct db_kept *dump, bool *ret)
{
	_cleanup_holds_ struct db_hold_list holds = {0};
	struct ey_error *err = db_hold_of_crash(run->db, dump->crash_id, run->now, &holds);

	*ret = holds.count > 0;
	return err;
}

/*
 * First the file, then its mark. Killed between the two, the next run finds no file and makes the
 * mark; the other order could leave a dump that nobody would ever remove.
 */
static struct ey_error *remove_file(struct purge *run, const struct db_kept *dump, uint64_t *bytes)
{
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	struct ey_error *err = store_entry_open(run->store, dump->path, &entry);

	if (!err && run->options->dry_run)
		*bytes = (uint64_t)dump->bytes;
	else if (!err)
		err = store_entry_remove_dump(entry, bytes);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		err = check_site(run->store, dump->path);
	}
	return err;
}

struct ey_error *purge_remove(struct purge *run, const struct db_kept *dump,
			      enum db_removal_kind kind, const char *why, bool *removed_ret)
{
	struct purge_result *r = run->result;
	uint64_t bytes = 0;
	bool held;
	struct ey_error *err = is_held(run, dump, &held);

	if (removed_ret)
		*removed_ret = false;
	if (err || held)
		return err;
	err = remove_file(run, dump, &bytes);
	if (err) {
		// One that resists (a read-only mount, a folder of another owner, a site that is
		// not mounted) holds up none. A whole site would say the same very often.
		if (r->failed++ < WARNINGS_MAX)
			ey_log_warning("the dump of %s could not be removed: %s", dump->path,
				       err->message);
		ey_error_destroy(err);
		return NULL;
	}
	if (removed_ret)
		*removed_ret = true;
	if (bytes) {
		r->dumps++;
		r->bytes += bytes;
		r->evicted += kind == DB_REMOVAL_QUOTA;
		tell(run, dump, true, kind, why, bytes);
	} else {
		r->gone++;
		kind = DB_REMOVAL_GONE;
		why = "there was no file when its time had come";
	}
	if (run->options->dry_run)
		return NULL;
	return db_kept_removed(run->db, dump, kind, why, bytes, run->now);
}

// What was never finished takes space, too, and nobody looks for it in a bucket.
static struct ey_error *clean(const struct purge *run)
{
	struct store_cleaned cleaned;
	struct ey_error *err = store_clean(run->store, &cleaned);

	if (!err && cleaned.crashes + cleaned.uploads)
		ey_log_info("%s: removed %u uploads and %u crashes that were never finished",
			    run->options->root, cleaned.uploads, cleaned.crashes);
	return err;
}

static struct ey_error *look_at(struct purge *run, const struct db_kept *dump)
{
	char why[KEEP_WHY_SIZE];

	if (keep_is_over(run->rules, dump, run->now, why))
		return purge_remove(run, dump, DB_REMOVAL_RETENTION, why, NULL);
	tell(run, dump, false, DB_REMOVAL_RETENTION, why, (uint64_t)dump->bytes);
	return NULL;
}

static struct ey_error *purge_old(struct purge *run)
{
	int64_t before = run->options->tell_all ? 0 : run->now - keep_rules_shortest(run->rules);
	_cleanup_free_ char *path = NULL;
	struct db_kept last = {0};
	struct ey_error *err = NULL;
	bool more = true;

	while (!err && more) {
		_cleanup_dumps_ struct db_kept_list list = {0};
		const struct db_kept_filter filter = {
			.before = before, .after = path ? &last : NULL, .limit = BATCH};

		err = db_kept_list(run->db, &filter, run->now, &list);
		for (size_t i = 0; !err && i < list.count; i++)
			err = look_at(run, &list.items[i]);
		more = list.count == BATCH;
		if (err || !more)
			continue;
		// Go on behind the last, so that those that resist are not met again.
		free(path);
		path = strdup(list.items[list.count - 1].path);
		if (!path)
			return &ey_error_nomem;
		last = (struct db_kept){.path = path, .time = list.items[list.count - 1].time};
	}
	return err;
}

struct ey_error *purge_run(struct db *db, const struct purge_options *options,
			   struct purge_result *ret)
{
	_cleanup_store_ struct store *store = NULL;
	struct keep_rules same;

	*ret = (struct purge_result){0};
	keep_rules_same(&same, options->retention);
	struct ey_error *err =
		store_open_with(options->root, options->store_flags, &options->s3, &store);
	struct purge run = {.db = db,
			    .store = store,
			    .options = options,
			    .rules = options->retention ? &same : &options->rules,
			    .result = ret,
			    .now = ey_time_now()};
	if (!err)
		err = purge_old(&run);
	if (!err)
		err = purge_quotas(&run);
	return err || options->dry_run ? err : clean(&run);
}

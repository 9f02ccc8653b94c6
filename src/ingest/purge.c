/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/purge.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/folder.h"
#include "ingest/place.h"
#include "ingest/populate.h"
#include "store/repository.h"

enum {
	BATCH = 500,
	WARNINGS_MAX = 20,
	RETENTION_DEFAULT = 30 * 86400,
};

struct ey_error *purge_options_load(struct purge_options *options, const struct ey_config *config)
{
	struct ey_error *err = store_s3_options_load(config, &options->s3);

	if (!err)
		err = place_flags(config, &options->store_flags);
	options->root = ey_config_string(config, "repository", "path", STORE_DEFAULT_ROOT);
	return err ? err
		   : ey_config_duration(config, "repository", "retention", RETENTION_DEFAULT,
					&options->retention);
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

struct run {
	struct db *db;
	struct store *store;
	const struct purge_options *options;
	struct purge_result *result;
	int64_t now;
};

/*
 * Remove one dump: first the file, then its mark. Killed between the two, the next run finds no
 * file and makes the mark; the other order could leave a dump that nobody would ever remove.
 */
static struct ey_error *purge_one(struct run *run, const struct db_folder *folder)
{
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	struct purge_result *r = run->result;
	bool dry = run->options->dry_run;
	uint64_t bytes = 0;
	struct ey_error *err = store_entry_open(run->store, folder->path, &entry);

	if (!err && dry)
		bytes = (uint64_t)folder->dump_bytes;
	else if (!err)
		err = store_entry_remove_dump(entry, &bytes);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		err = check_site(run->store, folder->path);
	}
	if (err) {
		// One that resists (a read-only mount, a folder of another owner, a site that is
		// not mounted) holds up none. A whole site would say the same very often.
		if (r->failed++ < WARNINGS_MAX)
			ey_log_warning("the dump of %s could not be removed: %s", folder->path,
				       err->message);
		ey_error_destroy(err);
		return NULL;
	}
	if (bytes) {
		r->dumps++;
		r->bytes += bytes;
		if (run->options->on_dump)
			run->options->on_dump(folder->path, bytes, run->now - folder->time,
					      run->options->arg);
	} else {
		r->gone++;
	}
	return dry ? NULL : db_folder_purged(run->db, folder->path, run->now);
}

// What was never finished takes space, too, and nobody looks for it in a bucket.
static struct ey_error *clean(const struct run *run)
{
	struct store_cleaned cleaned;
	struct ey_error *err = store_clean(run->store, &cleaned);

	if (!err && cleaned.crashes + cleaned.uploads)
		ey_log_info("%s: removed %u uploads and %u crashes that were never finished",
			    run->options->root, cleaned.uploads, cleaned.crashes);
	return err;
}

struct ey_error *purge_run(struct db *db, const struct purge_options *options,
			   struct purge_result *ret)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_free_ char *path = NULL;
	struct db_folder after = {0};
	bool more = true;

	*ret = (struct purge_result){0};
	struct ey_error *err =
		store_open_with(options->root, options->store_flags, &options->s3, &store);
	struct run run = {db, store, options, ret, ey_time_now()};
	while (!err && more) {
		_cleanup_folders_ struct db_folder_list list;

		err = db_folder_dumps_before(db, run.now - options->retention, path ? &after : NULL,
					     BATCH, &list);
		for (size_t i = 0; !err && i < list.count; i++)
			err = purge_one(&run, &list.items[i]);
		more = list.count == BATCH;
		if (err || !more)
			continue;
		// Go on behind the last, so that those that resist are not met again.
		free(path);
		path = strdup(list.items[list.count - 1].path);
		if (!path)
			return &ey_error_nomem;
		after = (struct db_folder){.path = path, .time = list.items[list.count - 1].time};
	}
	if (!err && !options->dry_run)
		err = clean(&run);
	return err;
}

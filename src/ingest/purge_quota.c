/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a quota is exceeded, the dumps worth the least go. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ingest/purge_internal.h"

enum { HUNDRED = 100 };

/** A limit, and the dumps that it is for. */
struct limit {
	struct db_kept_filter filter;
	/** "host web-01", for the log. */
	char name[300];
	int64_t bytes;
};

/** Bytes that must go for the free space to be as much as is asked for; 0 where it is. */
static int64_t missing_space(const struct purge *run, int64_t more)
{
	const struct keep_quotas *q = &run->options->quotas;
	struct statvfs vfs;

	// Not of an object store, which has no file system.
	if ((!q->free_bytes && !q->free_percent) || strstr(run->options->root, "://") ||
	    statvfs(run->options->root, &vfs) < 0 || !vfs.f_blocks)
		return 0;
	int64_t all = (int64_t)vfs.f_blocks * (int64_t)vfs.f_frsize;
	int64_t have = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
	int64_t want = q->free_percent ? all / HUNDRED * q->free_percent : q->free_bytes;
	return EY_MAX(want + more - have, (int64_t)0);
}

// Remove until the limit is met. Where dumps resist, others go in their place.
static struct ey_error *enforce(struct purge *run, const struct limit *limit)
{
	_cleanup_pool_ struct keep_pool pool = {0};
	char what[KEEP_WHY_SIZE], why[2 * KEEP_WHY_SIZE];
	int64_t kept = 0;
	struct ey_error *err = keep_pool_load(&pool, run->db, &limit->filter, run->rules, run->now);

	while (!err && pool.bytes + kept > limit->bytes) {
		const struct db_kept *d = keep_pool_pop(&pool);
		bool removed;

		if (!d)
			break;
		keep_describe(d, run->now, what);
		snprintf(why, sizeof(why), "quota of %s: %s", limit->name, what);
		err = purge_remove(run, d, DB_REMOVAL_QUOTA, why, &removed);
		if (!err && removed && !run->options->dry_run)
			ey_log_info("%s: dump removed, %s", d->path, why);
		if (!removed)
			kept += d->bytes;
	}
	if (!err && pool.bytes + kept > limit->bytes) {
		run->result->over++;
		ey_log_warning("the quota of %s is exceeded by %" PRId64
			       " MiB: the dumps that are left are held or cannot be removed",
			       limit->name, (pool.bytes + kept - limit->bytes) >> 20);
	}
	return err;
}

static struct ey_error *enforce_each(struct purge *run, enum db_usage_by by, int64_t bytes)
{
	_cleanup_usage_ struct db_usage_list list = {0};

	if (!bytes)
		return NULL;
	struct ey_error *err = db_usage(run->db, by, bytes, 0, &list);
	for (size_t i = 0; !err && i < list.count; i++) {
		struct limit limit = {.bytes = bytes, .name = "the repository"};

		if (by == DB_USAGE_HOST) {
			limit.filter.host_id = list.items[i].id;
			snprintf(limit.name, sizeof(limit.name), "host %s", list.items[i].name);
		} else if (by == DB_USAGE_SITE) {
			limit.filter.site = list.items[i].name;
			snprintf(limit.name, sizeof(limit.name), "site %s", list.items[i].name);
		}
		err = enforce(run, &limit);
	}
	return err;
}

static struct ey_error *enforce_space(struct purge *run)
{
	_cleanup_usage_ struct db_usage_list list = {0};
	struct limit limit = {.name = "free space"};
	int64_t missing = missing_space(run, 0);

	// In a dry run, nothing of what would go has made room.
	if (run->options->dry_run)
		missing -= (int64_t)run->result->bytes;
	if (missing <= 0)
		return NULL;
	struct ey_error *err = db_usage(run->db, DB_USAGE_TOTAL, -1, 0, &list);
	if (err || !list.count)
		return err;
	limit.bytes = EY_MAX(list.items[0].bytes - missing, (int64_t)0);
	return enforce(run, &limit);
}

struct ey_error *purge_quotas(struct purge *run)
{
	const struct keep_quotas *q = &run->options->quotas;
	struct ey_error *err = enforce_each(run, DB_USAGE_HOST, q->host);

	if (!err)
		err = enforce_each(run, DB_USAGE_SITE, q->site);
	if (!err)
		err = enforce_each(run, DB_USAGE_TOTAL, q->repository);
	return err ? err : enforce_space(run);
}

// Whether what is worth less than the dump makes enough room within the limit; does it if asked to.
static struct ey_error *make_room(struct purge *run, const struct limit *limit,
				  const struct db_kept *incoming, bool really, bool *fits_ret)
{
	_cleanup_pool_ struct keep_pool pool = {0};
	char what[KEEP_WHY_SIZE], why[2 * KEEP_WHY_SIZE];
	struct ey_error *err = keep_pool_load(&pool, run->db, &limit->filter, NULL, run->now);
	int64_t stays = 0;

	while (!err && pool.bytes + stays + incoming->bytes > limit->bytes) {
		const struct db_kept *d = keep_pool_pop(&pool);
		bool removed = true;

		if (!d || keep_compare(d, incoming, run->now) >= 0) {
			*fits_ret = false;
			return NULL;
		}
		if (!really)
			continue;
		keep_describe(d, run->now, what);
		snprintf(why, sizeof(why), "quota of %s, for a dump worth more: %s", limit->name,
			 what);
		err = purge_remove(run, d, DB_REMOVAL_QUOTA, why, &removed);
		stays += removed ? 0 : d->bytes;
	}
	return err;
}

// All limits that the dump meets; those that are none have no bytes.
static struct ey_error *limits_of(const struct purge *run, const struct purge_incoming *in,
				  struct limit limits[4])
{
	const struct keep_quotas *q = &run->options->quotas;
	int64_t missing = missing_space(run, in->bytes);
	_cleanup_usage_ struct db_usage_list list = {0};

	limits[0] = (struct limit){.filter.host_id = in->host_id, .bytes = q->host};
	snprintf(limits[0].name, sizeof(limits[0].name), "host %" PRId64, in->host_id);
	limits[1] = (struct limit){.filter.site = in->site, .bytes = q->site};
	snprintf(limits[1].name, sizeof(limits[1].name), "site %s", in->site);
	limits[2] = (struct limit){.name = "the repository", .bytes = q->repository};
	limits[3] = (struct limit){.name = "free space"};
	if (!missing)
		return NULL;
	struct ey_error *err = db_usage(run->db, DB_USAGE_TOTAL, -1, 0, &list);
	// The dump itself is part of what is missing.
	if (!err && list.count)
		limits[3].bytes = EY_MAX(list.items[0].bytes + in->bytes - missing, (int64_t)1);
	return err;
}

struct ey_error *purge_make_room(struct db *db, const struct purge_options *options,
				 const struct purge_incoming *in, bool *fits_ret)
{
	struct purge_result result = {0};
	_cleanup_store_ struct store *store = NULL;
	struct purge run = {.db = db, .options = options, .result = &result, .now = ey_time_now()};
	const struct db_kept incoming = {.path = "",
					 .site = in->site,
					 .host_id = in->host_id,
					 .state = in->state,
					 .time = run.now,
					 .bytes = in->bytes,
					 .reason_dumps = in->reason_dumps + 1,
					 .damage = ""};
	struct limit limits[4];

	*fits_ret = true;
	struct ey_error *err = limits_of(&run, in, limits);
	// First whether all fit, so that nothing goes in vain.
	for (int really = 0; !err && really < 2 && *fits_ret; really++) {
		if (really)
			err = store_open_with(options->root, options->store_flags, &options->s3,
					      &store);
		run.store = store;
		for (size_t i = 0; !err && *fits_ret && i < EY_ARRAY_SIZE(limits); i++) {
			if (limits[i].bytes)
				err = make_room(&run, &limits[i], &incoming, really, fits_ret);
		}
	}
	return err;
}

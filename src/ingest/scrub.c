/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/scrub.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/kept.h"
#include "ingest/keep.h"
#include "ingest/place.h"
#include "store/repository.h"

enum {
	BATCH = 100,
	CHUNK = 256 << 10,
	CHECKSUMS_MAX = 1 << 20,
	DIGITS = 64,
	DEFAULT_RATE = 20 << 20,
	DEFAULT_DAYS = 30,
	DAY = 86400,
	/** Longest sleep, so that a stop is heeded soon. */
	NAP_NS = 200000000,
};

struct ey_error *scrub_options_load(struct scrub_options *options, const struct ey_config *config)
{
	const char *rate = ey_config_string(config, "scrub", "rate", NULL);

	options->root = ey_config_string(config, "repository", "path", STORE_DEFAULT_ROOT);
	options->rate = DEFAULT_RATE;
	if (rate && !keep_size_parse(rate, &options->rate))
		return ey_error_create(EY_ERR_USAGE,
				       "[scrub] rate: \"%.100s\" is not bytes a second such as 20M",
				       rate);
	struct ey_error *err = store_s3_options_load(config, &options->s3);

	if (!err)
		err = place_flags(config, &options->store_flags);
	return err ? err
		   : ey_config_duration(config, "scrub", "every", (int64_t)DEFAULT_DAYS * DAY,
					&options->every);
}

struct run {
	struct db *db;
	struct store *store;
	const struct scrub_options *options;
	struct scrub_result *result;
	/** When the run began, monotonic nanoseconds. */
	int64_t started;
	bool stopped;
};

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool must_stop(struct run *run)
{
	if (!run->stopped && run->options->stop)
		run->stopped = run->options->stop(run->options->arg);
	return run->stopped;
}

// Sleep until as much as was read may have been.
static void keep_to_rate(struct run *run)
{
	if (!run->options->rate)
		return;
	double due = (double)run->result->bytes / (double)run->options->rate * 1e9;
	for (;;) {
		double ahead = due - (double)(monotonic_ns() - run->started);

		if (ahead <= 0 || must_stop(run))
			return;
		nanosleep(&(struct timespec){.tv_nsec = (long)EY_MIN(ahead, (double)NAP_NS)}, NULL);
	}
}

static struct ey_error *hash(struct run *run, struct store_reader *reader, char hex[DIGITS + 1])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	_cleanup_free_ char *buf = malloc(CHUNK);
	crypto_hash_sha256_state state;
	uint64_t at = 0;
	size_t n = 1;

	if (!buf)
		return &ey_error_nomem;
	crypto_hash_sha256_init(&state);
	while (n && !must_stop(run)) {
		struct ey_error *err = store_reader_read(reader, at, buf, CHUNK, &n);

		if (err)
			return err;
		crypto_hash_sha256_update(&state, (unsigned char *)buf, n);
		at += n;
		run->result->bytes += n;
		keep_to_rate(run);
	}
	crypto_hash_sha256_final(&state, digest);
	sodium_bin2hex(hex, DIGITS + 1, digest, sizeof(digest));
	return NULL;
}

// Compare one file; *damage_ret (free()) says what is wrong.
static struct ey_error *compare(struct run *run, const struct store_entry *entry, const char *name,
				const char *want, char **damage_ret)
{
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	char hex[DIGITS + 1] = "";
	struct ey_error *err = store_entry_open_reader(entry, name, &reader);
	const char *why = "its checksum differs";

	if (!err)
		err = hash(run, reader, hex);
	if (err && (err->code == EY_ERR_NOT_FOUND || err->code == EY_ERR_INPUT)) {
		why = err->code == EY_ERR_NOT_FOUND ? "it is missing" : "it is no regular file";
		ey_error_destroy(err);
		err = NULL;
	}
	if (err || run->stopped || !strncmp(hex, want, DIGITS))
		return err;
	if (asprintf(damage_ret, "%s: %s", name, why) < 0) {
		*damage_ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

static struct ey_error *compare_all(struct run *run, const struct store_entry *entry,
				    char **damage_ret)
{
	_cleanup_free_ char *sums = NULL;
	struct ey_error *err = store_entry_read(entry, STORE_CHECKSUMS, CHECKSUMS_MAX, &sums, NULL);
	char *rest = sums;

	// Filed by somebody else, who kept no sums: nothing to compare with.
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		return NULL;
	}
	for (char *line; !err && !*damage_ret && !run->stopped && (line = strsep(&rest, "\n"));) {
		if (strlen(line) > DIGITS + 2)
			err = compare(run, entry, line + DIGITS + 2, line, damage_ret);
	}
	return err;
}

static struct ey_error *scrub_one(struct run *run, const struct db_kept *dump)
{
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	_cleanup_free_ char *damage = NULL;
	struct scrub_result *r = run->result;
	uint64_t before = r->bytes;
	struct ey_error *err = store_entry_open(run->store, dump->path, &entry);

	if (!err)
		err = compare_all(run, entry, &damage);
	if (err && (err->code == EY_ERR_IO || err->code == EY_ERR_NOT_FOUND)) {
		// Not readable now (a tree that is not mounted, a server that is down) is no
		// damage.
		r->failed++;
		ey_error_destroy(err);
		return NULL;
	}
	if (err || run->stopped)
		return err;
	r->crashes++;
	r->damaged += damage != NULL;
	if (damage && !*dump->damage) {
		r->fresh++;
		ey_log_error("%s is damaged: %s; it is marked and stays", dump->path, damage);
	}
	if (run->options->on_crash)
		run->options->on_crash(&(struct scrub_event){dump->path, r->bytes - before, damage},
				       run->options->arg);
	return db_kept_checked(run->db, dump->path, damage ? damage : "", ey_time_now());
}

struct ey_error *scrub_run(struct db *db, const struct scrub_options *options,
			   struct scrub_result *ret)
{
	_cleanup_store_ struct store *store = NULL;
	int64_t now = ey_time_now(), before = now - options->every;
	bool more = true;

	*ret = (struct scrub_result){0};
	// With no time given everything is due, also what was compared in this second.
	if (!options->every)
		before++;
	struct ey_error *err =
		store_open_with(options->root, options->store_flags, &options->s3, &store);
	struct run run = {.db = db, .store = store, .options = options, .result = ret};
	run.started = monotonic_ns();
	while (!err && more && !must_stop(&run)) {
		_cleanup_dumps_ struct db_kept_list list = {0};
		uint64_t done = ret->crashes;

		err = db_kept_unchecked(db, before, BATCH, now, &list);
		for (size_t i = 0; !err && i < list.count && !must_stop(&run); i++)
			err = scrub_one(&run, &list.items[i]);
		// What was done is due no more, unless all was: then once is enough.
		more = list.count == BATCH && ret->crashes > done && options->every;
	}
	return err;
}

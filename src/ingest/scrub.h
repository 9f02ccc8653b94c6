/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Compare the crashes that have a dump with their checksums, those first that were compared the
 * longest ago, no faster than asked for. What is found damaged is marked, never removed. Stopped at
 * any moment, the next run goes on with the crash it was at.
 */
#ifndef EYRIE_INGEST_SCRUB_H
#define EYRIE_INGEST_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "db/db.h"
#include "store/s3.h"

struct scrub_event {
	const char *path;
	uint64_t bytes;
	/** NULL: as it was filed. */
	const char *damage;
};

struct scrub_options {
	/** Root of the repository; must be set. */
	const char *root;
	struct store_s3_options s3;
	/** Flags of store_open(). */
	unsigned int store_flags;
	/** Bytes a second; 0: as fast as can be. */
	int64_t rate;
	/** Seconds after which a crash is compared again; 0: now. */
	int64_t every;
	/** Asked often; true: stop. May be NULL. */
	bool (*stop)(void *arg);
	/** Called for each crash; may be NULL. */
	void (*on_crash)(const struct scrub_event *event, void *arg);
	void *arg;
};

struct scrub_result {
	uint64_t crashes;
	uint64_t bytes;
	/** Damaged, and of these not known to be so before. */
	uint64_t damaged;
	uint64_t fresh;
	/** Could not be read now; next time again. */
	uint64_t failed;
};

/** Options from [repository] path, [scrub] rate (20M) and every (30d). */
struct ey_error *scrub_options_load(struct scrub_options *options,
				    const struct ey_config *config) EY_MUST_CHECK;
struct ey_error *scrub_run(struct db *db, const struct scrub_options *options,
			   struct scrub_result *ret) EY_MUST_CHECK;

#endif

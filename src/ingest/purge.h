/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Remove dumps that are older than their retention from the repository; the record, the analysis
 * and the rows stay for good. Killed at any moment, the next run goes on where it was.
 */
#ifndef EYRIE_INGEST_PURGE_H
#define EYRIE_INGEST_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "db/db.h"
#include "store/s3.h"

struct purge_options {
	/** Root of the repository, as store_open_with() takes it; must be set. */
	const char *root;
	struct store_s3_options s3;
	/** Flags of store_open(). */
	unsigned int store_flags;
	/** Seconds after the dump was filed; must be set. */
	int64_t retention;
	/** Say what would be removed, remove nothing. */
	bool dry_run;
	/** Called for each dump removed; may be NULL. */
	void (*on_dump)(const char *path, uint64_t bytes, int64_t age, void *arg);
	void *arg;
};

struct purge_result {
	/** Dumps removed, and what they took on disk, bytes. */
	uint64_t dumps;
	uint64_t bytes;
	/** Were gone already (removed by hand or by a run that was killed). */
	uint64_t gone;
	/** Could not be removed; logged, and tried again by the next run. */
	uint64_t failed;
};

/** Options from [repository] path and retention (30d). */
struct ey_error *purge_options_load(struct purge_options *options,
				    const struct ey_config *config) EY_MUST_CHECK;
struct ey_error *purge_run(struct db *db, const struct purge_options *options,
			   struct purge_result *ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Take what is new in a repository into the database, and write the policy that hosts follow.
 *
 * The tree is `root/site/host/time-id/{record.json,analysis.txt,dmesg.txt,vmcore}`. It is treated
 * as hostile: symbolic links are not followed at any level, names must be safe, sizes are limited,
 * what cannot be read is noted with its reason (and tried again once it changes) and does not stop
 * the rest. One transaction a crash: killed at any moment, the next run goes on; nothing is lost
 * and nothing counted twice.
 */
#ifndef EYRIE_INGEST_POPULATE_H
#define EYRIE_INGEST_POPULATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "db/db.h"
#include "db/intake.h"
#include "ingest/policy.h"
#include "store/s3.h"

/** One folder, as populate met it; strings live until the callback returns. */
struct populate_event {
	/** "site/host/time-id". */
	const char *path;
	/** Why it was rejected; NULL where it was taken in, and then all below is set. */
	const char *rejected;
	struct db_intake_result result;
	const char *hostname;
	const char *title;
	const char *reason;
};

struct populate_options {
	/** Root of the repository, as store_open_with() takes it; must be set. */
	const char *root;
	struct store_s3_options s3;
	/** Flags of store_open(). */
	unsigned int store_flags;
	/** What the center wants, for the policy document. */
	struct policy_rules rules;
	/** File of the secret key with which sealed texts are read; NULL: none. */
	const char *seal_secret;
	/** Largest record.json and analysis.txt, bytes; 0: 32 MiB and 16 MiB. */
	uint64_t max_record_bytes;
	uint64_t max_analysis_bytes;
	/** Only the folder of this path ("site/host/time-id"); NULL: all. */
	const char *only;
	/** Do not write policy.json. */
	bool no_policy;
	/** Called for each folder that is new or rejected; may be NULL. */
	void (*on_folder)(const struct populate_event *event, void *arg);
	/** Called now and then with the numbers so far; may be NULL. */
	void (*on_progress)(uint64_t folders, uint64_t taken, void *arg);
	void *arg;
};

struct populate_result {
	/** Folders looked at. */
	uint64_t folders;
	/** Taken in: first of its reason / of a known reason / another copy of a crash. */
	uint64_t fresh;
	uint64_t known;
	uint64_t doubles;
	/** Were in the database before. */
	uint64_t unchanged;
	/** Could not be read: in this run, and since before without a change. */
	uint64_t rejected;
	uint64_t rejected_before;
};

/** Options from [repository] and [policy]; the strings are the configuration's. */
struct ey_error *populate_options_load(struct populate_options *options,
				       const struct ey_config *config) EY_MUST_CHECK;

/**
 * Run once. EY_ERR_IO when the root or the database cannot be used; a folder that cannot be read
 * is no error of the run.
 */
struct ey_error *populate_run(struct db *db, const struct populate_options *options,
			      struct populate_result *ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The crash utility, unattended, on the dumps that came to the center. */
#ifndef EYRIE_INGEST_CRASH_RUN_H
#define EYRIE_INGEST_CRASH_RUN_H

#include "db/crash_run.h"
#include "ingest/symbols.h"
#include "store/repository.h"

struct crash_run_options {
	const struct ey_config *config;
	/** NULL: [repository] path. */
	const char *root;
	struct symbols_options symbols;
	/** Dumps in this run; 0: all that wait. */
	unsigned int max;
	/** Only this one, also if it was done before. 0: those that wait. */
	int64_t crash_id;
};

struct crash_run_result {
	uint64_t done;
	/** Of these, where crash says something otherwise. */
	uint64_t differ;
	uint64_t no_symbols;
	uint64_t failed;
};

/**
 * Run crash on dumps without its text, the newest first, then on those whose symbols have come
 * since, one at a time. What cannot be done is noted at the crash, with why.
 */
struct ey_error *crash_run(struct db *db, const struct crash_run_options *options,
			   struct crash_run_result *ret) EY_MUST_CHECK;

#endif

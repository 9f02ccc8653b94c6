/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Regroup the crashes that are there to this version of the rules, from their stored logs.
 */
#ifndef EYRIE_INGEST_REGROUP_H
#define EYRIE_INGEST_REGROUP_H

#include "base/buf.h"
#include "db/regroup.h"

struct regroup_options {
	/** Only look and say what would come of it. */
	bool preview;
	/** Lines of examples, the largest first. */
	unsigned int examples;
	/** Crashes to look at in this run; 0: all. The next run goes on. */
	int64_t max;
	struct db_reason_edit edit;
	/** The rules: NULL and NULL are this program's own; tests have others. */
	const char *version;
	/** @p ret is the key of what the log tells (free()), NULL for none. */
	struct ey_error *(*make)(const char *log, size_t len, const char *signature, char **ret);
};

struct regroup_result {
	struct db_regroup_run run;
	/** Not all crashes were looked at (`max`): nothing was changed. */
	bool unfinished;
	int64_t joined;
	int64_t split;
	int64_t fresh;
	int64_t renamed;
	/** Crashes that are counted elsewhere: would be, after a preview. */
	int64_t moved;
	/** The examples, a line each. */
	struct ey_buf text;
};

void regroup_result_deinit(struct regroup_result *result);
#define _cleanup_regroup_result_ __attribute__((cleanup(regroup_result_deinit)))

/** The key that this program's rules make of a log, of the event with @p signature if it is there.
 */
struct ey_error *regroup_make(const char *log, size_t len, const char *signature,
			      char **ret) EY_MUST_CHECK;

/** Safe to be killed at any point and called again, while others serve and take crashes in. */
struct ey_error *regroup_run(struct db *db, const struct regroup_options *options,
			     struct regroup_result *ret) EY_MUST_CHECK;

#endif

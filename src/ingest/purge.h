/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Remove dumps whose time is over, and those worth the least where a quota is exceeded; the record,
 * the analysis and the rows stay for good. What is held is never removed. Killed at any moment, the
 * next run goes on where it was.
 */
#ifndef EYRIE_INGEST_PURGE_H
#define EYRIE_INGEST_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "db/db.h"
#include "ingest/keep.h"
#include "store/s3.h"

/** What was done with a dump. */
struct purge_event {
	const struct db_kept *dump;
	/** It goes (or went); else it stays. */
	bool removed;
	enum db_removal_kind kind;
	/** The rule. */
	const char *why;
	/** Bytes on disk, seconds since it was filed. */
	uint64_t bytes;
	int64_t age;
};

struct purge_options {
	/** Root of the repository, as store_open_with() takes it; must be set. */
	const char *root;
	struct store_s3_options s3;
	/** Flags of store_open(). */
	unsigned int store_flags;
	/** Seconds after the dump was filed; must be set. */
	/** Seconds after the dump was filed, for all states; 0: by @p rules. */
	int64_t retention;
	struct keep_rules rules;
	struct keep_quotas quotas;
	/** Say what would be removed, remove nothing. */
	bool dry_run;
	/** Tell also of dumps that stay; reads all of them. */
	bool tell_all;
	/** Called for each dump removed, and with @p tell_all each that stays; may be NULL. */
	void (*on_dump)(const struct purge_event *event, void *arg);
	void *arg;
};

struct purge_result {
	/** Dumps removed, and what they took on disk, bytes. */
	uint64_t dumps;
	uint64_t bytes;
	/** Of these, for a quota. */
	uint64_t evicted;
	/** Were gone already (removed by hand or by a run that was killed). */
	uint64_t gone;
	/** Could not be removed; logged, and tried again by the next run. */
	uint64_t failed;
	/** Quotas that are exceeded still: all that is left is held. */
	uint64_t over;
};

/** Options from [repository] path, [retention] and [quota]. */
struct ey_error *purge_options_load(struct purge_options *options,
				    const struct ey_config *config) EY_MUST_CHECK;
struct ey_error *purge_run(struct db *db, const struct purge_options *options,
			   struct purge_result *ret) EY_MUST_CHECK;

/** A dump that is about to come in. */
struct purge_incoming {
	const char *site;
	int64_t host_id;
	/** Of its reason; how many dumps that has already. */
	enum db_reason_state state;
	int64_t reason_dumps;
	int64_t bytes;
};

/**
 * Make room for a dump within all quotas, by removing what is worth less than it. Nothing is
 * removed where that is not enough: then @p fits_ret is false, and the dump should not come.
 */
struct ey_error *purge_make_room(struct db *db, const struct purge_options *options,
				 const struct purge_incoming *incoming,
				 bool *fits_ret) EY_MUST_CHECK;

#endif

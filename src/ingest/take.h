/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A folder of the repository, read and put into the database; for this room only. */
#ifndef EYRIE_INGEST_TAKE_H
#define EYRIE_INGEST_TAKE_H

#include "analysis/record_read.h"
#include "ingest/populate.h"
#include "store/repository.h"

/** What was read of a folder. The intake's strings are owned by the rest. */
struct take {
	struct record record;
	char *record_text;
	char *analysis;
	char *dmesg;
	char *firmware;
	/** A file of the crash that is not what was filed, and was left out; NULL: none. */
	const char *damaged;
	struct db_intake intake;
};
void take_deinit(struct take *take);
#define _cleanup_take_ __attribute__((cleanup(take_deinit)))

/**
 * Read record, analysis and log of @p entry and what became of its dump. EY_ERR_INPUT or
 * EY_ERR_NOT_FOUND: it is not a crash that can be taken in, the message says why.
 */
struct ey_error *take_read(const struct store_entry *entry, const struct populate_options *options,
			   int64_t now, struct take *ret) EY_MUST_CHECK;

/** Whether a file of the crash is not what was filed. */
bool take_is_damaged(const struct store_entry *entry, const char *name);

/** A text that changes when the record of @p entry does; free(). */
struct ey_error *take_stamp(const struct store_entry *entry, char **ret) EY_MUST_CHECK;

/**
 * The part of take_read() that reads no file, for records from anywhere: fill `intake` from
 * `record`. Path, site, folder and filed must be set already; @p named is the time that stands in
 * the folder's name, -1 where none does.
 */
struct ey_error *take_from_record(struct take *take, int64_t named, int64_t now) EY_MUST_CHECK;

#endif

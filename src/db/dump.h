/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A dump that came for a crash which is in the database without it. */
#ifndef EYRIE_DB_DUMP_H
#define EYRIE_DB_DUMP_H

#include "db/crash.h"
#include "db/db.h"

struct db_dump_arrival {
	/** 0: the crash that `path` was taken in as; nothing is done where it was not yet. */
	int64_t crash_id;
	/** The folder below the repository's root that holds it now. */
	const char *path;
	int64_t bytes;
	/** NULL: not known; what the record said of it stays. */
	const char *format;
	bool complete;
	/** When it was filed; its retention counts from then. */
	int64_t time;
};

/**
 * The dump is in the repository: note it at the crash, its folder and its reason. Nothing is done
 * where the crash has a dump already. EY_ERR_NOT_FOUND where there is no such crash.
 */
struct ey_error *db_dump_arrived(struct db *db, const struct db_dump_arrival *dump) EY_MUST_CHECK;
/** A crash is counted under another reason now: so is it, and its dump, by kernel and model. */
struct ey_error *db_dump_groups_move(struct db *db, int64_t crash_id, int64_t from,
				     int64_t to) EY_MUST_CHECK;

#endif

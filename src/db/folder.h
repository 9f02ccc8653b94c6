/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The repository's folders as the database knows them: which were taken in, whose dump is still
 * there, and which could not be read and why.
 */
#ifndef EYRIE_DB_FOLDER_H
#define EYRIE_DB_FOLDER_H

#include "db/arena.h"
#include "db/db.h"

/** What the database knows of a folder. */
enum db_folder_state {
	DB_FOLDER_UNKNOWN,
	/** Taken in: it belongs to a crash. */
	DB_FOLDER_TAKEN,
	/** Could not be read when its record had the given stamp. */
	DB_FOLDER_REJECTED,
};

/**
 * Look @p path ("site/host/time-id") up. @p stamp_ret (may be NULL) is the stamp that was given
 * when it was rejected, "" otherwise; free().
 */
struct ey_error *db_folder_get(struct db *db, const char *path, enum db_folder_state *ret,
			       char **stamp_ret) EY_MUST_CHECK;

/** Note that a folder could not be read; @p stamp changes when its content does. */
struct ey_error *db_folder_reject(struct db *db, const char *path, const char *stamp,
				  const char *why, int64_t now) EY_MUST_CHECK;
/** Forget the rejects but the @p count of @p paths, which are all that are still there. */
struct ey_error *db_folder_rejects_keep(struct db *db, char *const *paths, size_t count,
					int64_t now) EY_MUST_CHECK;

struct db_folder {
	const char *path;
	/** 0 for a rejected folder. */
	int64_t crash_id;
	/** When it was filed; of a rejected folder, when it was first seen. */
	int64_t time;
	/** Bytes of the dump. */
	int64_t dump_bytes;
	/** Why it was rejected, else "". */
	const char *why;
};

struct db_folder_list {
	struct db_arena arena;
	struct db_folder *items;
	size_t count;
};

/** Rejected folders, the latest first, at most @p limit (0: 100). */
struct ey_error *db_folder_rejected(struct db *db, unsigned int limit,
				    struct db_folder_list *ret) EY_MUST_CHECK;
/**
 * Folders with a dump that were filed before @p before, oldest first, at most @p limit of those
 * that come after @p after (a row of a list of this function; NULL: from the first).
 */
struct ey_error *db_folder_dumps_before(struct db *db, int64_t before,
					const struct db_folder *after, unsigned int limit,
					struct db_folder_list *ret) EY_MUST_CHECK;
/** The dump of the folder is gone; its crash's, too, if no other folder of it has one. */
struct ey_error *db_folder_purged(struct db *db, const char *path, int64_t now) EY_MUST_CHECK;
void db_folder_list_deinit(struct db_folder_list *list);
#define _cleanup_folders_ __attribute__((cleanup(db_folder_list_deinit)))

#endif

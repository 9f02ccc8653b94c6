/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A dump that comes after its crash (ADR 0017): received piece by piece into a file of its own, and
 * when it is whole filed with the crash and noted in the database.
 */
#ifndef EYRIE_INGEST_UPLOAD_H
#define EYRIE_INGEST_UPLOAD_H

#include "base/config.h"
#include "db/db.h"
#include "db/upload.h"
#include "store/repository.h"

/**
 * Open the file of an upload and lock it. EY_ERR_IO with `errno` EWOULDBLOCK where another
 * connection writes it; @p size_ret is what has come.
 */
struct ey_error *upload_open(int dirfd, const char *name, int *fd_ret, uint64_t *size_ret,
			     bool *busy_ret) EY_MUST_CHECK;
/** Remove the file of an upload that is of no use any more. */
void upload_remove(int dirfd, const char *name);

/**
 * The upload is whole: add the dump to its crash, filing that first where it is in the database
 * alone, note it, and forget the upload. EY_ERR_INPUT: it is not what the host announced; then the
 * upload is gone as well. Killed at any moment, it can be done again.
 */
struct ey_error *upload_finish(struct db *db, const struct ey_config *config,
			       const struct db_upload *upload, int64_t now) EY_MUST_CHECK;

/** Open the folder of a crash; one that stands in the database alone is filed first. */
struct store;
struct store_entry;
struct ey_error *upload_open_folder(struct db *db, struct store *store, int64_t crash_id,
				    struct store_entry **ret) EY_MUST_CHECK;
/** The dump of @p upload is in the folder at @p path: note it, and end the upload. */
struct ey_error *upload_note(struct db *db, const struct db_upload *upload, const char *path,
			     int64_t now) EY_MUST_CHECK;

#endif

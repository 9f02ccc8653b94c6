/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A backup is an SQLite file, of whichever database; it is taken and put back while serving.
 */
#ifndef EYRIE_DB_BACKUP_H
#define EYRIE_DB_BACKUP_H

#include "db/copy.h"

/**
 * Write everything of @p db, as of one moment, into the new file @p path, which appears when it is
 * whole and safe on disk. EY_ERR_USAGE where it exists.
 */
struct ey_error *db_backup(struct db *db, const char *path, int64_t *rows_ret) EY_MUST_CHECK;

/**
 * Put a backup into @p db, in one transaction, so that who reads sees what was before or the whole
 * backup. The file may be of an older Eyrie; it is not changed. EY_ERR_INPUT where it is no backup
 * or, without DB_COPY_REPLACE, the database holds anything.
 */
struct ey_error *db_restore(struct db *db, const char *path, enum db_copy_mode mode,
			    int64_t *rows_ret) EY_MUST_CHECK;

#endif

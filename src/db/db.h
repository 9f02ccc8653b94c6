/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The database: opening it, transactions, and the rules that all of src/db keeps.
 *
 * A `struct db` is one connection and belongs to one thread at a time; open one per thread. What
 * stands in the database is read and written by the functions of the headers by subject:
 *
 *	db/intake.h	take a crash in (host, boot, reason, signature, counters: one transaction)
 *	db/crash.h	crashes and their heavy parts		db/host.h	hosts, models, boots
 *	db/reason.h	reasons and their exact keys		db/alert.h	alerts
 *	db/stats.h	overview, counts by day, by subject	db/outbox.h	mails to be sent
 *	db/issue.h	what people know of reasons
 *	db/job.h	runs of the jobs	db/folder.h	folders of the repository
 *
 * Results own an arena (db/arena.h): a list, its rows and all their strings live until its
 * `..._deinit()`. Strings of rows are never NULL where the header does not say so. Times are
 * seconds since 1970 UTC, 0 for "none"; ids are positive, 0 for "none".
 *
 * Text that is not UTF-8 comes back from PostgreSQL with U+FFFD in place of what is not.
 *
 * Errors: EY_ERR_IO when the database is locked, full, unreachable or not writable (safe to try
 * again), EY_ERR_INPUT when the file is no database, is damaged, or is of a newer Eyrie,
 * EY_ERR_NOT_FOUND when what was asked for does not exist.
 */
#ifndef EYRIE_DB_DB_H
#define EYRIE_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ey_config;
struct db;

/** Where the database is unless [database] path or an option says otherwise. */
#define DB_DEFAULT_PATH "/var/lib/eyrie/eyrie.db"

enum db_open_flags {
	/** Create the database (and its folder) if missing, bring its schema up to date. */
	DB_OPEN_WRITE = 1 << 0,
	/**
	 * Commits return before they are safe against a power cut (never against a kill): for jobs
	 * whose input is still there to be read again.
	 */
	DB_OPEN_FAST_COMMITS = 1 << 1,
};

/**
 * Open @p where: the path of an SQLite file, or PostgreSQL by libpq's URL ("postgresql://...") or
 * connection string (with "dbname=" in it). Without DB_OPEN_WRITE nothing can be changed through
 * the connection, and a missing database is EY_ERR_NOT_FOUND. A file on NFS or SMB is refused:
 * SQLite's locks do not hold there.
 */
struct ey_error *db_open(const char *where, unsigned int flags, struct db **ret) EY_MUST_CHECK;
/** The same with [database] connection, or else [database] path. */
struct ey_error *db_open_config(const struct ey_config *config, unsigned int flags,
				struct db **ret) EY_MUST_CHECK;
void db_close(struct db *db);

static inline void db_closep(struct db **db)
{
	if (*db)
		db_close(*db);
}
#define _cleanup_db_ __attribute__((cleanup(db_closep)))

/** The version of the database's schema, and the newest that this program knows. */
struct ey_error *db_schema_version(struct db *db, unsigned int *ret) EY_MUST_CHECK;
unsigned int db_schema_latest(void);

/**
 * A transaction. Begin it, write, commit; leaving the scope without commit rolls back:
 *
 *	_cleanup_txn_ struct db_txn txn;
 *	err = db_begin(db, &txn);
 *	...
 *	err = db_commit(&txn);
 *
 * It takes the write lock at once (waiting up to the busy time-out, 10 s), so that what is read
 * in it is still so when it writes. Inside an open transaction db_begin() nests: the outermost
 * commit counts, and a rollback of an inner one lets the outer commit fail.
 */
struct db_txn {
	/** NULL once ended. */
	struct db *db;
};

struct ey_error *db_begin(struct db *db, struct db_txn *ret) EY_MUST_CHECK;
struct ey_error *db_commit(struct db_txn *txn) EY_MUST_CHECK;
void db_txn_deinit(struct db_txn *txn);
#define _cleanup_txn_ __attribute__((cleanup(db_txn_deinit)))

/**
 * A page of a list. `cursor` is NULL for the first page, then the `next` of the page before;
 * `limit` 0 means 50, more than 1000 means 1000. A cursor stays valid for ever: it names a place
 * in the order, and rows that are added before it do not shift it.
 */
struct db_page {
	const char *cursor;
	unsigned int limit;
};

enum { DB_PAGE_DEFAULT = 50, DB_PAGE_MAX = 1000 };

#endif

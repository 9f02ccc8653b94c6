/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The whole database at once: to another one, and whether it is sound. */
#ifndef EYRIE_DB_COPY_H
#define EYRIE_DB_COPY_H

#include "db/arena.h"
#include "db/db.h"

/** What db_copy() does with what stands in the target. */
enum db_copy_mode {
	/** EY_ERR_INPUT where the target holds anything. */
	DB_COPY_INTO_EMPTY,
	/** Gone, when the copy is there. */
	DB_COPY_REPLACE,
};

/**
 * Copy everything from one database to another, of any two kinds, ids and all. It is one
 * transaction of each: it reads one state of @p from, which others may go on writing, and until it
 * is done, who reads @p to sees what was there before. @p on_table (may be NULL) is called after
 * each table. Both have the latest schema.
 */
struct ey_error *db_copy(struct db *from, struct db *to, enum db_copy_mode mode,
			 void (*on_table)(const char *table, int64_t rows, void *arg), void *arg,
			 int64_t *rows_ret) EY_MUST_CHECK;

/** What is wrong: a sentence each. */
struct db_problem_list {
	struct db_arena arena;
	const char **items;
	size_t count;
};

/**
 * Look for damage (of the database's files, where it keeps them itself) and for counters that are
 * not what a count of the crashes gives. Reads everything: minutes for millions of crashes.
 */
struct ey_error *db_check(struct db *db, struct db_problem_list *ret) EY_MUST_CHECK;
void db_problem_list_deinit(struct db_problem_list *list);
#define _cleanup_problems_ __attribute__((cleanup(db_problem_list_deinit)))

/** Count everything that is counted from the crashes, anew, in one transaction. */
struct ey_error *db_rebuild_counters(struct db *db) EY_MUST_CHECK;

#endif

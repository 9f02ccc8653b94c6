/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The PostgreSQL backend, for its own two files: postgres.c has the connection, its transactions
 * and its errors, postgres_statement.c what is asked through it.
 */
#ifndef EYRIE_DB_POSTGRES_H
#define EYRIE_DB_POSTGRES_H

#include <libpq-fe.h>

#include "db/sql.h"

struct postgres_db {
	struct db base;
	PGconn *conn;
	unsigned int flags;
	/** Counts connections: what was prepared on an earlier one is gone. Begins with 1. */
	unsigned int generation;
	/** Statements prepared so far, for their names. */
	unsigned long names;
	/** Statements that were sent and not waited for; above 0 in pipeline mode. */
	unsigned int pending;
	/** What one of them met where no error could be returned; for the next who can. */
	struct ey_error *late;
};

static inline struct postgres_db *postgres_of(struct db *db)
{
	return (struct postgres_db *)db;
}

/** The error of @p result (NULL: of the connection), which came of @p what. */
struct ey_error *postgres_failed(struct postgres_db *p, const PGresult *result, const char *what);

/**
 * A connection that was lost is made anew, unless a transaction was open on it: its writes are
 * gone, and only who began it can begin again.
 */
struct ey_error *postgres_connected(struct postgres_db *p) EY_MUST_CHECK;

/** Wait for all that was sent by postgres_later(): the first error of it. */
struct ey_error *postgres_settle(struct postgres_db *p) EY_MUST_CHECK;

/** Whether what just failed with a lost connection can simply be done again. */
bool postgres_may_repeat(struct postgres_db *p, const char *sql);

/* What postgres_statement.c gives the backend (struct db_backend). */
struct ey_error *postgres_prepare(struct db *db, const char *sql,
				  struct db_statement **ret) EY_MUST_CHECK;
struct ey_error *postgres_bind(struct db_statement *st, int index,
			       const struct db_value *value) EY_MUST_CHECK;
struct ey_error *postgres_step(struct db_statement *st, bool *row_ret) EY_MUST_CHECK;
struct ey_error *postgres_later(struct db_statement *st) EY_MUST_CHECK;
int64_t postgres_column_int(struct db_statement *st, int column);
const char *postgres_column_text(struct db_statement *st, int column);
const void *postgres_column_blob(struct db_statement *st, int column, size_t *len_ret);
int postgres_column_count(struct db_statement *st);
const char *postgres_column_name(struct db_statement *st, int column);
enum db_value_type postgres_column_type(struct db_statement *st, int column);
void postgres_reset(struct db_statement *st);
void postgres_destroy(struct db_statement *st);

#endif

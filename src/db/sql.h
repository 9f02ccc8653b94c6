/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Statements, for the files of this room only: SQL that every backend understands.
 *
 * Rules that keep it portable: parameters are ?1, ?2, ... and every value is bound, with a CAST
 * where nothing around it tells its type (`CAST(?5 AS TEXT) IS NULL`, `CAST(?1 AS BIGINT) = 0`);
 * upserts are `ON CONFLICT (...) DO ...`; new ids come by `RETURNING id`; times and flags are
 * integers; text is searched by `lower(x) LIKE ?n ESCAPE '!'`; no type of one database only. A
 * statement that fails ends its transaction: what may conflict says so, it is not tried.
 */
#ifndef EYRIE_DB_SQL_H
#define EYRIE_DB_SQL_H

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "db/arena.h"
#include "db/db.h"

struct db_statement;

enum db_value_type {
	DB_VALUE_NULL,
	DB_VALUE_INT,
	DB_VALUE_TEXT,
	DB_VALUE_BLOB,
};

/** A value to bind. */
struct db_value {
	enum db_value_type type;
	int64_t i;
	const void *data;
	size_t len;
};

/** Values borrow what they point to until the statement is released. */
static inline struct db_value db_int(int64_t v)
{
	return (struct db_value){.type = DB_VALUE_INT, .i = v};
}
/** NULL binds NULL. */
static inline struct db_value db_text(const char *s)
{
	return s ? (struct db_value){.type = DB_VALUE_TEXT, .data = s, .len = strlen(s)}
		 : (struct db_value){0};
}
static inline struct db_value db_blob(const void *data, size_t len)
{
	return (struct db_value){.type = DB_VALUE_BLOB, .data = data, .len = len};
}
static inline struct db_value db_null(void)
{
	return (struct db_value){0};
}
/** An id where 0 stands for "none". */
static inline struct db_value db_id(int64_t id)
{
	return id ? db_int(id) : db_null();
}

/** What a backend implements. */
struct db_backend {
	const char *name;
	/** The words that migrations leave open. */
	const char *identity_type;
	const char *blob_type;
	/** Close the connection; its statements are gone already. */
	void (*close)(struct db *db);
	/** Begin a transaction: one that holds the write lock, where the connection may write. */
	struct ey_error *(*begin)(struct db *db);
	/** Run statements that return nothing, separated by ";". */
	struct ey_error *(*exec)(struct db *db, const char *sql);
	/** A new statement; `sql` lives as long as it does. */
	struct ey_error *(*prepare)(struct db *db, const char *sql, struct db_statement **ret);
	struct ey_error *(*bind)(struct db_statement *st, int index, const struct db_value *value);
	struct ey_error *(*step)(struct db_statement *st, bool *row_ret);
	/** Run to its end without waiting for it, as db_run_later(); NULL: it costs no wait. */
	struct ey_error *(*later)(struct db_statement *st);
	int64_t (*column_int)(struct db_statement *st, int column);
	const char *(*column_text)(struct db_statement *st, int column);
	const void *(*column_blob)(struct db_statement *st, int column, size_t *len_ret);
	int (*column_count)(struct db_statement *st);
	/** Lives as long as the statement is not stepped or reset. */
	const char *(*column_name)(struct db_statement *st, int column);
	enum db_value_type (*column_type)(struct db_statement *st, int column);
	/** Ready for other values; those bound and the rows are forgotten. */
	void (*reset)(struct db_statement *st);
	void (*destroy)(struct db_statement *st);
	/** How many tables are named ?1. */
	const char *has_table_sql;
	/** After rows came with their ids: new ids of table %s are larger. NULL: by itself. */
	const char *ids_sql;
	/** Takes the lock named ?1 until the connection ends: 1, or 0 where another has it. NULL: a
	 * file, which one machine has, and one eyried. */
	const char *lead_sql;
	/** Finds what is wrong with the database's own files, a text each; NULL: nothing to ask. */
	const char *check_sql;
	/** Makes a connection ready to sort millions of rows into tables of its own. */
	const char *large_sql;
};

/** Prepared statements kept a connection; the code has about a hundred texts. */
enum { DB_STATEMENT_CACHE = 128 };

/** The part of a connection that all backends share; theirs begins with it. */
struct db {
	const struct db_backend *backend;
	/** What messages call it: the path, or the address without a password. */
	char *where;
	/** Open transactions within each other, and whether an inner one was rolled back. */
	unsigned int depth;
	bool doomed;
	bool writable;
	/** Statements by their text, replaced round robin where not in use. */
	struct db_statement *statements[DB_STATEMENT_CACHE];
	size_t next_statement;
};

/** The part of a statement that all backends share. */
struct db_statement {
	struct db *db;
	char *sql;
	bool in_use;
};

/** A prepared statement, from the connection's cache where it was prepared before. */
struct ey_error *db_prepare(struct db *db, const char *sql,
			    struct db_statement **ret) EY_MUST_CHECK;
/** Destroy all statements; none may be in use. */
void db_statements_destroy(struct db *db);

/** Run statements without parameters. */
struct ey_error *db_exec(struct db *db, const char *sql) EY_MUST_CHECK;

/** Prepare @p sql and bind @p values to ?1, ?2, ... Release it with db_release(). */
struct ey_error *db_query_values(struct db *db, struct db_statement **ret, const char *sql,
				 const struct db_value *values, size_t count) EY_MUST_CHECK;
#define db_query(db, ret, sql, ...)                                           \
	db_query_values((db), (ret), (sql), (struct db_value[]){__VA_ARGS__}, \
			EY_ARRAY_SIZE(((struct db_value[]){__VA_ARGS__})))

/** Run @p sql to its end; a first row is passed over. */
struct ey_error *db_run_values(struct db *db, const char *sql, const struct db_value *values,
			       size_t count) EY_MUST_CHECK;
#define db_run(db, sql, ...)                                         \
	db_run_values((db), (sql), (struct db_value[]){__VA_ARGS__}, \
		      EY_ARRAY_SIZE(((struct db_value[]){__VA_ARGS__})))

/**
 * The same within a transaction for a write whose result nobody needs, and without waiting for the
 * server: what follows sees it done, but its error may come from any later statement of the
 * transaction, at the latest from db_commit(). Whatever is bound may go at once.
 */
struct ey_error *db_run_later_values(struct db *db, const char *sql, const struct db_value *values,
				     size_t count) EY_MUST_CHECK;
#define db_run_later(db, sql, ...)                                         \
	db_run_later_values((db), (sql), (struct db_value[]){__VA_ARGS__}, \
			    EY_ARRAY_SIZE(((struct db_value[]){__VA_ARGS__})))

/** Run @p sql; the first column of its first row is @p ret, which is untouched without a row. */
struct ey_error *db_scalar_values(struct db *db, int64_t *ret, bool *found_ret, const char *sql,
				  const struct db_value *values, size_t count) EY_MUST_CHECK;
#define db_scalar(db, ret, found_ret, sql, ...)                                             \
	db_scalar_values((db), (ret), (found_ret), (sql), (struct db_value[]){__VA_ARGS__}, \
			 EY_ARRAY_SIZE(((struct db_value[]){__VA_ARGS__})))

/** The next row: false in @p row_ret at the end. */
struct ey_error *db_step(struct db_statement *st, bool *row_ret) EY_MUST_CHECK;
int64_t db_column_int(struct db_statement *st, int column);
/** "" for NULL; lives until the next step. */
const char *db_column_text(struct db_statement *st, int column);
const void *db_column_blob(struct db_statement *st, int column, size_t *len_ret);
/** The text in the arena; sets @p *failed when memory is out (never clears it). */
const char *db_column_dup(struct db_statement *st, int column, struct db_arena *arena,
			  bool *failed);
void db_release(struct db_statement *st);

static inline void db_releasep(struct db_statement **st)
{
	if (*st)
		db_release(*st);
}
#define _cleanup_statement_ __attribute__((cleanup(db_releasep)))

/** A statement that is put together from conditions, with the values they bind. */
struct db_sql {
	struct ey_buf text;
	struct db_value values[48];
	size_t count;
	bool has_where;
	/** Texts made for it (patterns of LIKE). */
	struct db_arena arena;
	bool failed;
};
void db_sql_deinit(struct db_sql *sql);
#define _cleanup_sql_ __attribute__((cleanup(db_sql_deinit)))

/** Append text as it is. */
void db_sql_add(struct db_sql *sql, const char *text);
/** Append @p text, each "?" in it replaced by the number of the parameter that @p value gets. */
void db_sql_bind(struct db_sql *sql, const char *text, struct db_value value);
/** Append " WHERE " or " AND ", then as db_sql_bind(). */
void db_sql_where(struct db_sql *sql, const char *condition, struct db_value value);
/** The same for conditions that are only wanted where the text or number is set. */
void db_sql_where_text(struct db_sql *sql, const char *condition, const char *text);
void db_sql_where_int(struct db_sql *sql, const char *condition, int64_t v);
/** A condition with "lower(x) LIKE ? ESCAPE '!'" in it: rows that hold @p part in any case. */
void db_sql_where_like(struct db_sql *sql, const char *condition, const char *part);
/** Rows whose @p column begins with what @p begin holds before its first '*'. */
void db_sql_where_begin(struct db_sql *sql, const char *column, const char *begin);
struct ey_error *db_sql_query(struct db *db, struct db_sql *sql,
			      struct db_statement **ret) EY_MUST_CHECK;

/** Limit of a page, within its bounds. */
unsigned int db_page_limit(const struct db_page *page, unsigned int fallback);
/** Only what comes after the place that the cursor names, if any. EY_ERR_USAGE as below. */
struct ey_error *db_sql_after(struct db_sql *sql, const struct db_page *page, const char *value,
			      const char *id) EY_MUST_CHECK;
/**
 * End a statement as a page of a list: after the place that the cursor names, the largest @p value
 * first and of these the largest @p id (both columns, static text), and one row more than the
 * limit, which tells whether there is a next page. EY_ERR_USAGE: not a cursor of ours.
 */
struct ey_error *db_sql_page(struct db_sql *sql, const struct db_page *page, const char *value,
			     const char *id, unsigned int *limit_ret) EY_MUST_CHECK;
/** The cursor of the page after the row with @p value and @p id. */
const char *db_cursor_make(struct db_arena *arena, int64_t value, int64_t id, bool *failed);

/** Fill the zeroed struct @p item from the current row; memory out: set @p *failed. */
typedef void db_read_row(struct db_statement *st, struct db_arena *arena, void *item, bool *failed);

/**
 * Read at most @p limit rows (0: all) into a list: a struct with `arena`, `items` and `count`, all
 * zero. @p more_ret (may be NULL) says that there was a row more. On an error the list is empty.
 */
#define db_list_read(st, read, limit, list, more_ret)                               \
	db_rows_read((st), (read), sizeof(*(list)->items), (limit), &(list)->arena, \
		     &(list)->items, &(list)->count, (more_ret))
struct ey_error *db_rows_read(struct db_statement *st, db_read_row *read, size_t item_size,
			      size_t limit, struct db_arena *arena, void *items_ret,
			      size_t *count_ret, bool *more_ret) EY_MUST_CHECK;

/** Bring the schema up to @p target (0: the latest). */
struct ey_error *db_migrate(struct db *db, unsigned int target) EY_MUST_CHECK;

/** Open what db_open() opens; only the connection, no schema. */
struct ey_error *db_connect(const char *where, unsigned int flags, struct db **ret) EY_MUST_CHECK;
struct ey_error *db_sqlite_open(const char *path, unsigned int flags,
				struct db **ret) EY_MUST_CHECK;
struct ey_error *db_postgres_open(const char *address, unsigned int flags,
				  struct db **ret) EY_MUST_CHECK;

#endif

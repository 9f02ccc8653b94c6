/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/sql.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct ey_error *db_exec(struct db *db, const char *sql)
{
	return db->backend->exec(db, sql);
}

struct ey_error *db_query_values(struct db *db, struct db_statement **ret, const char *sql,
				 const struct db_value *values, size_t count)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_prepare(db, sql, &st);

	for (size_t i = 0; !err && i < count; i++)
		err = db->backend->bind(st, (int)i + 1, &values[i]);
	if (!err)
		*ret = no_cleanup_ptr(st);
	return err;
}

struct ey_error *db_run_values(struct db *db, const char *sql, const struct db_value *values,
			       size_t count)
{
	int64_t unused;
	bool found;

	return db_scalar_values(db, &unused, &found, sql, values, count);
}

struct ey_error *db_run_later_values(struct db *db, const char *sql, const struct db_value *values,
				     size_t count)
{
	_cleanup_statement_ struct db_statement *st = NULL;

	if (!db->depth || !db->backend->later)
		return db_run_values(db, sql, values, count);
	struct ey_error *err = db_query_values(db, &st, sql, values, count);
	return err ? err : db->backend->later(st);
}

struct ey_error *db_scalar_values(struct db *db, int64_t *ret, bool *found_ret, const char *sql,
				  const struct db_value *values, size_t count)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query_values(db, &st, sql, values, count);
	bool row = false;

	if (found_ret)
		*found_ret = false;
	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	*ret = db_column_int(st, 0);
	if (found_ret)
		*found_ret = true;
	// A statement that writes and returns is done only when it was stepped to its end.
	while (!err && row)
		err = db_step(st, &row);
	return err;
}

struct ey_error *db_step(struct db_statement *st, bool *row_ret)
{
	return st->db->backend->step(st, row_ret);
}

int64_t db_column_int(struct db_statement *st, int column)
{
	return st->db->backend->column_int(st, column);
}

const char *db_column_text(struct db_statement *st, int column)
{
	const char *s = st->db->backend->column_text(st, column);

	return s ? s : "";
}

const void *db_column_blob(struct db_statement *st, int column, size_t *len_ret)
{
	return st->db->backend->column_blob(st, column, len_ret);
}

const char *db_column_dup(struct db_statement *st, int column, struct db_arena *arena, bool *failed)
{
	const char *s = db_column_text(st, column);

	if (!*s)
		return "";
	s = db_arena_strdup(arena, s);
	if (!s)
		*failed = true;
	return s;
}

void db_release(struct db_statement *st)
{
	st->db->backend->reset(st);
	st->in_use = false;
}

struct ey_error *db_begin(struct db *db, struct db_txn *ret)
{
	ret->db = NULL;
	if (!db->depth) {
		struct ey_error *err = db->backend->begin(db);

		if (err)
			return err;
		db->doomed = false;
	}
	db->depth++;
	ret->db = db;
	return NULL;
}

struct ey_error *db_commit(struct db_txn *txn)
{
	struct db *db = txn->db;

	if (db->depth > 1) {
		db->depth--;
		txn->db = NULL;
		return NULL;
	}
	if (db->doomed)
		return ey_error_create(EY_ERR_IO, "a part of the database transaction failed");
	struct ey_error *err = db_exec(db, "COMMIT");
	if (err)
		return err; // the guard rolls back
	db->depth = 0;
	txn->db = NULL;
	return NULL;
}

void db_txn_deinit(struct db_txn *txn)
{
	struct db *db = txn->db;

	if (!db)
		return;
	txn->db = NULL;
	db->doomed = true;
	if (--db->depth)
		return;
	// What failed before may have rolled back already (disk full); then this fails, rightly.
	ey_error_destroy(db_exec(db, "ROLLBACK"));
}

void db_sql_deinit(struct db_sql *sql)
{
	ey_buf_deinit(&sql->text);
	db_arena_deinit(&sql->arena);
}

void db_sql_add(struct db_sql *sql, const char *text)
{
	ey_buf_adds(&sql->text, text);
}

void db_sql_bind(struct db_sql *sql, const char *text, struct db_value value)
{
	if (sql->count == EY_ARRAY_SIZE(sql->values)) {
		sql->failed = true;
		return;
	}
	sql->values[sql->count++] = value;
	for (const char *p = text; *p; p++) {
		if (*p == '?')
			ey_buf_printf(&sql->text, "?%zu", sql->count);
		else
			ey_buf_addc(&sql->text, *p);
	}
}

void db_sql_where(struct db_sql *sql, const char *condition, struct db_value value)
{
	ey_buf_adds(&sql->text, sql->has_where ? " AND " : " WHERE ");
	sql->has_where = true;
	db_sql_bind(sql, condition, value);
}

void db_sql_where_text(struct db_sql *sql, const char *condition, const char *text)
{
	if (text && *text)
		db_sql_where(sql, condition, db_text(text));
}

void db_sql_where_int(struct db_sql *sql, const char *condition, int64_t v)
{
	if (v)
		db_sql_where(sql, condition, db_int(v));
}

void db_sql_where_like(struct db_sql *sql, const char *condition, const char *part)
{
	size_t len = part ? strlen(part) : 0;

	if (!len)
		return;
	char *pattern = db_arena_alloc(&sql->arena, 2 * len + 3);
	if (!pattern) {
		sql->failed = true;
		return;
	}
	char *p = pattern;
	*p++ = '%';
	for (size_t i = 0; i < len; i++) {
		if (strchr("%_!", part[i]))
			*p++ = '!';
		*p++ = (char)tolower((unsigned char)part[i]);
	}
	*p++ = '%';
	*p = '\0';
	db_sql_where(sql, condition, db_text(pattern));
}

void db_sql_where_begin(struct db_sql *sql, const char *column, const char *begin)
{
	char *text = db_arena_strdup(&sql->arena, begin);

	if (!text) {
		sql->failed = true;
		return;
	}
	text[strcspn(text, "*")] = '\0';
	// No LIKE: whether that knows upper from lower case differs by database.
	db_sql_add(sql, sql->has_where ? " AND substr(" : " WHERE substr(");
	sql->has_where = true;
	db_sql_add(sql, column);
	db_sql_bind(sql, ", 1, length(CAST(? AS TEXT))) = ?", db_text(text));
}

struct ey_error *db_sql_query(struct db *db, struct db_sql *sql, struct db_statement **ret)
{
	struct ey_error *err = ey_buf_error(&sql->text);

	if (err || sql->failed)
		return err ? err : &ey_error_nomem;
	return db_query_values(db, ret, ey_buf_str(&sql->text), sql->values, sql->count);
}

unsigned int db_page_limit(const struct db_page *page, unsigned int fallback)
{
	unsigned int limit = page && page->limit ? page->limit : fallback;

	return EY_MIN(limit, (unsigned int)DB_PAGE_MAX);
}

// A cursor is "VALUE.ID": a place in the order, which rows that come before it do not shift.
static struct ey_error *read_cursor(const char *cursor, int64_t *value_ret, int64_t *id_ret)
{
	char *end;

	errno = 0;
	long long value = strtoll(cursor, &end, 10);
	if (!errno && end != cursor && *end == '.' && isdigit((unsigned char)end[1])) {
		long long id = strtoll(end + 1, &end, 10);

		if (!errno && !*end) {
			*value_ret = value;
			*id_ret = id;
			return NULL;
		}
	}
	return ey_error_create(EY_ERR_USAGE, "\"%.40s\" is not a cursor of a list", cursor);
}

struct ey_error *db_sql_after(struct db_sql *sql, const struct db_page *page, const char *value,
			      const char *id)
{
	int64_t last_value, last_id;

	if (!page || !page->cursor || !*page->cursor)
		return NULL;
	struct ey_error *err = read_cursor(page->cursor, &last_value, &last_id);
	if (err)
		return err;
	db_sql_add(sql, sql->has_where ? " AND (" : " WHERE (");
	sql->has_where = true;
	db_sql_add(sql, value);
	db_sql_add(sql, ", ");
	db_sql_add(sql, id);
	db_sql_bind(sql, ") < (?, ", db_int(last_value));
	db_sql_bind(sql, "?)", db_int(last_id));
	return NULL;
}

struct ey_error *db_sql_page(struct db_sql *sql, const struct db_page *page, const char *value,
			     const char *id, unsigned int *limit_ret)
{
	struct ey_error *err = db_sql_after(sql, page, value, id);

	*limit_ret = db_page_limit(page, DB_PAGE_DEFAULT);
	if (err)
		return err;
	db_sql_add(sql, " ORDER BY ");
	db_sql_add(sql, value);
	db_sql_add(sql, " DESC, ");
	db_sql_add(sql, id);
	db_sql_bind(sql, " DESC LIMIT ?", db_int((int64_t)*limit_ret + 1));
	return NULL;
}

const char *db_cursor_make(struct db_arena *arena, int64_t value, int64_t id, bool *failed)
{
	char text[48];

	snprintf(text, sizeof(text), "%" PRId64 ".%" PRId64, value, id);
	const char *s = db_arena_strdup(arena, text);
	if (!s)
		*failed = true;
	return s;
}

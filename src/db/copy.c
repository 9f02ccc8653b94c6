/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/copy.h"

#include <stdio.h>

#include "db/sql.h"

enum {
	/** Rows read at a time: PostgreSQL's come whole, and those of parts are large. */
	CHUNK_ROWS = 500,
	MAX_COLUMNS = 40,
	MAX_KEYS = 4,
};

/** Tables in the order in which one names another, with the columns of their primary keys. */
static const struct table {
	const char *name;
	const char *keys[MAX_KEYS];
} tables[] = {
	{"models", {"id"}},
	{"hosts", {"id"}},
	{"host_aliases", {"kind", "value", "host_id"}},
	{"configurations", {"id"}},
	{"boots", {"id"}},
	{"exposure_groups", {"id"}},
	{"exposure", {"day", "group_id"}},
	{"clones", {"machine_id"}},
	{"host_labels", {"host_id", "name", "source"}},
	{"host_life", {"id"}},
	{"changes", {"id"}},
	{"change_hosts", {"host_id", "change_id"}},
	{"issues", {"id"}},
	{"reasons", {"id"}},
	{"signatures", {"id"}},
	{"reason_hosts", {"reason_id", "host_id"}},
	{"crashes", {"id"}},
	{"crash_parts", {"crash_id", "part"}},
	{"folders", {"path"}},
	{"rejects", {"path"}},
	{"holds", {"id"}},
	{"removals", {"id"}},
	{"alerts", {"id"}},
	{"alert_crashes", {"alert_id", "crash_id"}},
	{"outbox", {"id"}},
	{"jobs", {"id"}},
	{"job_state", {"key"}},
	{"issue_fixes", {"id"}},
	{"issue_rules", {"id"}},
	{"issue_history", {"id"}},
	{"events", {"id"}},
	{"reason_keys", {"key"}},
	{"reason_changes", {"id"}},
	{"reason_sweeps", {"id"}},
	{"regroup_runs", {"id"}},
	{"regroup_counts", {"home_id", "key"}},
	{"regroup_moves", {"crash_id"}},
	{"crash_runs", {"crash_id"}},
	{"issue_digests", {"id"}},
	{"issue_keys", {"key"}},
	{"users", {"id"}},
	{"sessions", {"id"}},
	{"sign_in_attempts", {"kind", "value"}},
	{"tokens", {"id"}},
	{"enroll_keys", {"id"}},
	{"host_tokens", {"id"}},
	{"audit", {"id"}},
	{"reason_dumps", {"reason_id", "kernel", "model_id"}},
	{"uploads", {"name"}},
	{"forward_line", {"id"}},
	{"forward_queue", {"sequence"}},
	{"forward_refused", {"sequence"}},
	{"sites", {"name"}},
	{"site_refused", {"site", "stream", "sequence"}},
	{"site_crashes", {"site", "origin"}},
};

/** A row as it is read, and the place to go on from. */
struct row {
	struct db_arena arena;
	struct db_value values[MAX_COLUMNS];
	const char *names[MAX_COLUMNS];
	int count;
};

static struct ey_error *read_value(struct db_statement *st, int column, struct db_arena *arena,
				   struct db_value *ret)
{
	const struct db_backend *backend = st->db->backend;
	const void *data;
	char *copy;
	size_t len;

	switch (backend->column_type(st, column)) {
	case DB_VALUE_INT:
		*ret = db_int(backend->column_int(st, column));
		return NULL;
	case DB_VALUE_TEXT:
		*ret = db_text(db_arena_strdup(arena, db_column_text(st, column)));
		return ret->data ? NULL : &ey_error_nomem;
	case DB_VALUE_BLOB:
		data = backend->column_blob(st, column, &len);
		copy = db_arena_alloc(arena, len + 1);
		if (!copy)
			return &ey_error_nomem;
		if (len)
			memcpy(copy, data, len);
		*ret = db_blob(copy, len);
		return NULL;
	default:
		*ret = db_null();
		return NULL;
	}
}

static struct ey_error *read_row(struct db_statement *st, struct row *row)
{
	struct ey_error *err = NULL;

	db_arena_deinit(&row->arena);
	row->count = st->db->backend->column_count(st);
	if (row->count > MAX_COLUMNS)
		return ey_error_create(EY_ERR_INPUT, "a table has more than %d columns",
				       MAX_COLUMNS);
	for (int i = 0; !err && i < row->count; i++) {
		row->names[i] = db_arena_strdup(&row->arena, st->db->backend->column_name(st, i));
		err = row->names[i] ? read_value(st, i, &row->arena, &row->values[i])
				    : &ey_error_nomem;
	}
	return err;
}

static void list_columns(struct ey_buf *buf, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count && names[i]; i++)
		ey_buf_printf(buf, "%s%s", i ? ", " : "", names[i]);
}

static void list_parameters(struct ey_buf *buf, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ey_buf_printf(buf, "%s?%zu", i ? ", " : "", i + 1);
}

static size_t count_keys(const struct table *t)
{
	size_t n = 0;

	while (n < MAX_KEYS && t->keys[n])
		n++;
	return n;
}

// The next rows by the primary key, after the place of the last row.
static struct ey_error *query_chunk(struct db *from, const struct table *t, const struct row *last,
				    struct db_statement **ret)
{
	_cleanup_buf_ struct ey_buf sql = EY_BUF_INIT;
	struct db_value values[MAX_KEYS];
	size_t keys = count_keys(t), found = 0;

	ey_buf_printf(&sql, "SELECT * FROM %s", t->name);
	for (size_t k = 0; last->count && k < keys; k++) {
		for (int i = 0; i < last->count; i++) {
			if (!strcmp(last->names[i], t->keys[k]))
				values[found++] = last->values[i];
		}
	}
	if (found) {
		ey_buf_adds(&sql, " WHERE (");
		list_columns(&sql, t->keys, keys);
		ey_buf_adds(&sql, ") > (");
		list_parameters(&sql, keys);
		ey_buf_adds(&sql, ")");
	}
	ey_buf_adds(&sql, " ORDER BY ");
	list_columns(&sql, t->keys, keys);
	ey_buf_printf(&sql, " LIMIT %d", CHUNK_ROWS);
	struct ey_error *err = ey_buf_error(&sql);
	return err ? err : db_query_values(from, ret, ey_buf_str(&sql), values, found);
}

static struct ey_error *insert_row(struct db *to, const struct table *t, const struct row *row)
{
	_cleanup_buf_ struct ey_buf sql = EY_BUF_INIT;

	ey_buf_printf(&sql, "INSERT INTO %s (", t->name);
	list_columns(&sql, row->names, (size_t)row->count);
	ey_buf_adds(&sql, ") VALUES (");
	list_parameters(&sql, (size_t)row->count);
	ey_buf_adds(&sql, ")");
	struct ey_error *err = ey_buf_error(&sql);
	return err ? err : db_run_values(to, ey_buf_str(&sql), row->values, (size_t)row->count);
}

static void row_deinit(struct row *row)
{
	db_arena_deinit(&row->arena);
}

static struct ey_error *copy_table(struct db *from, struct db *to, const struct table *t,
				   int64_t *rows_ret)
{
	_cleanup_(row_deinit) struct row row = {0};
	struct ey_error *err = NULL;
	bool more = true;

	*rows_ret = 0;
	for (int64_t before = -1; !err && before != *rows_ret;) {
		_cleanup_statement_ struct db_statement *st = NULL;

		before = *rows_ret;
		err = query_chunk(from, t, &row, &st);
		while (!err && !(err = db_step(st, &more)) && more) {
			err = read_row(st, &row);
			if (!err)
				err = insert_row(to, t, &row);
			++*rows_ret;
		}
	}
	if (!err && to->backend->ids_sql && !strcmp(t->keys[0], "id")) {
		char sql[256];

		snprintf(sql, sizeof(sql), to->backend->ids_sql, t->name, t->name);
		err = db_run_values(to, sql, NULL, 0);
	}
	return ey_error_prefix(err, "table %s", t->name);
}

// Reasons name their first crashes without being held to it, so the order reversed is enough.
static struct ey_error *empty_tables(struct db *to, enum db_copy_mode mode)
{
	struct ey_error *err = NULL;

	for (size_t i = EY_ARRAY_SIZE(tables); !err && i-- > 0;) {
		int64_t rows = 0;
		char sql[64];

		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i].name);
		err = db_scalar_values(to, &rows, NULL, sql, NULL, 0);
		if (!err && rows && mode == DB_COPY_INTO_EMPTY)
			err = ey_error_create(EY_ERR_INPUT,
					      "database %s is not empty (table %s is not); "
					      "--replace gives up what it holds",
					      to->where, tables[i].name);
		snprintf(sql, sizeof(sql), "DELETE FROM %s", tables[i].name);
		if (!err && rows)
			err = db_exec(to, sql);
	}
	return err;
}

struct ey_error *db_copy(struct db *from, struct db *to, enum db_copy_mode mode,
			 void (*on_table)(const char *table, int64_t rows, void *arg), void *arg,
			 int64_t *rows_ret)
{
	_cleanup_txn_ struct db_txn read = {0}, write = {0};
	struct ey_error *err = db_begin(from, &read);

	*rows_ret = 0;
	if (!err)
		err = db_begin(to, &write);
	if (!err)
		err = empty_tables(to, mode);
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(tables); i++) {
		int64_t rows;

		err = copy_table(from, to, &tables[i], &rows);
		if (err)
			break;
		*rows_ret += rows;
		if (on_table)
			on_table(tables[i].name, rows, arg);
	}
	return err ? err : db_commit(&write);
}

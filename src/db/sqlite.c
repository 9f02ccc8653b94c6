/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "db/sql.h"

enum { BUSY_TIMEOUT_MS = 10000 };

struct sqlite_statement {
	struct db_statement base;
	sqlite3_stmt *stmt;
};

struct sqlite_db {
	struct db base;
	sqlite3 *handle;
};

static struct sqlite_db *of(struct db *db)
{
	return (struct sqlite_db *)db;
}

static struct ey_error *failed(struct sqlite_db *s, const char *what)
{
	int code = s->handle ? sqlite3_errcode(s->handle) : SQLITE_NOMEM;
	const char *message = s->handle ? sqlite3_errmsg(s->handle) : "out of memory";

	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return &ey_error_nomem;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ey_error_create(EY_ERR_IO,
				       "database %s: another process holds its lock for more than "
				       "%d s; try again later",
				       s->base.where, BUSY_TIMEOUT_MS / 1000);
	case SQLITE_NOTADB:
		return ey_error_create(EY_ERR_INPUT, "%s is not an SQLite database", s->base.where);
	case SQLITE_CORRUPT:
		return ey_error_create(EY_ERR_INPUT,
				       "database %s is damaged (%s: %s); restore it from a backup",
				       s->base.where, what, message);
	case SQLITE_CONSTRAINT:
		return ey_error_create(EY_ERR_INPUT, "database %s: %s: %s", s->base.where, what,
				       message);
	default:
		return ey_error_create(EY_ERR_IO, "database %s: %s: %s", s->base.where, what,
				       message);
	}
}

static void sqlite_close_db(struct db *db)
{
	sqlite3_close(of(db)->handle);
}

static struct ey_error *sqlite_exec_text(struct db *db, const char *sql)
{
	if (sqlite3_exec(of(db)->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return failed(of(db), "cannot run a statement");
	return NULL;
}

static struct ey_error *sqlite_begin(struct db *db)
{
	// A reader's sees one state of the database from its first statement on.
	return sqlite_exec_text(db, db->writable ? "BEGIN IMMEDIATE" : "BEGIN");
}

static struct ey_error *sqlite_prepare(struct db *db, const char *sql, struct db_statement **ret)
{
	struct sqlite_db *s = of(db);
	struct sqlite_statement *st = calloc(1, sizeof(*st));

	if (!st)
		return &ey_error_nomem;
	if (sqlite3_prepare_v3(s->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->stmt, NULL) !=
	    SQLITE_OK) {
		struct ey_error *err = failed(s, sql);

		free(st);
		return err;
	}
	*ret = &st->base;
	return NULL;
}

static sqlite3_stmt *stmt_of(struct db_statement *st)
{
	return ((struct sqlite_statement *)st)->stmt;
}

static struct ey_error *sqlite_bind(struct db_statement *st, int index,
				    const struct db_value *value)
{
	sqlite3_stmt *stmt = stmt_of(st);
	int rc = SQLITE_ERROR;

	switch (value->type) {
	case DB_VALUE_NULL:
		rc = sqlite3_bind_null(stmt, index);
		break;
	case DB_VALUE_INT:
		rc = sqlite3_bind_int64(stmt, index, value->i);
		break;
	case DB_VALUE_TEXT:
		rc = sqlite3_bind_text64(stmt, index, value->data, value->len, SQLITE_STATIC,
					 SQLITE_UTF8);
		break;
	case DB_VALUE_BLOB:
		rc = sqlite3_bind_blob64(stmt, index, value->data, value->len, SQLITE_STATIC);
		break;
	}
	return rc == SQLITE_OK ? NULL : failed(of(st->db), "cannot bind a value");
}

static struct ey_error *sqlite_step_row(struct db_statement *st, bool *row_ret)
{
	int rc = sqlite3_step(stmt_of(st));

	*row_ret = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return NULL;
	return failed(of(st->db), st->sql);
}

static int64_t sqlite_column_int(struct db_statement *st, int column)
{
	return sqlite3_column_int64(stmt_of(st), column);
}

static const char *sqlite_column_text(struct db_statement *st, int column)
{
	return (const char *)sqlite3_column_text(stmt_of(st), column);
}

static const void *sqlite_column_blob(struct db_statement *st, int column, size_t *len_ret)
{
	const void *data = sqlite3_column_blob(stmt_of(st), column);

	*len_ret = (size_t)sqlite3_column_bytes(stmt_of(st), column);
	return data;
}

static int sqlite_count_columns(struct db_statement *st)
{
	return sqlite3_column_count(stmt_of(st));
}

static const char *sqlite_name_column(struct db_statement *st, int column)
{
	return sqlite3_column_name(stmt_of(st), column);
}

static enum db_value_type sqlite_type_column(struct db_statement *st, int column)
{
	switch (sqlite3_column_type(stmt_of(st), column)) {
	case SQLITE_NULL:
		return DB_VALUE_NULL;
	case SQLITE_INTEGER:
		return DB_VALUE_INT;
	case SQLITE_BLOB:
		return DB_VALUE_BLOB;
	default:
		return DB_VALUE_TEXT;
	}
}

static void sqlite_reset(struct db_statement *st)
{
	sqlite3_reset(stmt_of(st));
	sqlite3_clear_bindings(stmt_of(st));
}

static void sqlite_destroy(struct db_statement *st)
{
	sqlite3_finalize(stmt_of(st));
	free(st);
}

static const struct db_backend sqlite_backend = {
	.name = "sqlite",
	.identity_type = "INTEGER PRIMARY KEY",
	.blob_type = "BLOB",
	.close = sqlite_close_db,
	.begin = sqlite_begin,
	.exec = sqlite_exec_text,
	.prepare = sqlite_prepare,
	.bind = sqlite_bind,
	.step = sqlite_step_row,
	.column_int = sqlite_column_int,
	.column_text = sqlite_column_text,
	.column_blob = sqlite_column_blob,
	.column_count = sqlite_count_columns,
	.column_name = sqlite_name_column,
	.column_type = sqlite_type_column,
	.reset = sqlite_reset,
	.destroy = sqlite_destroy,
	.has_table_sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1",
	.check_sql = "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> "
		     "'ok' UNION ALL SELECT 'a row of ' || \"table\" || ' names a row of ' || "
		     "parent || ' that is not there' FROM pragma_foreign_key_check",
	// What only reads may not even fill a table of its own otherwise.
	.large_sql = "PRAGMA temp_store = FILE; PRAGMA query_only = OFF",
};

// SQLite's WAL needs memory shared by all who open the file: never over a network.
static struct ey_error *refuse_network(const char *path)
{
	static const struct {
		long magic;
		const char *name;
	} network[] = {{0x6969, "NFS"}, {0xff534d42, "CIFS"}, {0xfe534d42, "SMB"}};
	_cleanup_free_ char *dir = strdup(path);
	struct statfs fs;

	if (!dir)
		return &ey_error_nomem;
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	if (statfs(slash ? dir : ".", &fs) < 0)
		return NULL; // opening it says what is wrong
	for (size_t i = 0; i < EY_ARRAY_SIZE(network); i++) {
		if ((uint32_t)fs.f_type == (uint32_t)network[i].magic)
			return ey_error_create(EY_ERR_USAGE,
					       "database %s lies on %s, where SQLite's locks do "
					       "not hold; put it on a local disk",
					       path, network[i].name);
	}
	return NULL;
}

static struct ey_error *create_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return NULL;
	_cleanup_free_ char *dir = strndup(path, (size_t)(slash - path));
	return dir ? ey_mkdir_parents(dir, 0750) : &ey_error_nomem;
}

struct ey_error *db_sqlite_open(const char *path, unsigned int flags, struct db **ret)
{
	bool write = flags & DB_OPEN_WRITE;
	struct ey_error *err = NULL;
	struct stat st;

	// SQLite takes it for a database that is gone when it is closed: all would seem to work.
	if (!*path)
		return ey_error_create(EY_ERR_USAGE,
				       "the database has no name: set [database] path or --db");
	if (write)
		err = create_parent(path);
	if (!err)
		err = refuse_network(path);
	if (err)
		return err;
	if (!write && stat(path, &st) < 0)
		return ey_error_create(EY_ERR_NOT_FOUND,
				       "there is no database %s; 'eyrie populate' makes it", path);
	// Kernel logs hold secrets: for the owner and the group only, as SQLite's own files beside
	// it then are. Not by open(): closing it would take other connections' locks away.
	if (write && strcmp(path, ":memory:") != 0)
		mknod(path, S_IFREG | 0640, 0);
	struct sqlite_db *s = calloc(1, sizeof(*s));
	if (!s)
		return &ey_error_nomem;
	s->base.backend = &sqlite_backend;
	s->base.writable = write;
	s->base.where = strdup(path);
	// A reader opens for writing, too: it takes part in the WAL's shared memory.
	int rc = s->base.where ? sqlite3_open_v2(path, &s->handle,
						 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
							 (write ? SQLITE_OPEN_CREATE : 0),
						 NULL)
			       : SQLITE_NOMEM;
	if (rc != SQLITE_OK) {
		err = failed(s, "cannot open it");
		db_close(&s->base);
		return err;
	}
	sqlite3_extended_result_codes(s->handle, 1);
	sqlite3_busy_timeout(s->handle, BUSY_TIMEOUT_MS);
	// No SQL of ours needs them, and a damaged or hostile file could use them.
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	err = sqlite_exec_text(&s->base, "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; "
					 "PRAGMA cache_size = -32768");
	if (!err && write)
		err = sqlite_exec_text(&s->base, "PRAGMA journal_mode = WAL");
	if (!err && write)
		err = sqlite_exec_text(&s->base, flags & DB_OPEN_FAST_COMMITS
							 ? "PRAGMA synchronous = NORMAL"
							 : "PRAGMA synchronous = FULL");
	if (!err && !write)
		err = sqlite_exec_text(&s->base, "PRAGMA query_only = ON");
	if (err) {
		db_close(&s->base);
		return err;
	}
	*ret = &s->base;
	return NULL;
}

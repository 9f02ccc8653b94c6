/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/postgres.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/*
 * One writer at a time, as with SQLite: what a transaction has read is still so when it writes, on
 * however many eyrieds. The lock is the database's own (two numbers, ours and the schema's), it
 * goes with the transaction, and readers need none.
 */
#define WRITE_LOCK "pg_advisory_xact_lock(1163481673, hashtext(current_schema()))"

enum { LOCK_TIMEOUT_S = 10 };

// The first line, without libpq's newline at the end.
static int line_length(const char *message)
{
	return (int)strcspn(message, "\n");
}

struct ey_error *postgres_failed(struct postgres_db *p, const PGresult *result, const char *what)
{
	static const struct {
		const char *class;
		enum ey_error_code code;
		const char *text;
	} known[] = {
		{"55P03", EY_ERR_IO,
		 "another process holds its lock for too long; try again later"},
		{"25006", EY_ERR_IO, "the connection may only read"},
		{"53", EY_ERR_IO, "the server is out of room or connections; try again later"},
		{"57", EY_ERR_IO, "the server stopped the statement; try again later"},
		{"XX001", EY_ERR_INPUT, "it is damaged; restore it from a backup"},
		{"XX002", EY_ERR_INPUT, "it is damaged; restore it from a backup"},
		{"23", EY_ERR_INPUT, NULL},
	};
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	enum ey_error_code code = EY_ERR_IO;

	if (PQstatus(p->conn) == CONNECTION_BAD) {
		message = PQerrorMessage(p->conn);
		return ey_error_create(EY_ERR_IO, "database %s cannot be reached: %.*s",
				       p->base.where, line_length(message), message);
	}
	for (size_t i = 0; state && i < EY_ARRAY_SIZE(known); i++) {
		if (strncmp(state, known[i].class, strlen(known[i].class)) != 0)
			continue;
		code = known[i].code;
		if (known[i].text)
			return ey_error_create(code, "database %s: %s (%s)", p->base.where,
					       known[i].text, message ? message : state);
		break;
	}
	if (!message)
		message = PQerrorMessage(p->conn);
	return ey_error_create(code, "database %s: %s: %.*s", p->base.where, what,
			       line_length(message), message);
}

static void drop_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

static struct ey_error *run(struct postgres_db *p, const char *sql, const char *what)
{
	PGresult *result = PQexec(p->conn, sql);
	ExecStatusType status = PQresultStatus(result);
	struct ey_error *err = NULL;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		err = postgres_failed(p, result, what);
	else if (!strcmp(sql, "COMMIT") && strcmp(PQcmdStatus(result), "COMMIT") != 0)
		// A transaction in which something failed ends so, and without an error.
		err = ey_error_create(EY_ERR_IO, "database %s: the transaction was rolled back",
				      p->base.where);
	PQclear(result);
	return err;
}

// What this connection is like; done again when it was made anew.
static struct ey_error *set_up(struct postgres_db *p)
{
	char sql[320];

	if (PQstatus(p->conn) != CONNECTION_OK)
		return postgres_failed(p, NULL, "cannot connect");
	const char *encoding = PQparameterStatus(p->conn, "server_encoding");
	if (!encoding || strcasecmp(encoding, "UTF8") != 0)
		return ey_error_create(EY_ERR_USAGE,
				       "database %s has encoding %s and not UTF8; create it with "
				       "'createdb --encoding=UTF8 --template=template0'",
				       p->base.where, encoding ? encoding : "unknown");
	PQsetNoticeReceiver(p->conn, drop_notice, NULL);
	p->generation++;
	// Our queries are short: planning them for a compiler costs more than it saves.
	snprintf(sql, sizeof(sql),
		 "SET lock_timeout = '%ds'; SET bytea_output = 'hex'; SET jit = off; "
		 "SET synchronous_commit = %s; SET default_transaction_read_only = %s",
		 LOCK_TIMEOUT_S, p->flags & DB_OPEN_FAST_COMMITS ? "off" : "on",
		 p->base.writable ? "off" : "on");
	return run(p, sql, "cannot set up the connection");
}

struct ey_error *postgres_connected(struct postgres_db *p)
{
	if (PQstatus(p->conn) == CONNECTION_OK || p->base.depth)
		return NULL; // within a transaction the statement itself fails
	PQreset(p->conn);
	return set_up(p);
}

bool postgres_may_repeat(struct postgres_db *p, const char *sql)
{
	// A lost write may have been done; a read or the beginning of a transaction has not.
	return PQstatus(p->conn) == CONNECTION_BAD && !p->base.depth &&
	       (!strncmp(sql, "SELECT", 6) || !strncmp(sql, "BEGIN", 5));
}

static struct ey_error *exec(struct db *db, const char *sql)
{
	struct postgres_db *p = postgres_of(db);
	struct ey_error *err = postgres_settle(p);

	if (err && !strcmp(sql, "ROLLBACK")) {
		ey_error_destroy(err);
		err = NULL;
	}
	if (!err)
		err = postgres_connected(p);
	if (err)
		return err;
	err = run(p, sql, "cannot run a statement");
	if (err && postgres_may_repeat(p, sql)) {
		ey_error_destroy(err);
		err = postgres_connected(p);
		if (!err)
			err = run(p, sql, "cannot run a statement");
	}
	return err;
}

static struct ey_error *begin(struct db *db)
{
	struct ey_error *err = exec(db, db->writable ? "BEGIN; SELECT " WRITE_LOCK
						     : "BEGIN ISOLATION LEVEL REPEATABLE READ");

	if (err && PQtransactionStatus(postgres_of(db)->conn) == PQTRANS_INERROR)
		ey_error_destroy(exec(db, "ROLLBACK"));
	return err;
}

static void close_connection(struct db *db)
{
	ey_error_destroy(postgres_of(db)->late);
	PQfinish(postgres_of(db)->conn);
}

// As psql's \conninfo would say it, and without the password.
static char *describe(PGconn *conn)
{
	char *text;

	if (!conn || !PQdb(conn))
		return strdup("(PostgreSQL)");
	const char *host = PQhost(conn), *port = PQport(conn), *user = PQuser(conn);
	if (asprintf(&text, "postgresql://%s@%s:%s/%s", user ? user : "", host ? host : "",
		     port ? port : "", PQdb(conn)) < 0)
		return NULL;
	return text;
}

static const struct db_backend postgres_backend = {
	.name = "postgresql",
	.identity_type = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	.blob_type = "BYTEA",
	.close = close_connection,
	.begin = begin,
	.exec = exec,
	.prepare = postgres_prepare,
	.bind = postgres_bind,
	.step = postgres_step,
	.later = postgres_later,
	.column_int = postgres_column_int,
	.column_text = postgres_column_text,
	.column_blob = postgres_column_blob,
	.column_count = postgres_column_count,
	.column_name = postgres_column_name,
	.column_type = postgres_column_type,
	.reset = postgres_reset,
	.destroy = postgres_destroy,
	.has_table_sql = "SELECT count(*) FROM information_schema.tables "
			 "WHERE table_schema = current_schema() AND table_name = ?1",
	.ids_sql = "SELECT setval(pg_get_serial_sequence('%s', 'id'), coalesce(max(id), 0) + 1, "
		   "false) FROM %s",
	// Two numbers, as of the write lock: the first tells the two apart.
	.lead_sql = "SELECT CASE WHEN pg_try_advisory_lock(1163481674, "
		    "hashtext(current_schema() || '.' || CAST(?1 AS TEXT))) THEN 1 ELSE 0 END",
	// What only reads may not even make a table of its own otherwise.
	.large_sql = "SET work_mem = '128MB'; SET maintenance_work_mem = '256MB'; "
		     "SET default_transaction_read_only = off",
};

struct ey_error *db_postgres_open(const char *address, unsigned int flags, struct db **ret)
{
	_cleanup_db_ struct db *db = NULL;
	// What the address says itself comes later and wins, but for the encoding.
	static const char *const names[] = {"application_name", "connect_timeout", "dbname",
					    "client_encoding", NULL};
	const char *const values[] = {"eyrie", "10", address, "UTF8", NULL};
	struct postgres_db *p = calloc(1, sizeof(*p));

	if (!p)
		return &ey_error_nomem;
	db = &p->base;
	db->backend = &postgres_backend;
	db->writable = flags & DB_OPEN_WRITE;
	p->flags = flags;
	p->conn = PQconnectdbParams(names, values, 1);
	db->where = describe(p->conn);
	if (!p->conn || !db->where)
		return &ey_error_nomem;
	struct ey_error *err = set_up(p);
	if (!err)
		*ret = no_cleanup_ptr(db);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/postgres.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum {
	MAX_PARAMETERS = 40,
	/** So many small answers fit the socket's buffers with room to spare. */
	PENDING_MAX = 1024,
};

struct postgres_statement {
	struct db_statement base;
	/** The text with $1 for ?1, and its name at the server. */
	char *sql;
	char name[24];
	/** The connection it was prepared on; 0: on none yet. */
	unsigned int generation;
	int count;
	const char *values[MAX_PARAMETERS];
	int lengths[MAX_PARAMETERS];
	int formats[MAX_PARAMETERS];
	char numbers[MAX_PARAMETERS][24];
	/** Rows, NULL until the first step; `row` is the current one. */
	PGresult *result;
	int row;
	/** Texts made whole to be bound, and bytes of the current result. */
	struct db_arena bound;
	struct db_arena read;
};

static struct postgres_statement *of(struct db_statement *st)
{
	return (struct postgres_statement *)st;
}

// ?1 is $1 here. A "?" within quotes is text.
static char *with_dollars(const char *sql)
{
	char *text = strdup(sql);
	bool quoted = false;

	for (char *p = text; text && *p; p++) {
		if (*p == '\'')
			quoted = !quoted;
		else if (*p == '?' && !quoted && isdigit((unsigned char)p[1]))
			*p = '$';
	}
	return text;
}

struct ey_error *postgres_prepare(struct db *db, const char *sql, struct db_statement **ret)
{
	struct postgres_statement *s = calloc(1, sizeof(*s));

	if (!s)
		return &ey_error_nomem;
	s->sql = with_dollars(sql);
	if (!s->sql) {
		free(s);
		return &ey_error_nomem;
	}
	snprintf(s->name, sizeof(s->name), "s%lu", ++postgres_of(db)->names);
	*ret = &s->base;
	return NULL;
}

static bool is_utf8(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < len;) {
		size_t n = s[i] && s[i] < 0x80 ? 1 : ey_utf8_sequence(s + i, len - i);

		if (!n)
			return false;
		i += n;
	}
	return true;
}

// PostgreSQL takes no text that is not UTF-8, as the name of a folder may be: U+FFFD for the rest.
static const char *as_utf8(struct db_arena *arena, const char *text, size_t len)
{
	static const char replacement[] = "\xef\xbf\xbd";

	if (is_utf8(text, len))
		return text;
	char *clean = db_arena_alloc(arena, 3 * len + 1);
	char *p = clean;
	for (size_t i = 0; clean && i < len;) {
		const unsigned char *s = (const unsigned char *)text + i;
		size_t n = *s && *s < 0x80 ? 1 : ey_utf8_sequence(s, len - i);

		memcpy(p, n ? text + i : replacement, n ? n : 3);
		p += n ? n : 3;
		i += n ? n : 1;
	}
	if (clean)
		*p = '\0';
	return clean;
}

struct ey_error *postgres_bind(struct db_statement *st, int index, const struct db_value *value)
{
	struct postgres_statement *s = of(st);
	int i = index - 1;

	if (i < 0 || i >= MAX_PARAMETERS || value->len > INT32_MAX)
		return ey_error_create(EY_ERR_IO, "database %s: parameter %d cannot be bound",
				       st->db->where, index);
	s->count = EY_MAX(s->count, index);
	s->formats[i] = value->type == DB_VALUE_BLOB;
	s->lengths[i] = (int)value->len;
	switch (value->type) {
	case DB_VALUE_NULL:
		s->values[i] = NULL;
		break;
	case DB_VALUE_INT:
		snprintf(s->numbers[i], sizeof(s->numbers[i]), "%" PRId64, value->i);
		s->values[i] = s->numbers[i];
		break;
	case DB_VALUE_TEXT:
		s->values[i] = as_utf8(&s->bound, value->data, value->len);
		if (!s->values[i])
			return &ey_error_nomem;
		break;
	case DB_VALUE_BLOB:
		// NULL would be the value NULL.
		s->values[i] = value->len ? value->data : "";
		break;
	}
	return NULL;
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

// The results of all that is on its way, of which the last is @p own's (NULL: nobody's).
static struct ey_error *collect(struct postgres_db *p, const char *own, PGresult **ret)
{
	unsigned int left = p->pending + (own != NULL);
	bool synced = false, ended = false;
	struct ey_error *err = NULL;

	p->pending = 0;
	if (!PQpipelineSync(p->conn))
		err = postgres_failed(p, NULL, "cannot send statements");
	while (!synced) {
		PGresult *result = PQgetResult(p->conn);

		if (!result) {
			// Each statement's results end so; twice, and there is nothing to come.
			if (ended)
				break;
			ended = true;
			left -= left > 0;
			continue;
		}
		ended = false;
		ExecStatusType status = PQresultStatus(result);
		synced = status == PGRES_PIPELINE_SYNC;
		if (!err && !synced && status != PGRES_PIPELINE_ABORTED && !is_good(result))
			err = postgres_failed(p, result,
					      own && left == 1 ? own : "a write that was sent");
		if (own && left == 1 && !err && is_good(result) && !*ret)
			*ret = result;
		else
			PQclear(result);
	}
	if (!err && (!synced || !PQexitPipelineMode(p->conn) || (own && !*ret)))
		err = postgres_failed(p, NULL, "results of statements are missing");
	else if (err && synced)
		(void)PQexitPipelineMode(p->conn);
	if (err && own) {
		PQclear(*ret);
		*ret = NULL;
	}
	return err;
}

struct ey_error *postgres_settle(struct postgres_db *p)
{
	struct ey_error *err = p->late;

	p->late = NULL;
	if (!p->pending)
		return err;
	struct ey_error *now = collect(p, NULL, NULL);
	if (!err)
		return now;
	ey_error_destroy(now);
	return err;
}

static struct ey_error *prepare_there(struct postgres_statement *s)
{
	struct postgres_db *p = postgres_of(s->base.db);
	struct ey_error *err = NULL;

	if (s->generation == p->generation)
		return NULL;
	err = postgres_settle(p);
	if (err)
		return err;
	PGresult *result = PQprepare(p->conn, s->name, s->sql, 0, NULL);
	if (PQresultStatus(result) == PGRES_COMMAND_OK)
		s->generation = p->generation;
	else
		err = postgres_failed(p, result, s->sql);
	PQclear(result);
	return err;
}

static struct ey_error *send_later(struct postgres_statement *s)
{
	struct postgres_db *p = postgres_of(s->base.db);

	return PQsendQueryPrepared(p->conn, s->name, s->count, s->values, s->lengths, s->formats, 0)
		       ? NULL
		       : postgres_failed(p, NULL, s->sql);
}

struct ey_error *postgres_later(struct db_statement *st)
{
	struct postgres_statement *s = of(st);
	struct postgres_db *p = postgres_of(st->db);
	struct ey_error *err = p->pending < PENDING_MAX && !p->late ? NULL : postgres_settle(p);

	if (!err)
		err = prepare_there(s);
	if (!err && !p->pending && !PQenterPipelineMode(p->conn))
		err = postgres_failed(p, NULL, s->sql);
	if (err)
		return err;
	// Counted also where sending failed: then collect() leaves the pipeline.
	p->pending++;
	return send_later(s);
}

static struct ey_error *execute(struct postgres_statement *s)
{
	struct postgres_db *p = postgres_of(s->base.db);
	struct ey_error *err = p->late ? postgres_settle(p) : postgres_connected(p);
	PGresult *result = NULL;

	if (!err)
		err = prepare_there(s);
	if (err)
		return err;
	if (p->pending) {
		// On its way with the writes before it: one wait for all.
		err = send_later(s);
		if (!err)
			err = collect(p, s->sql, &result);
	} else {
		result = PQexecPrepared(p->conn, s->name, s->count, s->values, s->lengths,
					s->formats, 0);
		if (!is_good(result)) {
			err = postgres_failed(p, result, s->sql);
			PQclear(result);
		}
	}
	if (err)
		return err;
	s->result = result;
	s->row = -1;
	return NULL;
}

struct ey_error *postgres_step(struct db_statement *st, bool *row_ret)
{
	struct postgres_statement *s = of(st);

	*row_ret = false;
	db_arena_deinit(&s->read);
	if (!s->result) {
		struct ey_error *err = execute(s);

		if (err && postgres_may_repeat(postgres_of(st->db), s->sql)) {
			ey_error_destroy(err);
			err = execute(s);
		}
		if (err)
			return err;
	}
	if (s->row < PQntuples(s->result))
		s->row++;
	*row_ret = s->row < PQntuples(s->result);
	return NULL;
}

int64_t postgres_column_int(struct db_statement *st, int column)
{
	const char *text = postgres_column_text(st, column);

	// A comparison is a number in SQLite and "t" or "f" here.
	if (!text || *text == 'f')
		return 0;
	return *text == 't' ? 1 : strtoll(text, NULL, 10);
}

const char *postgres_column_text(struct db_statement *st, int column)
{
	struct postgres_statement *s = of(st);

	if (PQgetisnull(s->result, s->row, column))
		return NULL;
	return PQgetvalue(s->result, s->row, column);
}

const void *postgres_column_blob(struct db_statement *st, int column, size_t *len_ret)
{
	const char *text = postgres_column_text(st, column);
	size_t len = 0;

	*len_ret = 0;
	if (!text)
		return NULL;
	unsigned char *bytes = PQunescapeBytea((const unsigned char *)text, &len);
	void *copy = bytes && len ? db_arena_alloc(&of(st)->read, len) : NULL;
	if (copy) {
		memcpy(copy, bytes, len);
		*len_ret = len;
	}
	PQfreemem(bytes);
	return copy;
}

int postgres_column_count(struct db_statement *st)
{
	return PQnfields(of(st)->result);
}

const char *postgres_column_name(struct db_statement *st, int column)
{
	return PQfname(of(st)->result, column);
}

enum db_value_type postgres_column_type(struct db_statement *st, int column)
{
	// Ids of types never change: catalog/pg_type.dat.
	enum { BYTEA = 17, INT8 = 20, INT2 = 21, INT4 = 23 };
	struct postgres_statement *s = of(st);

	if (PQgetisnull(s->result, s->row, column))
		return DB_VALUE_NULL;
	switch (PQftype(s->result, column)) {
	case INT2:
	case INT4:
	case INT8:
		return DB_VALUE_INT;
	case BYTEA:
		return DB_VALUE_BLOB;
	default:
		return DB_VALUE_TEXT;
	}
}

void postgres_reset(struct db_statement *st)
{
	struct postgres_statement *s = of(st);

	PQclear(s->result);
	s->result = NULL;
	s->count = 0;
	db_arena_deinit(&s->bound);
	db_arena_deinit(&s->read);
}

void postgres_destroy(struct db_statement *st)
{
	struct postgres_statement *s = of(st);
	struct postgres_db *p = postgres_of(st->db);
	char sql[48];

	postgres_reset(st);
	if (!p->late)
		p->late = postgres_settle(p);
	if (s->generation == p->generation && PQtransactionStatus(p->conn) != PQTRANS_INERROR) {
		snprintf(sql, sizeof(sql), "DEALLOCATE %s", s->name);
		PQclear(PQexec(p->conn, sql));
	}
	free(s->sql);
	free(s);
}

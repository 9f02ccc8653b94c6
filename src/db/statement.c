/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prepared statements of a connection, kept by their text. */
#include <stdlib.h>

#include "db/sql.h"

static void statement_destroy(struct db_statement *st)
{
	char *sql = st->sql;

	st->db->backend->destroy(st);
	free(sql);
}

void db_statements_destroy(struct db *db)
{
	for (size_t i = 0; i < DB_STATEMENT_CACHE; i++) {
		if (db->statements[i])
			statement_destroy(db->statements[i]);
		db->statements[i] = NULL;
	}
}

static struct db_statement *find_cached(struct db *db, const char *sql)
{
	for (size_t i = 0; i < DB_STATEMENT_CACHE; i++) {
		struct db_statement *st = db->statements[i];

		if (st && !st->in_use && !strcmp(st->sql, sql))
			return st;
	}
	return NULL;
}

// The next place round robin that is empty or whose statement nobody uses.
static struct db_statement **find_slot(struct db *db)
{
	for (size_t i = 0; i < DB_STATEMENT_CACHE; i++) {
		size_t at = (db->next_statement + i) % DB_STATEMENT_CACHE;

		if (!db->statements[at] || !db->statements[at]->in_use) {
			db->next_statement = at + 1;
			return &db->statements[at];
		}
	}
	return NULL;
}

struct ey_error *db_prepare(struct db *db, const char *sql, struct db_statement **ret)
{
	struct db_statement *st = find_cached(db, sql);

	if (!st) {
		struct db_statement **slot = find_slot(db);
		char *text = strdup(sql);

		if (!text)
			return &ey_error_nomem;
		struct ey_error *err =
			slot ? db->backend->prepare(db, text, &st)
			     : ey_error_create(EY_ERR_IO, "too many database statements at once");
		if (err) {
			free(text);
			return err;
		}
		st->db = db;
		st->sql = text;
		if (*slot)
			statement_destroy(*slot);
		*slot = st;
	}
	st->in_use = true;
	*ret = st;
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Where a test's database is: an SQLite file in the test's folder or, run by with_postgres.py, a
 * schema of its own on that server.
 */
#ifndef EYRIE_TESTS_DB_TEST_DATABASE_H
#define EYRIE_TESTS_DB_TEST_DATABASE_H

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "db/sql.h"

static inline bool on_postgres(void)
{
	return getenv("EYRIE_TEST_POSTGRES") != NULL;
}

/** The address of the database @p name of a test whose files lie in @p folder; to be freed. */
static inline char *test_database(const char *folder, const char *name)
{
	const char *server = getenv("EYRIE_TEST_POSTGRES");
	char *where, schema[64], sql[128];
	size_t n = 0;

	if (!server) {
		assert_true(asprintf(&where, "%s/%s", folder, name) > 0);
		return where;
	}
	for (const char *p = name; *p && n + 1 < sizeof(schema); p++)
		schema[n++] = isalnum((unsigned char)*p) ? *p : '_';
	schema[n] = '\0';
	struct db *db;
	struct ey_error *err = db_postgres_open(server, DB_OPEN_WRITE, &db);
	if (err)
		fail_msg("%s", err->message);
	// Each test program has a server of its own, each database of it a schema.
	snprintf(sql, sizeof(sql), "CREATE SCHEMA IF NOT EXISTS t_%s", schema);
	err = db_exec(db, sql);
	if (err)
		fail_msg("%s", err->message);
	db_close(db);
	assert_true(asprintf(&where, "%s options='-c search_path=t_%s'", server, schema) > 0);
	return where;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the tests of the database share: a folder, fresh databases in it, short words. */
#ifndef EYRIE_TESTS_DB_FIXTURE_H
#define EYRIE_TESTS_DB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crash_maker.h"
#include "db/sql.h"
#include "test_database.h"

static char dir[] = "/tmp/eyrie-test-db-XXXXXX";

static inline void ok(struct ey_error *err)
{
	if (err)
		fail_msg("%s", err->message);
}

static inline void is_error(struct ey_error *err, enum ey_error_code code)
{
	assert_non_null(err);
	assert_int_equal(err->code, code);
	ey_error_destroy(err);
}

static inline char *path_of(const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

static inline struct db *fresh_db(const char *name)
{
	_cleanup_free_ char *where = test_database(dir, name);
	struct db *db;

	ok(db_open(where, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &db));
	return db;
}

static inline int64_t number(struct db *db, const char *sql)
{
	int64_t n = -1;

	ok(db_scalar_values(db, &n, NULL, sql, NULL, 0));
	return n;
}

static inline struct db_intake_result take(struct db *db, const struct db_intake *in)
{
	struct db_intake_result r;

	ok(db_intake(db, in, in->time + 60, &r));
	return r;
}

static inline int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

#endif

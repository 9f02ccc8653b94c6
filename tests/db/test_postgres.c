/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only PostgreSQL does: run by with_postgres.py. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <setjmp.h>

#include <cmocka.h>

#include "db/job.h"
#include "fixture.h"

static int64_t backend_pid(struct db *db)
{
	return number(db, "SELECT pg_backend_pid()");
}

/* As a restart of the server or a failover does it. */
static void cut_off(int64_t pid)
{
	_cleanup_db_ struct db *other = NULL;
	bool gone = false;

	ok(db_postgres_open(getenv("EYRIE_TEST_POSTGRES"), DB_OPEN_WRITE, &other));
	ok(db_run(other, "SELECT pg_terminate_backend(CAST(?1 AS INTEGER))", db_int(pid)));
	while (!gone) {
		int64_t left = 1;

		ok(db_scalar(
			other, &left, NULL,
			"SELECT count(*) FROM pg_stat_activity WHERE pid = CAST(?1 AS INTEGER)",
			db_int(pid)));
		gone = !left;
	}
}

static void lost_connection(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("lost");
	int64_t pid = backend_pid(db), value = 0;

	ok(db_state_set(db, "a", 1));
	// A read is done again on a new connection, and so is what was prepared.
	cut_off(pid);
	ok(db_state_get(db, "a", 0, &value));
	assert_int_equal(value, 1);
	assert_int_not_equal(backend_pid(db), pid);
	// A transaction begins on a new one.
	cut_off(backend_pid(db));
	{
		_cleanup_txn_ struct db_txn txn = {0};

		ok(db_begin(db, &txn));
		ok(db_state_set(db, "a", 2));
		ok(db_commit(&txn));
	}
	// Within a transaction it fails, to be tried again; nothing of it is left.
	{
		_cleanup_txn_ struct db_txn txn = {0};

		ok(db_begin(db, &txn));
		ok(db_state_set(db, "a", 3));
		cut_off(backend_pid(db));
		is_error(db_state_set(db, "b", 1), EY_ERR_IO);
		is_error(db_commit(&txn), EY_ERR_IO);
	}
	ok(db_state_get(db, "a", 0, &value));
	assert_int_equal(value, 2);
	// A write alone may have been done, so it is not repeated by itself.
	cut_off(backend_pid(db));
	is_error(db_state_set(db, "a", 4), EY_ERR_IO);
	ok(db_state_set(db, "a", 5));
	ok(db_state_get(db, "a", 0, &value));
	assert_int_equal(value, 5);
}

/* What is sent without waiting fails the transaction, wherever its error comes to light. */
static void late_errors(void **state)
{
	static const char insert[] =
		"INSERT INTO models (vendor, product) VALUES (?1, CAST(?2 AS TEXT))";
	_cleanup_db_ struct db *db = fresh_db("late");
	int64_t n = 0;

	{
		_cleanup_txn_ struct db_txn txn = {0};

		ok(db_begin(db, &txn));
		ok(db_run_later(db, insert, db_text("a"), db_text("1")));
		// A read sees what was only sent, and what is sent after it is there, too.
		ok(db_scalar(db, &n, NULL, "SELECT count(*) FROM models WHERE vendor <> ?1",
			     db_text("")));
		assert_int_equal(n, 1);
		ok(db_run_later(db, insert, db_text("a"), db_text("2")));
		ok(db_commit(&txn));
	}
	for (int by_read = 0; by_read < 2; by_read++) {
		_cleanup_txn_ struct db_txn txn = {0};

		ok(db_begin(db, &txn));
		ok(db_run_later(db, insert, db_text("b"), db_text("1")));
		ok(db_run_later(db, insert, db_text("a"), db_text("1"))); // is there
		ok(db_run_later(db, insert, db_text("b"), db_text("2")));
		if (by_read)
			is_error(db_scalar(db, &n, NULL, "SELECT ?1 + 1", db_int(1)), EY_ERR_INPUT);
		is_error(db_commit(&txn), by_read ? EY_ERR_IO : EY_ERR_INPUT);
	}
	assert_int_equal(number(db, "SELECT count(*) FROM models"), 2);
	{
		_cleanup_txn_ struct db_txn txn = {0};

		ok(db_begin(db, &txn));
		ok(db_run_later(db, insert, db_text("c"), db_text("1")));
	}
	{
		_cleanup_txn_ struct db_txn txn = {0};
		int64_t pid = backend_pid(db);

		ok(db_begin(db, &txn));
		ok(db_run_later(db, insert, db_text("d"), db_text("1")));
		cut_off(pid);
		is_error(db_commit(&txn), EY_ERR_IO);
	}
	assert_int_equal(number(db, "SELECT count(*) FROM models"), 2);
	ok(db_run(db, insert, db_text("e"), db_text("1")));
	assert_int_equal(number(db, "SELECT count(*) FROM models"), 3);
}

static void one_leads_a_job(void **state)
{
	_cleanup_free_ char *where = test_database(dir, "lead");
	_cleanup_db_ struct db *a = NULL, *b = NULL, *elsewhere = fresh_db("lead_other");
	bool leads;

	ok(db_open(where, DB_OPEN_WRITE, &a));
	ok(db_open(where, DB_OPEN_WRITE, &b));
	ok(db_job_lead(a, "monitor", &leads));
	assert_true(leads);
	ok(db_job_lead(b, "monitor", &leads));
	assert_false(leads);
	// It may be asked again and again; other jobs and other databases are others' business.
	ok(db_job_lead(a, "monitor", &leads));
	assert_true(leads);
	ok(db_job_lead(b, "mail", &leads));
	assert_true(leads);
	ok(db_job_lead(elsewhere, "monitor", &leads));
	assert_true(leads);
	// Who was cut off has lost it.
	cut_off(backend_pid(a));
	ok(db_job_lead(b, "monitor", &leads));
	assert_true(leads);
	ok(db_job_lead(a, "monitor", &leads));
	assert_false(leads);
}

static void unreachable(void **state)
{
	struct db *db;
	struct ey_error *err = db_open("host=/nonexistent dbname=x user=u password=secret", 0, &db);

	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_IO);
	assert_non_null(strstr(err->message, "/nonexistent"));
	assert_null(strstr(err->message, "secret"));
	ey_error_destroy(err);
	is_error(db_open("postgresql://u:secret@[", 0, &db), EY_ERR_IO);
}

static void a_reader_changes_nothing(void **state)
{
	_cleanup_free_ char *where = test_database(dir, "reader");
	_cleanup_db_ struct db *writer = fresh_db("reader"), *reader = NULL;
	int64_t value = 0;

	ok(db_state_set(writer, "a", 1));
	ok(db_open(where, 0, &reader));
	ok(db_state_get(reader, "a", 0, &value));
	assert_int_equal(value, 1);
	is_error(db_state_set(reader, "a", 2), EY_ERR_IO);
	// It sees one state of the database as long as its transaction lasts.
	_cleanup_txn_ struct db_txn txn = {0};
	ok(db_begin(reader, &txn));
	ok(db_state_get(reader, "a", 0, &value));
	ok(db_state_set(writer, "a", 7));
	ok(db_state_get(reader, "a", 0, &value));
	assert_int_equal(value, 1);
	ok(db_commit(&txn));
	ok(db_state_get(reader, "a", 0, &value));
	assert_int_equal(value, 7);
}

/* Bytes of a crash come from hosts; none of them may keep it out. */
static void text_that_is_not_utf8(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("utf8");
	char path[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);

	in.title = "broken \xff\xc0\x80 and \xf0\x9f\x92\xa9 whole";
	in.comm = "\xed\xa0\x80";
	take(db, &in);
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row;
	ok(db_query_values(db, &st, "SELECT title, comm FROM crashes", NULL, 0));
	ok(db_step(st, &row));
	assert_string_equal(
		db_column_text(st, 0),
		"broken \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd and \xf0\x9f\x92\xa9 whole");
	assert_string_equal(db_column_text(st, 1), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void bytes_and_nothing(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("bytes");
	unsigned char all[256];
	size_t len;
	bool row;

	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	ok(db_exec(db, "CREATE TABLE b (i BIGINT, x BYTEA)"));
	ok(db_run(db, "INSERT INTO b VALUES (?1, ?2)", db_int(1), db_blob(all, sizeof(all))));
	ok(db_run(db, "INSERT INTO b VALUES (?1, ?2)", db_int(2), db_blob(NULL, 0)));
	ok(db_run(db, "INSERT INTO b VALUES (?1, ?2)", db_int(3), db_null()));
	_cleanup_statement_ struct db_statement *st = NULL;
	ok(db_query_values(db, &st, "SELECT x, x, x IS NULL, '?1' FROM b ORDER BY i", NULL, 0));
	ok(db_step(st, &row));
	const void *first = db_column_blob(st, 0, &len);
	assert_int_equal(len, 256);
	db_column_blob(st, 1, &len);
	assert_memory_equal(first, all, 256); // both live until the next step
	assert_string_equal(db_column_text(st, 3), "?1");
	ok(db_step(st, &row));
	db_column_blob(st, 0, &len);
	assert_int_equal(len, 0);
	assert_int_equal(db_column_int(st, 2), 0);
	ok(db_step(st, &row));
	assert_int_equal(db_column_int(st, 2), 1);
	ok(db_step(st, &row));
	assert_false(row);
	ok(db_step(st, &row));
	assert_false(row);
}

/* More statements than the cache holds are forgotten at the server, too. */
static void many_statements(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("many");

	for (int i = 0; i < 3 * DB_STATEMENT_CACHE; i++) {
		char sql[64];

		snprintf(sql, sizeof(sql), "SELECT %d", i);
		assert_int_equal(number(db, sql), i);
	}
	assert_true(number(db, "SELECT count(*) FROM pg_prepared_statements") <=
		    DB_STATEMENT_CACHE);
}

/* Several centers on one database take the same crashes at once: each is there once. */
static void several_writers(void **state)
{
	_cleanup_free_ char *where = test_database(dir, "several");
	_cleanup_db_ struct db *db = fresh_db("several");
	enum { WRITERS = 4, CRASHES = 100 };
	pid_t pids[WRITERS];

	for (int w = 0; w < WRITERS; w++) {
		pids[w] = fork();
		assert_true(pids[w] >= 0);
		if (pids[w])
			continue;
		struct db *child;
		if (db_open(where, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &child))
			_exit(1);
		for (int i = 0; i < CRASHES; i++) {
			// Each begins elsewhere, so that they meet.
			int n = (i + w * 7) % CRASHES;
			char path[128];
			struct db_intake in = test_crash(path, n % 7, n, TEST_NOON + 500 * n);
			struct db_intake_result r;
			struct ey_error *err = db_intake(child, &in, TEST_NOON, &r);

			if (err) {
				fprintf(stderr, "%s\n", err->message);
				_exit(1);
			}
		}
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;

		assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(number(db, "SELECT count(*) FROM crashes"), CRASHES);
	assert_int_equal(number(db, "SELECT count(*) FROM hosts"), 7);
	assert_int_equal(number(db, "SELECT sum(crashes) FROM reasons"), CRASHES);
	assert_int_equal(number(db, "SELECT sum(crashes) FROM hosts"), CRASHES);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE is_new = 1"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_errors),		 cmocka_unit_test(lost_connection),
		cmocka_unit_test(unreachable),		 cmocka_unit_test(a_reader_changes_nothing),
		cmocka_unit_test(text_that_is_not_utf8), cmocka_unit_test(bytes_and_nothing),
		cmocka_unit_test(many_statements),	 cmocka_unit_test(several_writers),
		cmocka_unit_test(one_leads_a_job),
	};

	return cmocka_run_group_tests_name("postgres", tests, make_dir, remove_dir);
}

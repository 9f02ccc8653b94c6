/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one database to another and back; run by with_postgres.py, one of them is PostgreSQL. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "db/alert.h"
#include "db/backup.h"
#include "db/boot.h"
#include "db/change.h"
#include "db/folder.h"
#include "db/forward.h"
#include "db/issue.h"
#include "db/job.h"
#include "db/outbox.h"
#include "db/reason_change.h"
#include "db/site.h"
#include "fixture.h"

/* A file, whatever the others are: it can be asked for its tables. */
static struct db *sqlite_db(const char *name)
{
	_cleanup_free_ char *path = path_of(name);
	struct db *db;

	ok(db_open(path, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &db));
	return db;
}

/* Two living hosts with one install id, a change and a life. */
static void fill_hosts(struct db *db)
{
	struct db_label label = {.name = "role", .value = "web"};
	struct db_heartbeat beat = {.site = "north",
				    .folder = "db-01",
				    .hostname = "db-01",
				    .machine_id = "0123456789abcdef0123456789abcdef",
				    .boot_uuid = "11111111-2222-4333-8444-555555555501",
				    .dmi_uuid = "4c4c4544-0042-3510-8053-b4c04f4d3231",
				    .kernel = "6.1.0",
				    .configuration = "{}",
				    .labels = &label,
				    .label_count = 1};
	static const char *const names[] = {"db-01"};
	struct db_change_new change = {.key = "1",
				       .time = TEST_NOON,
				       .tool = "ansible",
				       .what = "x",
				       .hosts = names,
				       .host_count = 1};
	struct db_heartbeat_result r;
	struct db_change made;
	bool changed;

	ok(db_heartbeat(db, &beat, TEST_NOON, &r));
	ok(db_heartbeat(db, &beat, TEST_NOON + 100, &r));
	beat.folder = beat.hostname = "db-02";
	beat.dmi_uuid = "4c4c4544-0042-3510-8053-b4c04f4d3232";
	ok(db_heartbeat(db, &beat, TEST_NOON + 100, &r));
	ok(db_heartbeat(db, &beat, TEST_NOON + 200, &r));
	ok(db_life_set(db, r.host_id, DB_LIFE_LAB, "Anna", "test", TEST_NOON, &changed));
	ok(db_change_add(db, &change, TEST_NOON, &made, &changed));
}

// A site that forwards to here, and what waits to be forwarded from here.
static void fill_sites(struct db *db)
{
	const struct db_site site = {.name = "ams1", .stream = "s", .position = 3, .url = ""};
	const struct db_site_dump dump = {
		.site = "ams1", .origin = 7, .state = "kept", .path = "ams1/web-01/x"};

	const struct db_forward_refusal refused = {.sequence = 1, .why = "no"};
	const struct db_forward_aside aside = {.sequence = 2, .kind = "crash", .why = "no"};
	struct db_txn txn = {0};

	ok(db_forward_switch(db, true));
	ok(db_site_set(db, &site));
	ok(db_site_dump_set(db, 1, &dump));
	// Two to send, of which one was set aside.
	ok(db_begin(db, &txn));
	ok(db_forward_note(db, DB_FORWARD_HEARTBEAT, 1, TEST_NOON, "{}", 2));
	ok(db_forward_note(db, DB_FORWARD_CHANGE, 1, TEST_NOON, "{}", 2));
	ok(db_commit(&txn));
	ok(db_forward_confirm(db, 1, &refused, 1, TEST_NOON));
	ok(db_site_refused_add(db, "ams1", "s", &aside));
}

/* Something in every table. */
static void fill(struct db *db, int crashes)
{
	const char *fields[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_TITLE] = "a bug \xf0\x9f\x90\x9b"};
	struct db_issue_edit edit = {.who = "Anna", .now = TEST_NOON};
	int64_t crash = 0, id;
	bool added;

	for (int i = 0; i < crashes; i++) {
		char path[128], reason[64], boot[40];
		struct db_intake in = test_crash(path, i % 9, i, TEST_NOON + 500 * i);

		snprintf(reason, sizeof(reason), "g1:BUG:f%d", i % 5);
		in.reason = reason;
		snprintf(boot, sizeof(boot), "01234567-89ab-4cde-8f01-%012x", (unsigned int)i);
		in.boot_uuid = i % 3 ? boot : NULL;
		in.dmi_uuid = i % 9 == 1 ? "4c4c4544-0000-1010-8020-b4c04f4a3132" : NULL;
		crash = take(db, &in).crash_id;
	}
	ok(db_issue_create(db, fields, &edit, &edit.issue_id));
	ok(db_issue_set_reason(db, 1, true, &edit));
	ok(db_issue_add_rule(db, &(struct db_issue_rule){0, "", "ext4_*", ""}, &edit));
	ok(db_issue_add_fix(
		db, &(struct db_issue_fix){0, "debian 12", "linux", EY_PACKAGE_DPKG, "6.1.147-1"},
		&edit));
	struct db_alert_finding finding = {.scope = DB_ALERT_HOST,
					   .subject_id = 1,
					   .subject = "web-01",
					   .summary = "many",
					   .crash_ids = &crash,
					   .crash_count = 1};
	ok(db_alert_raise(db, &finding, TEST_NOON, &id, &added));
	ok(db_outbox_add(db, DB_MAIL_ALERT_FIRING, id, TEST_NOON, &added));
	ok(db_job_start(db, "populate", TEST_NOON, &id));
	ok(db_state_set(db, "seen", INT64_MAX));
	fill_hosts(db);
	ok(db_exec(db, "INSERT INTO rejects VALUES ('north/x', '1', 'broken', 1, 2)"));
	ok(db_exec(db, "INSERT INTO reason_keys VALUES ('g0:BUG:f1', 2)"));
	ok(db_exec(db, "INSERT INTO issue_keys VALUES ('g1:BUG:z', 1)"));
	ok(db_exec(db, "INSERT INTO issue_digests (issue_id, digest) VALUES (1, 'aa')"));
	ok(db_exec(db, "INSERT INTO regroup_runs (version, state, after_id, started) VALUES "
		       "('g2', 'looking', 3, 4)"));
	ok(db_exec(db, "INSERT INTO regroup_counts VALUES (1, 'BUG:x', 1)"));
	ok(db_exec(db, "INSERT INTO regroup_moves VALUES (1, 1, 'BUG:x', NULL)"));
	ok(db_exec(db, "INSERT INTO crash_runs (crash_id, state, time) VALUES (1, 'done', 5)"));
	// Not run: its sweep is to be there.
	ok(db_reason_merge(db, &(struct db_reason_merge){2, 3, 0},
			   &(struct db_reason_edit){"Anna", NULL, TEST_NOON}, &id));
	ok(db_exec(db, "INSERT INTO users (name, role, created) VALUES ('robin', 'engineer', 1);"
		       "INSERT INTO sessions (hash, user_id, address, created, last_seen) "
		       "VALUES ('s', 1, '192.0.2.1', 1, 2);"
		       "INSERT INTO sign_in_attempts VALUES ('user', 'robin', 1, 2);"
		       "INSERT INTO tokens (hash, user_id, name, scopes, created, expires) "
		       "VALUES ('t', 1, 'ci', 'view', 1, 2);"
		       "INSERT INTO enroll_keys (hash, name, site, max_uses, created, expires) "
		       "VALUES ('k', 'rack 7', 'ams1', 0, 1, 2);"
		       "INSERT INTO host_tokens (hash, enroll_key_id, site, hostname, machine_id, "
		       "dmi_uuid, created) VALUES ('h', 1, 'ams1', 'web-01', '', '', 1);"
		       "INSERT INTO audit (time, kind, who, address, action, object, detail) "
		       "VALUES (1, 'person', 'robin', '', 'issue.change', '1', '')"));
	ok(db_exec(db, "INSERT INTO holds (scope, subject_id, who, why, created) "
		       "VALUES ('crash', 1, 'eva', 'case 4711', 1);"
		       "INSERT INTO removals (crash_id, path, time, kind, why, bytes) "
		       "VALUES (1, 'a/b/c', 1, 'quota', 'too many', 3)"));
	ok(db_exec(db, "INSERT INTO uploads VALUES ('a', 1, 1, 'north', -1, '', 1, 2)"));
	fill_sites(db);
}

/* All of a table as text, in a fixed order. */
static char *contents(struct db *db, const char *table)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_buf buf = EY_BUF_INIT;
	char sql[96];
	bool row;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s", table);
	ok(db_query_values(db, &st, sql, NULL, 0));
	char *lines[4096];
	size_t count = 0;
	for (ok(db_step(st, &row)); row; ok(db_step(st, &row))) {
		struct ey_buf line = EY_BUF_INIT;

		for (int i = 0; i < db->backend->column_count(st); i++) {
			size_t len;
			const char *data;

			ey_buf_printf(&line, "%s=", db->backend->column_name(st, i));
			switch (db->backend->column_type(st, i)) {
			case DB_VALUE_BLOB:
				data = db_column_blob(st, i, &len);
				for (size_t b = 0; b < len; b++)
					ey_buf_printf(&line, "%02x", (unsigned char)data[b]);
				break;
			case DB_VALUE_NULL:
				ey_buf_adds(&line, "NULL");
				break;
			default:
				ey_buf_adds(&line, db_column_text(st, i));
			}
			ey_buf_adds(&line, " ");
		}
		assert_true(count < EY_ARRAY_SIZE(lines));
		lines[count++] = strdup(ey_buf_str(&line));
		ey_buf_deinit(&line);
	}
	for (size_t i = 1; i < count; i++) {
		for (size_t k = i; k && strcmp(lines[k - 1], lines[k]) > 0; k--) {
			char *swap = lines[k];

			lines[k] = lines[k - 1];
			lines[k - 1] = swap;
		}
	}
	for (size_t i = 0; i < count; i++) {
		ey_buf_printf(&buf, "%s\n", lines[i]);
		free(lines[i]);
	}
	ey_buf_adds(&buf, "");
	return ey_buf_steal(&buf, NULL);
}

/* The tables are asked of the file, so that one that is new cannot be forgotten. */
static void assert_same(struct db *file, struct db *a, struct db *b)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row;

	ok(db_query_values(file, &st,
			   "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE "
			   "'sqlite_%' AND name <> 'schema_versions'",
			   NULL, 0));
	for (ok(db_step(st, &row)); row; ok(db_step(st, &row))) {
		_cleanup_free_ char *x = contents(a, db_column_text(st, 0));
		_cleanup_free_ char *y = contents(b, db_column_text(st, 0));

		if (!*x)
			fail_msg("nothing in table %s to compare", db_column_text(st, 0));
		assert_string_equal(x, y);
	}
}

static void there_and_back(void **state)
{
	_cleanup_db_ struct db *first = sqlite_db("first.db"), *back = sqlite_db("back.db");
	_cleanup_db_ struct db *middle = fresh_db("middle");
	int64_t rows, rows_back;

	fill(first, 1200); // more than one chunk
	ok(db_copy(first, middle, DB_COPY_INTO_EMPTY, NULL, NULL, &rows));
	assert_true(rows > 3 * 1200);
	assert_same(first, first, middle);
	ok(db_copy(middle, back, DB_COPY_INTO_EMPTY, NULL, NULL, &rows_back));
	assert_int_equal(rows, rows_back);
	assert_same(first, first, back);
	// What comes next gets new ids.
	char path[128];
	struct db_intake in = test_crash(path, 50, 50, TEST_NOON);
	in.reason = "g1:BUG:another";
	assert_int_equal(take(middle, &in).crash_id, 1201);
	assert_int_equal(number(middle, "SELECT count(*) FROM reasons"), 6);
}

static void into_what_holds_something(void **state)
{
	_cleanup_db_ struct db *from = sqlite_db("from.db"), *to = fresh_db("to");
	int64_t rows;

	fill(from, 20);
	fill(to, 30);
	is_error(db_copy(from, to, DB_COPY_INTO_EMPTY, NULL, NULL, &rows), EY_ERR_INPUT);
	assert_int_equal(number(to, "SELECT count(*) FROM crashes"), 30);
	ok(db_copy(from, to, DB_COPY_REPLACE, NULL, NULL, &rows));
	assert_same(from, from, to);
}

struct onlooker {
	struct db *db;
	int looks;
};

static void look(const char *table, int64_t rows, void *arg)
{
	struct onlooker *o = arg;

	o->looks++;
	assert_int_equal(number(o->db, "SELECT count(*) FROM crashes"), 30);
	assert_int_equal(number(o->db, "SELECT count(*) FROM rejects"), 1);
}

static void readers_see_the_old_until_it_is_done(void **state)
{
	_cleanup_free_ char *where = test_database(dir, "served");
	_cleanup_db_ struct db *from = sqlite_db("backup.db"), *to = fresh_db("served");
	struct onlooker onlooker = {0};
	int64_t rows;

	fill(from, 20);
	fill(to, 30);
	ok(db_open(where, 0, &onlooker.db));
	ok(db_copy(from, to, DB_COPY_REPLACE, look, &onlooker, &rows));
	assert_true(onlooker.looks > 10);
	assert_int_equal(number(onlooker.db, "SELECT count(*) FROM crashes"), 20);
	db_close(onlooker.db);
}

static void wrong_counters_are_found_and_made_right(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("counters"), *as_it_was = sqlite_db("as-it-was.db");
	_cleanup_problems_ struct db_problem_list problems = {0};
	int64_t rows;

	fill(db, 40);
	ok(db_folder_purged(db, "north/web-01/1795435700-0001", TEST_NOON + 9));
	ok(db_check(db, &problems));
	if (problems.count)
		fail_msg("%s", problems.items[0]);
	ok(db_copy(db, as_it_was, DB_COPY_INTO_EMPTY, NULL, NULL, &rows));
	// A rebuild of what was kept all along changes nothing.
	ok(db_rebuild_counters(db));
	assert_same(as_it_was, as_it_was, db);
	ok(db_exec(db, "UPDATE reasons SET crashes = crashes + 1, hosts = 0 WHERE id < 3; "
		       "UPDATE hosts SET crashes = 0; UPDATE signatures SET crashes = 7; "
		       "UPDATE reasons SET dumps = -1 WHERE id = 1; "
		       "UPDATE hosts SET reasons = 99; DELETE FROM reason_hosts WHERE host_id = 1; "
		       "UPDATE reason_dumps SET dumps = dumps + 1 WHERE reason_id = 2"));
	ok(db_check(db, &problems));
	// Counts of one host are gone, too.
	assert_int_equal(problems.count, 8);
	assert_string_equal(problems.items[0],
			    "the number of crashes is wrong in 2 rows of reasons");
	ok(db_rebuild_counters(db));
	assert_same(as_it_was, as_it_was, db);
	db_problem_list_deinit(&problems);
	ok(db_check(db, &problems));
	assert_int_equal(problems.count, 0);
}

static size_t count_files(const char *path)
{
	_cleanup_closedir_ DIR *folder = opendir(path);
	size_t n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	return n - 2; // "." and ".."
}

static void backup_and_restore(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("backed"), *as_it_was = sqlite_db("before.db");
	_cleanup_free_ char *folder = path_of("backups"), *path = path_of("backups/a.db");
	_cleanup_free_ char *text = path_of("backups/text"), *none = path_of("backups/none");
	int64_t rows, again;

	fill(db, 50);
	ok(db_copy(db, as_it_was, DB_COPY_INTO_EMPTY, NULL, NULL, &rows));
	assert_int_equal(mkdir(folder, 0700), 0);
	setenv("TMPDIR", folder, 1);
	ok(db_backup(db, path, &again));
	assert_int_equal(rows, again);
	assert_int_equal(count_files(folder), 1); // the file, and nothing that was in its making
	is_error(db_backup(db, path, &again), EY_ERR_USAGE);
	ok(db_exec(db, "DELETE FROM crash_parts; UPDATE hosts SET hostname = 'x'"));
	is_error(db_restore(db, path, DB_COPY_INTO_EMPTY, &again), EY_ERR_INPUT);
	ok(db_restore(db, path, DB_COPY_REPLACE, &again));
	assert_int_equal(rows, again);
	assert_same(as_it_was, as_it_was, db);
	// What is no backup changes nothing.
	ok(ey_file_write_whole(text, 0600, "this is no database, by far not at all\n", 39));
	is_error(db_restore(db, text, DB_COPY_REPLACE, &again), EY_ERR_INPUT);
	is_error(db_restore(db, none, DB_COPY_REPLACE, &again), EY_ERR_NOT_FOUND);
	is_error(db_restore(db, folder, DB_COPY_REPLACE, &again), EY_ERR_INPUT);
	assert_same(as_it_was, as_it_was, db);
	assert_int_equal(count_files(folder), 2);
}

static void restore_of_an_older_eyrie(void **state)
{
	_cleanup_free_ char *path = path_of("old-backup.db");
	_cleanup_db_ struct db *db = fresh_db("restored"), *old = NULL;
	int64_t rows;

	ok(db_sqlite_open(path, DB_OPEN_WRITE, &old));
	ok(db_migrate(old, 1));
	ok(db_exec(old, "INSERT INTO rejects VALUES ('north/x', '1', 'broken', 1, 2)"));
	db_close(old);
	old = NULL;
	ok(db_restore(db, path, DB_COPY_INTO_EMPTY, &rows));
	assert_int_equal(rows, 1);
	ok(db_sqlite_open(path, 0, &old));
	assert_int_equal(number(old, "SELECT max(version) FROM schema_versions"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(into_what_holds_something),
		cmocka_unit_test(readers_see_the_old_until_it_is_done),
		cmocka_unit_test(wrong_counters_are_found_and_made_right),
		cmocka_unit_test(backup_and_restore),
		cmocka_unit_test(restore_of_an_older_eyrie),
	};

	return cmocka_run_group_tests_name("copy", tests, make_dir, remove_dir);
}

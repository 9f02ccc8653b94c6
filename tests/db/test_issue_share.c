/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sites that share issues, and documents that are no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/issue_share.h"
#include "fixture.h"

static char *export(struct db *db)
{
	struct ey_buf out = EY_BUF_INIT;

	ok(db_issues_export(db, &(struct db_issue_export){0, true, TEST_NOON}, &out));
	return ey_buf_steal(&out, NULL);
}

static enum db_import import(struct db *db, const char *json, bool theirs)
{
	_cleanup_imported_ struct db_imported_list list = {0};
	const struct db_issue_import o = {theirs, "Ben", NULL, TEST_NOON + 5};

	ok(db_issues_import(db, json, strlen(json), &o, &list));
	assert_int_equal(list.count, 1);
	assert_int_equal(list.conflicts, list.items[0].result == DB_IMPORT_CONFLICT);
	return list.items[0].result;
}

static void change(struct db *db, int64_t id, const char *owner)
{
	const char *fields[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_OWNER] = owner};
	const struct db_issue_edit edit = {.issue_id = id, .who = "Anna", .now = TEST_NOON + 1};
	bool conflict;

	ok(db_issue_change(db, fields, &edit, &conflict));
}

static int64_t crash_of(struct db *db, int number, const char *key)
{
	char path[128];
	struct db_intake in = test_crash(path, number, number, TEST_NOON + number);

	in.reason = key;
	return take(db, &in).reason_id;
}

static int64_t known_issue(struct db *db)
{
	const char *fields[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_TITLE] = "a bug \"\xf0\x9f\x90\x9b\"",
						    [DB_ISSUE_STATE] = "reported",
						    [DB_ISSUE_NOTES] = "two\nlines"};
	struct db_issue_edit edit = {.who = "Anna", .now = TEST_NOON};

	ok(db_issue_create(db, fields, &edit, &edit.issue_id));
	ok(db_issue_set_reason(db, crash_of(db, 1, "g1:BUG:a"), true, &edit));
	ok(db_issue_set_reason(db, crash_of(db, 2, "g1:BUG:b"), true, &edit));
	ok(db_issue_add_fix(
		db, &(struct db_issue_fix){0, "debian 12", "linux", EY_PACKAGE_DPKG, "6.1.147-1"},
		&edit));
	ok(db_issue_add_rule(db, &(struct db_issue_rule){0, "", "ext4_*", ""}, &edit));
	ok(db_issue_comment(db, "seen twice", &edit));
	return edit.issue_id;
}

static void there_and_back(void **state)
{
	_cleanup_db_ struct db *here = fresh_db("here.db"), *there = fresh_db("there.db");
	int64_t id = known_issue(here);
	int64_t b = crash_of(there, 7, "g1:BUG:b");
	_cleanup_free_ char *first = export(here);

	assert_int_equal(import(there, first, false), DB_IMPORT_CREATED);
	assert_int_equal(import(there, first, false), DB_IMPORT_UNCHANGED);
	_cleanup_free_ char *same = export(there);
	assert_int_equal(import(here, same, false), DB_IMPORT_UNCHANGED);
	assert_int_equal(number(there, "SELECT count(*) FROM issues"), 1);
	assert_int_equal(number(there, "SELECT count(*) FROM issue_fixes"), 1);
	assert_int_equal(number(there, "SELECT count(*) FROM issue_rules"), 1);
	assert_int_equal(number(there, "SELECT count(*) FROM issue_history WHERE what = 'comment'"),
			 1);
	assert_int_equal(number(there, "SELECT max(id) FROM reasons WHERE issue_id = 1"), b);
	// The other reason belongs to it as soon as it is seen.
	int64_t a = crash_of(there, 8, "g1:BUG:a");
	assert_int_equal(number(there, "SELECT max(id) FROM reasons WHERE issue_id = 1"), a);
	assert_int_equal(number(there, "SELECT count(*) FROM issue_keys"), 0);
	_cleanup_free_ char *seen = export(there);
	assert_int_equal(import(here, seen, false), DB_IMPORT_UNCHANGED);

	// Changed there: news here. Then the old document again: it is older.
	change(there, 1, "Ben");
	_cleanup_free_ char *second = export(there);
	assert_int_equal(import(here, second, false), DB_IMPORT_UPDATED);
	assert_int_equal(number(here, "SELECT count(*) FROM issues WHERE owner = 'Ben'"), 1);
	assert_int_equal(import(here, first, false), DB_IMPORT_UNCHANGED);
	assert_int_equal(number(here, "SELECT count(*) FROM issues WHERE owner = 'Ben'"), 1);

	// Changed on both sides: told, and nothing done, unless it is asked for.
	change(here, id, "Anna");
	change(there, 1, "Chris");
	_cleanup_free_ char *third = export(there);
	assert_int_equal(import(here, third, false), DB_IMPORT_CONFLICT);
	assert_int_equal(import(here, third, false), DB_IMPORT_CONFLICT);
	assert_int_equal(number(here, "SELECT count(*) FROM issues WHERE owner = 'Anna'"), 1);
	assert_int_equal(import(here, third, true), DB_IMPORT_OVERWRITTEN);
	assert_int_equal(number(here, "SELECT count(*) FROM issues WHERE owner = 'Chris'"), 1);
	_cleanup_free_ char *fourth = export(here);
	assert_int_equal(import(there, fourth, false), DB_IMPORT_UNCHANGED);
}

static void what_is_gone_goes(void **state)
{
	_cleanup_db_ struct db *here = fresh_db("gone-a.db"), *there = fresh_db("gone-b.db");
	struct db_issue_edit edit = {.issue_id = known_issue(here), .who = "A", .now = TEST_NOON};
	_cleanup_free_ char *first = export(here);

	crash_of(there, 1, "g1:BUG:a");
	assert_int_equal(import(there, first, false), DB_IMPORT_CREATED);
	ok(db_issue_set_reason(here, 1, false, &edit));
	ok(db_issue_remove_rule(here, 1, &edit));
	ok(db_issue_remove_fix(here, 1, &edit));
	_cleanup_free_ char *second = export(here);
	assert_int_equal(import(there, second, false), DB_IMPORT_UPDATED);
	assert_int_equal(number(there, "SELECT count(*) FROM reasons WHERE issue_id IS NOT NULL"),
			 0);
	assert_int_equal(number(there, "SELECT count(*) FROM issue_rules"), 0);
	assert_int_equal(number(there, "SELECT count(*) FROM issue_fixes"), 0);
	assert_int_equal(number(there, "SELECT count(*) FROM issue_keys"), 1); // g1:BUG:b
}

static void others_keep_their_reasons(void **state)
{
	_cleanup_db_ struct db *here = fresh_db("own-a.db"), *there = fresh_db("own-b.db");
	_cleanup_imported_ struct db_imported_list list = {0};
	const struct db_issue_import o = {false, "Ben", NULL, TEST_NOON};
	const char *fields[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_TITLE] = "mine"};
	struct db_issue_edit edit = {.who = "Ben", .now = TEST_NOON};

	known_issue(here);
	_cleanup_free_ char *first = export(here);
	ok(db_issue_create(there, fields, &edit, &edit.issue_id));
	ok(db_issue_set_reason(there, crash_of(there, 1, "g1:BUG:a"), true, &edit));
	ok(db_issues_import(there, first, strlen(first), &o, &list));
	assert_int_equal(list.items[0].taken, 1);
	assert_int_equal(number(there, "SELECT issue_id FROM reasons WHERE key = 'g1:BUG:a'"),
			 edit.issue_id);
	assert_int_equal(import(there, first, false), DB_IMPORT_UNCHANGED);
}

static void bad_documents(void **state)
{
#define ISSUE(rest)                                                                           \
	"{\"schema\":\"eyrie/issues/1\",\"issues\":[{\"uid\":\"0123456789\",\"title\":\"t\"," \
	"\"state\":\"new\"" rest "}]}"
	static const char *const documents[] = {
		"",
		"[]",
		"{",
		"{\"schema\":\"eyrie/issues/2\",\"issues\":[]}",
		"{\"schema\":\"eyrie/issues/1\"}",
		"{\"schema\":\"eyrie/issues/1\",\"issues\":[5]}",
		"{\"schema\":\"eyrie/issues/1\",\"issues\":[{\"title\":\"t\",\"state\":\"new\"}]}",
		"{\"schema\":\"eyrie/issues/1\",\"issues\":[{\"uid\":\"../../etc\",\"title\":\"t\","
		"\"state\":\"new\"}]}",
		"{\"schema\":\"eyrie/issues/"
		"1\",\"issues\":[{\"uid\":\"0123456789\",\"title\":\"t\"}]}",
		ISSUE(",\"state\":\"new\""),
		ISSUE(",\"owner\":5"),
		ISSUE(",\"owner\":\"a\\u0000b\""),
		ISSUE(",\"owner\":\"a\\u001b[31m\""),
		ISSUE(",\"reasons\":{}"),
		ISSUE(",\"reasons\":[\"\"]"),
		ISSUE(",\"reasons\":[\"g1:a~1\"]"),
		ISSUE(",\"reasons\":[[[[[[[[[[[[]]]]]]]]]]]]"),
		ISSUE(",\"fixes\":[{}]"),
		ISSUE(",\"fixes\":[{\"distribution\":\"d\",\"package\":\"p\",\"format\":\"tar\","
		      "\"version\":\"1\"}]"),
		ISSUE(",\"rules\":[{\"kind\":\"BUG\",\"function\":\"*\",\"module\":\"\"}]"),
		ISSUE(",\"known\":[\"short\"]"),
		ISSUE(",\"comments\":[{\"time\":\"yesterday\",\"who\":\"a\",\"text\":\"b\"}]"),
		// The second is bad: the first must not be taken either.
		"{\"schema\":\"eyrie/issues/"
		"1\",\"issues\":[{\"uid\":\"0123456789\",\"title\":\"t\","
		"\"state\":\"new\"},{}]}",
	};
	_cleanup_db_ struct db *db = fresh_db("bad.db");
	const struct db_issue_import o = {false, "Ben", NULL, TEST_NOON};

	for (size_t i = 0; i < EY_ARRAY_SIZE(documents); i++) {
		_cleanup_imported_ struct db_imported_list list = {0};
		struct ey_error *err =
			db_issues_import(db, documents[i], strlen(documents[i]), &o, &list);

		if (!err)
			fail_msg("taken: %s", documents[i]);
		is_error(err, EY_ERR_INPUT);
	}
	assert_int_equal(number(db, "SELECT count(*) FROM issues"), 0);
	assert_int_equal(import(db, ISSUE(""), false), DB_IMPORT_CREATED);
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	is_error(db_issues_export(db, &(struct db_issue_export){77, false, 0}, &out),
		 EY_ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_is_gone_goes),
		cmocka_unit_test(others_keep_their_reasons),
		cmocka_unit_test(bad_documents),
	};

	return cmocka_run_group_tests_name("issue_share", tests, make_dir, remove_dir);
}

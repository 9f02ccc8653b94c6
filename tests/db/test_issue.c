/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/issue.h"
#include "db/reason.h"
#include "fixture.h"

static const struct db_issue_edit anna = {.who = "Anna", .why = "seen twice", .now = TEST_NOON};

static int64_t new_issue(struct db *db, const char *title, const char *state)
{
	const char *fields[DB_ISSUE_FIELD_COUNT] = {
		[DB_ISSUE_TITLE] = title, [DB_ISSUE_STATE] = state};
	int64_t id;

	ok(db_issue_create(db, fields, &anna, &id));
	return id;
}

static struct db_issue_edit edit_of(int64_t id, int64_t version)
{
	struct db_issue_edit edit = anna;

	edit.issue_id = id;
	edit.version = version;
	return edit;
}

/* A crash under a reason of its own; the reason's id. */
static int64_t crash_of(struct db *db, int number, const char *key, const char *guilty,
			const char *module)
{
	char path[128];
	struct db_intake in = test_crash(path, number, number, TEST_NOON + number);

	in.reason = key;
	in.guilty = guilty;
	in.module = module;
	return take(db, &in).reason_id;
}

static enum db_reason_state state_of(struct db *db, int64_t reason_id)
{
	_cleanup_reasons_ struct db_reason_list list = {0};

	ok(db_reason_get(db, reason_id, &list));
	return list.items->state;
}

static void texts_and_history(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("texts.db");
	_cleanup_issues_ struct db_issue_list list = {0};
	_cleanup_history_ struct db_issue_history history = {0};
	int64_t id = new_issue(db, "ext4 loses its mind", NULL);
	struct db_issue_edit edit = edit_of(id, 1);
	bool conflict;

	ok(db_issue_get(db, id, &list));
	assert_string_equal(list.items->fields[DB_ISSUE_TITLE], "ext4 loses its mind");
	assert_int_equal(list.items->state, DB_REASON_NEW);
	assert_int_equal(list.items->version, 1);
	const char *fields[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_STATE] = "reported",
						    [DB_ISSUE_VENDOR] = "Example",
						    [DB_ISSUE_CASE] = "4711",
						    [DB_ISSUE_TITLE] = "ext4 loses its mind"};
	edit.now++;
	ok(db_issue_change(db, fields, &edit, &conflict));
	assert_false(conflict);
	edit.version = 2;
	edit.why = NULL;
	ok(db_issue_comment(db, "they ask for a dump", &edit));
	db_issue_list_deinit(&list);
	ok(db_issue_get(db, id, &list));
	assert_int_equal(list.items->version, 3);
	assert_int_equal(list.items->updated, TEST_NOON + 1);
	assert_string_equal(list.items->fields[DB_ISSUE_CASE], "4711");
	ok(db_issue_history(db, id, 0, &history));
	// What stayed as it was has no line.
	assert_int_equal(history.count, 5);
	assert_string_equal(history.items[0].what, "comment");
	assert_string_equal(history.items[0].why, "");
	assert_string_equal(history.items[3].what, "state");
	assert_string_equal(history.items[3].old_value, "new");
	assert_string_equal(history.items[3].new_value, "reported");
	assert_string_equal(history.items[3].who, "Anna");
	assert_string_equal(history.items[3].why, "seen twice");
	assert_string_equal(history.items[4].what, "created");
}

static void two_people_at_once(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("conflict.db");
	_cleanup_issues_ struct db_issue_list list = {0};
	int64_t id = new_issue(db, "a bug", NULL);
	struct db_issue_edit edit = edit_of(id, 1);
	const char *mine[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_OWNER] = "Anna"};
	const char *theirs[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_OWNER] = "Ben"};
	bool conflict;

	ok(db_issue_change(db, mine, &edit, &conflict));
	assert_false(conflict);
	ok(db_issue_change(db, theirs, &edit, &conflict));
	assert_true(conflict);
	edit.version = 0; // "I know"
	ok(db_issue_change(db, theirs, &edit, &conflict));
	assert_false(conflict);
	ok(db_issue_get(db, id, &list));
	assert_string_equal(list.items->fields[DB_ISSUE_OWNER], "Ben");
	assert_int_equal(list.items->version, 3);
	// The same again changes nothing.
	ok(db_issue_change(db, theirs, &edit, &conflict));
	assert_int_equal(number(db, "SELECT version FROM issues"), 3);
}

static void wrong_words(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("wrong.db");
	int64_t id = new_issue(db, "a bug", NULL), other;
	struct db_issue_edit edit = edit_of(id, 0), nowhere = edit_of(99, 0);
	const char *none[DB_ISSUE_FIELD_COUNT] = {0};
	const char *untitled[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_TITLE] = ""};
	const char *state_x[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_STATE] = "x"};
	bool conflict;

	is_error(db_issue_create(db, none, &anna, &other), EY_ERR_INPUT);
	is_error(db_issue_change(db, untitled, &edit, &conflict), EY_ERR_INPUT);
	is_error(db_issue_change(db, state_x, &edit, &conflict), EY_ERR_INPUT);
	is_error(db_issue_change(db, none, &nowhere, &conflict), EY_ERR_NOT_FOUND);
	is_error(db_issue_comment(db, "", &edit), EY_ERR_INPUT);
	is_error(db_issue_comment(db, "x", &nowhere), EY_ERR_NOT_FOUND);
	is_error(db_issue_set_reason(db, 1, true, &edit), EY_ERR_NOT_FOUND);
	is_error(db_issue_set_reason(db, crash_of(db, 1, "g1:a", "a", NULL), true, &nowhere),
		 EY_ERR_NOT_FOUND);
	is_error(db_issue_add_rule(db, &(struct db_issue_rule){0, "BUG", "*", ""}, &edit),
		 EY_ERR_INPUT);
	is_error(db_issue_add_rule(db, &(struct db_issue_rule){0, "", "a", ""}, &nowhere),
		 EY_ERR_NOT_FOUND);
	is_error(db_issue_add_fix(
			 db, &(struct db_issue_fix){0, "debian 12", "linux", EY_PACKAGE_DPKG, ""},
			 &edit),
		 EY_ERR_INPUT);
	is_error(db_issue_remove_fix(db, 1, &edit), EY_ERR_NOT_FOUND);
	is_error(db_issue_remove_rule(db, 1, &edit), EY_ERR_NOT_FOUND);
	assert_int_equal(number(db, "SELECT count(*) FROM issue_history"), 1);
}

static void reasons_follow(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("reasons.db");
	_cleanup_issues_ struct db_issue_list list = {0};
	int64_t a = crash_of(db, 1, "g1:a", "a", NULL), b = crash_of(db, 2, "g1:b", "b", NULL);
	int64_t first = new_issue(db, "first", "investigating"), second = new_issue(db, "2", NULL);
	struct db_issue_edit edit = edit_of(first, 0);
	const char *fixed[DB_ISSUE_FIELD_COUNT] = {[DB_ISSUE_STATE] = "fix-available"};
	bool conflict;

	ok(db_issue_set_reason(db, a, true, &edit));
	ok(db_issue_set_reason(db, b, true, &edit));
	assert_int_equal(state_of(db, a), DB_REASON_INVESTIGATING);
	ok(db_issue_change(db, fixed, &edit, &conflict));
	assert_int_equal(state_of(db, b), DB_REASON_FIX_AVAILABLE);
	ok(db_issue_get(db, first, &list));
	assert_int_equal(list.items->reasons, 2);
	assert_int_equal(list.items->crashes, 2);
	assert_int_equal(list.items->last_seen, TEST_NOON + 2);
	// To another issue: both say so in their history.
	edit = edit_of(second, 0);
	ok(db_issue_set_reason(db, b, true, &edit));
	assert_int_equal(state_of(db, b), DB_REASON_NEW);
	assert_int_equal(number(db, "SELECT count(*) FROM issue_history WHERE what = 'reason' AND "
				    "old_value = 'g1:b'"),
			 1);
	ok(db_issue_set_reason(db, b, true, &edit)); // it does already
	ok(db_issue_set_reason(db, b, false, &edit));
	ok(db_issue_set_reason(db, b, false, &edit));
	assert_int_equal(number(db, "SELECT count(*) FROM issue_history WHERE what = 'reason'"), 5);
	assert_int_equal(number(db, "SELECT count(*) FROM reasons WHERE issue_id IS NULL"), 1);
}

static void rules_take_in_new_reasons(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("rules.db");
	_cleanup_rules_ struct db_issue_rule_list rules = {0};
	int64_t before = crash_of(db, 1, "g1:BUG:ext4_a", "ext4_a", "ext4");
	int64_t id = new_issue(db, "ext4", "investigating");
	int64_t other = new_issue(db, "all of ext4", "wont-fix");
	struct db_issue_edit edit = edit_of(id, 0), later = edit_of(other, 0);

	ok(db_issue_add_rule(db, &(struct db_issue_rule){0, "BUG", "ext4_*", "ext?"}, &edit));
	ok(db_issue_add_rule(db, &(struct db_issue_rule){0, "BUG", "ext4_*", "ext?"}, &edit));
	ok(db_issue_add_rule(db, &(struct db_issue_rule){0, "", "", "ext4"}, &later));
	ok(db_issue_rules(db, id, &rules));
	assert_int_equal(rules.count, 1);
	assert_int_equal(state_of(db, crash_of(db, 2, "g1:BUG:ext4_b", "ext4_b", "ext4")),
			 DB_REASON_INVESTIGATING); // the older rule
	assert_int_equal(state_of(db, crash_of(db, 3, "g1:BUG:xfs", "xfs_b", "ext4")),
			 DB_REASON_WONT_FIX);
	assert_int_equal(state_of(db, crash_of(db, 4, "g1:BUG:x", "x", NULL)), DB_REASON_NEW);
	assert_int_equal(state_of(db, before), DB_REASON_NEW); // people know it already
	ok(db_issue_remove_rule(db, rules.items[0].id, &edit));
	assert_int_equal(state_of(db, crash_of(db, 5, "g1:BUG:ext4_c", "ext4_c", NULL)),
			 DB_REASON_NEW);
	assert_int_equal(number(db, "SELECT count(*) FROM issue_history WHERE what = 'rule'"), 3);
}

static void fixes_and_verdicts(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("fixes.db");
	_cleanup_fixes_ struct db_issue_fix_list fixes = {0}, none = {0};
	int64_t id = new_issue(db, "a bug", "fix-available");
	struct db_issue_edit edit = edit_of(id, 0);
	struct db_issue_fix debian = {0, "debian 12", "linux", EY_PACKAGE_DPKG, "6.1.140-1"};
	struct db_issue_fix el9 = {0, "el9", "kernel", EY_PACKAGE_RPM, "5.14.0-427.20.1.el9_4"};

	ok(db_issue_add_fix(db, &debian, &edit));
	debian.version = "6.1.147-1";
	ok(db_issue_add_fix(db, &debian, &edit)); // in place of the first
	ok(db_issue_add_fix(db, &debian, &edit)); // nothing new
	ok(db_issue_add_fix(db, &el9, &edit));
	ok(db_issue_fixes(db, id, &fixes));
	assert_int_equal(fixes.count, 2);
	assert_string_equal(fixes.items[0].version, "6.1.147-1");
	assert_int_equal(number(db, "SELECT count(*) FROM issue_history WHERE what = 'fix'"), 3);

	static const struct {
		enum db_reason_state state;
		const char *release, *version;
		enum db_verdict verdict;
	} cases[] = {
		{DB_REASON_NEW, "6.1.0-56-amd64", "Debian 6.1.140-1", DB_VERDICT_NEW},
		{DB_REASON_HARDWARE, "x", "", DB_VERDICT_HARDWARE},
		{DB_REASON_FIX_AVAILABLE, "6.1.0-37-amd64",
		 "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)", DB_VERDICT_PATCHED},
		{DB_REASON_FIX_AVAILABLE, "6.1.0-38-amd64",
		 "#1 SMP PREEMPT_DYNAMIC Debian 6.1.147-1 (2025-08-02)", DB_VERDICT_REGRESSION},
		{DB_REASON_INVESTIGATING, "6.12.38+deb13-amd64",
		 "#1 SMP PREEMPT_DYNAMIC Debian 6.12.38-1 (2025-07-16)", DB_VERDICT_INVESTIGATED},
		{DB_REASON_RESOLVED, "5.14.0-427.13.1.el9_4.x86_64", "#1 SMP", DB_VERDICT_PATCHED},
		{DB_REASON_RESOLVED, "5.14.0-427.20.1.el9_4.x86_64", "#1 SMP",
		 DB_VERDICT_REGRESSION},
		{DB_REASON_REPORTED, "5.14.0-1.el8.x86_64", "#1 SMP", DB_VERDICT_INVESTIGATED},
		{DB_REASON_ROLLED_OUT, "", "", DB_VERDICT_PATCHED},
	};
	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		enum db_verdict v =
			db_verdict_of(cases[i].state, &fixes, cases[i].release, cases[i].version);

		if (v != cases[i].verdict)
			fail_msg("case %zu: %s", i, db_verdict_name(v));
	}
	assert_int_equal(db_verdict_of(DB_REASON_WONT_FIX, &none, "6.1.0", ""),
			 DB_VERDICT_INVESTIGATED);
	ok(db_issue_remove_fix(db, fixes.items[0].id, &edit));
	assert_int_equal(number(db, "SELECT count(*) FROM issue_fixes"), 1);
}

static void lists(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("list.db");
	_cleanup_issues_ struct db_issue_list list = {0}, next = {0};
	struct db_issue_filter open = {.only_open = true}, text = {.text = "BUG 1"};
	struct db_page page = {.limit = 4};

	for (int i = 0; i < 6; i++) {
		char title[16];

		snprintf(title, sizeof(title), "bug %d", i);
		new_issue(db, title, i == 3 ? "resolved" : i == 5 ? "hardware" : NULL);
	}
	ok(db_issue_list(db, NULL, &page, &list));
	assert_int_equal(list.count, 4);
	assert_string_equal(list.items[0].fields[DB_ISSUE_TITLE], "bug 5");
	page.cursor = list.next;
	ok(db_issue_list(db, NULL, &page, &next));
	assert_int_equal(next.count, 2);
	assert_null(next.next);
	db_issue_list_deinit(&next);
	ok(db_issue_list(db, &open, NULL, &next));
	assert_int_equal(next.count, 4);
	db_issue_list_deinit(&next);
	ok(db_issue_list(db, &text, NULL, &next));
	assert_int_equal(next.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_and_history),
		cmocka_unit_test(two_people_at_once),
		cmocka_unit_test(wrong_words),
		cmocka_unit_test(reasons_follow),
		cmocka_unit_test(rules_take_in_new_reasons),
		cmocka_unit_test(fixes_and_verdicts),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests_name("issue", tests, make_dir, remove_dir);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another version of the rules: what joins, splits, goes on, and what people did before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../db/fixture.h"
#include "db/copy.h"
#include "db/reason_move.h"
#include "ingest/regroup.h"

static const struct db_reason_edit anna = {.who = "Anna", .now = TEST_NOON};

static struct ey_error *rules_of_tomorrow(const char *log, size_t len, const char *signature,
					  char **ret)
{
	// The log of a test says the key itself; without one it tells nothing.
	*ret = strncmp(log, "g2:", 3) != 0 ? NULL : strdup(log);
	return NULL;
}

static int64_t crash_of(struct db *db, int number, const char *reason, const char *tomorrow)
{
	char path[128], signature[32];
	struct db_intake in = test_crash(path, number, number, TEST_NOON + 1000 * number);

	snprintf(signature, sizeof(signature), "s+0x%x", number);
	in.reason = reason;
	in.signature = signature;
	if (tomorrow) {
		in.parts[DB_PART_LOG].data = tomorrow;
		in.parts[DB_PART_LOG].len = strlen(tomorrow);
	}
	return take(db, &in).crash_id;
}

static int64_t reason_of(struct db *db, int64_t crash)
{
	char sql[96];

	snprintf(sql, sizeof(sql), "SELECT reason_id FROM crashes WHERE id = %lld",
		 (long long)crash);
	return number(db, sql);
}

static void is_sound(struct db *db)
{
	_cleanup_problems_ struct db_problem_list problems = {0};

	ok(db_check(db, &problems));
	if (problems.count)
		fail_msg("%s", problems.items[0]);
}

static void joins_splits_and_renames(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("all.db");
	_cleanup_regroup_result_ struct regroup_result r = {.text = EY_BUF_INIT};
	struct regroup_options o = {.preview = true,
				    .edit = anna,
				    .version = "g2",
				    .make = rules_of_tomorrow,
				    .max = 5};
	int64_t c[20], change, merged;
	int n = 0;

	// 0, 1: goes on under another key. 2, 3 and 4: two reasons that are one.
	c[0] = crash_of(db, n++, "g1:BUG:a", "g2:BUG:aa");
	c[1] = crash_of(db, n++, "g1:BUG:a", "g2:BUG:aa");
	c[2] = crash_of(db, n++, "g1:BUG:b", "g2:BUG:bc");
	c[3] = crash_of(db, n++, "g1:BUG:b", "g2:BUG:bc");
	c[4] = crash_of(db, n++, "g1:BUG:c", "g2:BUG:bc");
	// 5, 6 and 7: one that is two; 8 says nothing, and follows its reason, as 9 does.
	c[5] = crash_of(db, n++, "g1:BUG:d", "g2:BUG:d");
	c[6] = crash_of(db, n++, "g1:BUG:d", "g2:BUG:d");
	c[7] = crash_of(db, n++, "g1:BUG:d", "g2:BUG:e");
	c[8] = crash_of(db, n++, "g1:BUG:d", NULL);
	c[9] = crash_of(db, n++, "g1:BUG:c", NULL);
	// 10: people said that it is the same as 11; 12 stays as it is.
	c[10] = crash_of(db, n++, "g1:BUG:f", "g2:BUG:ff");
	c[11] = crash_of(db, n++, "g1:BUG:g", "g2:BUG:g");
	c[12] = crash_of(db, n++, "g1:BUG:h", "g2:BUG:h");
	int64_t a = reason_of(db, c[0]), b = reason_of(db, c[2]), joined = reason_of(db, c[4]),
		d = reason_of(db, c[5]), g = reason_of(db, c[11]);
	ok(db_reason_merge(db, &(struct db_reason_merge){reason_of(db, c[10]), g, 0}, &anna,
			   &merged));
	struct db_move_result moved;
	ok(db_reason_move_run(db, 0, &moved));

	// Stopped after each batch, the look goes on; nothing changes.
	do {
		regroup_result_deinit(&r);
		ok(regroup_run(db, &o, &r));
	} while (r.unfinished);
	assert_int_equal(r.run.seen, 13);
	assert_int_equal(r.run.unknown, 2);
	assert_int_equal(r.joined, 1);
	assert_int_equal(r.split, 1);
	assert_int_equal(r.fresh, 1);
	assert_int_equal(r.renamed, 3); // a, b, f
	assert_int_equal(r.moved, 2);
	assert_non_null(strstr(ey_buf_str(&r.text), "g1:BUG:c joins g2:BUG:bc (1 crash)"));
	assert_non_null(strstr(ey_buf_str(&r.text), "g1:BUG:d splits off g2:BUG:e (1 crash)"));
	assert_int_equal(number(db, "SELECT count(*) FROM reasons WHERE key LIKE 'g2:%'"), 0);
	is_sound(db);

	o.preview = false;
	o.max = 0;
	regroup_result_deinit(&r);
	ok(regroup_run(db, &o, &r));
	is_sound(db);
	assert_int_equal(reason_of(db, c[0]), a);
	assert_int_equal(reason_of(db, c[4]), b);
	assert_int_equal(reason_of(db, c[9]), b);
	assert_int_equal(reason_of(db, c[6]), d);
	assert_int_equal(reason_of(db, c[8]), d);
	assert_int_not_equal(reason_of(db, c[7]), d);
	assert_int_equal(reason_of(db, c[10]), g);
	assert_int_equal(number(db, "SELECT count(*) FROM reasons WHERE key LIKE 'g1:%' AND "
				    "merged_into IS NULL"),
			 0);
	// What comes next: by new keys, and by old keys of hosts that have the old rules.
	assert_int_equal(reason_of(db, crash_of(db, n++, "g2:BUG:aa", NULL)), a);
	assert_int_equal(reason_of(db, crash_of(db, n++, "g1:BUG:a", NULL)), a);
	assert_int_equal(reason_of(db, crash_of(db, n++, "g1:BUG:c", NULL)), b);
	assert_int_equal(reason_of(db, crash_of(db, n++, "g2:BUG:e", NULL)), reason_of(db, c[7]));
	assert_int_equal(reason_of(db, crash_of(db, n++, "g2:BUG:ff", NULL)), g);
	// The people's merge can still be taken back; the regrouping itself not.
	ok(db_reason_undo(db, merged, &anna));
	ok(db_reason_move_run(db, 0, &moved));
	assert_int_not_equal(reason_of(db, c[10]), g);
	is_sound(db);
	change = number(db, "SELECT min(id) FROM reason_changes WHERE what = 'regroup'");
	is_error(db_reason_undo(db, change, &anna), EY_ERR_INPUT);
	// Once more changes nothing.
	regroup_result_deinit(&r);
	ok(regroup_run(db, &o, &r));
	assert_int_equal(r.moved, 0);
	assert_int_equal(r.joined + r.split + r.renamed, 0);
	assert_int_equal(reason_of(db, c[4]), joined == b ? 0 : b);
}

static void killed_while_it_moves(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("killed.db");
	_cleanup_regroup_result_ struct regroup_result r = {.text = EY_BUF_INIT};
	struct regroup_options o = {
		.preview = true, .edit = anna, .version = "g2", .make = rules_of_tomorrow};
	_cleanup_plan_ struct db_regroup_plan plan = {0};
	int64_t c[4];

	c[0] = crash_of(db, 0, "g1:BUG:a", "g2:BUG:x");
	c[1] = crash_of(db, 1, "g1:BUG:b", "g2:BUG:x");
	c[2] = crash_of(db, 2, "g1:BUG:b", "g2:BUG:y");
	c[3] = crash_of(db, 3, "g1:BUG:b", "g2:BUG:b");
	ok(regroup_run(db, &o, &r));
	ok(db_regroup_plan(db, &plan));
	ok(db_regroup_apply(db, &r.run, "g2", &plan, &anna));
	is_sound(db); // and here it is killed
	is_error(db_regroup_begin(db, "g3", TEST_NOON, &r.run), EY_ERR_INPUT);
	o.preview = false;
	regroup_result_deinit(&r);
	ok(regroup_run(db, &o, &r));
	is_sound(db);
	assert_int_equal(reason_of(db, c[0]), reason_of(db, c[1]));
	assert_int_not_equal(reason_of(db, c[2]), reason_of(db, c[1]));
	assert_int_not_equal(reason_of(db, c[3]), reason_of(db, c[2]));
	assert_int_equal(number(db, "SELECT count(*) FROM regroup_moves"), 0);
}

static void own_rules_agree_with_themselves(void **state)
{
	static const char log[] =
		"[    1.000000] BUG: kernel NULL pointer dereference, address: 0000000000000010\n"
		"[    1.000001] #PF: supervisor read access in kernel mode\n"
		"[    1.000002] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
		"[    1.000003] CPU: 1 PID: 148 Comm: sh Not tainted 6.1.0-56-amd64 #1\n"
		"[    1.000004] RIP: 0010:shrink_slab_node+0x15/0x40\n"
		"[    1.000005] Call Trace:\n[    1.000006]  <TASK>\n"
		"[    1.000007]  shrink_all+0x20/0x60\n[    1.000008]  </TASK>\n"
		"[    1.000009] ---[ end trace 0000000000000000 ]---\n";
	_cleanup_free_ char *key = NULL, *none = NULL;

	ok(regroup_make(log, sizeof(log) - 1, "shrink_slab_node+0x15", &key));
	assert_string_equal(key, "g1:NULL-DEREF:shrink_slab_node");
	ok(regroup_make("nothing\n", 8, "", &none));
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_splits_and_renames),
		cmocka_unit_test(killed_while_it_moves),
		cmocka_unit_test(own_rules_agree_with_themselves),
	};

	return cmocka_run_group_tests_name("regroup", tests, make_dir, remove_dir);
}

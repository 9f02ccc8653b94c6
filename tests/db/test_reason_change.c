/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merges and splits of reasons, taken back in any order, with crashes coming in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/copy.h"
#include "db/hold.h"
#include "db/issue.h"
#include "db/reason_change.h"
#include "db/reason_move.h"
#include "fixture.h"

static const struct db_reason_edit anna = {.who = "Anna", .why = "the same bug", .now = TEST_NOON};

static void is_sound(struct db *db)
{
	_cleanup_problems_ struct db_problem_list problems = {0};

	ok(db_check(db, &problems));
	if (problems.count)
		fail_msg("%s", problems.items[0]);
}

static void move_all(struct db *db)
{
	struct db_move_result r;

	ok(db_reason_move_run(db, 0, &r));
	assert_false(r.left);
	is_sound(db);
}

/** A crash of a key, with the parts that splits look at. */
struct made {
	int host, key, signature, kernel;
	int64_t time, id;
};

static struct db_intake_result crash_of(struct db *db, struct made *m, int number)
{
	char path[128], key[32], signature[32], kernel[32], guilty[32];
	struct db_intake in = test_crash(path, m->host, number, m->time);

	snprintf(key, sizeof(key), "g1:BUG:f%d", m->key);
	snprintf(signature, sizeof(signature), "f%d+0x%d", m->key, m->signature);
	snprintf(kernel, sizeof(kernel), "6.1.0-%d", m->kernel);
	snprintf(guilty, sizeof(guilty), "f%d", m->key);
	in.reason = key;
	in.guilty = guilty;
	in.signature = m->signature ? signature : NULL;
	in.kernel = kernel;
	if (m->signature % 2)
		in.dump = DB_DUMP_NONE;
	struct db_intake_result r = take(db, &in);
	assert_int_not_equal(r.verdict, DB_INTAKE_DOUBLE);
	m->id = r.crash_id;
	return r;
}

static int64_t reason_of(struct db *db, int64_t crash_id)
{
	char sql[96];

	snprintf(sql, sizeof(sql), "SELECT reason_id FROM crashes WHERE id = %lld",
		 (long long)crash_id);
	return number(db, sql);
}

static void merge_and_undo(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("merge.db");
	_cleanup_reasons_ struct db_reason_list list = {0};
	_cleanup_changes_ struct db_reason_change_list history = {0};
	struct db_reason_preview preview;
	struct made made[] = {{1, 1, 2, 1, TEST_NOON, 0},
			      {2, 1, 2, 1, TEST_NOON + 500, 0},
			      {1, 2, 2, 1, TEST_NOON + 1000, 0},
			      {3, 1, 2, 1, TEST_NOON + 9000, 0},
			      {4, 2, 2, 1, TEST_NOON - 9000, 0}};
	int64_t change;

	for (int i = 0; i < 3; i++)
		crash_of(db, &made[i], i);
	int64_t a = reason_of(db, made[0].id), b = reason_of(db, made[2].id);
	struct db_reason_merge merge = {.from_id = a, .into_id = b};
	ok(db_reason_merge_preview(db, &merge, &preview));
	assert_int_equal(preview.crashes, 2);
	assert_int_equal(preview.hosts, 2);
	assert_int_equal(preview.dumps, 2);
	ok(db_reason_merge(db, &merge, &anna, &change));
	// Before anything is moved, a new crash of the old key is counted rightly.
	assert_int_equal(crash_of(db, &made[3], 3).reason_id, b);
	is_sound(db);
	move_all(db);
	ok(db_reason_get(db, b, &list));
	assert_int_equal(list.items->crashes, 4);
	assert_int_equal(list.items->hosts, 3);
	assert_int_equal(list.items->first_seen, TEST_NOON);
	db_reason_list_deinit(&list);
	ok(db_reason_list(db, NULL, NULL, &list));
	assert_int_equal(list.count, 1);
	db_reason_list_deinit(&list);
	ok(db_reason_get(db, a, &list));
	assert_int_equal(list.items->crashes, 0);
	assert_int_equal(list.items->merged_into, b);
	// What is merged cannot be merged or split again.
	is_error(db_reason_merge(db, &merge, &anna, &change), EY_ERR_INPUT);
	is_error(db_reason_merge(db, &(struct db_reason_merge){b, a, 0}, &anna, &change),
		 EY_ERR_INPUT);
	is_error(db_reason_merge(db, &(struct db_reason_merge){b, b, 0}, &anna, &change),
		 EY_ERR_INPUT);
	is_error(db_reason_merge(db, &(struct db_reason_merge){b, 99, 0}, &anna, &change),
		 EY_ERR_NOT_FOUND);
	ok(db_reason_history(db, a, 0, &history));
	assert_int_equal(history.count, 1);
	change = history.items[0].id;
	assert_string_equal(history.items[0].who, "Anna");
	assert_int_equal(history.items[0].undone, 0);
	ok(db_reason_undo(db, change, &anna));
	is_error(db_reason_undo(db, change, &anna), EY_ERR_INPUT);
	is_error(db_reason_undo(db, 77, &anna), EY_ERR_NOT_FOUND);
	assert_int_equal(crash_of(db, &made[4], 4).reason_id, b);
	move_all(db);
	assert_int_equal(reason_of(db, made[3].id), a);
	db_reason_list_deinit(&list);
	ok(db_reason_get(db, a, &list));
	assert_int_equal(list.items->crashes, 3);
	assert_int_equal(list.items->last_seen, TEST_NOON + 9000);
	assert_int_equal(list.items->merged_into, 0);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE home_id IS NOT NULL"), 0);
}

static bool is_held(struct db *db, int64_t crash_id)
{
	_cleanup_holds_ struct db_hold_list list = {0};

	ok(db_hold_of_crash(db, crash_id, TEST_NOON, &list));
	return list.count > 0;
}

static int64_t hold(struct db *db, int64_t reason_id, int64_t created)
{
	const struct db_hold h = {.scope = DB_HOLD_REASON,
				  .subject_id = reason_id,
				  .who = "Eva",
				  .why = "case 4711",
				  .created = created};
	int64_t id;

	ok(db_hold_add(db, &h, &id));
	return id;
}

static int64_t merge(struct db *db, int64_t from, int64_t into)
{
	const struct db_reason_merge m = {.from_id = from, .into_id = into};
	int64_t change;

	ok(db_reason_merge(db, &m, &anna, &change));
	return change;
}

// What is held stays held at each step of a merge, of one behind it, and of taking the first back.
static void holds_follow_merges(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("holds.db");
	struct made made[] = {{1, 1, 2, 1, TEST_NOON, 0},
			      {1, 2, 2, 1, TEST_NOON + 500, 0},
			      {1, 3, 2, 1, TEST_NOON + 1000, 0},
			      {3, 1, 2, 1, TEST_NOON + 9000, 0},
			      {4, 2, 2, 1, TEST_NOON + 9500, 0}};
	const struct db_hold late = {
		.scope = DB_HOLD_REASON, .subject_id = 1, .who = "Eva", .why = "x"};
	int64_t none;

	for (int i = 0; i < 3; i++)
		crash_of(db, &made[i], i);
	int64_t a = reason_of(db, made[0].id), b = reason_of(db, made[1].id),
		c = reason_of(db, made[2].id);
	assert_int_equal(a, late.subject_id);
	hold(db, a, TEST_NOON);
	assert_true(is_held(db, made[0].id) && !is_held(db, made[1].id));
	int64_t first = merge(db, a, b);
	assert_true(is_held(db, made[0].id));
	crash_of(db, &made[3], 3);
	assert_int_equal(reason_of(db, made[3].id), b);
	assert_true(is_held(db, made[3].id));
	move_all(db);
	assert_true(is_held(db, made[0].id) && is_held(db, made[3].id));
	is_error(db_hold_add(db, &late, &none), EY_ERR_INPUT);
	merge(db, b, c);
	assert_true(is_held(db, made[0].id));
	move_all(db);
	assert_int_equal(reason_of(db, made[0].id), c);
	assert_true(is_held(db, made[0].id));
	assert_int_equal(number(db, "SELECT count(*) FROM holds WHERE released = 0"), 3);
	ok(db_reason_undo(db, first, &anna));
	// Nobody has moved anything yet.
	assert_int_equal(reason_of(db, made[0].id), c);
	assert_true(is_held(db, made[0].id) && is_held(db, made[3].id));
	move_all(db);
	assert_int_equal(reason_of(db, made[0].id), a);
	assert_true(is_held(db, made[0].id) && is_held(db, made[3].id));
	// Those that were held beside it are free, and the copies say why they ended.
	assert_false(is_held(db, made[1].id) || is_held(db, made[2].id));
	crash_of(db, &made[4], 4);
	assert_false(is_held(db, made[4].id));
	assert_int_equal(number(db, "SELECT count(*) FROM holds WHERE released <> 0 AND "
				    "released_why LIKE '%taken back%'"),
			 2);
}

// All that came of one word of hers ends with one word of his, wherever that is said.
static void a_hold_is_released_everywhere(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("released.db");
	struct made made[] = {{1, 1, 2, 1, TEST_NOON, 0}, {1, 2, 2, 1, TEST_NOON + 500, 0}};

	crash_of(db, &made[0], 0);
	crash_of(db, &made[1], 1);
	int64_t a = reason_of(db, made[0].id), b = reason_of(db, made[1].id);
	int64_t held = hold(db, a, TEST_NOON), change = merge(db, a, b);
	move_all(db);
	assert_true(is_held(db, made[0].id));
	int64_t copy = number(db, "SELECT max(id) FROM holds");
	assert_int_not_equal(copy, held);
	ok(db_hold_release(db, copy, "adam", "solved", TEST_NOON + 5));
	assert_false(is_held(db, made[0].id));
	is_error(db_hold_release(db, held, "adam", NULL, TEST_NOON + 6), EY_ERR_INPUT);
	ok(db_reason_undo(db, change, &anna));
	move_all(db);
	assert_false(is_held(db, made[0].id));
}

static void holds_follow_splits(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("held.db");
	struct made made[4];
	int64_t change, part;

	for (int i = 0; i < 4; i++) {
		made[i] = (struct made){i, 1, 2, i % 2, TEST_NOON + 1000 * i, 0};
		crash_of(db, &made[i], i);
	}
	int64_t a = reason_of(db, made[0].id), first = hold(db, a, TEST_NOON - 5);
	struct db_reason_split split = {a, DB_SPLIT_KERNEL, "6.1.0-1", NULL};
	ok(db_reason_split(db, &split, &anna, &change, &part));
	for (int i = 0; i < 4; i++)
		assert_true(is_held(db, made[i].id));
	move_all(db);
	assert_int_equal(reason_of(db, made[1].id), part);
	for (int i = 0; i < 4; i++)
		assert_true(is_held(db, made[i].id));
	ok(db_hold_release(db, first, "adam", NULL, TEST_NOON));
	for (int i = 0; i < 4; i++)
		assert_false(is_held(db, made[i].id));
	// What is held as a part stays held as no part.
	hold(db, part, TEST_NOON + 7);
	assert_true(is_held(db, made[1].id) && !is_held(db, made[0].id));
	ok(db_reason_undo(db, change, &anna));
	assert_true(is_held(db, made[1].id));
	move_all(db);
	assert_int_equal(reason_of(db, made[1].id), a);
	assert_true(is_held(db, made[1].id) && is_held(db, made[3].id));
}

static void split_by_each(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("split.db");
	_cleanup_values_ struct db_reason_value_list values = {0};
	struct made made[12];
	struct db_reason_preview preview;
	int64_t change, part, other;

	for (int i = 0; i < 12; i++) {
		made[i] = (struct made){i % 5, 1, i % 3, i % 2, TEST_NOON + 1000 * i, 0};
		crash_of(db, &made[i], i);
	}
	int64_t a = reason_of(db, made[0].id);
	ok(db_reason_values(db, a, DB_SPLIT_KERNEL, 0, &values));
	assert_int_equal(values.count, 2);
	assert_int_equal(values.items[0].crashes, 6);
	struct db_reason_split split = {a, DB_SPLIT_SIGNATURE, "f1+0x1", NULL};
	ok(db_reason_split_preview(db, &split, &preview));
	assert_int_equal(preview.crashes, 4);
	assert_int_equal(preview.dumps, 0);
	ok(db_reason_split(db, &split, &anna, &change, &part));
	move_all(db);
	assert_int_equal(reason_of(db, made[1].id), part);
	assert_int_equal(reason_of(db, made[0].id), a);
	split = (struct db_reason_split){a, DB_SPLIT_KERNEL, "6.1.0-1", "only new kernels"};
	ok(db_reason_split_preview(db, &split, &preview));
	assert_int_equal(preview.crashes, 4);
	assert_int_equal(preview.looked_at, 8);
	ok(db_reason_split(db, &split, &anna, &change, &other));
	move_all(db);
	assert_int_equal(reason_of(db, made[3].id), other);
	assert_int_equal(reason_of(db, made[1].id), part); // the first split goes first
	// A new crash is counted under the part.
	struct made late = {7, 1, 1, 0, TEST_NOON + 90000, 0};
	assert_int_equal(crash_of(db, &late, 50).reason_id, part);
	is_error(db_reason_split(db, &split, &anna, &change, &other), EY_ERR_INPUT); // none left
	// A host that calls its crash as a part is called does not come into it.
	char path[128];
	struct db_intake liar = test_crash(path, 8, 60, TEST_NOON + 95000);
	_cleanup_reasons_ struct db_reason_list own = {0};
	liar.reason = "g1:BUG:f1~1";
	int64_t lied = take(db, &liar).reason_id;
	assert_int_not_equal(lied, part);
	ok(db_reason_get(db, lied, &own));
	assert_string_equal(own.items->key, "g1:BUG:f1-1");
	split.value = "";
	is_error(db_reason_split(db, &split, &anna, &change, &other), EY_ERR_INPUT);
	split = (struct db_reason_split){a, DB_SPLIT_GUILTY, "f1", NULL};
	ok(db_reason_split(db, &split, &anna, &change, &other));
	move_all(db);
	assert_int_equal(reason_of(db, made[0].id), other);
}

// All that is counted from the crashes, as text.
static char *counters_of(struct db *db)
{
	static const char *const queries[] = {
		"SELECT id, crashes, hosts, dumps, first_seen, last_seen FROM reasons ORDER BY id",
		"SELECT id, crashes, reasons FROM hosts ORDER BY id",
		"SELECT id, crashes, first_seen, last_seen FROM signatures ORDER BY id",
		"SELECT reason_id, host_id, crashes, last_seen FROM reason_hosts ORDER BY 1, 2",
		("SELECT reason_id, kernel, model_id, crashes, dumps FROM reason_dumps "
		 "ORDER BY 1, 2, 3"),
	};
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	for (size_t i = 0; i < EY_ARRAY_SIZE(queries); i++) {
		_cleanup_statement_ struct db_statement *st = NULL;
		bool row = true;

		ok(db_query_values(db, &st, queries[i], NULL, 0));
		for (ok(db_step(st, &row)); row; ok(db_step(st, &row))) {
			for (int k = 0; k < db->backend->column_count(st); k++)
				ey_buf_printf(&text, "%s ", db_column_text(st, k));
			ey_buf_addc(&text, '\n');
		}
	}
	return strdup(ey_buf_str(&text));
}

// What was maintained all along is what counting from nothing gives, to the last row.
static void rebuild_is_the_same(struct db *db)
{
	_cleanup_free_ char *maintained = counters_of(db), *rebuilt = NULL;

	ok(db_exec(db, "UPDATE reasons SET crashes = -1, hosts = -1, dumps = -1, last_seen = 0 "
		       "WHERE crashes > 0; UPDATE hosts SET crashes = -1, reasons = -1; "
		       "UPDATE signatures SET crashes = -1, first_seen = 0, last_seen = 0; "
		       "DELETE FROM reason_hosts; DELETE FROM reason_dumps"));
	ok(db_rebuild_counters(db));
	rebuilt = counters_of(db);
	assert_string_equal(maintained, rebuilt);
}

static int64_t new_issue(struct db *db, const char *title, const char *state)
{
	const char *fields[DB_ISSUE_FIELD_COUNT] = {
		[DB_ISSUE_TITLE] = title, [DB_ISSUE_STATE] = state};
	const struct db_issue_edit edit = {.who = "Anna", .now = TEST_NOON};
	int64_t id;

	ok(db_issue_create(db, fields, &edit, &id));
	return id;
}

static void give(struct db *db, int64_t reason, int64_t issue)
{
	const struct db_issue_edit edit = {.issue_id = issue, .who = "Anna", .now = TEST_NOON};

	ok(db_issue_set_reason(db, reason, true, &edit));
}

static int64_t issue_of(struct db *db, int64_t reason)
{
	_cleanup_reasons_ struct db_reason_list list = {0};

	ok(db_reason_get(db, reason, &list));
	return list.items->issue_id;
}

static void issues_follow(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("issues.db");
	_cleanup_reasons_ struct db_reason_list list = {0};
	struct made made[3];
	int64_t r[3], first = new_issue(db, "one", "investigating"),
		      second = new_issue(db, "two", "reported"), changes[2];

	for (int i = 0; i < 3; i++) {
		made[i] = (struct made){i, i, 1, 1, TEST_NOON + i, 0};
		r[i] = crash_of(db, &made[i], i).reason_id;
	}
	give(db, r[0], first);
	give(db, r[1], second);
	struct db_reason_merge merge = {.from_id = r[0], .into_id = r[1]};
	is_error(db_reason_merge(db, &merge, &anna, &changes[0]), EY_ERR_INPUT); // which?
	merge.issue_id = 99;
	is_error(db_reason_merge(db, &merge, &anna, &changes[0]), EY_ERR_INPUT);
	merge.issue_id = first;
	ok(db_reason_merge(db, &merge, &anna, &changes[0]));
	assert_int_equal(issue_of(db, r[1]), first);
	assert_int_equal(issue_of(db, r[0]), 0);
	// On into one without an issue, and the first taken back first.
	ok(db_reason_merge(db, &(struct db_reason_merge){r[1], r[2], 0}, &anna, &changes[1]));
	assert_int_equal(issue_of(db, r[2]), first);
	ok(db_reason_undo(db, changes[0], &anna));
	assert_int_equal(issue_of(db, r[0]), first);
	ok(db_reason_undo(db, changes[1], &anna));
	assert_int_equal(issue_of(db, r[1]), second);
	assert_int_equal(issue_of(db, r[2]), 0);
	ok(db_reason_get(db, r[1], &list));
	assert_int_equal(list.items->state, DB_REASON_REPORTED);
	move_all(db);
}

/* The test of all orders: a model beside the database, which says where each crash belongs. */
enum { KEYS = 5, CRASHES = 60, CHANGES = 24 };

struct model {
	unsigned int seed;
	struct made made[CRASHES];
	int64_t homes[KEYS];
	int count;
	struct {
		int64_t id, from, to;
		enum db_split_field field;
		char value[32];
		bool undone;
	} changes[CHANGES];
	int change_count;
};

static int roll(struct model *m, int sides)
{
	m->seed = m->seed * 1103515245u + 12345u;
	return (int)((m->seed >> 16) % (unsigned int)sides);
}

static int64_t expected(const struct model *m, const struct made *c)
{
	int64_t at = m->homes[c->key];
	char signature[32], kernel[32];

	snprintf(signature, sizeof(signature), "f%d+0x%d", c->key, c->signature);
	snprintf(kernel, sizeof(kernel), "6.1.0-%d", c->kernel);
	for (int i = 0; i < m->change_count; i++) {
		bool meets = m->changes[i].field == DB_SPLIT_NONE ||
			     (m->changes[i].field == DB_SPLIT_SIGNATURE && c->signature &&
			      !strcmp(m->changes[i].value, signature)) ||
			     (m->changes[i].field == DB_SPLIT_KERNEL &&
			      !strcmp(m->changes[i].value, kernel));
		if (!m->changes[i].undone && m->changes[i].from == at && meets)
			at = m->changes[i].to;
	}
	return at;
}

static void is_as_expected(struct db *db, const struct model *m)
{
	for (int i = 0; i < m->count; i++)
		assert_int_equal(reason_of(db, m->made[i].id), expected(m, &m->made[i]));
}

static void add_one(struct db *db, struct model *m)
{
	if (m->count == CRASHES)
		return;
	struct made *c = &m->made[m->count];
	// Late ones, too: their time is before that of crashes that were moved already.
	*c = (struct made){roll(m, 6),
			   roll(m, KEYS),
			   roll(m, 3),
			   roll(m, 2),
			   TEST_NOON + 400 * (int64_t)roll(m, 100000),
			   0};
	struct db_intake_result r = crash_of(db, c, m->count++);
	if (!m->homes[c->key])
		m->homes[c->key] = r.reason_id;
	assert_int_equal(r.reason_id, expected(m, c));
}

// Any reason that has crashes.
static int64_t some_reason(struct model *m)
{
	return expected(m, &m->made[roll(m, m->count)]);
}

static void remember(struct model *m, int64_t id, int64_t from, int64_t to,
		     enum db_split_field field, const char *value)
{
	m->changes[m->change_count].id = id;
	m->changes[m->change_count].from = from;
	m->changes[m->change_count].to = to;
	m->changes[m->change_count].field = field;
	snprintf(m->changes[m->change_count].value, sizeof(m->changes->value), "%s", value);
	m->changes[m->change_count++].undone = false;
}

static void change_one(struct db *db, struct model *m)
{
	int64_t from = some_reason(m), into = some_reason(m), id;
	struct ey_error *err;

	if (m->change_count == CHANGES)
		return;
	if (roll(m, 2)) {
		err = db_reason_merge(db, &(struct db_reason_merge){from, into, 0}, &anna, &id);
		if (!err)
			remember(m, id, from, into, DB_SPLIT_NONE, "");
	} else {
		char value[32];
		enum db_split_field field = roll(m, 2) ? DB_SPLIT_SIGNATURE : DB_SPLIT_KERNEL;

		if (field == DB_SPLIT_KERNEL)
			snprintf(value, sizeof(value), "6.1.0-%d", roll(m, 2));
		else
			snprintf(value, sizeof(value), "f%d+0x%d", roll(m, KEYS), 1 + roll(m, 2));
		err = db_reason_split(db, &(struct db_reason_split){from, field, value, NULL},
				      &anna, &id, &into);
		if (!err)
			remember(m, id, from, into, field, value);
	}
	// What cannot be done is refused, and changes nothing.
	if (err)
		assert_int_equal(err->code, EY_ERR_INPUT);
	ey_error_destroy(err);
}

static void undo_one(struct db *db, struct model *m)
{
	if (!m->change_count)
		return;
	int i = roll(m, m->change_count);
	if (m->changes[i].undone)
		return;
	ok(db_reason_undo(db, m->changes[i].id, &anna));
	m->changes[i].undone = true;
}

static void in_any_order(unsigned int seed)
{
	_cleanup_free_ struct model *m = calloc(1, sizeof(*m));
	char name[32];
	struct db_move_result r;

	snprintf(name, sizeof(name), "random%u.db", seed);
	_cleanup_db_ struct db *db = fresh_db(name);
	m->seed = seed;
	for (int i = 0; i < 12; i++)
		add_one(db, m);
	for (int step = 0; step < 90; step++) {
		int what = roll(m, 10);

		if (what < 4)
			add_one(db, m);
		else if (what < 7)
			change_one(db, m);
		else if (what < 8)
			undo_one(db, m);
		else if (what < 9)
			ok(db_reason_move_run(db, 1 + roll(m, 4), &r));
		else {
			move_all(db);
			is_as_expected(db, m);
		}
		if (step % 5 == 0)
			is_sound(db);
	}
	move_all(db);
	is_as_expected(db, m);
	rebuild_is_the_same(db);
	for (int left = m->change_count; left;) {
		undo_one(db, m);
		if (roll(m, 3) == 0)
			ok(db_reason_move_run(db, 1 + roll(m, 4), &r));
		left = 0;
		for (int i = 0; i < m->change_count; i++)
			left += !m->changes[i].undone;
	}
	move_all(db);
	rebuild_is_the_same(db);
	// As at the start: each crash at home, each reason of a key to be seen, the parts not.
	for (int i = 0; i < m->count; i++)
		assert_int_equal(reason_of(db, m->made[i].id), m->homes[m->made[i].key]);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE home_id IS NOT NULL"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM reasons WHERE merged_into IS NULL AND "
				    "key LIKE '%~%'"),
			 0);
	assert_int_equal(number(db, "SELECT count(*) FROM reasons WHERE merged_into IS NOT NULL "
				    "AND key NOT LIKE '%~%'"),
			 0);
	assert_int_equal(number(db, "SELECT count(*) FROM reasons WHERE has_rules <> 0"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM reason_changes WHERE undone = 0"), 0);
}

static void any_order(void **state)
{
	for (unsigned int seed = 1; seed <= 12; seed++)
		in_any_order(seed);
}

static void copies_keep_changes(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("from.db"), *to = fresh_db("to.db");
	struct made made[2] = {{1, 1, 1, 1, TEST_NOON, 0}, {2, 2, 1, 1, TEST_NOON + 1, 0}};
	int64_t rows, change;

	int64_t a = crash_of(db, &made[0], 1).reason_id, b = crash_of(db, &made[1], 2).reason_id;
	ok(db_reason_merge(db, &(struct db_reason_merge){a, b, 0}, &anna, &change));
	ok(db_copy(db, to, DB_COPY_INTO_EMPTY, NULL, NULL, &rows));
	move_all(to);
	assert_int_equal(reason_of(to, made[0].id), b);
	ok(db_reason_undo(to, change, &anna));
	move_all(to);
	assert_int_equal(reason_of(to, made[0].id), a);
}

static void other_versions(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("versions.db");
	char path[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);

	int64_t id = take(db, &in).reason_id;
	in = test_crash(path, 2, 2, TEST_NOON + 5);
	in.reason = "g2:BUG:lkdtm_BUG";
	assert_int_equal(take(db, &in).reason_id, id);
	in = test_crash(path, 3, 3, TEST_NOON + 9);
	in.reason = "gx:BUG:lkdtm_BUG";
	assert_int_not_equal(take(db, &in).reason_id, id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_and_undo),
		cmocka_unit_test(split_by_each),
		cmocka_unit_test(holds_follow_merges),
		cmocka_unit_test(holds_follow_splits),
		cmocka_unit_test(a_hold_is_released_everywhere),
		cmocka_unit_test(issues_follow),
		cmocka_unit_test(any_order),
		cmocka_unit_test(copies_keep_changes),
		cmocka_unit_test(other_versions),
	};

	return cmocka_run_group_tests_name("reason_change", tests, make_dir, remove_dir);
}

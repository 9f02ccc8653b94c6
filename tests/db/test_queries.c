/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/host.h"
#include "db/reason.h"
#include "db/reason_spread.h"
#include "db/stats.h"
#include "fixture.h"

static void lists_and_pages(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("lists.db");
	char path[128];
	size_t seen = 0;
	int64_t last = INT64_MAX;

	for (int i = 0; i < 25; i++) {
		struct db_intake in = test_crash(path, i % 5, i, TEST_NOON + 1000 * (i / 2));
		if (i == 7) {
			in.title = "100%_SURE <b>'; DROP TABLE crashes;--";
			in.reason = "g1:X:' OR 1=1";
		}
		take(db, &in);
	}
	_cleanup_free_ char *cursor = NULL;
	do {
		_cleanup_crashes_ struct db_crash_list list;
		ok(db_crash_list(db, NULL, &(struct db_page){cursor, 4}, &list));
		for (size_t i = 0; i < list.count; i++) {
			assert_true(list.items[i].time <= last);
			last = list.items[i].time;
		}
		seen += list.count;
		free(cursor);
		cursor = list.next ? strdup(list.next) : NULL;
	} while (cursor);
	assert_int_equal(seen, 25);

	_cleanup_crashes_ struct db_crash_list list;
	ok(db_crash_list(db, &(struct db_crash_filter){.text = "100%_sure"}, NULL, &list));
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].title, "100%_SURE <b>'; DROP TABLE crashes;--");
	db_crash_list_deinit(&list);
	ok(db_crash_list(db, &(struct db_crash_filter){.text = "1_0"}, NULL, &list));
	assert_int_equal(list.count, 0); // "_" is no wildcard
	db_crash_list_deinit(&list);
	ok(db_crash_list(db, &(struct db_crash_filter){.is_new = DB_FLAG_YES, .site = "north"},
			 NULL, &list));
	assert_int_equal(list.count, 2);
	db_crash_list_deinit(&list);
	struct db_crash_filter every = {
		.host_id = 1,
		.model_id = 1,
		.reason_id = 1,
		.since = TEST_NOON,
		.until = TEST_NOON + 86400,
		.is_new = DB_FLAG_NO,
		.site = "north",
		.kernel = "6.1.0-56-amd64",
		.firmware = "1.2.3",
		.kind = "BUG",
		.function = "lkdtm_BUG",
		.module = "lkdtm",
		.signature = "lkdtm_BUG+0x5",
		.dump = "kept",
		.reason_state = "new",
		.text = "WEB-00",
	};
	ok(db_crash_list(db, &every, NULL, &list));
	assert_int_equal(list.count, 4);
	int64_t n;
	ok(db_crash_count(db, &every, &n, NULL));
	assert_int_equal(n, 4);
	every.alert_id = 1;
	ok(db_crash_count(db, &every, &n, NULL));
	assert_int_equal(n, 0);
	db_crash_list_deinit(&list);
	is_error(db_crash_list(db, NULL, &(struct db_page){"1; DROP", 0}, &list), EY_ERR_USAGE);
	is_error(db_crash_get(db, 999, &list), EY_ERR_NOT_FOUND);

	for (int order = DB_REASONS_BY_LAST_SEEN; order <= DB_REASONS_BY_HOSTS; order++) {
		_cleanup_reasons_ struct db_reason_list first, second;
		struct db_reason_filter f = {.order = (enum db_reason_order)order};

		ok(db_reason_list(db, &f, &(struct db_page){NULL, 1}, &first));
		assert_int_equal(first.count, 1);
		assert_non_null(first.next);
		ok(db_reason_list(db, &f, &(struct db_page){first.next, 1}, &second));
		assert_int_equal(second.count, 1);
		assert_null(second.next);
		assert_int_not_equal(first.items[0].id, second.items[0].id);
	}
	_cleanup_reasons_ struct db_reason_list reasons;
	ok(db_reason_list(db,
			  &(struct db_reason_filter){.host_id = 1,
						     .kind = "BUG",
						     .state = "new",
						     .seen_since = 1,
						     .first_seen_since = 1,
						     .model_id = 1,
						     .text = "LKDTM"},
			  NULL, &reasons));
	assert_int_equal(reasons.count, 1);
	assert_int_equal(reasons.items[0].crashes, 24);
	assert_int_equal(reasons.items[0].hosts, 5);
	_cleanup_signatures_ struct db_signature_list keys;
	ok(db_reason_signatures(db, reasons.items[0].id, 0, &keys));
	assert_int_equal(keys.count, 1);
	assert_int_equal(keys.items[0].crashes, 24);
	ok(db_reason_set_state(db, reasons.items[0].id, DB_REASON_RESOLVED));
	is_error(db_reason_set_state(db, 77, DB_REASON_RESOLVED), EY_ERR_NOT_FOUND);
	_cleanup_reasons_ struct db_reason_list one;
	ok(db_reason_get_key(db, "g1:BUG:lkdtm_BUG", &one));
	assert_int_equal(one.items[0].state, DB_REASON_RESOLVED);

	for (int order = DB_HOSTS_BY_LAST_SEEN; order <= DB_HOSTS_BY_CRASHES; order++) {
		_cleanup_hosts_ struct db_host_list first, rest;
		struct db_host_filter f = {.order = (enum db_host_order)order,
					   .site = "north",
					   .model_id = 1,
					   .reason_id = 1,
					   .seen_since = 1,
					   .text = "server 9"};

		ok(db_host_list(db, &f, &(struct db_page){NULL, 2}, &first));
		ok(db_host_list(db, &f, &(struct db_page){first.next, 0}, &rest));
		assert_int_equal(first.count + rest.count, 5);
	}
	_cleanup_models_ struct db_model_list models;
	ok(db_model_list(db, &models));
	assert_int_equal(models.count, 1);
	assert_int_equal(models.items[0].crashes, 25);
	_cleanup_models_ struct db_model_list none;
	is_error(db_model_get(db, 5, &none), EY_ERR_NOT_FOUND);
}

static void parts(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("parts.db");
	char path[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);
	int64_t id = take(db, &in).crash_id;
	_cleanup_free_ char *record = NULL, *analysis = NULL, *log = NULL, *none = NULL;
	size_t len;

	ok(db_crash_part(db, id, DB_PART_RECORD, &record, &len));
	assert_int_equal(len, sizeof(TEST_RECORD) - 1);
	assert_string_equal(record, TEST_RECORD);
	ok(db_crash_part(db, id, DB_PART_ANALYSIS, &analysis, &len));
	assert_string_equal(analysis, "analysis\n");
	ok(db_crash_part(db, id, DB_PART_LOG, &log, &len)); // out of the record
	assert_string_equal(log, "[    1.000000] one\n[    2.0] two\n");
	is_error(db_crash_part(db, 99, DB_PART_LOG, &none, &len), EY_ERR_NOT_FOUND);
	ok(db_exec(db, "UPDATE crash_parts SET size = 5 WHERE part = 'analysis'"));
	is_error(db_crash_part(db, id, DB_PART_ANALYSIS, &none, &len), EY_ERR_INPUT);
}

static void statistics(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("stats.db");
	char path[128];
	const int64_t day = 86400, begin = TEST_NOON - TEST_NOON % day - 9 * day;

	for (int i = 0; i < 20; i++) {
		struct db_intake in = test_crash(path, i % 4, i, begin + i * day / 2);
		in.uptime = i == 3 ? -1 : 100 * i;
		if (i % 3 == 0)
			in.reason = "g1:HANG:f";
		if (i == 19)
			in.vendor = in.product = in.kernel = NULL;
		take(db, &in);
	}
	_cleanup_days_ struct db_day_list days;
	struct db_stats_filter f = {.since = begin, .until = begin + 12 * day};
	ok(db_stats_days(db, &f, &days));
	assert_int_equal(days.count, 12);
	int64_t sum = 0, fresh = 0;
	for (size_t i = 0; i < days.count; i++) {
		assert_int_equal(days.items[i].day, begin + (int64_t)i * day);
		sum += days.items[i].crashes;
		fresh += days.items[i].new_reasons;
	}
	assert_int_equal(sum, 20);
	assert_int_equal(fresh, 2);
	assert_int_equal(days.items[11].crashes, 0);
	assert_int_equal(days.items[0].hosts, 2);
	struct db_day_list none;
	is_error(db_stats_days(db, &(struct db_stats_filter){0}, &none), EY_ERR_USAGE);
	is_error(db_stats_days(db, &(struct db_stats_filter){.until = INT64_MAX}, &none),
		 EY_ERR_USAGE);

	struct db_totals totals;
	ok(db_stats_totals(db, &f, &totals));
	assert_int_equal(totals.crashes, 20);
	assert_int_equal(totals.hosts, 4);
	assert_int_equal(totals.reasons, 2);
	assert_int_equal(totals.new_reasons, 2);
	assert_int_equal(totals.uptime_known, 19);
	assert_int_equal(totals.uptime_min, 0);
	assert_int_equal(totals.uptime_max, 1900);
	assert_int_equal(totals.uptime_median, 1000);
	f.since = begin + 11 * day;
	ok(db_stats_totals(db, &f, &totals));
	assert_int_equal(totals.crashes, 0);
	assert_int_equal(totals.uptime_median, 0);

	for (int by = DB_BY_REASON; by <= DB_BY_MODULE; by++) {
		_cleanup_top_ struct db_top_list top;
		int64_t crashes = 0;
		enum db_dimension parsed;

		ok(db_stats_top(db, (enum db_dimension)by, NULL, 0, &top));
		for (size_t i = 0; i < top.count; i++)
			crashes += top.items[i].crashes;
		assert_int_equal(crashes, 20);
		assert_int_equal(top.more, 0);
		assert_true(db_dimension_parse(db_dimension_name((enum db_dimension)by), &parsed));
		assert_int_equal(parsed, by);
	}
	_cleanup_top_ struct db_top_list top;
	ok(db_stats_top(db, DB_BY_MODEL, NULL, 1, &top));
	assert_string_equal(top.items[0].label, "Example Server 9");
	assert_int_equal(top.items[0].crashes, 19);
	assert_int_equal(top.more, 1);

	struct db_stats_now o;
	struct db_stats_sums sums;
	ok(db_stats_now(db, &o));
	ok(db_stats_sums(db, begin + 10 * day, &sums));
	assert_int_equal(o.crashes, 20);
	assert_int_equal(sums.hosts, 4);
	assert_int_equal(o.reasons_unseen, 2);
	assert_int_equal(sums.day.crashes, 2);
	assert_int_equal(sums.day_before.crashes, 2);
	assert_int_equal(sums.week.crashes, 14);
	assert_int_equal(sums.dumps, 20);
	assert_int_equal(sums.dump_bytes, 20000);
	assert_int_equal(o.last_crash, begin + 19 * day / 2);
}

// Grouped here, it says what the database says when it groups.
static void a_reason_is_spread(void **state)
{
	static const enum db_dimension by[DB_SPREAD_COUNT] = {
		[DB_SPREAD_KERNEL] = DB_BY_KERNEL,     [DB_SPREAD_MODEL] = DB_BY_MODEL,
		[DB_SPREAD_FIRMWARE] = DB_BY_FIRMWARE, [DB_SPREAD_SITE] = DB_BY_SITE,
		[DB_SPREAD_HOST] = DB_BY_HOST,
	};
	_cleanup_db_ struct db *db = fresh_db("spread.db");
	_cleanup_spread_ struct db_spread spread, newest, none;
	char path[128], kernel[32], firmware[32];

	for (int i = 0; i < 60; i++) {
		struct db_intake in = test_crash(path, i % 17, i, TEST_NOON + 1000 * i);

		snprintf(kernel, sizeof(kernel), "6.1.0-%d", i * i % 13);
		snprintf(firmware, sizeof(firmware), "2.%d", i % 3);
		in.kernel = i % 13 ? kernel : NULL;
		in.firmware = firmware;
		take(db, &in);
	}
	int64_t id = number(db, "SELECT max(reason_id) FROM crashes");
	ok(db_reason_spread(db, id, &spread));
	assert_true(spread.complete);
	assert_int_equal(spread.crashes, 60);
	assert_int_equal(spread.since, TEST_NOON);
	for (size_t i = 0; i < DB_SPREAD_COUNT; i++) {
		_cleanup_top_ struct db_top_list top;

		ok(db_stats_top(db, by[i], &(struct db_stats_filter){.reason_id = id},
				DB_SPREAD_GROUPS, &top));
		assert_int_equal(spread.by[i].count, top.count);
		assert_int_equal(spread.by[i].more, top.more);
		for (size_t k = 0; k < top.count; k++) {
			const struct db_top *a = &spread.by[i].items[k], *b = &top.items[k];

			assert_int_equal(a->id, b->id);
			assert_string_equal(a->label, b->label);
			assert_string_equal(a->detail, b->detail);
			assert_int_equal(a->crashes, b->crashes);
			assert_int_equal(a->hosts, b->hosts);
			assert_int_equal(a->reasons, b->reasons);
			assert_int_equal(a->new_reasons, b->new_reasons);
			assert_int_equal(a->first_seen, b->first_seen);
			assert_int_equal(a->last_seen, b->last_seen);
		}
	}
	// With more crashes than are looked at: the newest.
	ok(db_exec(db, "INSERT INTO crashes (host_id, boot_id, reason_id, time, received, "
		       "from_dump, is_new, site, kind, title, path, dump, kernel) WITH RECURSIVE "
		       "n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT "
		       "c.host_id, c.boot_id, c.reason_id, 2000000000 + n.i, 1, 0, 0, c.site, "
		       "c.kind, c.title, 'x', 'none', 'newest' FROM crashes c CROSS JOIN n WHERE "
		       "c.id = (SELECT min(id) FROM crashes)"));
	ok(db_reason_spread(db, id, &newest));
	assert_false(newest.complete);
	assert_int_equal(newest.crashes, DB_SPREAD_CRASHES);
	assert_int_equal(newest.since, 2000000001);
	assert_int_equal(newest.by[DB_SPREAD_KERNEL].count, 1);
	assert_string_equal(newest.by[DB_SPREAD_KERNEL].items[0].label, "newest");
	ok(db_reason_spread(db, 99999, &none));
	assert_true(none.complete);
	assert_int_equal(none.crashes, 0);
	assert_int_equal(none.by[DB_SPREAD_HOST].count, 0);
}

// A host may say anything: what no index of a database takes is cut, not refused.
static void long_texts_are_taken_in(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("long.db");
	_cleanup_free_ char *text = malloc(20001);
	char path[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);
	unsigned int seed = 1;

	assert_non_null(text);
	for (int i = 0; i < 20000; i++) {
		seed = seed * 1103515245u + 12345u;
		text[i] = (char)('!' + (seed >> 16) % 90);
	}
	text[20000] = '\0';
	in.kernel = in.firmware = in.function = in.module = in.signature = in.guilty = text;
	in.kernel_version = in.title = in.comm = in.machine = in.taint = text;
	take(db, &in);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE length(kernel) = 500 AND "
				    "length(firmware) = 500 AND length(signature) = 500"),
			 1);
	// A character is not cut in two.
	struct db_intake other = test_crash(path, 2, 2, TEST_NOON);
	for (int i = 0; i + 2 < 20000; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	other.kernel = text;
	take(db, &other);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE length(kernel) = 166"), 1);
}

// A filter that no index answers looks at a bounded number of rows a page, and says so.
static void searches_are_bounded(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("bounded.db");
	_cleanup_crashes_ struct db_crash_list first, second;
	struct db_crash_filter rare = {.engine = "rare"};
	bool exact = true;
	char path[128];
	int64_t n;

	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);
	take(db, &in);
	ok(db_exec(db,
		   "INSERT INTO crashes (host_id, boot_id, reason_id, time, received, from_dump, "
		   "is_new, site, kind, title, path, dump, kernel, engine) WITH RECURSIVE n(i) AS "
		   "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) SELECT c.host_id, "
		   "c.boot_id, c.reason_id, c.time + n.i, 1, 0, 0, c.site, c.kind, c.title, 'x', "
		   "'none', c.kernel, CASE WHEN n.i % 1000 = 0 THEN 'rare' ELSE 'native' END FROM "
		   "crashes c CROSS JOIN n WHERE c.id = (SELECT min(id) FROM crashes)"));
	ok(db_crash_list(db, &rare, NULL, &first));
	assert_int_equal(first.count, 5); // 12000, 11000, ..., 8000
	assert_true(first.bounded);
	assert_non_null(first.next);
	ok(db_crash_list(db, &rare, &(struct db_page){first.next, 0}, &second));
	assert_int_equal(second.count, 5);
	assert_true(second.bounded);
	db_crash_list_deinit(&first);
	first = second;
	ok(db_crash_list(db, &rare, &(struct db_page){first.next, 0}, &second));
	assert_int_equal(second.count, 2);
	assert_false(second.bounded);
	assert_null(second.next);
	ok(db_crash_count(db, &rare, &n, &exact));
	assert_int_equal(n, 5);
	assert_false(exact);
	// A page that fills before that is like any other.
	db_crash_list_deinit(&first);
	ok(db_crash_list(db, &rare, &(struct db_page){NULL, 4}, &first));
	assert_int_equal(first.count, 4);
	assert_false(first.bounded);
	// What an index answers is not bounded, but counting is.
	struct db_crash_filter kernel = {.kernel = in.kernel, .since = 1};
	ok(db_crash_count(db, &kernel, &n, &exact));
	assert_int_equal(n, 10000);
	assert_false(exact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_and_pages),
		cmocka_unit_test(parts),
		cmocka_unit_test(statistics),
		cmocka_unit_test(a_reason_is_spread),
		cmocka_unit_test(long_texts_are_taken_in),
		cmocka_unit_test(searches_are_bounded),
	};

	return cmocka_run_group_tests_name("queries", tests, make_dir, remove_dir);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../db/crash_maker.h"
#include "../db/test_database.h"
#include "db/life.h"
#include "db/outbox.h"
#include "db/reason.h"
#include "db/sql.h"
#include "monitor/facts.h"
#include "monitor/monitor.h"
#include "monitor/window.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

static char dir[] = "/tmp/eyrie-test-monitor-XXXXXX";

static const struct monitor_options defaults = {
	.rules = {[DB_ALERT_HOST] = {MONITOR_HOST_THRESHOLD, MONITOR_WINDOW},
		  [DB_ALERT_MODEL] = {MONITOR_MODEL_THRESHOLD, MONITOR_WINDOW},
		  [DB_ALERT_REASON] = {MONITOR_REASON_THRESHOLD, MONITOR_WINDOW}},
	.max_age = MONITOR_MAX_AGE,
};

static void ok(struct ey_error *err)
{
	if (err)
		fail_msg("%s", err->message);
}

static void set_now(int64_t now)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)now);
	setenv("EYRIE_NOW", text, 1);
}

/* The address of the test's database. */
static char *where;

static int set_up(void **state)
{
	static int count;
	char name[16];
	struct db *db;

	snprintf(name, sizeof(name), "%d.db", ++count);
	free(where);
	where = test_database(dir, name);
	set_now(TEST_NOON);
	ok(db_open(where, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &db));
	*state = db;
	return 0;
}

static int tear_down(void **state)
{
	db_close(*state);
	return 0;
}

static int64_t number(struct db *db, const char *sql)
{
	int64_t n = -1;

	ok(db_scalar_values(db, &n, NULL, sql, NULL, 0));
	return n;
}

static int64_t crash(struct db *db, int host, int64_t time, const char *reason, const char *product)
{
	static int count;
	char path[128];
	struct db_intake in = test_crash(path, host, ++count, time);
	struct db_intake_result r;

	in.uptime = 10;
	if (reason)
		in.reason = in.title = reason;
	if (product)
		in.product = product;
	ok(db_intake(db, &in, time, &r));
	assert_int_not_equal(r.verdict, DB_INTAKE_DOUBLE);
	return r.crash_id;
}

static struct monitor_result look(struct db *db, int64_t now)
{
	struct monitor_result r;

	set_now(now);
	ok(monitor_run(db, &defaults, &r));
	return r;
}

static void one_sick_host_is_one_alert(void **state)
{
	struct db *db = *state;
	unsigned int raised = 0;

	// 200 crashes of one host; the monitor looks every now and then.
	for (int i = 0; i < 200; i++) {
		crash(db, 1, TEST_NOON + i * 5 * MINUTE, NULL, NULL);
		if (i % 7 == 0)
			raised += look(db, TEST_NOON + i * 5 * MINUTE).raised;
	}
	raised += look(db, TEST_NOON + 200 * 5 * MINUTE).raised;
	assert_int_equal(raised, 1);
	assert_int_equal(number(db, "SELECT count(*) FROM alerts"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM alerts WHERE scope = 'host'"), 1);
	assert_int_equal(number(db, "SELECT crashes FROM alerts"), 200);
	assert_int_equal(number(db, "SELECT count FROM alerts"), 200);
	assert_int_equal(number(db, "SELECT count(*) FROM outbox WHERE kind = 'alert-firing'"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM outbox WHERE kind = 'new-reason'"), 1);
	_cleanup_alerts_ struct db_alert_list list;
	ok(db_alert_list(db, NULL, NULL, &list));
	assert_string_equal(list.items[0].summary,
			    "web-01 crashed 200 times within 24 hours (threshold 2)");
	assert_string_equal(list.items[0].hint, "");
}

static void all_at_once_is_one_alert(void **state)
{
	struct db *db = *state;

	for (int i = 0; i < 200; i++)
		crash(db, 1, TEST_NOON - i * 30 * MINUTE, NULL, NULL);
	assert_int_equal(look(db, TEST_NOON).raised, 1);
	assert_int_equal(number(db, "SELECT count(*) FROM alerts"), 1);
	assert_int_equal(number(db, "SELECT count FROM alerts"), 48); // in the fullest window
	assert_int_equal(number(db, "SELECT crashes FROM alerts"), 200);
}

static void thresholds_are_exceeded_not_reached(void **state)
{
	struct db *db = *state;

	crash(db, 1, TEST_NOON, NULL, NULL);
	crash(db, 1, TEST_NOON + HOUR, NULL, NULL);
	assert_int_equal(look(db, TEST_NOON + HOUR).raised, 0);
	// The third is out of the first one's window by a second.
	crash(db, 1, TEST_NOON + DAY, NULL, NULL);
	assert_int_equal(look(db, TEST_NOON + DAY).raised, 0);
	crash(db, 1, TEST_NOON + DAY + HOUR - 1, NULL, NULL);
	assert_int_equal(look(db, TEST_NOON + DAY + HOUR).raised, 1);
}

static void reasons_and_models_count_hosts(void **state)
{
	struct db *db = *state;

	for (int i = 0; i < 2; i++) {
		crash(db, 1, TEST_NOON + i * HOUR, NULL, NULL);
		crash(db, 2, TEST_NOON + i * HOUR, NULL, NULL);
	}
	assert_int_equal(look(db, TEST_NOON + HOUR).raised, 0);
	crash(db, 3, TEST_NOON + 2 * HOUR, NULL, NULL);
	struct monitor_result r = look(db, TEST_NOON + 2 * HOUR);
	assert_int_equal(r.raised, 1);
	assert_int_equal(number(db, "SELECT count FROM alerts WHERE scope = 'reason'"), 3);
	assert_int_equal(number(db, "SELECT crashes FROM alerts WHERE scope = 'reason'"), 5);
	// Two more hosts of the model, of other reasons; another model does not count.
	crash(db, 4, TEST_NOON + 3 * HOUR, "g1:a", NULL);
	crash(db, 5, TEST_NOON + 3 * HOUR, "g1:b", "Server 10");
	assert_int_equal(look(db, TEST_NOON + 3 * HOUR).raised, 0);
	crash(db, 6, TEST_NOON + 3 * HOUR, "g1:c", NULL);
	assert_int_equal(look(db, TEST_NOON + 3 * HOUR).raised, 1);
	_cleanup_alerts_ struct db_alert_list list;
	ok(db_alert_list(db, &(struct db_alert_filter){.scope = "model"}, NULL, &list));
	assert_int_equal(list.count, 1);
	assert_string_equal(
		list.items[0].summary,
		"5 hosts of model Example Server 9 crashed within 24 hours (threshold 4)");
}

static void many_reasons_look_like_hardware(void **state)
{
	struct db *db = *state;

	crash(db, 1, TEST_NOON, "g1:a", NULL);
	crash(db, 1, TEST_NOON + HOUR, "g1:b", NULL);
	crash(db, 1, TEST_NOON + 2 * HOUR, "g1:c", NULL);
	assert_int_equal(look(db, TEST_NOON + 2 * HOUR).raised, 1);
	_cleanup_alerts_ struct db_alert_list list;
	ok(db_alert_list(db, NULL, NULL, &list));
	assert_string_equal(list.items[0].hint, "hardware");
	assert_non_null(strstr(list.items[0].summary, "3 different reasons: looks like hardware"));
}

static void alerts_end_by_themselves(void **state)
{
	struct db *db = *state;

	for (int i = 0; i < 3; i++)
		crash(db, 1, TEST_NOON + i * HOUR, NULL, NULL);
	assert_int_equal(look(db, TEST_NOON + 2 * HOUR).raised, 1);
	ok(db_alert_acknowledge(db, 1, "sam", TEST_NOON + 3 * HOUR));
	// Still too many in the last 24 hours; then for a window not.
	struct monitor_result r = look(db, TEST_NOON + 23 * HOUR);
	assert_int_equal(r.active, 1);
	r = look(db, TEST_NOON + 46 * HOUR);
	assert_int_equal(r.active, 1);
	r = look(db, TEST_NOON + 47 * HOUR + 1);
	assert_int_equal(r.resolved, 1);
	assert_int_equal(r.active, 0);
	assert_int_equal(number(db, "SELECT count(*) FROM outbox WHERE kind = 'alert-resolved'"),
			 1);
	assert_int_equal(number(db, "SELECT count(*) FROM outbox WHERE kind = "
				    "'alert-acknowledged'"),
			 1);
	// A straggler of the same days is no new outbreak; three more crashes are.
	crash(db, 1, TEST_NOON + 90 * MINUTE, NULL, NULL);
	r = look(db, TEST_NOON + 48 * HOUR);
	assert_int_equal(r.raised, 0);
	for (int i = 0; i < 3; i++)
		crash(db, 1, TEST_NOON + (60 + i) * HOUR, NULL, NULL);
	r = look(db, TEST_NOON + 63 * HOUR);
	assert_int_equal(r.raised, 1);
	assert_int_equal(number(db, "SELECT count(*) FROM alerts"), 2);
	assert_int_equal(number(db, "SELECT crashes FROM alerts ORDER BY id DESC LIMIT 1"), 3);
}

static void hosts_that_are_worked_on_alert_nobody(void **state)
{
	static const enum db_life quiet[] = {DB_LIFE_MAINTENANCE, DB_LIFE_DECOMMISSIONED};
	struct db *db = *state;
	int64_t time = TEST_NOON;
	bool changed;

	crash(db, 1, time, NULL, NULL);
	int64_t host = number(db, "SELECT max(id) FROM hosts");
	for (size_t k = 0; k < EY_ARRAY_SIZE(quiet); k++) {
		ok(db_life_set(db, host, quiet[k], "Anna", "memory", time, &changed));
		for (int i = 0; i < 20; i++)
			crash(db, 1, time += 60, NULL, NULL);
		assert_int_equal(look(db, time).raised, 0);
	}
	// Many hosts with one reason, of which those that count are not enough.
	for (int i = 2; i < 40; i++) {
		crash(db, i, time += 1, "g1:BUG:storm", NULL);
		ok(db_life_set(db, number(db, "SELECT max(id) FROM hosts"), DB_LIFE_MAINTENANCE,
			       "Anna", NULL, time, &changed));
	}
	assert_int_equal(look(db, time).raised, 0);
	assert_int_equal(number(db, "SELECT count(*) FROM alerts"), 0);
	// Back in production the next crashes count.
	ok(db_life_set(db, host, DB_LIFE_PRODUCTION, "Anna", NULL, time, &changed));
	time += DAY;
	for (int i = 0; i < 20; i++)
		crash(db, 1, time += 60, NULL, NULL);
	assert_int_equal(look(db, time).raised, 1);
}

static void acknowledged_stays_one(void **state)
{
	struct db *db = *state;

	for (int i = 0; i < 3; i++)
		crash(db, 1, TEST_NOON + i * HOUR, NULL, NULL);
	look(db, TEST_NOON + 2 * HOUR);
	ok(db_alert_acknowledge(db, 1, "sam", TEST_NOON + 3 * HOUR));
	for (int i = 3; i < 30; i++) {
		crash(db, 1, TEST_NOON + i * HOUR, NULL, NULL);
		assert_int_equal(look(db, TEST_NOON + i * HOUR).raised, 0);
	}
	assert_int_equal(number(db, "SELECT count(*) FROM alerts WHERE state = 'acknowledged'"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM alerts"), 1);
	assert_int_equal(number(db, "SELECT crashes FROM alerts"), 30);
	assert_int_equal(number(db, "SELECT count(*) FROM outbox WHERE kind = 'alert-firing'"), 1);
}

static void late_news_and_history(void **state)
{
	struct db *db = *state;

	// Three crashes of last week, reported only now: news. Of last year: history.
	for (int i = 0; i < 3; i++) {
		crash(db, 1, TEST_NOON - 7 * DAY + i * HOUR, NULL, NULL);
		crash(db, 2, TEST_NOON - 365 * DAY + i * HOUR, "g1:old", NULL);
	}
	struct monitor_result r = look(db, TEST_NOON);
	assert_int_equal(r.raised, 1);
	assert_int_equal(r.new_reasons, 1);
	assert_int_equal(number(db, "SELECT subject_id FROM alerts"), 1);
	// It was told now, so it lasts a window from now.
	assert_int_equal(look(db, TEST_NOON + 23 * HOUR).active, 1);
	assert_int_equal(look(db, TEST_NOON + 25 * HOUR).resolved, 1);
}

static void no_mail_queues_none(void **state)
{
	struct db *db = *state;
	struct monitor_options options = defaults;
	struct monitor_result r;

	options.no_mail = true;
	crash(db, 1, TEST_NOON, NULL, NULL);
	ok(monitor_run(db, &options, &r));
	assert_int_equal(r.new_reasons, 1);
	assert_int_equal(r.mails_queued, 0);
	assert_int_equal(look(db, TEST_NOON).mails_queued, 0);
	// Nor is the end of an alert mailed later whose beginning was not.
	for (int i = 1; i < 3; i++)
		crash(db, 1, TEST_NOON + i * HOUR, NULL, NULL);
	set_now(TEST_NOON + 2 * HOUR);
	ok(monitor_run(db, &options, &r));
	assert_int_equal(r.raised, 1);
	r = look(db, TEST_NOON + 50 * HOUR);
	assert_int_equal(r.resolved, 1);
	assert_int_equal(r.mails_queued, 0);
}

static void configuration(void **state)
{
	_cleanup_config_ struct ey_config config = {0};
	struct monitor_options options = {0};

	ok(monitor_options_load(&options, &config));
	assert_int_equal(options.rules[DB_ALERT_MODEL].threshold, MONITOR_MODEL_THRESHOLD);
	assert_int_equal(options.rules[DB_ALERT_MODEL].window, MONITOR_WINDOW);
	ok(ey_config_set(&config, "monitor", "reason_threshold", "9", "test"));
	ok(ey_config_set(&config, "monitor", "reason_window", "7d", "test"));
	ok(monitor_options_load(&options, &config));
	assert_int_equal(options.rules[DB_ALERT_REASON].threshold, 9);
	assert_int_equal(options.rules[DB_ALERT_REASON].window, 7 * DAY);
	ok(ey_config_set(&config, "monitor", "host_window", "0", "test"));
	_cleanup_error_ struct ey_error *err = monitor_options_load(&options, &config);
	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_USAGE);
}

/* The window against counting by hand, over random crashes. */
static void window_counts_right(void **state)
{
	enum { N = 120 };
	struct db_watch_crash c[N];

	srand(7);
	for (int round = 0; round < 200; round++) {
		struct db_watch_crash_list list = {.items = c, .count = 1 + (size_t)rand() % N};
		struct monitor_rule rule = {(uint64_t)(rand() % 12), 1 + rand() % 40};
		bool hosts = rand() % 2;
		int64_t after = rand() % N, time = 1000;
		uint64_t best = 0;

		for (size_t i = 0; i < list.count; i++) {
			time += rand() % 9;
			c[i] = (struct db_watch_crash){1 + (int64_t)((i * 37) % N), time,
						       1 + rand() % 6, 1 + rand() % 4};
		}
		for (size_t i = 0; i < list.count; i++) {
			uint64_t crashes = 0, distinct = 0, fresh = 0;
			bool seen[8] = {0};

			for (size_t k = 0; k <= i; k++) {
				if (c[k].time <= c[i].time - rule.window)
					continue;
				crashes++;
				fresh += c[k].id > after;
				distinct += !seen[c[k].host_id];
				seen[c[k].host_id] = true;
			}
			uint64_t n = hosts ? distinct : crashes;
			if (fresh && n > rule.threshold && n > best)
				best = n;
		}
		_cleanup_window_finding_ struct window_finding f = {0};
		ok(window_slide(&list, &rule, hosts, after, &f));
		assert_int_equal(f.exceeded, best > 0);
		if (best)
			assert_int_equal(hosts ? f.hosts : f.crashes, best);
		for (size_t i = 1; i < f.id_count; i++)
			assert_int_not_equal(f.ids[i], f.ids[i - 1]);
		assert_true(f.id_count <= list.count);
	}
}

static void mails_say_what_is_known(void **state)
{
	const struct facts_places places = {"http://console.example.com", "/srv/crash"};
	struct db *db = *state;

	crash(db, 1, TEST_NOON, "g1:a", NULL);
	crash(db, 1, TEST_NOON + HOUR, "g1:b", NULL);
	crash(db, 1, TEST_NOON + 2 * HOUR, "g1:c", NULL);
	look(db, TEST_NOON + 2 * HOUR);
	_cleanup_mails_ struct db_mail_list list;
	ok(db_outbox_claim(db, TEST_NOON + 2 * HOUR, 60, 10, &list));
	assert_int_equal(list.count, 4);
	for (size_t i = 0; i < list.count; i++) {
		_cleanup_facts_mail_ struct facts_mail mail = {0};

		ok(facts_compose(db, &list.items[i], &places, &mail));
		assert_non_null(strstr(mail.text.text, "web-01"));
		if (list.items[i].kind == DB_MAIL_NEW_REASON) {
			assert_string_equal(mail.analysis, "analysis\n");
			assert_non_null(strstr(mail.text.text, "Server 9"));
			assert_non_null(strstr(mail.text.text, "/srv/crash/north/web-01/"));
			assert_non_null(
				strstr(mail.text.text, "http://console.example.com/reasons/"));
		} else {
			assert_non_null(strstr(mail.text.subject, "web-01 crashed 3 times"));
			assert_non_null(strstr(mail.text.text, "g1:b"));
		}
	}
	struct facts_mail none = {0};
	struct ey_error *err =
		facts_compose(db, &(struct db_mail){.kind = DB_MAIL_ALERT_FIRING, .subject_id = 99},
			      &places, &none);
	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_NOT_FOUND);
	ey_error_destroy(err);
}

/* Killed at random moments, the monitor tells everything once. */
static void killed_monitor(void **state)
{
	struct db *db = *state;

	for (int i = 0; i < 400; i++)
		crash(db, i % 80, TEST_NOON + i * MINUTE, i % 2 ? "g1:a" : "g1:b", NULL);
	set_now(TEST_NOON + 400 * MINUTE);
	for (unsigned int round = 0; round < 10; round++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			struct monitor_result r;
			struct db *child;

			_exit(db_open(where, DB_OPEN_WRITE, &child) ||
			      monitor_run(child, &defaults, &r));
		}
		usleep(500 + 1500 * round);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	look(db, TEST_NOON + 400 * MINUTE);
	// 80 hosts crashed 5 times, two reasons on 40 hosts each, one model.
	assert_int_equal(number(db, "SELECT count(*) FROM alerts WHERE scope = 'host'"), 80);
	assert_int_equal(number(db, "SELECT count(*) FROM alerts WHERE scope = 'reason'"), 2);
	assert_int_equal(number(db, "SELECT count(*) FROM alerts WHERE scope = 'model'"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM outbox"), 85);
	assert_int_equal(number(db, "SELECT count(*) FROM alert_crashes"), 400 + 400 + 400);
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_sick_host_is_one_alert),
		TEST(all_at_once_is_one_alert),
		TEST(thresholds_are_exceeded_not_reached),
		TEST(reasons_and_models_count_hosts),
		TEST(many_reasons_look_like_hardware),
		TEST(alerts_end_by_themselves),
		TEST(hosts_that_are_worked_on_alert_nobody),
		TEST(acknowledged_stays_one),
		TEST(late_news_and_history),
		TEST(no_mail_queues_none),
		TEST(configuration),
		TEST(window_counts_right),
		TEST(mails_say_what_is_known),
		TEST(killed_monitor),
	};

	return cmocka_run_group_tests_name("monitor", tests, make_dir, remove_dir);
}

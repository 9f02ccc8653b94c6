/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long dumps stay: rules, quotas, holds, and whether they are still what was filed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sodium.h>

#include "../db/test_database.h"
#include "base/cleanup.h"
#include "db/crash.h"
#include "db/hold.h"
#include "db/issue.h"
#include "db/kept.h"
#include "db/sql.h"
#include "ingest/keep.h"
#include "ingest/populate.h"
#include "ingest/purge.h"
#include "ingest/scrub.h"
#include "tree_maker.h"

/* 2026-11-23 12:00:00 UTC. */
enum { NOON = 1795435200, DAY = 86400, DUMP = 4096 };

static char top[] = "/tmp/eyrie-test-keep-XXXXXX";

struct place {
	char root[200];
	char *db_path;
	struct db *db;
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

static int set_up(void **state)
{
	static int count;
	struct place *p = calloc(1, sizeof(*p));
	char name[32];

	snprintf(p->root, sizeof(p->root), "%s/%d/repository", top, ++count);
	set_now(NOON + DAY);
	ok(ey_mkdir_parents(p->root, 0755));
	snprintf(name, sizeof(name), "%d/eyrie.db", count);
	p->db_path = test_database(top, name);
	ok(db_open(p->db_path, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &p->db));
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	db_close(p->db);
	free(p->db_path);
	free(p);
	return 0;
}

static int64_t number(struct db *db, const char *sql)
{
	int64_t n = -1;

	ok(db_scalar_values(db, &n, NULL, sql, NULL, 0));
	return n;
}

static struct tree_crash crash(const struct place *p, const char *host, unsigned int n,
			       const char *function)
{
	return (struct tree_crash){.root = p->root,
				   .host = host,
				   .time = NOON + 1000 * (int64_t)n,
				   .number = n,
				   .function = function,
				   .uptime = 500,
				   .dump = DUMP};
}

static void file_path(const struct tree_crash *c, const char *name, char ret[700])
{
	char path[256];

	tree_path(c, path);
	snprintf(ret, 700, "%s/%s/%s", c->root, path, name);
}

static bool there(const struct tree_crash *c)
{
	char full[700];
	struct stat st;

	file_path(c, "vmcore", full);
	return lstat(full, &st) == 0;
}

static void populate(struct place *p)
{
	struct populate_options options = {.root = p->root, .no_policy = true};
	struct populate_result r;

	ok(populate_run(p->db, &options, &r));
}

// A crash in the repository and the database; its id there.
static int64_t add(struct place *p, const struct tree_crash *c)
{
	assert_true(tree_add(c));
	populate(p);
	return number(p->db, "SELECT max(id) FROM crashes");
}

static int64_t make_issue(struct place *p, const char *reason, const char *state)
{
	const char *fields[DB_ISSUE_FIELD_COUNT] = {
		[DB_ISSUE_TITLE] = "bug", [DB_ISSUE_STATE] = state};
	struct db_issue_edit edit = {.who = "eva", .now = NOON};
	int64_t reason_id = 0;

	ok(db_scalar(p->db, &reason_id, NULL, "SELECT id FROM reasons WHERE key = ?1",
		     db_text(reason)));
	ok(db_issue_create(p->db, fields, &edit, &edit.issue_id));
	ok(db_issue_set_reason(p->db, reason_id, true, &edit));
	return edit.issue_id;
}

static struct purge_result purge(struct place *p, const struct keep_quotas *quotas)
{
	struct purge_options options = {.root = p->root};
	struct purge_result r;

	keep_rules_default(&options.rules, 30 * (int64_t)DAY);
	if (quotas)
		options.quotas = *quotas;
	ok(purge_run(p->db, &options, &r));
	return r;
}

/* Rows from the least worth to the most: each must go before all that follow. */
static void values(void **state)
{
#define DUMP_OF(state_, dumps, days, mib)                                              \
	{                                                                              \
		.path = "a/b/" #state_ #dumps #days #mib, .state = DB_REASON_##state_, \
		.reason_dumps = dumps, .time = NOON - days * (int64_t)DAY,             \
		.bytes = mib * (1 << 20), .damage = ""                                 \
	}
	static const struct db_kept order[] = {
		{.path = "a/b/damaged",
		 .state = DB_REASON_NEW,
		 .reason_dumps = 1,
		 .time = NOON,
		 .bytes = 1,
		 .damage = "vmcore: its checksum differs"},
		DUMP_OF(RESOLVED, 9, 20, 100),	    // many of a patched bug
		DUMP_OF(ROLLED_OUT, 9, 10, 500),    // younger
		DUMP_OF(FIX_AVAILABLE, 9, 10, 100), // smaller
		DUMP_OF(RESOLVED, 3, 29, 100),	    // not so many
		DUMP_OF(WONT_FIX, 50, 29, 100),
		DUMP_OF(HARDWARE, 2, 29, 100),
		DUMP_OF(NEW, 40, 2, 100),
		DUMP_OF(INVESTIGATING, 5, 25, 100),
		DUMP_OF(NEW, 5, 24, 900),
		DUMP_OF(NEW, 2, 29, 900),
		DUMP_OF(REPORTED, 5, 25, 100),
		DUMP_OF(RESOLVED, 1, 29, 900), // the last of its reason
		DUMP_OF(NEW, 1, 1, 100),
		DUMP_OF(REPORTED, 1, 29, 900),
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(order); i++) {
		for (size_t k = 0; k < EY_ARRAY_SIZE(order); k++) {
			int c = keep_compare(&order[i], &order[k], NOON);

			if (i < k ? c >= 0 : i > k ? c <= 0 : c != 0)
				fail_msg("%s against %s: %d", order[i].path, order[k].path, c);
		}
	}
}

static void rules(void **state)
{
	static const struct {
		enum db_reason_state state;
		int64_t hold;
		int days;
		bool over;
	} rows[] = {
		{DB_REASON_NEW, 0, 29, false},		 {DB_REASON_NEW, 0, 31, true},
		{DB_REASON_NEW, 7, 31, false},		 {DB_REASON_RESOLVED, 0, 13, false},
		{DB_REASON_RESOLVED, 0, 15, true},	 {DB_REASON_RESOLVED, 7, 15, false},
		{DB_REASON_HARDWARE, 0, 15, true},	 {DB_REASON_REPORTED, 0, 3000, false},
		{DB_REASON_INVESTIGATING, 0, 15, false},
	};
	struct keep_rules r;
	char why[KEEP_WHY_SIZE];

	keep_rules_default(&r, 30 * (int64_t)DAY);
	assert_int_equal(keep_rules_shortest(&r), 14 * DAY);
	for (size_t i = 0; i < EY_ARRAY_SIZE(rows); i++) {
		const struct db_kept d = {.path = "a/b/c",
					  .state = rows[i].state,
					  .hold_id = rows[i].hold,
					  .time = NOON - rows[i].days * (int64_t)DAY,
					  .damage = ""};

		assert_int_equal(keep_is_over(&r, &d, NOON, why), rows[i].over);
		assert_true(strlen(why) > 3);
	}
	// A short default is the default of all.
	keep_rules_default(&r, DAY);
	assert_int_equal(r.seconds[DB_REASON_RESOLVED], DAY);
}

static void configuration(void **state)
{
	_cleanup_config_ struct ey_config config = {0};
	struct keep_rules r;
	struct keep_quotas q;
	int64_t n;

	ok(ey_config_set(&config, "retention", "default", "10d", "test"));
	ok(ey_config_set(&config, "retention", "new", "hold", "test"));
	ok(ey_config_set(&config, "retention", "reported", "60d", "test"));
	ok(keep_rules_load(&r, &config));
	assert_int_equal(r.seconds[DB_REASON_NEW], KEEP_HOLD);
	assert_int_equal(r.seconds[DB_REASON_REPORTED], 60 * DAY);
	assert_int_equal(r.seconds[DB_REASON_RESOLVED], 10 * DAY);
	ok(ey_config_set(&config, "retention", "hardware", "for ever", "test"));
	_cleanup_error_ struct ey_error *bad = keep_rules_load(&r, &config);
	assert_non_null(bad);
	assert_int_equal(bad->code, EY_ERR_USAGE);

	ok(ey_config_set(&config, "quota", "host", "2G", "test"));
	ok(ey_config_set(&config, "quota", "repository", "3T", "test"));
	ok(ey_config_set(&config, "quota", "min_free", "5%", "test"));
	ok(keep_quotas_load(&q, &config));
	assert_int_equal(q.host, INT64_C(2) << 30);
	assert_int_equal(q.site, 0);
	assert_int_equal(q.repository, INT64_C(3) << 40);
	assert_int_equal(q.free_percent, 5);
	static const char *const wrong[] = {"-1", "1X", "G", "", "1GB", "99999999999P", "1 G"};
	for (size_t i = 0; i < EY_ARRAY_SIZE(wrong); i++)
		assert_false(keep_size_parse(wrong[i], &n));
	ok(ey_config_set(&config, "quota", "min_free", "95%", "test"));
	_cleanup_error_ struct ey_error *percent = keep_quotas_load(&q, &config);
	assert_non_null(percent);
}

// The time of each state; what a vendor has or somebody holds stays; why it went is told.
static void retention_by_state(void **state)
{
	struct place *p = *state;
	struct tree_crash fresh = crash(p, "web-01", 1, "new"),
			  solved = crash(p, "web-02", 2, "solved"),
			  reported = crash(p, "web-03", 3, "reported"),
			  held = crash(p, "web-04", 4, "solved");
	int64_t id, hold_id;

	add(p, &fresh);
	id = add(p, &solved);
	add(p, &reported);
	int64_t held_id = add(p, &held);
	make_issue(p, "g1:BUG:solved", "resolved");
	make_issue(p, "g1:BUG:reported", "reported");
	const struct db_hold hold = {.scope = DB_HOLD_CRASH,
				     .subject_id = held_id,
				     .who = "eva",
				     .why = "case 4711",
				     .created = NOON,
				     .ends = NOON + 25 * (int64_t)DAY};
	ok(db_hold_add(p->db, &hold, &hold_id));
	set_now(NOON + 20 * (int64_t)DAY);
	struct purge_result r = purge(p, NULL);
	assert_int_equal(r.dumps, 1);
	assert_true(there(&fresh) && !there(&solved) && there(&reported) && there(&held));
	_cleanup_removals_ struct db_removal_list list = {0};
	ok(db_removals(p->db, id, 10, &list));
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].kind, "retention");
	assert_string_equal(list.items[0].why, "resolved: 14 days");
	assert_int_equal(list.items[0].bytes, DUMP);
	assert_int_equal(list.items[0].time, NOON + 20 * (int64_t)DAY);
	// The hold ends by itself.
	set_now(NOON + 26 * (int64_t)DAY);
	assert_int_equal(purge(p, NULL).dumps, 1);
	assert_false(there(&held));
	set_now(NOON + 400 * (int64_t)DAY);
	assert_int_equal(purge(p, NULL).dumps, 1);
	assert_true(!there(&fresh) && there(&reported));
	assert_int_equal(number(p->db, "SELECT count(*) FROM removals"), 3);
}

static void holds(void **state)
{
	struct place *p = *state;
	struct tree_crash c = crash(p, "web-01", 1, "f");
	int64_t id = add(p, &c), issue = make_issue(p, "g1:BUG:f", "resolved");
	const struct {
		enum db_hold_scope scope;
		int64_t subject;
	} all[] = {{DB_HOLD_CRASH, id},
		   {DB_HOLD_REASON, number(p->db, "SELECT max(id) FROM reasons")},
		   {DB_HOLD_HOST, number(p->db, "SELECT max(id) FROM hosts")},
		   {DB_HOLD_ISSUE, issue}};

	set_now(NOON + 50 * (int64_t)DAY);
	for (size_t i = 0; i < EY_ARRAY_SIZE(all); i++) {
		_cleanup_holds_ struct db_hold_list list = {0};
		struct db_hold hold = {.scope = all[i].scope,
				       .subject_id = all[i].subject,
				       .who = "eva",
				       .why = "why",
				       .created = NOON};
		int64_t hold_id;

		ok(db_hold_add(p->db, &hold, &hold_id));
		ok(db_hold_of_crash(p->db, id, NOON, &list));
		assert_int_equal(list.count, 1);
		assert_int_equal(list.items[0].id, hold_id);
		assert_int_equal(purge(p, &(struct keep_quotas){.repository = 1}).dumps, 0);
		assert_true(there(&c));
		// A hold of another one holds nothing here.
		hold.subject_id += 1000;
		_cleanup_error_ struct ey_error *none = db_hold_add(p->db, &hold, &hold_id);
		assert_non_null(none);
		assert_int_equal(none->code, EY_ERR_NOT_FOUND);
		ok(db_hold_release(p->db, list.items[0].id, "adam", NULL, NOON + 1));
		_cleanup_error_ struct ey_error *twice =
			db_hold_release(p->db, list.items[0].id, "adam", NULL, NOON + 1);
		assert_non_null(twice);
	}
	_cleanup_holds_ struct db_hold_list past = {0}, now = {0};
	ok(db_hold_list(p->db, 0, 10, &past));
	assert_int_equal(past.count, 4);
	assert_string_equal(past.items[0].released_by, "adam");
	ok(db_hold_list(p->db, NOON, 10, &now));
	assert_int_equal(now.count, 0);
	assert_int_equal(purge(p, NULL).dumps, 1);
}

// Of a host with too much, the dumps of a patched bug go first, and the last of a reason stays.
static void quotas(void **state)
{
	struct place *p = *state;
	struct tree_crash c[6];

	for (unsigned int i = 0; i < 6; i++) {
		c[i] = crash(p, i < 5 ? "web-01" : "web-02", i, i < 3 ? "solved" : "open");
		add(p, &c[i]);
	}
	make_issue(p, "g1:BUG:solved", "resolved");
	struct purge_result r = purge(p, &(struct keep_quotas){.host = 3 * DUMP});
	assert_int_equal(r.dumps, 2);
	assert_int_equal(r.evicted, 2);
	assert_int_equal(r.over, 0);
	// Two of the three solved ones, the older.
	assert_true(!there(&c[0]) && !there(&c[1]) && there(&c[2]));
	assert_true(there(&c[3]) && there(&c[4]) && there(&c[5]));
	assert_int_equal(number(p->db, "SELECT count(*) FROM removals WHERE kind = 'quota' AND "
				       "why LIKE 'quota of host web-01: known and patched%'"),
			 2);
	// Then one of the open ones, of which there are three: not the last of the solved.
	r = purge(p, &(struct keep_quotas){.site = 3 * DUMP});
	assert_int_equal(r.evicted, 1);
	assert_true(there(&c[2]) && !there(&c[3]));
	// Everything may go where nothing is held and there is room for nothing.
	r = purge(p, &(struct keep_quotas){.repository = 1});
	assert_int_equal(r.evicted, 3);
	assert_int_equal(number(p->db, "SELECT count(*) FROM folders WHERE has_dump = 1"), 0);
	assert_int_equal(number(p->db, "SELECT sum(dumps) FROM reasons"), 0);
	assert_int_equal(number(p->db, "SELECT count(*) FROM crashes WHERE dump = 'purged'"), 6);
}

static void dry_run_is_dry(void **state)
{
	struct place *p = *state;
	struct tree_crash old = crash(p, "web-01", 1, "f"), young = crash(p, "web-01", 2, "f");
	struct purge_options options = {.root = p->root, .dry_run = true};
	struct purge_result r;

	young.time += 25 * DAY;
	add(p, &old);
	set_now(NOON + 35 * (int64_t)DAY);
	add(p, &young);
	keep_rules_default(&options.rules, 30 * (int64_t)DAY);
	// What goes by its time leaves the quota met.
	options.quotas.host = DUMP;
	ok(purge_run(p->db, &options, &r));
	assert_int_equal(r.dumps, 1);
	assert_int_equal(r.evicted, 0);
	options.quotas.host = 1;
	ok(purge_run(p->db, &options, &r));
	assert_int_equal(r.dumps, 2);
	assert_int_equal(r.evicted, 1);
	assert_true(there(&old) && there(&young));
	assert_int_equal(number(p->db, "SELECT count(*) FROM removals"), 0);
}

// Nothing new is refused while something worth less can go; and nothing goes in vain.
static void room_for_what_is_worth_more(void **state)
{
	struct place *p = *state;
	struct tree_crash c[3];
	struct purge_options options = {.root = p->root, .quotas.repository = 3 * DUMP};
	int64_t host;
	bool fits;

	for (unsigned int i = 0; i < 3; i++) {
		c[i] = crash(p, "web-01", i, i < 2 ? "solved" : "open");
		add(p, &c[i]);
	}
	make_issue(p, "g1:BUG:solved", "resolved");
	host = number(p->db, "SELECT max(id) FROM hosts");
	struct purge_incoming in = {.site = "north",
				    .host_id = host,
				    .state = DB_REASON_RESOLVED,
				    .reason_dumps = 2,
				    .bytes = DUMP};
	// As good as those that are there, but younger.
	ok(purge_make_room(p->db, &options, &in, &fits));
	assert_true(fits);
	assert_true(!there(&c[0]) && there(&c[1]) && there(&c[2]));
	// Too large for all of less worth to make room: nothing goes.
	in.bytes = 3 * DUMP;
	ok(purge_make_room(p->db, &options, &in, &fits));
	assert_false(fits);
	assert_true(there(&c[1]) && there(&c[2]));
	// The last dump of the solved bug is worth more than the third of an open one.
	in = (struct purge_incoming){
		.site = "north", .host_id = host, .reason_dumps = 2, .bytes = 2 * DUMP};
	ok(purge_make_room(p->db, &options, &in, &fits));
	assert_false(fits);
	// A reason without any takes its place.
	in.reason_dumps = 0;
	ok(purge_make_room(p->db, &options, &in, &fits));
	assert_true(fits);
	assert_true(!there(&c[1]) && there(&c[2]));
}

static void write_sums(const struct tree_crash *c)
{
	static const char *const names[] = {"record.json", "vmcore"};
	_cleanup_buf_ struct ey_buf sums = EY_BUF_INIT;
	char full[700];

	for (size_t i = 0; i < EY_ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *data = NULL;
		unsigned char digest[crypto_hash_sha256_BYTES];
		char hex[65];
		size_t len;

		file_path(c, names[i], full);
		ok(ey_file_read_whole(full, 1 << 20, &data, &len));
		crypto_hash_sha256(digest, (unsigned char *)data, len);
		sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
		ey_buf_printf(&sums, "%s  %s\n", hex, names[i]);
	}
	file_path(c, "checksums", full);
	ok(ey_file_write_whole(full, 0644, sums.data, sums.len));
}

static bool stop_after(void *arg)
{
	int *left = arg;

	return (*left)-- <= 0;
}

static void scrub_finds_damage(void **state)
{
	struct place *p = *state;
	struct tree_crash c[4];
	struct scrub_options options = {.root = p->root, .every = 10 * (int64_t)DAY};
	struct scrub_result r;
	char full[700];

	for (unsigned int i = 0; i < 4; i++) {
		c[i] = crash(p, "web-01", i, "f");
		add(p, &c[i]);
		if (i < 3)
			write_sums(&c[i]);
	}
	ok(scrub_run(p->db, &options, &r));
	assert_int_equal(r.crashes, 4); // the fourth has no sums to compare with
	assert_int_equal(r.damaged + r.failed, 0);
	assert_true(r.bytes >= 3 * DUMP);
	ok(scrub_run(p->db, &options, &r));
	assert_int_equal(r.crashes, 0); // not due

	file_path(&c[1], "vmcore", full);
	int fd = open(full, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 1000), 1);
	close(fd);
	file_path(&c[2], "record.json", full);
	assert_int_equal(unlink(full), 0);
	set_now(NOON + 20 * (int64_t)DAY);
	// Stopped early, the next run goes on.
	int left = 3;
	options.stop = stop_after;
	options.arg = &left;
	ok(scrub_run(p->db, &options, &r));
	assert_true(r.crashes < 4);
	uint64_t before = r.crashes, damaged = r.damaged;
	options.stop = NULL;
	ok(scrub_run(p->db, &options, &r));
	assert_int_equal(before + r.crashes, 4);
	assert_int_equal(damaged + r.damaged, 2);
	assert_true(there(&c[1]));
	_cleanup_dumps_ struct db_kept_list list = {0};
	ok(db_kept_list(p->db, &(struct db_kept_filter){.damaged = true}, NOON, &list));
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].damage, "vmcore: its checksum differs");
	assert_string_equal(list.items[1].damage, "record.json: it is missing");
	// Known damage is no news; a file that was put back is sound again.
	options.every = 0;
	file_path(&c[1], "vmcore", full);
	fd = open(full, O_WRONLY);
	assert_int_equal(pwrite(fd, "", 1, 1000), 1);
	close(fd);
	ok(scrub_run(p->db, &options, &r));
	assert_int_equal(r.crashes, 4);
	assert_int_equal(r.damaged, 1);
	assert_int_equal(r.fresh, 0);
	// Damaged, it is the first to go.
	assert_int_equal(purge(p, &(struct keep_quotas){.repository = 3 * DUMP}).evicted, 1);
	assert_false(there(&c[2]));
}

static void usage(void **state)
{
	struct place *p = *state;
	struct tree_crash a = crash(p, "web-01", 1, "f"), b = crash(p, "web-02", 2, "g");

	b.dump = 2 * DUMP;
	add(p, &a);
	add(p, &b);
	make_issue(p, "g1:BUG:g", "resolved");
	for (int by = DB_USAGE_TOTAL; by <= DB_USAGE_STATE; by++) {
		_cleanup_usage_ struct db_usage_list list = {0}, over = {0};

		ok(db_usage(p->db, (enum db_usage_by)by, -1, 0, &list));
		assert_int_equal(list.count, by == DB_USAGE_HOST || by == DB_USAGE_STATE ? 2 : 1);
		assert_int_equal(list.items[0].bytes, list.count == 2 ? 2 * DUMP : 3 * DUMP);
		ok(db_usage(p->db, (enum db_usage_by)by, DUMP, 1, &over));
		assert_int_equal(over.count, 1);
	}
}

static int make_top(void **state)
{
	return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(rules),
		cmocka_unit_test(configuration),
		cmocka_unit_test_setup_teardown(retention_by_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(holds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(quotas, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dry_run_is_dry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(room_for_what_is_worth_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(scrub_finds_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(usage, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}

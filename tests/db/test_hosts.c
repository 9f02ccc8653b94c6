/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heartbeats, exposure, life, labels, changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/boot.h"
#include "db/change.h"
#include "db/exposure.h"
#include "db/host.h"
#include "fixture.h"

#define MACHINE_A "0123456789abcdef0123456789abcdef"
#define MACHINE_B "fedcba9876543210fedcba9876543210"
#define BOOT_1	  "11111111-2222-4333-8444-555555555501"
#define BOOT_2	  "11111111-2222-4333-8444-555555555502"
#define UUID_A	  "4c4c4544-0042-3510-8053-b4c04f4d3231"
#define UUID_B	  "4c4c4544-0042-3510-8053-b4c04f4d3232"

enum { MIDNIGHT = TEST_NOON + 12 * 3600, DAY = 86400 };

static struct db_heartbeat web_01(void)
{
	return (struct db_heartbeat){
		.site = "north",
		.folder = "web-01",
		.hostname = "web-01",
		.machine_id = MACHINE_A,
		.boot_uuid = BOOT_1,
		.dmi_uuid = UUID_A,
		.dmi_serial = "S1",
		.uptime = 100,
		.kernel = "6.1.0-1-amd64",
		.vendor = "Example",
		.product = "Server 9",
		.firmware = "1.0",
		.image = "debian 12",
		.configuration = "{\"inventory\":{\"microcode\":\"0x1\"}}",
	};
}

static struct db_heartbeat_result beat(struct db *db, const struct db_heartbeat *b, int64_t now)
{
	struct db_heartbeat_result r;

	ok(db_heartbeat(db, b, now, &r));
	return r;
}

static int64_t exposed(struct db *db, enum db_exposure_by by, const char *name)
{
	_cleanup_exposure_ struct db_exposure_list list = {0};
	struct db_exposure_filter any = {0};

	ok(db_exposure(db, by, &any, &list));
	for (size_t i = 0; i < list.count; i++) {
		if (!strcmp(list.items[i].name, name))
			return list.items[i].seconds;
	}
	return 0;
}

static void consistent(struct db *db)
{
	assert_int_equal(number(db, "SELECT coalesce(sum(seconds), 0) FROM exposure"),
			 number(db, "SELECT coalesce(sum(counted_until - counted_from), 0) FROM "
				    "boots"));
}

static void heartbeats_make_host_boot_and_exposure(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("beats.db");
	_cleanup_hosts_ struct db_host_list hosts = {0};
	struct db_heartbeat b = web_01();
	struct db_heartbeat_result first = beat(db, &b, TEST_NOON), again;

	assert_true(first.new_host);
	assert_true(first.new_boot);
	assert_int_equal(first.life, DB_LIFE_PRODUCTION);
	// Of the time before the first one, only a host that lives can tell.
	assert_int_equal(exposed(db, DB_EXPOSURE_ALL, ""), 0);
	b.uptime += 3600;
	again = beat(db, &b, TEST_NOON + 3600);
	assert_int_equal(again.host_id, first.host_id);
	assert_int_equal(again.boot_id, first.boot_id);
	assert_false(again.new_host || again.new_boot);
	assert_int_equal(exposed(db, DB_EXPOSURE_ALL, ""), 3600);
	// The same again, and one that was delayed.
	beat(db, &b, TEST_NOON + 3600);
	beat(db, &b, TEST_NOON + 1800);
	assert_int_equal(exposed(db, DB_EXPOSURE_ALL, ""), 3600);
	// Over two midnights, in one range.
	b.uptime = 100 + 12 * 3600 + DAY + 60;
	beat(db, &b, MIDNIGHT + DAY + 60);
	assert_int_equal(number(db, "SELECT count(*) FROM exposure"), 3);
	assert_int_equal(exposed(db, DB_EXPOSURE_BY_KERNEL, "6.1.0-1-amd64"), 12 * 3600 + DAY + 60);
	assert_int_equal(number(db, "SELECT count(*) FROM boots"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM configurations"), 1);
	ok(db_host_get(db, first.host_id, &hosts));
	assert_int_equal(hosts.items->last_seen, 0);
	assert_string_equal(hosts.items->kernel, "6.1.0-1-amd64");
	assert_string_equal(hosts.items->firmware, "1.0");
	consistent(db);
}

static void a_new_boot_with_another_kernel(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("boots.db");
	_cleanup_exposure_ struct db_exposure_list list = {0};
	struct db_exposure_filter from = {.from = MIDNIGHT / DAY};
	struct db_heartbeat b = web_01();
	struct db_arena arena = {0};
	const char *text;

	beat(db, &b, TEST_NOON);
	b.boot_uuid = BOOT_2;
	b.kernel = "6.1.0-2-amd64";
	b.uptime = 60;
	b.configuration = "{\"inventory\":{\"microcode\":\"0x2\"}}";
	// Its first heartbeat came late; the boot is counted from its start.
	b.uptime = 600;
	struct db_heartbeat_result r = beat(db, &b, MIDNIGHT + 900);
	assert_true(r.new_boot);
	assert_int_equal(exposed(db, DB_EXPOSURE_BY_KERNEL, "6.1.0-2-amd64"), 600);
	assert_int_equal(exposed(db, DB_EXPOSURE_BY_KERNEL, "6.1.0-1-amd64"), 0);
	// An uptime that cannot be: only what passed since the last heartbeat counts.
	b.boot_uuid = "11111111-2222-4333-8444-555555555503";
	b.uptime = 400 * (int64_t)DAY;
	beat(db, &b, MIDNIGHT + 1000);
	assert_int_equal(exposed(db, DB_EXPOSURE_ALL, ""), 700);
	ok(db_exposure(db, DB_EXPOSURE_BY_MODEL, &from, &list));
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items->name, "Example Server 9");
	ok(db_boot_configuration(db, r.boot_id, &arena, &text));
	assert_string_equal(text, b.configuration);
	db_arena_deinit(&arena);
	consistent(db);
}

static void no_heartbeat_without_a_boot(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("none.db");
	struct db_heartbeat b = web_01();
	struct db_heartbeat_result r;
	char *big = calloc(1, DB_CONFIGURATION_MAX + 2);

	b.boot_uuid = "what";
	is_error(db_heartbeat(db, &b, TEST_NOON, &r), EY_ERR_INPUT);
	memset(big, 'x', DB_CONFIGURATION_MAX + 1);
	b = web_01();
	b.configuration = big;
	is_error(db_heartbeat(db, &b, TEST_NOON, &r), EY_ERR_INPUT);
	free(big);
	assert_int_equal(number(db, "SELECT count(*) FROM hosts"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM boots"), 0);
}

/* A crash takes what its dump does not hold from its own boot, never from the one after it. */
static void a_crash_gets_its_own_boot(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("crash.db");
	struct db_heartbeat b = web_01();
	char path[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON + 7200);

	beat(db, &b, TEST_NOON);
	// Flashed and updated during the reboot.
	b.boot_uuid = BOOT_2;
	b.firmware = "2.0";
	b.kernel = "6.1.0-2-amd64";
	b.uptime = 60;
	beat(db, &b, TEST_NOON + 7500);
	in.dmi_uuid = UUID_A;
	in.dmi_serial = "S1";
	in.firmware = NULL;
	in.vendor = in.product = NULL;
	in.kernel = "6.1.0-1-amd64";
	in.uptime = 7300 - 3; // the dump's own clock, 3 s beside
	struct db_intake_result r = take(db, &in);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE firmware = '1.0' AND "
				    "kernel = '6.1.0-1-amd64' AND model_id IS NOT NULL"),
			 1);
	assert_int_equal(number(db, "SELECT count(*) FROM boots"), 2);
	// The boot lived until it crashed: 2 h, and the 60 s of the next.
	assert_int_equal(exposed(db, DB_EXPOSURE_ALL, ""), 7200 + 60);
	// What the boot's heartbeat said of the host is newer than the crash: it stays.
	assert_int_equal(number(db, "SELECT count(*) FROM hosts WHERE firmware = '2.0'"), 1);
	// Another crash in that minute is of another boot.
	in.path = "north/web-01/other";
	in.time += 100;
	in.uptime += 40;
	assert_int_not_equal(take(db, &in).crash_id, r.crash_id);
	assert_int_equal(number(db, "SELECT count(*) FROM boots"), 3);
	// What the dump says wins over the boot's heartbeat.
	char path2[128];
	struct db_intake other = test_crash(path2, 1, 2, TEST_NOON + 8000);
	other.dmi_uuid = UUID_A;
	other.dmi_serial = "S1";
	other.boot_uuid = BOOT_2;
	other.firmware = "2.1";
	take(db, &other);
	assert_int_equal(number(db, "SELECT count(*) FROM boots WHERE firmware = '2.1'"), 1);
	consistent(db);
}

static void clones_and_reimages(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("clones.db");
	_cleanup_twins_ struct db_twin_list twins = {0}, clones = {0};
	struct db_heartbeat a = web_01(), b = web_01();
	struct db_heartbeat_result first = beat(db, &a, TEST_NOON), second;

	b.hostname = b.folder = "web-02";
	b.dmi_uuid = UUID_B;
	b.boot_uuid = BOOT_2;
	// The disk went from one machine into another: never both at once.
	second = beat(db, &b, TEST_NOON + 60);
	assert_int_not_equal(first.host_id, second.host_id);
	ok(db_clones(db, &clones));
	assert_int_equal(clones.count, 0);
	ok(db_host_twins(db, second.host_id, &twins));
	assert_int_equal(twins.count, 1);
	assert_int_equal(twins.items->host_id, first.host_id);
	assert_false(twins.items->at_once);
	db_twin_list_deinit(&twins);
	// The first one is still there: a clone.
	beat(db, &a, TEST_NOON + 120);
	beat(db, &a, TEST_NOON + 120);
	ok(db_clones(db, &clones));
	assert_int_equal(clones.count, 2);
	ok(db_host_twins(db, first.host_id, &twins));
	assert_true(twins.items->at_once);
	assert_string_equal(twins.items->machine_id, MACHINE_A);
	db_twin_list_deinit(&twins);
	// The second is installed anew: same machine, another install id.
	b.machine_id = MACHINE_B;
	assert_int_equal(beat(db, &b, TEST_NOON + DAY).host_id, second.host_id);
	ok(db_host_twins(db, second.host_id, &twins));
	size_t own = 0;
	for (size_t i = 0; i < twins.count; i++)
		own += !twins.items[i].host_id;
	assert_int_equal(own, 2);
}

static void life_has_a_history(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("life.db");
	_cleanup_life_history_ struct db_life_history history = {0};
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_heartbeat b = web_01();
	int64_t id = beat(db, &b, TEST_NOON).host_id;
	enum db_life life;
	bool changed;

	ok(db_life_parse("maintenance", &life));
	is_error(db_life_parse("Maintenance", &life), EY_ERR_INPUT);
	ok(db_life_set(db, id, life, "Anna", "new memory", TEST_NOON + 60, &changed));
	assert_true(changed);
	ok(db_begin(db, &txn));
	ok(db_life_set(db, id, life, "Bert", NULL, TEST_NOON + 70, &changed));
	assert_false(changed);
	ok(db_commit(&txn));
	is_error(db_life_set(db, id + 1, life, "Anna", NULL, TEST_NOON, &changed),
		 EY_ERR_NOT_FOUND);
	assert_int_equal(beat(db, &b, TEST_NOON + 100).life, DB_LIFE_MAINTENANCE);
	assert_int_equal(exposed(db, DB_EXPOSURE_BY_LIFE, "maintenance"), 100);
	ok(db_life_history(db, id, &history));
	assert_int_equal(history.count, 1);
	assert_string_equal(history.items->who, "Anna");
	assert_string_equal(history.items->old_value, "production");
	assert_string_equal(history.items->new_value, "maintenance");
	assert_string_equal(history.items->why, "new memory");
	_cleanup_exposure_ struct db_exposure_list list = {0};
	struct db_exposure_filter watched = {.only_watched = true};
	ok(db_exposure(db, DB_EXPOSURE_ALL, &watched, &list));
	assert_int_equal(list.count, 0);
}

static void labels_by_source(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("labels.db");
	_cleanup_labels_ struct db_label_list list = {0};
	struct db_label own[] = {{"role", "db"}, {"rack", "r1"}, {"role", "web"}};
	struct db_label other[] = {{"rack", "r2"}};
	struct db_heartbeat b = web_01();
	bool changed;

	b.labels = own;
	b.label_count = 3;
	int64_t id = beat(db, &b, TEST_NOON).host_id;
	ok(db_labels_set(db, id, DB_LABEL_HOST, own, 3, &changed));
	assert_false(changed);
	ok(db_labels_set(db, id, DB_LABEL_IMPORT, other, 1, &changed));
	assert_true(changed);
	b.label_count = 0;
	beat(db, &b, TEST_NOON + 10);
	b.label_count = 3;
	beat(db, &b, TEST_NOON + 20);
	ok(db_labels(db, id, &list));
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[0].value, "r1");
	assert_int_equal(list.items[0].source, DB_LABEL_HOST);
	assert_string_equal(list.items[1].value, "r2");
	assert_int_equal(list.items[1].source, DB_LABEL_IMPORT);
	assert_string_equal(list.items[2].value, "web");
}

static void count_unknown(const char *host, void *arg)
{
	assert_string_equal(host, "web-99");
	++*(int *)arg;
}

static size_t listed(struct db *db, struct db_change_filter filter)
{
	_cleanup_change_list_ struct db_change_list list = {0};

	ok(db_change_list(db, &filter, NULL, &list));
	return list.count;
}

static void changes_name_hosts_labels_and_sites(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("changes.db");
	struct db_label role = {"role", "web"};
	struct db_heartbeat b = web_01();
	static const char *const names[] = {"web-01", "web-99", "web-01"};
	int unknown = 0;
	struct db_change_new c = {.key = "run-1",
				  .time = TEST_NOON,
				  .tool = "ansible",
				  .what = "kernel 6.1.0-2",
				  .link = "https://cm.example.com/1",
				  .hosts = names,
				  .host_count = 3,
				  .on_unknown = count_unknown,
				  .arg = &unknown};
	struct db_change change;
	bool already;

	b.labels = &role;
	b.label_count = 1;
	int64_t one = beat(db, &b, TEST_NOON).host_id;
	b.hostname = b.folder = "web-02";
	b.dmi_uuid = UUID_B;
	b.boot_uuid = BOOT_2;
	b.machine_id = MACHINE_B;
	b.site = "south";
	int64_t two = beat(db, &b, TEST_NOON).host_id;
	ok(db_change_add(db, &c, TEST_NOON + 5, &change, &already));
	assert_false(already);
	assert_int_equal(change.hosts, 1);
	assert_int_equal(unknown, 1);
	ok(db_change_add(db, &c, TEST_NOON + 6, &change, &already));
	assert_true(already);
	assert_int_equal(change.hosts, 1);
	c = (struct db_change_new){.time = TEST_NOON + 10,
				   .tool = "puppet",
				   .what = "sysctl",
				   .label_name = "role",
				   .label_value = "web"};
	ok(db_change_add(db, &c, TEST_NOON + 10, &change, &already));
	assert_int_equal(change.hosts, 2);
	c = (struct db_change_new){.time = TEST_NOON + 20,
				   .site = "south",
				   .tool = "puppet",
				   .what = "firmware",
				   .everywhere = true};
	ok(db_change_add(db, &c, TEST_NOON + 20, &change, &already));
	assert_int_equal(listed(db, (struct db_change_filter){.host_id = one}), 2);
	assert_int_equal(listed(db, (struct db_change_filter){.host_id = two}), 2);
	assert_int_equal(listed(db, (struct db_change_filter){.site = "south"}), 1);
	assert_int_equal(listed(db, (struct db_change_filter){.tool = "puppet"}), 2);
	assert_int_equal(listed(db, (struct db_change_filter){.since = TEST_NOON + 10,
							      .until = TEST_NOON + 20}),
			 1);
	_cleanup_change_list_ struct db_change_list list = {0}, next = {0};
	struct db_page page = {.limit = 2};
	ok(db_change_list(db, &(struct db_change_filter){0}, &page, &list));
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].what, "firmware");
	page.cursor = list.next;
	ok(db_change_list(db, &(struct db_change_filter){0}, &page, &next));
	assert_int_equal(next.count, 1);
	assert_string_equal(next.items[0].link, "https://cm.example.com/1");
	assert_null(next.next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heartbeats_make_host_boot_and_exposure),
		cmocka_unit_test(a_new_boot_with_another_kernel),
		cmocka_unit_test(no_heartbeat_without_a_boot),
		cmocka_unit_test(a_crash_gets_its_own_boot),
		cmocka_unit_test(clones_and_reimages),
		cmocka_unit_test(life_has_a_history),
		cmocka_unit_test(labels_by_source),
		cmocka_unit_test(changes_name_hosts_labels_and_sites),
	};

	return cmocka_run_group_tests_name("hosts", tests, make_dir, remove_dir);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "../db/fixture.h"
#include "db/boot.h"
#include "db/host.h"
#include "ingest/hosts_csv.h"

static struct ey_error *import(struct db *db, const char *csv, bool dry_run,
			       struct hosts_import_result *r)
{
	struct hosts_import_options o = {
		.who = "Anna", .why = "list", .dry_run = dry_run, .now = TEST_NOON};
	_cleanup_free_ char *text = strdup(csv);

	return hosts_import(db, text, strlen(text), &o, r);
}

static void add_host(struct db *db, int number)
{
	char name[16], uuid[40], boot[40];
	struct db_heartbeat_result r;
	struct db_heartbeat b = {.site = number > 2 ? "south" : "north",
				 .hostname = name,
				 .folder = name,
				 .dmi_uuid = uuid,
				 .dmi_serial = number == 2 ? "S2" : NULL,
				 .boot_uuid = boot};

	// The third is called as the first, at another site.
	snprintf(name, sizeof(name), "web-%02d", number == 3 ? 1 : number);
	snprintf(uuid, sizeof(uuid), "4c4c4544-0042-3510-8053-%012d", number);
	snprintf(boot, sizeof(boot), "11111111-2222-4333-8444-%012d", number);
	ok(db_heartbeat(db, &b, TEST_NOON, &r));
}

static void hosts_are_found_and_changed(void **state)
{
	static const char csv[] = "\xef\xbb\xbfhostname,serial,uuid,site,life,label:rack\r\n"
				  "web-01,,,north,maintenance,\"r \"\"1\"\", left\"\r\n"
				  "\r\n"
				  "odd,S2,,,lab,\r\n"
				  ",,4C4C4544-0042-3510-8053-000000000003,,,r3\r\n"
				  "web-01,,,,lab,\r\n"
				  "web-77,,,,lab,r1\r\n";
	_cleanup_db_ struct db *db = fresh_db("import.db");
	_cleanup_labels_ struct db_label_list labels = {0};
	struct hosts_import_result r;

	for (int i = 1; i <= 3; i++)
		add_host(db, i);
	ok(import(db, csv, true, &r));
	assert_int_equal(r.lives, 2);
	assert_int_equal(number(db, "SELECT count(*) FROM hosts WHERE life <> 'production'"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM host_labels"), 0);
	ok(import(db, csv, false, &r));
	assert_int_equal(r.rows, 5);
	assert_int_equal(r.lives, 2);
	assert_int_equal(r.labels, 2);
	assert_int_equal(r.unknown, 1);
	assert_int_equal(r.ambiguous, 1);
	assert_int_equal(number(db, "SELECT count(*) FROM hosts WHERE life = 'maintenance' AND "
				    "site = 'north' AND hostname = 'web-01'"),
			 1);
	assert_int_equal(number(db, "SELECT count(*) FROM hosts WHERE life = 'lab' AND "
				    "dmi_serial = 'S2'"),
			 1);
	ok(db_labels(db, number(db, "SELECT id FROM hosts WHERE life = 'maintenance'"), &labels));
	assert_int_equal(labels.count, 1);
	assert_string_equal(labels.items->value, "r \"1\", left");
	// The same again changes nothing.
	ok(import(db, csv, false, &r));
	assert_int_equal(r.lives + r.labels, 0);
	assert_int_equal(number(db, "SELECT count(*) FROM host_life"), 2);
}

static void bad_files_change_nothing(void **state)
{
	static const char *const bad[] = {
		"",
		"site,life\nnorth,lab\n",
		"hostname,what\nweb-01,1\n",
		"hostname,hostname\na,b\n",
		"hostname,label:a b\nweb-01,x\n",
		"hostname,life\nweb-01,lab\nweb-01,odd\n",
		"hostname,life\nweb-01,lab\nweb-01\n",
		"hostname,life\nweb-01,lab\nweb-01,lab,x\n",
		"hostname,life\nweb-01,lab\n,lab\n",
		"hostname,life\nweb-01,lab\n\"web-02,lab\n",
		"hostname,life\nweb-01,lab\n\"web\"-02,lab\n",
		"hostname,life\nweb-01,lab\nweb\x1b[31m,lab\n",
		"hostname,life\nweb-01,lab\nweb\xff,lab\n",
		"hostname,life\nweb-01,lab\n\"web\n\",lab\n",
	};
	_cleanup_db_ struct db *db = fresh_db("bad.db");
	struct hosts_import_result r;

	add_host(db, 1);
	for (size_t i = 0; i < EY_ARRAY_SIZE(bad); i++) {
		struct ey_error *err = import(db, bad[i], false, &r);

		if (!err)
			fail_msg("case %zu was taken", i);
		is_error(err, EY_ERR_INPUT);
	}
	assert_int_equal(number(db, "SELECT count(*) FROM hosts WHERE life <> 'production'"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM host_life"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_found_and_changed),
		cmocka_unit_test(bad_files_change_nothing),
	};

	return cmocka_run_group_tests_name("hosts-import", tests, make_dir, remove_dir);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/file.h"
#include "db/alert.h"
#include "db/folder.h"
#include "db/host.h"
#include "db/job.h"
#include "db/outbox.h"
#include "db/reason.h"
#include "db/sql.h"
#include "db/stats.h"
#include "fixture.h"

static void opening(void **state)
{
	_cleanup_free_ char *path = path_of("opening.db");
	_cleanup_free_ char *text = path_of("text.db");
	_cleanup_db_ struct db *db = NULL;
	unsigned int version;

	is_error(db_open(path, 0, &db), EY_ERR_NOT_FOUND);
	ok(db_open(path, DB_OPEN_WRITE, &db));
	ok(db_schema_version(db, &version));
	assert_int_equal(version, db_schema_latest());
	_cleanup_free_ char *wal = path_of("opening.db-wal");
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0); // logs are in it
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
	db_close(db);
	db = NULL;
	ok(db_open(path, 0, &db));
	is_error(db_state_set(db, "x", 1), EY_ERR_IO); // a reader changes nothing
	ok(ey_file_write_whole(text, 0644, "this is no database, by far not at all\n", 39));
	struct db *none;
	is_error(db_open(text, DB_OPEN_WRITE, &none), EY_ERR_INPUT);
	is_error(db_open(dir, DB_OPEN_WRITE, &none), EY_ERR_IO);
	// SQLite's name of a database that is forgotten when it is closed.
	is_error(db_open("", DB_OPEN_WRITE, &none), EY_ERR_USAGE);
	is_error(db_open("", 0, &none), EY_ERR_USAGE);
}

static void newer_schema_is_refused(void **state)
{
	_cleanup_free_ char *path = test_database(dir, "newer.db");
	_cleanup_db_ struct db *db = fresh_db("newer.db");
	struct db *none;

	ok(db_exec(db, "INSERT INTO schema_versions VALUES (9999, 'x', 0)"));
	is_error(db_open(path, DB_OPEN_WRITE, &none), EY_ERR_INPUT);
	is_error(db_open(path, 0, &none), EY_ERR_INPUT);
}

static const char old_crash[] =
	"INSERT INTO hosts (id, site, folder, hostname, first_seen, last_seen, crashes, reasons) "
	"VALUES (1, 'north', 'web-01', 'web-01', 5, 5, 1, 1); "
	"INSERT INTO boots (id, host_id, last_seen) VALUES (1, 1, 5); "
	"INSERT INTO reasons (id, key, kind, guilty, title, first_seen, last_seen, received, "
	"crashes, hosts) VALUES (1, 'g1:BUG:x', 'BUG', 'x', 'BUG in x', 5, 5, 5, 1, 1); "
	"INSERT INTO crashes (id, host_id, boot_id, reason_id, time, received, from_dump, is_new, "
	"site, kind, title, path, dump) "
	"VALUES (1, 1, 1, 1, 5, 5, 1, 1, 'north', 'BUG', 'BUG in x', 'north/web-01/5', 'kept')";

static void migrations_from_each_version(void **state)
{
	for (unsigned int from = 0; from < db_schema_latest(); from++) {
		char name[32];
		snprintf(name, sizeof(name), "old%u.db", from);
		_cleanup_free_ char *where = test_database(dir, name);
		_cleanup_db_ struct db *db = NULL;
		unsigned int version;

		ok(db_connect(where, DB_OPEN_WRITE, &db));
		if (from)
			ok(db_migrate(db, from));
		// Version 1 can hold a crash already, as its Eyrie wrote it; it must survive what
		// comes later.
		if (from >= 1)
			ok(db_exec(db, old_crash));
		ok(db_migrate(db, 0));
		ok(db_schema_version(db, &version));
		assert_int_equal(version, db_schema_latest());
		assert_int_equal(number(db, "SELECT count(*) FROM crashes"), from ? 1 : 0);
		assert_int_equal(number(db, "SELECT count(*) FROM alerts"), 0);
		assert_int_equal(number(db, "SELECT count(*) FROM schema_versions"),
				 db_schema_latest());
		ok(db_migrate(db, 0)); // again: nothing to do
	}
}

static void transactions(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("txn.db");

	{
		_cleanup_txn_ struct db_txn outer = {0}, inner = {0};
		ok(db_begin(db, &outer));
		ok(db_state_set(db, "a", 1));
		ok(db_begin(db, &inner));
		ok(db_state_set(db, "b", 2));
		ok(db_commit(&inner));
	}
	assert_int_equal(number(db, "SELECT count(*) FROM job_state"), 0); // never committed
	{
		_cleanup_txn_ struct db_txn outer = {0};
		ok(db_begin(db, &outer));
		ok(db_state_set(db, "a", 1));
		{
			_cleanup_txn_ struct db_txn inner = {0};
			ok(db_begin(db, &inner));
		}
		is_error(db_commit(&outer), EY_ERR_IO); // the inner one was given up
	}
	assert_int_equal(number(db, "SELECT count(*) FROM job_state"), 0);
	{
		_cleanup_txn_ struct db_txn txn = {0};
		ok(db_begin(db, &txn));
		ok(db_state_set(db, "a", 7));
		ok(db_commit(&txn));
	}
	int64_t v;
	ok(db_state_get(db, "a", 0, &v));
	assert_int_equal(v, 7);
	ok(db_state_get(db, "never", 42, &v));
	assert_int_equal(v, 42);
}

static void intake_counts(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("intake.db");
	char path[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);
	struct db_intake_result r = take(db, &in);

	assert_int_equal(r.verdict, DB_INTAKE_NEW);
	assert_int_equal(r.reason_crashes, 1);
	r = take(db, &in); // the same folder
	assert_int_equal(r.verdict, DB_INTAKE_DOUBLE);

	in = test_crash(path, 1, 2, TEST_NOON); // the same dump, copied to another folder
	r = take(db, &in);
	assert_int_equal(r.verdict, DB_INTAKE_DOUBLE);
	assert_int_equal(number(db, "SELECT count(*) FROM folders"), 2);

	in = test_crash(path, 1, 3, TEST_NOON + 61); // a crash loop: 61 s later, the same key
	r = take(db, &in);
	assert_int_equal(r.verdict, DB_INTAKE_KNOWN);
	assert_int_equal(r.reason_crashes, 2);
	assert_int_equal(r.reason_hosts, 1);

	in = test_crash(path, 2, 4, TEST_NOON + 100);
	r = take(db, &in);
	assert_int_equal(r.reason_hosts, 2);

	in = test_crash(path, 2, 5, TEST_NOON + 9000);
	in.reason = "g1:HANG:f";
	in.signature = "f+0x10";
	r = take(db, &in);
	assert_int_equal(r.verdict, DB_INTAKE_NEW);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes"), 4);
	assert_int_equal(number(db, "SELECT sum(crashes) FROM reasons"), 4);
	assert_int_equal(number(db, "SELECT sum(crashes) FROM hosts"), 4);
	assert_int_equal(number(db, "SELECT sum(crashes) FROM signatures"), 4);
	assert_int_equal(number(db, "SELECT sum(crashes) FROM reason_hosts"), 4);
	assert_int_equal(number(db, "SELECT sum(dumps) FROM reasons"), 4);
}

#define BOOT_A	  "11111111-2222-4333-8444-555555555555"
#define BOOT_B	  "21111111-2222-4333-8444-555555555555"
#define MACHINE_A "0123456789abcdef0123456789abcdef"
#define MACHINE_B "1123456789abcdef0123456789abcdef"
#define DMI_A	  "4c4c4544-0042-3510-8051-b4c04f333732"
#define DMI_B	  "5c4c4544-0042-3510-8051-b4c04f333732"

static void one_crash_by_several_roads(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("roads.db");
	char path[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);

	// From the log only: no boot id, the time not exact, no dump.
	in.from_dump = false;
	in.dump = DB_DUMP_NONE;
	in.dump_bytes = 0;
	assert_int_equal(take(db, &in).verdict, DB_INTAKE_NEW);
	// Then its dump with the boot id, 40 s off.
	in = test_crash(path, 1, 2, TEST_NOON + 40);
	in.boot_uuid = BOOT_A;
	struct db_intake_result r = take(db, &in);
	assert_int_equal(r.verdict, DB_INTAKE_DOUBLE);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE dump = 'kept'"), 1);
	assert_int_equal(number(db, "SELECT dumps FROM reasons"), 1);
	// The same boot id at any time is the same crash; another boot id never is.
	in = test_crash(path, 1, 3, TEST_NOON + 5000);
	in.boot_uuid = BOOT_A;
	assert_int_equal(take(db, &in).verdict, DB_INTAKE_DOUBLE);
	in = test_crash(path, 1, 4, TEST_NOON + 1);
	in.boot_uuid = BOOT_B;
	assert_int_equal(take(db, &in).verdict, DB_INTAKE_KNOWN);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes"), 2);
}

static void identities(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("identity.db");
	char path[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);

	in.machine_id = MACHINE_A;
	in.dmi_uuid = DMI_A;
	in.dmi_serial = "S1";
	int64_t a = take(db, &in).host_id;
	// Renamed and moved: the hardware is the same.
	in = test_crash(path, 2, 2, TEST_NOON + 1000);
	in.machine_id = MACHINE_A;
	in.dmi_uuid = DMI_A;
	in.dmi_serial = "S1";
	assert_int_equal(take(db, &in).host_id, a);
	// Installed anew.
	in = test_crash(path, 2, 3, TEST_NOON + 2000);
	in.machine_id = MACHINE_B;
	in.dmi_uuid = DMI_A;
	in.dmi_serial = "S1";
	assert_int_equal(take(db, &in).host_id, a);
	// A clone of the disk on other hardware, under the same name: another machine.
	in = test_crash(path, 2, 4, TEST_NOON + 3000);
	in.machine_id = MACHINE_B;
	in.dmi_uuid = DMI_B;
	in.dmi_serial = "S2";
	int64_t b = take(db, &in).host_id;
	assert_int_not_equal(b, a);
	// Only an install id, which two machines have: the folder decides.
	in = test_crash(path, 3, 5, TEST_NOON + 4000);
	in.machine_id = MACHINE_B;
	int64_t c = take(db, &in).host_id;
	assert_true(c != a && c != b);
	// Nothing at all but the folder; the firmware's junk is nothing.
	in = test_crash(path, 3, 6, TEST_NOON + 5000);
	in.dmi_uuid = "03000200-0400-0500-0006-000700080009";
	assert_int_equal(take(db, &in).host_id, c);
	in = test_crash(path, 4, 7, TEST_NOON + 6000);
	in.dmi_uuid = "03000200-0400-0500-0006-000700080009";
	int64_t d = take(db, &in).host_id;
	assert_true(d != a && d != b && d != c);

	_cleanup_hosts_ struct db_host_list hosts;
	ok(db_host_get(db, a, &hosts));
	assert_string_equal(hosts.items[0].hostname, "web-02");
	assert_string_equal(hosts.items[0].machine_id, MACHINE_B);
	assert_int_equal(hosts.items[0].crashes, 3);
}

static void late_crash_does_not_rewrite_the_host(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("late.db");
	char path[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);

	in.firmware = "2.0";
	int64_t host = take(db, &in).host_id;
	in = test_crash(path, 1, 2, TEST_NOON - 86400);
	in.firmware = "1.0";
	struct db_intake_result r = take(db, &in);
	_cleanup_hosts_ struct db_host_list hosts;
	ok(db_host_get(db, host, &hosts));
	assert_string_equal(hosts.items[0].firmware, "2.0");
	assert_int_equal(hosts.items[0].first_seen, TEST_NOON - 86400);
	_cleanup_crashes_ struct db_crash_list crash;
	ok(db_crash_get(db, r.crash_id, &crash));
	assert_string_equal(crash.items[0].firmware, "1.0"); // that of its own boot
	_cleanup_boots_ struct db_boot_list boots;
	ok(db_host_boots(db, host, 0, &boots));
	assert_int_equal(boots.count, 2);
	assert_int_equal(boots.items[1].started, TEST_NOON - 86400 - 50);
	assert_int_equal(boots.items[1].crash_id, r.crash_id);
}

static void alerts(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("alerts.db");
	char path[128];
	int64_t ids[3], id, again;
	bool raised;

	for (int i = 0; i < 3; i++) {
		struct db_intake in = test_crash(path, 1, i, TEST_NOON + 100 * i);
		ids[i] = take(db, &in).crash_id;
	}
	struct db_alert_finding f = {
		.scope = DB_ALERT_HOST,
		.subject_id = 1,
		.subject = "web-01",
		.summary = "3 crashes",
		.count = 3,
		.threshold = 2,
		.window = 86400,
		.crash_ids = ids,
		.crash_count = 2,
	};
	ok(db_alert_raise(db, &f, TEST_NOON, &id, &raised));
	assert_true(raised);
	ok(db_alert_acknowledge(db, id, "sam", TEST_NOON + 5));
	ok(db_alert_acknowledge(db, id, "kim", TEST_NOON + 6));
	assert_int_equal(number(db, "SELECT count(*) FROM outbox"), 0); // none told of its begin
	f.crash_count = 3;
	f.count = 2;
	ok(db_alert_raise(db, &f, TEST_NOON + 10, &again, &raised));
	assert_false(raised);
	assert_int_equal(again, id);
	_cleanup_alerts_ struct db_alert_list list;
	ok(db_alert_list(db,
			 &(struct db_alert_filter){.only_active = true,
						   .scope = "host",
						   .state = "acknowledged",
						   .subject_id = 1,
						   .since = TEST_NOON,
						   .until = TEST_NOON + 1},
			 NULL, &list));
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].state, DB_ALERT_ACKNOWLEDGED);
	assert_string_equal(list.items[0].who, "sam");
	assert_int_equal(list.items[0].crashes, 3);
	assert_int_equal(list.items[0].count, 3); // the highest
	assert_int_equal(list.items[0].since, TEST_NOON);
	_cleanup_crashes_ struct db_crash_list crashes;
	ok(db_crash_list(db, &(struct db_crash_filter){.alert_id = id}, NULL, &crashes));
	assert_int_equal(crashes.count, 3);
	_cleanup_hosts_ struct db_host_list hosts;
	ok(db_host_get(db, 1, &hosts));
	assert_int_equal(hosts.items[0].alert_id, id);
	ok(db_alert_resolve(db, id, TEST_NOON + 20));
	is_error(db_alert_acknowledge(db, id, "sam", TEST_NOON), EY_ERR_INPUT);
	is_error(db_alert_acknowledge(db, 77, "sam", TEST_NOON), EY_ERR_NOT_FOUND);
	ok(db_alert_raise(db, &f, TEST_NOON + 30, &again, &raised));
	assert_true(raised);
	assert_int_not_equal(again, id);
}

static void outbox(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("outbox.db");
	struct db_outbox_counts counts;
	bool added;

	ok(db_outbox_add(db, DB_MAIL_NEW_REASON, 1, 1000, &added));
	assert_true(added);
	ok(db_outbox_add(db, DB_MAIL_NEW_REASON, 1, 1000, &added));
	assert_false(added);
	ok(db_outbox_add(db, DB_MAIL_ALERT_FIRING, 1, 1001, &added));
	_cleanup_mails_ struct db_mail_list first, second, third;
	ok(db_outbox_claim(db, 1005, 300, 10, &first));
	assert_int_equal(first.count, 2);
	assert_string_equal(first.items[0].key, "new-reason:1");
	ok(db_outbox_claim(db, 1006, 300, 10, &second)); // leased to the first
	assert_int_equal(second.count, 0);
	ok(db_outbox_sent(db, first.items[0].id, 1010));
	ok(db_outbox_failed(db, first.items[1].id, "421 busy", false, "kim@example.com", 1010));
	ok(db_outbox_claim(db, 1010 + 59, 300, 10, &second));
	assert_int_equal(second.count, 0);
	ok(db_outbox_claim(db, 1010 + 60, 300, 10, &third));
	assert_int_equal(third.count, 1);
	assert_int_equal(third.items[0].attempts, 1);
	assert_string_equal(third.items[0].recipients, "kim@example.com");
	ok(db_outbox_failed(db, third.items[0].id, "550 no", true, NULL, 1100));
	ok(db_outbox_counts(db, &counts));
	assert_int_equal(counts.waiting, 0);
	assert_int_equal(counts.sent, 1);
	assert_int_equal(counts.given_up, 1);
}

static void jobs(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("jobs.db");
	int64_t a, b, c;

	ok(db_job_start(db, "populate", 10, &a)); // killed: never ends
	ok(db_job_start(db, "populate", 20, &b));
	ok(db_job_finish(db, b, NULL, "3 new", 25));
	ok(db_job_start(db, "purge", 30, &c));
	_cleanup_error_ struct ey_error *err = ey_error_create(EY_ERR_IO, "disk full");
	ok(db_job_finish(db, c, err, NULL, 31));
	_cleanup_jobs_ struct db_job_list list;
	ok(db_job_list(db, NULL, 0, &list));
	assert_int_equal(list.count, 3);
	assert_int_equal(list.items[2].state, DB_JOB_KILLED);
	assert_int_equal(list.items[1].state, DB_JOB_DONE);
	assert_string_equal(list.items[1].summary, "3 new");
	assert_int_equal(list.items[0].state, DB_JOB_FAILED);
	assert_string_equal(list.items[0].summary, "disk full");
}

static void folders(void **state)
{
	_cleanup_db_ struct db *db = fresh_db("folders.db");
	char path[128], other[128];
	struct db_intake in = test_crash(path, 1, 1, TEST_NOON);
	enum db_folder_state folder;
	_cleanup_free_ char *stamp = NULL, *none = NULL;

	ok(db_folder_reject(db, path, "12:34", "not JSON", 5));
	ok(db_folder_get(db, path, &folder, &stamp));
	assert_int_equal(folder, DB_FOLDER_REJECTED);
	assert_string_equal(stamp, "12:34");
	_cleanup_folders_ struct db_folder_list rejected;
	ok(db_folder_rejected(db, 0, &rejected));
	assert_string_equal(rejected.items[0].why, "not JSON");
	take(db, &in); // it was mended
	ok(db_folder_get(db, path, &folder, &none));
	assert_int_equal(folder, DB_FOLDER_TAKEN);
	assert_int_equal(number(db, "SELECT count(*) FROM rejects"), 0);

	in = test_crash(other, 1, 2, TEST_NOON); // a second copy of the dump
	take(db, &in);
	_cleanup_folders_ struct db_folder_list old;
	ok(db_folder_dumps_before(db, TEST_NOON + 1, NULL, 10, &old));
	assert_int_equal(old.count, 2);
	_cleanup_folders_ struct db_folder_list second;
	ok(db_folder_dumps_before(db, TEST_NOON + 1, &old.items[0], 10, &second));
	assert_int_equal(second.count, 1);
	assert_string_equal(second.items[0].path, old.items[1].path);
	ok(db_folder_purged(db, path, 99));
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE dump = 'kept'"), 1);
	ok(db_folder_purged(db, other, 99));
	ok(db_folder_purged(db, other, 99));
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE dump = 'purged'"), 1);
	assert_int_equal(number(db, "SELECT dumps FROM reasons"), 0);
	assert_int_equal(number(db, "SELECT purged FROM crashes"), 99);
}

// Take crash after crash in; a byte into @p confirm for each that is confirmed.
static _Noreturn void write_until_killed(const char *path, int confirm)
{
	struct db *db;
	char p[128];

	if (db_open(path, DB_OPEN_WRITE, &db))
		_exit(1);
	for (int i = 0; i < 400; i++) {
		struct db_intake in = test_crash(p, i % 7, i, TEST_NOON + 500 * i);
		struct db_intake_result r;

		if (db_intake(db, &in, TEST_NOON, &r) || write(confirm, "", 1) != 1)
			_exit(1);
	}
	_exit(0);
}

/* Kill a writer amid its work, many times; what it left must be whole. */
static void killed_writers(void **state)
{
	_cleanup_free_ char *path = test_database(dir, "killed.db");
	_cleanup_db_ struct db *db = NULL;
	int confirmed = 0;

	db_close(fresh_db("killed.db"));
	for (int round = 0; round < 12; round++) {
		int confirm[2], count = 0;

		assert_int_equal(pipe(confirm), 0);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			write_until_killed(path, confirm[1]);
		close(confirm[1]);
		for (char c; count < 9 * round && read(confirm[0], &c, 1) == 1;)
			count++;
		usleep(700 * (unsigned int)round); // somewhere within the next ones
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		for (char c; read(confirm[0], &c, 1) == 1;)
			count++;
		close(confirm[0]);
		confirmed = EY_MAX(confirmed, count);
	}
	ok(db_open(path, DB_OPEN_WRITE, &db));
	int64_t left = number(db, "SELECT count(*) FROM crashes");
	for (int i = 0; i < 400; i++) {
		char p[128];
		struct db_intake in = test_crash(p, i % 7, i, TEST_NOON + 500 * i);
		take(db, &in);
	}
	assert_true(confirmed >= 9 * 11);
	assert_true(left >= confirmed);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes"), 400);
	assert_int_equal(number(db, "SELECT sum(crashes) FROM reasons"), 400);
	assert_int_equal(number(db, "SELECT sum(crashes) FROM hosts"), 400);
	assert_int_equal(number(db, "SELECT count(*) FROM folders"), 400);
	assert_int_equal(number(db, "SELECT count(*) FROM crash_parts"), 800);
	assert_int_equal(number(db, "SELECT count(*) FROM crashes WHERE is_new = 1"), 1);
	if (on_postgres())
		return; // which checks by itself
	assert_int_equal(number(db, "SELECT count(*) FROM pragma_integrity_check "
				    "WHERE integrity_check = 'ok'"),
			 1);
	assert_int_equal(number(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening),
		cmocka_unit_test(newer_schema_is_refused),
		cmocka_unit_test(migrations_from_each_version),
		cmocka_unit_test(transactions),
		cmocka_unit_test(intake_counts),
		cmocka_unit_test(one_crash_by_several_roads),
		cmocka_unit_test(identities),
		cmocka_unit_test(late_crash_does_not_rewrite_the_host),
		cmocka_unit_test(alerts),
		cmocka_unit_test(outbox),
		cmocka_unit_test(jobs),
		cmocka_unit_test(folders),
		cmocka_unit_test(killed_writers),
	};

	return cmocka_run_group_tests_name("db", tests, make_dir, remove_dir);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "../db/test_database.h"
#include "db/crash.h"
#include "db/folder.h"
#include "db/reason.h"
#include "db/sql.h"
#include "ingest/policy_make.h"
#include "ingest/populate.h"
#include "ingest/purge.h"
#include "tree_maker.h"

/* 2026-11-23 12:00:00 UTC. */
enum { NOON = 1795435200, DAY = 86400 };

static char top[] = "/tmp/eyrie-test-ingest-XXXXXX";

/* A repository and a database of their own for each test. */
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

	snprintf(p->root, sizeof(p->root), "%s/%d/repository", top, ++count);
	set_now(NOON + DAY);
	ok(ey_mkdir_parents(p->root, 0755));
	char name[32];
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

static struct tree_crash crash(const struct place *p, const char *host, unsigned int n)
{
	return (struct tree_crash){.root = p->root,
				   .host = host,
				   .time = NOON + 1000 * (int64_t)n,
				   .number = n,
				   .function = "do_it",
				   .uptime = 500,
				   .dump = 4096};
}

static void write_file(const struct place *p, const char *path, const char *data, size_t len)
{
	char full[700], *slash;

	snprintf(full, sizeof(full), "%s/%s", p->root, path);
	slash = strrchr(full, '/');
	*slash = '\0';
	ok(ey_mkdir_parents(full, 0755));
	*slash = '/';
	ok(ey_file_write_whole(full, 0644, data, len));
}

static bool there(const struct place *p, const struct tree_crash *c, const char *name)
{
	char path[256], full[700];
	struct stat st;

	tree_path(c, path);
	snprintf(full, sizeof(full), "%s/%s/%s", p->root, path, name);
	return lstat(full, &st) == 0;
}

static struct policy_rules three_dumps(void)
{
	struct policy_rules rules;

	policy_rules_default(&rules, 3);
	return rules;
}

static struct populate_result populate(struct place *p)
{
	struct populate_options options = {.root = p->root, .rules = three_dumps()};
	struct populate_result r;

	ok(populate_run(p->db, &options, &r));
	return r;
}

static void takes_in_once(void **state)
{
	struct place *p = *state;
	struct tree_crash a = crash(p, "web-01", 1), b = crash(p, "web-02", 2);

	b.dump = 0;
	assert_true(tree_add(&a) && tree_add(&b));
	struct populate_result r = populate(p);
	assert_int_equal(r.folders, 2);
	assert_int_equal(r.fresh, 1);
	assert_int_equal(r.known, 1);
	r = populate(p);
	assert_int_equal(r.unchanged, 2);
	assert_int_equal(r.fresh + r.known + r.doubles + r.rejected, 0);

	_cleanup_crashes_ struct db_crash_list list;
	ok(db_crash_list(p->db, NULL, NULL, &list));
	assert_int_equal(list.count, 2);
	const struct db_crash *c = &list.items[1];
	assert_string_equal(c->hostname, "web-01");
	assert_string_equal(c->site, "north");
	assert_string_equal(c->title, "kernel BUG in do_it");
	assert_string_equal(c->signature, "do_it+0x5");
	assert_string_equal(c->reason_key, "g1:BUG:do_it");
	assert_string_equal(c->kernel, "6.1.0-56-amd64");
	assert_string_equal(c->vendor, "Example");
	assert_string_equal(c->firmware, "1.2.3 04/01/2024");
	assert_string_equal(c->dump_format, "kdump-compressed");
	assert_int_equal(c->time, NOON + 1000);
	assert_int_equal(c->received, NOON + DAY);
	assert_int_equal(c->uptime, 500);
	assert_int_equal(c->dump, DB_DUMP_KEPT);
	assert_int_equal(c->dump_bytes, 4096);
	assert_true(c->is_new);
	assert_int_equal(list.items[0].dump, DB_DUMP_SKIPPED);
	assert_false(list.items[0].is_new);

	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT;
	_cleanup_free_ char *stored = NULL, *log = NULL;
	size_t len;
	tree_record(&a, &record);
	ok(db_crash_part(p->db, c->id, DB_PART_RECORD, &stored, &len));
	assert_int_equal(len, record.len);
	assert_memory_equal(stored, record.data, len);
	ok(db_crash_part(p->db, c->id, DB_PART_LOG, &log, &len));
	assert_non_null(strstr(log, "kernel BUG at x.c:1!"));
}

static void same_boot_twice_is_one_crash(void **state)
{
	struct place *p = *state;
	struct tree_crash a = crash(p, "web-01", 1);

	a.machine_id = "0123456789abcdef0123456789abcdef";
	a.boot_id = "11111111-2222-4333-8444-555555555555";
	assert_true(tree_add(&a));
	a.number = 7;
	a.time += 3;
	assert_true(tree_add(&a));
	struct populate_result r = populate(p);
	assert_int_equal(r.fresh, 1);
	assert_int_equal(r.doubles, 1);
	assert_int_equal(number(p->db, "SELECT count(*) FROM crashes"), 1);
}

static void no_event_is_a_reason_of_its_own(void **state)
{
	struct place *p = *state;
	struct tree_crash a = crash(p, "web-01", 1);

	a.function = NULL;
	assert_true(tree_add(&a));
	assert_int_equal(populate(p).fresh, 1);
	_cleanup_reasons_ struct db_reason_list list;
	struct policy_rules none;
	policy_rules_default(&none, 0);
	ok(db_reason_get_key(p->db, DB_REASON_KEY_NO_EVENT, &list));
	assert_int_equal(policy_want_of(&list.items[0], &none), STORE_WANT_VMCORE);
}

static void broken_clock(void **state)
{
	struct place *p = *state;
	struct tree_crash a = crash(p, "web-01", 1);
	char path[256], named[256];

	a.time = 4102444800; // 2100
	assert_true(tree_add(&a));
	populate(p);
	// Neither the record nor the folder's name nor its own time can be right: so it is "now".
	assert_int_equal(number(p->db, "SELECT time FROM crashes"), NOON + DAY);
	tree_path(&a, path);
	snprintf(named, sizeof(named), "north/web-01/20261120T000000Z-%016x", 5);
	char from[700], to[700];
	snprintf(from, sizeof(from), "%s/%s", p->root, path);
	snprintf(to, sizeof(to), "%s/%s", p->root, named);
	assert_int_equal(rename(from, to), 0);
	struct place q = *p;
	_cleanup_free_ char *second = test_database(top, "second.db");
	q.db_path = second;
	ok(db_open(q.db_path, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &q.db));
	populate(&q);
	assert_int_equal(number(q.db, "SELECT time FROM crashes"), 1795132800); // 2026-11-20
	db_close(q.db);
}

struct seen {
	unsigned int rejected;
	char text[4000];
};

static void on_folder(const struct populate_event *e, void *arg)
{
	struct seen *seen = arg;

	if (!e->rejected)
		return;
	seen->rejected++;
	snprintf(seen->text + strlen(seen->text), sizeof(seen->text) - strlen(seen->text),
		 "%s: %s\n", e->path, e->rejected);
}

// A record that was changed is not taken in; another text is left out, and both are told.
static void damaged_files_are_told(void **state)
{
	struct place *p = *state;
	struct tree_crash a = crash(p, "web-01", 1), b = crash(p, "web-02", 2);
	struct seen seen = {0};
	struct populate_options options = {
		.root = p->root, .rules = three_dumps(), .on_folder = on_folder, .arg = &seen};
	struct populate_result r;
	char path[256], full[300], line[128];
	static const char *const names[] = {"record.json", "analysis.txt"};
	const struct tree_crash *crashes[] = {&a, &b};

	for (size_t i = 0; i < EY_ARRAY_SIZE(crashes); i++) {
		assert_true(tree_add(crashes[i]));
		tree_path(crashes[i], path);
		snprintf(full, sizeof(full), "%s/checksums", path);
		snprintf(line, sizeof(line), "%064d  %s\n", 0, names[i]);
		write_file(p, full, line, strlen(line));
	}
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.rejected, 1);
	assert_int_equal(r.fresh, 1);
	assert_non_null(strstr(seen.text, "record.json: not what was filed: its checksum differs"));
	assert_int_equal(number(p->db, "SELECT count(*) FROM folders WHERE damage = "
				       "'analysis.txt: its checksum differs'"),
			 1);
	assert_int_equal(number(p->db, "SELECT sum(gaps) FROM crashes"), 1);
	assert_int_equal(number(p->db, "SELECT count(*) FROM crash_parts WHERE part = 'analysis'"),
			 0);
}

static void hostile_tree(void **state)
{
	struct place *p = *state;
	struct tree_crash good = crash(p, "web-01", 1), huge = crash(p, "web-02", 2),
			  late = crash(p, "web-03", 3);
	char path[700], target[700];
	struct seen seen = {0};
	struct populate_options options = {
		.root = p->root, .rules = three_dumps(), .on_folder = on_folder, .arg = &seen};
	struct populate_result r;

	assert_true(tree_add(&good));
	write_file(p, "north/web-04/20261123T000000Z-0000000000000004/record.json", "not JSON", 8);
	write_file(p, "north/web-04/20261123T000000Z-0000000000000005/readme", "x", 1);
	write_file(p, "north/web-05/evil\nname/record.json", "{}", 2);
	_cleanup_free_ char *deep = malloc(100001);
	memset(deep, '[', 100000);
	write_file(p, "north/web-06/deep/record.json", deep, 100000);
	// A record that is a symbolic link to a good one, a folder that is one, and a site.
	snprintf(path, sizeof(path), "%s/north/web-07/link", p->root);
	ok(ey_mkdir_parents(path, 0755));
	snprintf(path, sizeof(path), "%s/north/web-07/link/record.json", p->root);
	tree_path(&good, target);
	char absolute[1100];
	snprintf(absolute, sizeof(absolute), "%s/%s/record.json", p->root, target);
	assert_int_equal(symlink(absolute, path), 0);
	snprintf(path, sizeof(path), "%s/north/web-08", p->root);
	assert_int_equal(symlink("/etc", path), 0);
	snprintf(path, sizeof(path), "%s/south", p->root);
	assert_int_equal(symlink("north", path), 0);
	// A FIFO, which must not be waited for.
	snprintf(path, sizeof(path), "%s/north/web-09/fifo", p->root);
	ok(ey_mkdir_parents(path, 0755));
	snprintf(path, sizeof(path), "%s/north/web-09/fifo/record.json", p->root);
	assert_int_equal(mkfifo(path, 0644), 0);
	// A record and an analysis that are too large.
	assert_true(tree_add(&huge));
	options.max_record_bytes = 100;
	snprintf(path, sizeof(path), "%s/north/web-08", p->root);
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.fresh + r.known, 0); // even the good one is too large now
	options.max_record_bytes = 0;
	options.max_analysis_bytes = 5;
	seen = (struct seen){0};
	ok(populate_run(p->db, &options, &r));
	// Those two had not changed, so they are not tried again before they do.
	assert_int_equal(r.fresh + r.known, 0);
	assert_int_equal(seen.rejected, 0);
	ok(db_exec(p->db, "DELETE FROM rejects"));
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.fresh + r.known, 2);
	assert_int_equal(r.rejected, 8);
	assert_int_equal(seen.rejected, 8);
	assert_non_null(strstr(seen.text, "0000000000000004: record.json: "));
	assert_non_null(strstr(seen.text, "north/web-08"));
	assert_null(strstr(seen.text, "evil\n"));
	assert_int_equal(number(p->db, "SELECT count(*) FROM crash_parts WHERE part = 'analysis'"),
			 0);
	assert_int_equal(number(p->db, "SELECT sum(gaps) FROM crashes"), 2); // and it is said

	// Again: nothing new to say. Then one is mended, and another comes.
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.rejected, 0);
	assert_int_equal(r.rejected_before, 8);
	assert_true(tree_add(&late));
	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT;
	struct tree_crash mended = crash(p, "web-04", 4);
	tree_record(&mended, &record);
	write_file(p, "north/web-04/20261123T000000Z-0000000000000004/record.json", record.data,
		   record.len);
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.known, 2);
	assert_int_equal(r.rejected_before, 7);
	assert_int_equal(number(p->db, "SELECT count(*) FROM rejects"), 7);

	// What is gone is no longer told of; the rest is not told of again.
	snprintf(path, sizeof(path), "%s/south", p->root);
	assert_int_equal(unlink(path), 0);
	set_now(NOON + DAY + 1);
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.rejected, 0);
	assert_int_equal(r.rejected_before, 6);
	assert_int_equal(number(p->db, "SELECT count(*) FROM rejects"), 6);
}

/* What crash wrote of a machine, by hands of others; @p host has the same length each time. */
static void write_crash_text(const struct place *p, const char *path, const char *host,
			     int64_t changed)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	char full[700];

	ey_buf_printf(&text,
		      "      KERNEL: /usr/lib/debug/boot/vmlinux-6.1.0-56-amd64  [TAINTED]\n"
		      "    DUMPFILE: /var/crash/vmcore  [PARTIAL DUMP]\n"
		      "        CPUS: 2\n"
		      "        DATE: Mon Nov 23 12:16:40 UTC 2026\n"
		      "      UPTIME: 00:08:20\n"
		      "LOAD AVERAGE: 0.05, 0.01, 0.00\n"
		      "    NODENAME: %s\n"
		      "     RELEASE: 6.1.0-56-amd64\n"
		      "       PANIC: \"kernel BUG at x.c:1!\"\n"
		      "PID: 190      TASK: ffff8c1f8342a100  CPU: 1    COMMAND: \"cat\"\n"
		      " #0 [ffffcf8d000d0c60] __crash_kexec at ffffffffa1374117\n"
		      " #1 [ffffcf8d000d0df0] asm_exc_invalid_op at ffffffffa1e00b96\n"
		      "    [exception RIP: do_it+5]\n"
		      "    RIP: ffffffffc055c645  RSP: ffffcf8d000d0ea0  RFLAGS: 00000082\n",
		      host);
	write_file(p, path, text.data, text.len);
	snprintf(full, sizeof(full), "%s/%s", p->root, path);
	const struct timespec times[2] = {{.tv_sec = changed}, {.tv_sec = changed}};
	assert_int_equal(utimensat(AT_FDCWD, full, times, 0), 0);
}

/* Folders without a record, but with the output of the crash utility. */
static void text_of_crash(void **state)
{
	struct place *p = *state;
	struct seen seen = {0};
	struct populate_options options = {
		.root = p->root, .rules = three_dumps(), .on_folder = on_folder, .arg = &seen};
	struct tree_crash ours = crash(p, "web-01", 1);
	struct populate_result r;

	assert_true(tree_add(&ours));
	write_crash_text(p, "north/web-02/2026-11-23-12:16/analysis.txt", "web-02", NOON);
	write_file(p, "north/web-02/2026-11-23-12:16/vmcore", "x", 1);
	// Under another name, beside a text that is none of crash's; perhaps it still grows.
	write_file(p, "north/web-03/1/a.txt", "notes\n", 6);
	write_crash_text(p, "north/web-03/1/out.txt", "web-03", NOON + DAY - 5);
	// Neither record nor such a text.
	write_file(p, "north/web-04/1/dmesg.txt", "[    0.000000] Linux version 6.1\n", 33);
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.fresh + r.known, 2);
	assert_int_equal(r.rejected, 2);
	assert_non_null(strstr(seen.text, "out.txt was changed within the last minute"));
	assert_non_null(strstr(seen.text, "neither record.json, nor a text of the crash utility"));

	set_now(NOON + DAY + 3600);
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.known, 1);
	assert_int_equal(r.unchanged, 2);
	assert_int_equal(r.rejected_before, 1);
	// All three are one reason, whoever analysed them.
	assert_int_equal(number(p->db, "SELECT count(*) FROM reasons"), 1);
	_cleanup_crashes_ struct db_crash_list list;
	ok(db_crash_list(p->db, NULL, NULL, &list));
	assert_int_equal(list.count, 3);
	for (size_t i = 0; i < list.count; i++) {
		const struct db_crash *c = &list.items[i];
		_cleanup_free_ char *text = NULL;
		size_t len;

		assert_string_equal(c->signature, "do_it+0x5");
		assert_string_equal(c->reason_key, "g1:BUG:do_it");
		assert_int_equal(c->time, NOON + 1000);
		assert_int_equal(c->uptime, 500);
		if (!strcmp(c->hostname, "web-02"))
			assert_int_equal(c->dump, DB_DUMP_KEPT);
		if (!strcmp(c->hostname, "web-01"))
			continue;
		ok(db_crash_part(p->db, c->id, DB_PART_ANALYSIS, &text, &len));
		assert_non_null(strstr(text, "[exception RIP: do_it+5]"));
	}
}

/* Folders as kdump leaves them, with the kernel's log and at most a dump. */
static void log_alone(void **state)
{
	static const char log[] =
		"[    0.000000] Linux version 6.1.0-56-amd64 (b@example.com) (gcc) #1 SMP\n"
		"[    1.000000] rtc_cmos 00:00: setting system clock to 2026-11-23T12:00:00 UTC "
		"(1795435200)\n"
		"[  500.000000] kernel BUG at x.c:1!\n"
		"[  500.000001] invalid opcode: 0000 [#1] PREEMPT SMP NOPTI\n"
		"[  500.000002] CPU: 1 PID: 190 Comm: cat Not tainted 6.1.0-56-amd64 #1\n"
		"[  500.000003] RIP: 0010:do_it+0x5/0x10\n"
		"[  500.000004] Kernel panic - not syncing: Fatal exception\n";
	struct place *p = *state;
	struct seen seen = {0};
	struct populate_options options = {
		.root = p->root, .rules = three_dumps(), .on_folder = on_folder, .arg = &seen};
	struct populate_result r;
	struct tree_crash ours = crash(p, "web-01", 1);

	assert_true(tree_add(&ours));
	write_file(p, "north/web-02/202611231216/dmesg.202611231216", log, sizeof(log) - 1);
	write_file(p, "north/web-03/127.0.0.1-1/vmcore-dmesg.txt", log, sizeof(log) - 1);
	write_file(p, "north/web-03/127.0.0.1-1/vmcore", "x", 1);
	write_file(p, "north/web-04/1/dmesg.now", log, sizeof(log) - 1);
	write_file(p, "north/web-05/1/dmesg.txt", "notes\n", 6);
	write_file(p, "north/web-06/1/dmesg.txt", log, 70);
	set_now(time(NULL) + 60);
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.fresh + r.known, 1);
	assert_int_equal(r.rejected, 5);
	assert_non_null(strstr(seen.text, "a dump or an analysis may still come"));
	assert_non_null(strstr(seen.text, "nor a kernel log that tells of a crash"));

	set_now(time(NULL) + 7200);
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.known, 2);
	assert_int_equal(r.rejected_before, 3);
	assert_int_equal(number(p->db, "SELECT count(*) FROM reasons"), 1);
	assert_int_equal(number(p->db, "SELECT count(*) FROM crashes WHERE dump_bytes = 1"), 1);
	assert_int_equal(number(p->db, "SELECT count(*) FROM crashes WHERE signature = "
				       "'do_it+0x5'"),
			 3);
	ok(populate_run(p->db, &options, &r));
	assert_int_equal(r.unchanged, 3);
}

static void missing_root_is_an_error(void **state)
{
	struct place *p = *state;
	struct populate_options options = {.root = "/nonexistent/repository"};
	struct populate_result r;
	struct ey_error *err = populate_run(p->db, &options, &r);

	assert_non_null(err);
	ey_error_destroy(err);
}

static json_t *read_policy(const struct place *p)
{
	char path[400];
	json_error_t where;

	snprintf(path, sizeof(path), "%s/policy.json", p->root);
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	assert_non_null(root);
	return root;
}

static const char *want(json_t *policy, const char *key)
{
	return json_string_value(
		json_object_get(json_object_get(json_object_get(policy, "reasons"), key), "want"));
}

static void policy_says_when_it_is_enough(void **state)
{
	struct place *p = *state;
	struct stat before, after;
	char path[400];

	for (unsigned int i = 1; i <= 4; i++) {
		struct tree_crash c = crash(p, "web-01", i);

		if (i == 4)
			c.function = "other";
		assert_true(tree_add(&c));
	}
	populate(p);
	json_t *policy = read_policy(p);
	assert_string_equal(json_string_value(json_object_get(policy, "schema")), "eyrie/policy/1");
	assert_string_equal(want(policy, "g1:BUG:do_it"), "dmesg");
	assert_string_equal(want(policy, "g1:BUG:other"), "vmcore");
	json_decref(policy);

	snprintf(path, sizeof(path), "%s/policy.json", p->root);
	assert_int_equal(stat(path, &before), 0);
	populate(p);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino); // unchanged: not written again

	_cleanup_reasons_ struct db_reason_list r;
	ok(db_reason_get_key(p->db, "g1:BUG:do_it", &r));
	ok(db_reason_set_state(p->db, r.items[0].id, DB_REASON_RESOLVED));
	ok(db_reason_set_state(p->db, r.items[0].id + 1, DB_REASON_HARDWARE));
	populate(p);
	policy = read_policy(p);
	assert_string_equal(want(policy, "g1:BUG:do_it"), "vmcore"); // it came back
	assert_string_equal(want(policy, "g1:BUG:other"), "dmesg");
	json_decref(policy);
}

// Keys come from hosts, and may be long: the document never grows beyond what hosts read.
static void policy_stays_readable(void **state)
{
	struct place *p = *state;
	mode_t mask = umask(077);
	char path[400];
	struct stat st;

	// Keys of some 2,000 bytes: 64 times 31 letters, and the number.
	ok(db_exec(p->db,
		   "WITH RECURSIVE "
		   "n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000), "
		   "l (i, t) AS (SELECT 1, 'abcdefghijklmnopqrstuvwxyzabcde' UNION ALL "
		   "SELECT i + 1, t || t FROM l WHERE i < 7) "
		   "INSERT INTO reasons (key, kind, guilty, title, first_seen, last_seen, "
		   "received) SELECT 'g1:' || t || CAST(n.i AS TEXT), 'BUG', '', 'x', n.i, n.i, "
		   "n.i FROM n JOIN l ON l.i = 7"));
	populate(p);
	umask(mask);
	snprintf(path, sizeof(path), "%s/policy.json", p->root);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644); // hosts read it
	assert_true(st.st_size > STORE_POLICY_MAX_BYTES / 2 &&
		    st.st_size <= STORE_POLICY_MAX_BYTES);
	json_t *policy = read_policy(p);
	assert_non_null(policy);
	json_decref(policy);
}

static void purges_dumps_only(void **state)
{
	struct place *p = *state;
	struct tree_crash old = crash(p, "web-01", 1), young = crash(p, "web-02", 2);
	struct purge_options options = {.root = p->root, .retention = 30 * (int64_t)DAY};
	struct purge_result r;

	young.time += 20 * DAY;
	assert_true(tree_add(&old) && tree_add(&young));
	set_now(NOON + 31 * (int64_t)DAY);
	populate(p);
	options.dry_run = true;
	ok(purge_run(p->db, &options, &r));
	assert_int_equal(r.dumps, 1);
	assert_true(there(p, &old, "vmcore"));
	options.dry_run = false;
	ok(purge_run(p->db, &options, &r));
	assert_int_equal(r.dumps, 1);
	assert_int_equal(r.bytes, 4096);
	assert_false(there(p, &old, "vmcore"));
	assert_true(there(p, &old, "record.json"));
	assert_true(there(p, &old, "analysis.txt"));
	assert_true(there(p, &young, "vmcore"));
	assert_int_equal(number(p->db, "SELECT count(*) FROM crashes"), 2);
	assert_int_equal(number(p->db, "SELECT count(*) FROM crash_parts"), 4);
	assert_int_equal(number(p->db, "SELECT dumps FROM reasons"), 1);
	_cleanup_crashes_ struct db_crash_list list;
	ok(db_crash_list(p->db, &(struct db_crash_filter){.dump = "purged"}, NULL, &list));
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].purged, NOON + 31 * (int64_t)DAY);
	ok(purge_run(p->db, &options, &r));
	assert_int_equal(r.dumps + r.gone + r.failed, 0);
	assert_int_equal(populate(p).unchanged, 2); // and it is not taken in again
}

static void purge_knows_gone_from_not_mounted(void **state)
{
	struct place *p = *state;
	struct tree_crash a = crash(p, "web-01", 1);
	struct purge_options options = {.root = p->root, .retention = 1};
	struct purge_result r;
	char full[700], away[700], south[700], path[256];

	assert_true(tree_add(&a));
	populate(p);
	set_now(NOON + 40 * (int64_t)DAY);
	snprintf(full, sizeof(full), "%s/north", p->root);
	snprintf(away, sizeof(away), "%s/../away", p->root);
	assert_int_equal(rename(full, away), 0);
	// A site that is away holds up no other: here the one that is filed next.
	assert_int_equal(mkdir(full, 0755), 0);
	struct tree_crash b = crash(p, "web-02", 2);
	assert_true(tree_add(&b));
	populate(p);
	snprintf(south, sizeof(south), "%s/south", p->root);
	assert_int_equal(rename(full, south), 0);
	ok(db_exec(p->db, "UPDATE folders SET path = replace(path, 'north/web-02', "
			  "'south/web-02'), time = time + 1 WHERE path LIKE 'north/web-02/%'"));
	ok(purge_run(p->db, &options, &r));
	assert_int_equal(r.failed, 1);
	assert_int_equal(r.dumps, 1);
	assert_int_equal(number(p->db, "SELECT count(*) FROM folders WHERE has_dump = 1"), 1);
	assert_int_equal(rename(away, full), 0);
	tree_path(&a, path);
	snprintf(full, sizeof(full), "%s/%s/vmcore", p->root, path);
	assert_int_equal(unlink(full), 0); // by hand
	ok(purge_run(p->db, &options, &r));
	assert_int_equal(r.gone, 1);
	assert_int_equal(number(p->db, "SELECT count(*) FROM folders WHERE has_dump = 1"), 0);
}

/* Populate and purge, killed at random moments again and again: nothing lost, nothing doubled. */
static void killed_jobs(void **state)
{
	struct place *p = *state;
	enum { CRASHES = 300 };
	unsigned int killed = 0;

	for (unsigned int i = 0; i < CRASHES; i++) {
		char host[16];
		struct tree_crash c = crash(p, host, i);

		snprintf(host, sizeof(host), "web-%02u", i % 9);
		c.function = i % 3 ? "do_it" : "other";
		c.dump = 10;
		assert_true(tree_add(&c));
	}
	set_now(NOON + 60 * (int64_t)DAY);
	for (unsigned int round = 0; round < 14; round++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			struct populate_options take = {.root = p->root, .rules = three_dumps()};
			struct purge_options purge = {.root = p->root, .retention = DAY};
			struct populate_result taken;
			struct purge_result purged;
			struct db *db;

			if (db_open(p->db_path, DB_OPEN_WRITE, &db) ||
			    populate_run(db, &take, &taken) ||
			    (round > 7 && purge_run(db, &purge, &purged)))
				_exit(1);
			_exit(0);
		}
		int status;
		usleep(2000 + 7000 * round);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		killed += WIFSIGNALED(status);
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	}
	assert_true(killed > 0);
	struct purge_options options = {.root = p->root, .retention = DAY};
	struct purge_result purged;
	populate(p);
	ok(purge_run(p->db, &options, &purged));
	assert_int_equal(number(p->db, "SELECT count(*) FROM crashes"), CRASHES);
	assert_int_equal(number(p->db, "SELECT count(*) FROM folders"), CRASHES);
	assert_int_equal(number(p->db, "SELECT sum(crashes) FROM reasons"), CRASHES);
	assert_int_equal(number(p->db, "SELECT sum(crashes) FROM hosts"), CRASHES);
	assert_int_equal(number(p->db, "SELECT count(*) FROM crashes WHERE is_new = 1"), 2);
	assert_int_equal(number(p->db, "SELECT count(*) FROM crash_parts"), 2 * CRASHES);
	assert_int_equal(number(p->db, "SELECT count(*) FROM crashes WHERE dump = 'purged'"),
			 CRASHES);
	assert_int_equal(number(p->db, "SELECT sum(dumps) FROM reasons"), 0);
	if (!on_postgres()) // there it is checked at each statement
		assert_int_equal(number(p->db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	char command[500];
	snprintf(command, sizeof(command), "test -z \"$(find %s -name vmcore)\"", p->root);
	assert_int_equal(system(command), 0);
}

static void two_at_once(void **state)
{
	struct place *p = *state;
	enum { CRASHES = 120 };
	pid_t pids[3];

	for (unsigned int i = 0; i < CRASHES; i++) {
		struct tree_crash c = crash(p, i % 2 ? "web-01" : "web-02", i);

		assert_true(tree_add(&c));
	}
	for (size_t i = 0; i < 3; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i]) {
			struct populate_options take = {.root = p->root, .rules = three_dumps()};
			struct populate_result taken;
			struct db *db;

			_exit(db_open(p->db_path, DB_OPEN_WRITE, &db) ||
			      populate_run(db, &take, &taken));
		}
	}
	for (size_t i = 0; i < 3; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(number(p->db, "SELECT count(*) FROM crashes"), CRASHES);
	assert_int_equal(number(p->db, "SELECT sum(crashes) FROM reasons"), CRASHES);
}

static int make_top(void **state)
{
	return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_in_once),
		TEST(same_boot_twice_is_one_crash),
		TEST(no_event_is_a_reason_of_its_own),
		TEST(broken_clock),
		TEST(damaged_files_are_told),
		TEST(hostile_tree),
		TEST(text_of_crash),
		TEST(log_alone),
		TEST(missing_root_is_an_error),
		TEST(policy_says_when_it_is_enough),
		TEST(policy_stays_readable),
		TEST(purges_dumps_only),
		TEST(purge_knows_gone_from_not_mounted),
		TEST(killed_jobs),
		TEST(two_at_once),
	};

	return cmocka_run_group_tests_name("ingest", tests, make_top, remove_top);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding dumps, and who this host is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "host/finder.h"
#include "host/identity.h"
#include "tree.h"

enum { NOW = 1795450000, BOOT = NOW - 600 };

struct skips {
	int count;
	char text[4096];
};

static void on_skip(const char *name, const char *why, void *arg)
{
	struct skips *s = arg;
	size_t n = strlen(s->text);

	s->count++;
	snprintf(s->text + n, sizeof(s->text) - n, "%s: %s\n", name, why);
}

static struct skips find(const char *dir, struct host_dumps *ret)
{
	struct skips skips = {0};
	struct host_find_options o = {.crash_dir = dir,
				      .now = NOW,
				      .boot_time = BOOT,
				      .settle = 60,
				      .on_skip = on_skip,
				      .arg = &skips};

	assert_null(host_find_dumps(&o, ret));
	return skips;
}

static void add(const char *dir, const char *folder, const char *name, int64_t age)
{
	_cleanup_free_ char *sub = in_tree(dir, folder);
	_cleanup_free_ char *path = in_tree(sub, name);
	struct timespec times[2] = {{NOW - age, 0}, {NOW - age, 0}};

	mkdir(sub, 0755);
	write_text(sub, name, "12345");
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

enum { OLD = 3600 };

static void finds_the_layouts(void **state)
{
	_cleanup_free_ char *dir = make_tree();
	_cleanup_host_dumps_ struct host_dumps d;

	add(dir, "202611231427", "dump.202611231427", OLD);
	add(dir, "202611231427", "dmesg.202611231427", OLD);
	add(dir, "web-02-202611231428", "vmcore.202611231428", OLD);
	add(dir, "127.0.0.1-2026-11-23-14:29:31", "vmcore", OLD);
	add(dir, "127.0.0.1-2026-11-23-14:29:31", "vmcore-dmesg.txt", OLD);
	add(dir, "127.0.0.1-2026-11-23-14:29:31", "kexec-dmesg.log", OLD);
	add(dir, "10.0.0.7-2026-11-23-14:29:32", "vmcore.flat", OLD);
	add(dir, "2026-11-23-14:30", "vmcore", OLD);
	add(dir, "2026-11-23-14:30", "dmesg.txt", OLD);
	add(dir, "2026-11-23-14:30", "README.txt", OLD);
	add(dir, "by-hand", "vmcore", OLD);
	add(dir, "only-log-202611231431", "dmesg.202611231431", OLD);
	add(dir, "notes", "README.txt", OLD);
	write_text(dir, "kexec_cmd", "x");
	struct skips s = find(dir, &d);
	assert_int_equal(s.count, 0);
	assert_int_equal(d.count, 7);
	assert_int_equal(d.waiting, 0);
	static const struct {
		const char *folder, *vmcore, *dmesg, *tag;
		int64_t time;
	} expected[] = {
		{"10.0.0.7-2026-11-23-14:29:32", "vmcore.flat", NULL, "10.0.0.7", 1795444172},
		{"127.0.0.1-2026-11-23-14:29:31", "vmcore", "vmcore-dmesg.txt", NULL, 1795444171},
		{"2026-11-23-14:30", "vmcore", "dmesg.txt", NULL, 1795444200},
		{"202611231427", "dump.202611231427", "dmesg.202611231427", NULL, 1795444020},
		{"by-hand", "vmcore", NULL, NULL, NOW - OLD},
		{"only-log-202611231431", NULL, "dmesg.202611231431", "only-log", 1795444260},
		{"web-02-202611231428", "vmcore.202611231428", NULL, "web-02", 1795444080},
	};
	for (size_t i = 0; i < EY_ARRAY_SIZE(expected); i++) {
		const struct host_dump *x = &d.dumps[i];

		assert_string_equal(x->folder, expected[i].folder);
		assert_string_equal(x->vmcore ? x->vmcore : "-",
				    expected[i].vmcore ? expected[i].vmcore : "-");
		assert_string_equal(x->dmesg ? x->dmesg : "-",
				    expected[i].dmesg ? expected[i].dmesg : "-");
		assert_string_equal(x->tag ? x->tag : "-", expected[i].tag ? expected[i].tag : "-");
		assert_int_equal(x->time, expected[i].time);
		assert_false(x->incomplete);
		assert_int_equal(x->bytes, x->vmcore ? 5 : 0);
		assert_int_equal(strlen(x->key), HOST_KEY_DIGITS);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(x->key, d.dumps[j].key);
	}
	remove_tree(dir);
}

static void leaves_what_is_being_written(void **state)
{
	_cleanup_free_ char *dir = make_tree();
	_cleanup_host_dumps_ struct host_dumps d;

	add(dir, "a", "vmcore", 59);		 // written just now
	add(dir, "b", "vmcore", 61);		 // settled
	add(dir, "c", "dump-incomplete", 599);	 // by a collector that may be alive
	add(dir, "d", "vmcore-incomplete", 601); // by one of the last boot: given up
	add(dir, "e", "vmcore", OLD);		 // its log is being written
	add(dir, "e", "dmesg.1", 10);
	add(dir, "f", "vmcore", OLD); // whole, beside an attempt that failed
	add(dir, "f", "dump-incomplete.lz4", OLD);
	add(dir, "g", "vmcore", -100); // from the future
	find(dir, &d);
	assert_int_equal(d.count, 3);
	assert_int_equal(d.waiting, 4);
	assert_string_equal(d.dumps[0].folder, "b");
	assert_string_equal(d.dumps[1].folder, "d");
	assert_true(d.dumps[1].incomplete);
	assert_string_equal(d.dumps[2].vmcore, "vmcore");
	assert_false(d.dumps[2].incomplete);
	remove_tree(dir);
}

static void gives_up_on_incomplete_after_hours(void **state)
{
	_cleanup_free_ char *dir = make_tree();
	struct host_find_options o = {.crash_dir = dir, .now = NOW, .boot_time = 0, .settle = 60};
	_cleanup_host_dumps_ struct host_dumps fresh, old;

	add(dir, "a", "dump-incomplete", HOST_GIVEN_UP_AFTER - 1);
	assert_null(host_find_dumps(&o, &fresh));
	assert_int_equal(fresh.count, 0);
	assert_int_equal(fresh.waiting, 1);
	o.now++;
	assert_null(host_find_dumps(&o, &old));
	assert_int_equal(old.count, 1);
	remove_tree(dir);
}

static void key_follows_the_dump(void **state)
{
	_cleanup_free_ char *dir = make_tree();
	_cleanup_host_dumps_ struct host_dumps a, same, later;

	add(dir, "202611231427", "dump.202611231427", OLD);
	find(dir, &a);
	find(dir, &same);
	assert_string_equal(a.dumps[0].key, same.dumps[0].key);
	add(dir, "202611231427", "dump.202611231427", OLD - 1);
	find(dir, &later);
	assert_string_not_equal(a.dumps[0].key, later.dumps[0].key);
	remove_tree(dir);
}

static void hostile_crash_directory(void **state)
{
	_cleanup_free_ char *dir = make_tree();
	_cleanup_host_dumps_ struct host_dumps d, none;
	char command[2048];
	int fd;

	add(dir, "real", "vmcore", OLD);
	snprintf(command, sizeof(command),
		 "cd %s && ln -s real link && mkfifo fifo && mkdir a b c d && mkfifo a/vmcore && "
		 "ln -s /etc/passwd b/vmcore && mkdir c/vmcore && ln -s /etc d/dump.1 && "
		 "touch -d @%d d/vmcore && mkdir \"$(printf 'e\\033[31m')\" && "
		 "ln -s x \"$(printf 'e\\033[31m')/vmcore\" && mkdir .hidden && touch "
		 ".hidden/vmcore",
		 dir, NOW - OLD);
	assert_int_equal(system(command), 0);
	struct skips s = find(dir, &d);
	assert_int_equal(d.count, 2);
	assert_string_equal(d.dumps[0].folder, "d");
	assert_string_equal(d.dumps[0].vmcore, "vmcore");
	assert_string_equal(d.dumps[1].folder, "real");
	assert_int_equal(s.count, 7);
	assert_non_null(strstr(s.text, "link: a symbolic link, which is not followed"));
	assert_non_null(strstr(s.text, "fifo: not a folder"));
	assert_non_null(strstr(s.text, "a/vmcore: not a regular file"));
	assert_non_null(strstr(s.text, "e\\x1b[31m/vmcore: not a regular file"));

	_cleanup_error_ struct ey_error *fifo = host_dump_open(dir, "a", "vmcore", &fd);
	assert_int_equal(fifo->code, EY_ERR_INPUT);
	_cleanup_error_ struct ey_error *link = host_dump_open(dir, "b", "vmcore", &fd);
	assert_non_null(link);
	_cleanup_error_ struct ey_error *folder = host_dump_open(dir, "link", "vmcore", &fd);
	assert_non_null(folder);
	remove_tree(dir);
	find(dir, &none); // and one that is not there has none
	assert_int_equal(none.count, 0);
}

static void removes_a_dump_whole(void **state)
{
	_cleanup_free_ char *dir = make_tree();

	add(dir, "a", "vmcore", OLD);
	add(dir, "a", "dmesg.txt", OLD);
	add(dir, ".eyrie-tmp-removed-b", "vmcore", OLD);
	assert_null(host_dump_remove(dir, "a"));
	assert_int_equal(count_names(dir, "vmcore"), 1);
	host_dump_remove_leftovers(dir);
	assert_int_equal(count_names(dir, ""), 1); // the directory itself
	assert_null(host_dump_remove(dir, "a"));
	remove_tree(dir);
}

static void make_sysroot(const char *dir, const char *machine_id, const char *uuid,
			 const char *serial)
{
	char command[1024];

	snprintf(command, sizeof(command), "cd %s && mkdir -p etc proc/sys/kernel sys/class/dmi/id",
		 dir);
	assert_int_equal(system(command), 0);
	write_text(dir, "proc/sys/kernel/hostname", "web-01\n");
	write_text(dir, "etc/machine-id", machine_id);
	write_text(dir, "sys/class/dmi/id/product_uuid", uuid);
	write_text(dir, "sys/class/dmi/id/product_serial", serial);
}

static void reads_who_the_host_is(void **state)
{
	_cleanup_free_ char *dir = make_tree();
	_cleanup_host_identity_ struct host_identity a, b, none;

	make_sysroot(dir, "0123456789abcdef0123456789abcdef\n",
		     "4C4C4544-0043-3510-8052-B4C04F564231\n", "  5C5RVB1 \n");
	assert_null(host_identity_read(dir, &a));
	assert_string_equal(a.hostname, "web-01");
	assert_string_equal(a.machine_id, "0123456789abcdef0123456789abcdef");
	assert_string_equal(a.dmi_uuid, "4c4c4544-0043-3510-8052-b4c04f564231");
	assert_string_equal(a.dmi_serial, "5C5RVB1");
	// What is not filled in is not an identity.
	make_sysroot(dir, "uninitialized\n", "00000000-0000-0000-0000-000000000000\n",
		     "To be filled by O.E.M.\n");
	assert_null(host_identity_read(dir, &b));
	assert_null(b.machine_id);
	assert_null(b.dmi_uuid);
	assert_null(b.dmi_serial);
	remove_tree(dir);
	assert_null(host_identity_read(dir, &none));
	assert_null(none.hostname);
}

static void owns_only_its_crashes(void **state)
{
	struct host_identity self = {.hostname = "web-01.example.com",
				     .dmi_uuid = "4c4c4544-0043-3510-8052-b4c04f564231"};
	struct record r = {.system.hostname = "WEB-01"};

	assert_true(host_identity_owns(&self, &r));
	r.system.hostname = "web-01.example.org";
	assert_false(host_identity_owns(&self, &r));
	r.system.hostname = "web-010";
	assert_false(host_identity_owns(&self, &r));
	r.identity.dmi_uuid = "4C4C4544-0043-3510-8052-B4C04F564231";
	assert_true(host_identity_owns(&self, &r)); // renamed since
	r.system.hostname = "web-01";
	r.identity.dmi_uuid = "4c4c4544-0043-3510-8052-b4c04f564299";
	assert_false(host_identity_owns(&self, &r)); // a clone of the name
	assert_false(host_identity_owns(&self, &(struct record){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_layouts),
		cmocka_unit_test(leaves_what_is_being_written),
		cmocka_unit_test(gives_up_on_incomplete_after_hours),
		cmocka_unit_test(key_follows_the_dump),
		cmocka_unit_test(hostile_crash_directory),
		cmocka_unit_test(removes_a_dump_whole),
		cmocka_unit_test(reads_who_the_host_is),
		cmocka_unit_test(owns_only_its_crashes),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}

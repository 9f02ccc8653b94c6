/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "oops/keys.h"
#include "oops/line.h"
#include "oops/parser.h"
#include "oops/regroup.h"
#include "oops/scan.h"

static const char log_text[] =
	"[    1.000000] ordinary line\n"
	"[    2.000000] BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
	"[    2.000001] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
	"[    2.000002] CPU: 0 PID: 149 Comm: a b Kdump: loaded Tainted: G           OE      6.1.0 "
	"#1\n"
	"[    2.000003] RIP: 0010:f_one+0x14/0x53 [mod]\n"
	"[    2.000004] Call Trace:\n"
	"[    2.000005]  f_two.cold+0x18/0x24 [mod]\n"
	"[    2.000006]  ? f_three+0x53/0x80\n"
	"[    2.000007] ---[ end trace 0000000000000000 ]---\n"
	"[    3.000000] Kernel panic - not syncing: Fatal exception\n";

static struct ey_error *write_event(struct oops_event *event, void *arg)
{
	struct ey_json json;

	ey_json_init(&json, arg, 0);
	oops_event_write(event, &json);
	ey_buf_addc(arg, '\n');
	return NULL;
}

static char *parse_in_chunks(const char *text, size_t len, size_t chunk)
{
	_cleanup_oops_parser_ struct oops_parser *parser = NULL;
	struct ey_buf out = EY_BUF_INIT;

	ey_buf_adds(&out, "");
	assert_null(oops_parser_create(write_event, &out, &parser));
	for (size_t at = 0; at < len; at += chunk)
		assert_null(
			oops_parser_feed(parser, text + at, len - at < chunk ? len - at : chunk));
	assert_null(oops_parser_finish(parser));
	return ey_buf_steal(&out, NULL);
}

static void test_chunks(void **state)
{
	char *whole = parse_in_chunks(log_text, strlen(log_text), sizeof(log_text));

	assert_non_null(strstr(whole, "\"signature\":\"f_one+0x14\""));
	for (size_t chunk = 1; chunk < 200; chunk++) {
		char *parts = parse_in_chunks(log_text, strlen(log_text), chunk);
		assert_string_equal(parts, whole);
		free(parts);
	}
	free(whole);
}

static void test_fields(void **state)
{
	struct oops_event *events = NULL;
	size_t count = 0;

	assert_null(oops_parse_text(log_text, strlen(log_text), &events, &count));
	assert_int_equal(count, 1);
	struct oops_event *e = &events[0];
	assert_int_equal(e->kind, OOPS_NULL_DEREF);
	assert_string_equal(e->function, "f_one");
	assert_string_equal(e->module, "mod");
	assert_int_equal(e->offset, 0x14);
	assert_int_equal(e->size, 0x53);
	assert_string_equal(e->reason, "g1:NULL-DEREF:f_one");
	assert_string_equal(e->comm, "a b");
	assert_string_equal(e->taint, "G           OE");
	assert_string_equal(e->kernel, "6.1.0");
	assert_int_equal(e->pid, 149);
	assert_int_equal(e->first_line, 2);
	assert_int_equal(e->frame_count, 2);
	assert_string_equal(e->frames[0].function, "f_two.cold");
	assert_true(e->frames[0].reliable);
	assert_false(e->frames[1].reliable);
	assert_int_equal(e->frames[1].line, 8);
	assert_int_equal(e->lines[OOPS_FIELD_TITLE], 2);
	assert_int_equal(e->lines[OOPS_FIELD_FUNCTION], 5);
	assert_int_equal(e->lines[OOPS_FIELD_GUILTY], 5);
	assert_int_equal(e->lines[OOPS_FIELD_CPU], 4);
	assert_int_equal(e->lines[OOPS_FIELD_PID], 4);
	assert_int_equal(e->lines[OOPS_FIELD_COMM], 4);
	assert_int_equal(e->lines[OOPS_FIELD_TAINT], 4);
	assert_int_equal(e->lines[OOPS_FIELD_KERNEL], 4);
	assert_int_equal(e->lines[OOPS_FIELD_HARDWARE], 0);
	assert_int_equal(e->lines[OOPS_FIELD_PANIC], 10);
	assert_string_equal(e->panic, "Fatal exception");
	assert_ptr_equal(oops_pick_fatal(events, count), e);
	oops_events_free(events, count);
}

static void test_hostile(void **state)
{
	// NULs, a line without an end, bytes that are no text: nothing found, nothing broken.
	size_t len = 3 << 20;
	char *text = malloc(len);

	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(i * 2654435761u >> 24);
	memset(text + 1000, 'A', 1 << 20);
	memcpy(text + 2000, "BUG: \0kernel", 12);
	free(parse_in_chunks(text, len, 4093));
	memset(text, '\n', len);
	char *none = parse_in_chunks(text, len, 65536);
	assert_string_equal(none, "");
	free(none);
	free(text);
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *raw, *text, *caller;
	} table[] = {
		{"[   12.345678]  f+0x1/0x2", " f+0x1/0x2", ""},
		{"<6>[   12.345678][  T123] x", "x", "T123"},
		{"[   12.345678] [    C0] x", "x", "C0"},
		{"Nov  3 12:00:00 web-01 kernel: [   12.345678] x", "x", ""},
		{"Nov 23 12:00:00 web-01 kernel: x", "x", ""},
		{"2026-11-23T12:00:00.000000+00:00 web-01 kernel: x", "x", ""},
		{"[   12.345678] web-01 kernel: x", "x", ""},
		{"6,1234,5678901,-;x", "x", ""},
		{"6,1234,5678901,-,caller=T7;x", "x", "T7"},
		{"web-01 login: [   12.345678] x", "x", ""},
		{"** 12 printk messages dropped ** [   12.345678] x", "x", ""},
		{"x\r", "x", ""},
		{"", "", ""},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct oops_line line;
		char text[64] = "";

		oops_line_strip(table[i].raw, strlen(table[i].raw), &line);
		memcpy(text, line.text, line.len);
		assert_string_equal(text, table[i].text);
		assert_string_equal(line.caller, table[i].caller);
	}
}

static void test_regroup(void **state)
{
	_cleanup_oops_regroup_ struct oops_regroup regroup = {0};
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	assert_null(oops_regroup_add(&regroup, "g0:BUG:a", "g1:BUG:a"));
	assert_null(oops_regroup_add(&regroup, "g0:BUG:b", "g1:BUG:c"));
	assert_null(oops_regroup_add(&regroup, "g0:BUG:b", "g1:BUG:d"));
	assert_null(oops_regroup_add(&regroup, "g0:BUG:x", "g1:BUG:c"));
	oops_regroup_report(&regroup, &out);
	assert_string_equal(ey_buf_str(&out),
			    "split BUG:b (2): BUG:c (1), BUG:d (1)\n"
			    "merge BUG:c (2): BUG:b (1), BUG:x (1)\n"
			    "4 crashes: 1 keep their reason, 3 get another; 1 groups split, "
			    "1 merged\n");
}

static void test_names(void **state)
{
	char buf[64];

	assert_string_equal(oops_plain_name("f.isra.0.constprop.1", buf, sizeof(buf)), "f");
	assert_string_equal(oops_plain_name("__pfx_f.cold", buf, sizeof(buf)), "f");
	assert_string_equal(oops_plain_name("_Z3fooi", buf, sizeof(buf)), "foo");
	assert_string_equal(oops_plain_name("abcdef", buf, 4), "abc");
	assert_string_equal(oops_group_name("__x64_sys_openat", buf, sizeof(buf)), "openat");
	assert_string_equal(oops_group_name("__do_sys_openat", buf, sizeof(buf)), "openat");
	assert_string_equal(oops_group_name("sys_", buf, sizeof(buf)), "sys_");
	assert_non_null(oops_pass_find("dump_stack_lvl", PASS_ANY));
	assert_non_null(oops_pass_find("__asan_load8", PASS_ANY));
	assert_null(oops_pass_find("widget_poll", ~0u));
	assert_null(oops_pass_find("vfs_write", PASS_ANY));
	assert_non_null(oops_pass_find("vfs_write", PASS_DISPATCH));
}

// The vector searches find what the plain one finds, wherever the anchor stands.
static void test_scan(void **state)
{
	static const enum oops_scan_with with[] = {OOPS_SCAN_PLAIN, OOPS_SCAN_SSSE3,
						   OOPS_SCAN_AVX2};
	char text[300];

	for (size_t w = 0; w < sizeof(with) / sizeof(*with); w++) {
		struct oops_scanner scanner;

		oops_scanner_init(&scanner, OOPS_SCAN_HEADERS, with[w]);
		for (size_t at = 0; at + 16 < sizeof(text); at++) {
			uint64_t lines = 0;

			memset(text, '.', sizeof(text));
			for (size_t i = 9; i < sizeof(text); i += 10)
				text[i] = '\n';
			memcpy(text + at, "not syncing\nBUG:", 16);
			const char *hit = oops_scan(&scanner, text, text + sizeof(text), &lines);
			assert_ptr_equal(hit, text + at + 12);
			size_t before = 0;
			for (const char *p = text; p < hit; p++)
				before += *p == '\n';
			assert_int_equal(lines, before);
			memset(text + at, '.', 16);
			lines = 0;
			hit = oops_scan(&scanner, text, text + sizeof(text), &lines);
			assert_true(hit == text + sizeof(text) || hit > text + at);
		}
	}
}

// Names that rustc made of a small program; hashes and the arguments of generics are left out.
static void test_rust_names(void **state)
{
	static const struct {
		const char *mangled, *name;
	} table[] = {
		{"_RNvCs6xxl1lAjzDf_1a4main", "a::main"},
		{"_RINvCs6xxl1lAjzDf_1a3runNCNvB2_4main0EB2_", "a::run"},
		{"_RNvMNtCs6xxl1lAjzDf_1a7processNtB2_7Process10update_ref",
		 "<a::process::Process>::update_ref"},
		{"_RINvMNtCs6xxl1lAjzDf_1a7processNtB3_7Process3genhEB5_",
		 "<a::process::Process>::gen"},
		{"_RNvXs_NtCs6xxl1lAjzDf_1a7processNtB4_7ProcessNtB4_3Act3act",
		 "<a::process::Process as a::process::Act>::act"},
		{"_RNvXs0_NtCs6xxl1lAjzDf_1a7processARNtB5_7Processj2_NtB5_3Act3actB7_",
		 "<[&a::process::Process; _] as a::process::Act>::act"},
		{"_RNvCscSpY9Juk0HT_7___rustc17rust_begin_unwind", "__rustc::rust_begin_unwind"},
		// Cut off, a back reference to itself and one that doubles what it refers to.
		{"_RNvCs6xxl1lAjzDf_1a4mai", NULL},
		{"_RNvB_4main", NULL},
		{"_RNvMNtCs6xxl1lAjzDf_1a7processTTB_B_EB_E4main", NULL},
		{"_R", NULL},
		{"_RN", NULL},
	};
	char name[256], key[256];

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *m = table[i].mangled;
		bool good = oops_rust_name(m, strlen(m), name, sizeof(name));

		assert_int_equal(good, table[i].name != NULL);
		if (good)
			assert_string_equal(name, table[i].name);
		// Too little room is no name.
		for (size_t size = 1; good && size <= strlen(name); size++)
			assert_false(oops_rust_name(m, strlen(m), key, size));
	}
	assert_string_equal(oops_group_name(table[4].mangled, key, sizeof(key)),
			    "a::process::Process-as-a::process::Act::act");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rust_names), cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_fields),	   cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_prefixes),   cmocka_unit_test(test_regroup),
		cmocka_unit_test(test_names),	   cmocka_unit_test(test_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

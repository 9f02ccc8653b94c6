/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "oops/line.h"
#include "oops/parser.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

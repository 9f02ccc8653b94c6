/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/record_read.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

static const char *bug_path;

static void assert_refused(const char *json, size_t len, const char *in_message)
{
	struct record r;
	_cleanup_error_ struct ey_error *err = record_read(json, len, &r);

	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_INPUT);
	if (!strstr(err->message, in_message))
		fail_msg("\"%s\" does not say \"%s\"", err->message, in_message);
	assert_null(strchr(err->message, '\n'));
}

static void reads_a_whole_record(void **state)
{
	_cleanup_free_ char *json = NULL;
	_cleanup_record_ struct record r;
	size_t len;

	assert_null(ey_file_read_whole(bug_path, RECORD_MAX_BYTES, &json, &len));
	assert_null(record_read(json, len, &r));
	assert_string_equal(r.identity.hostname, "web-01");
	assert_null(r.identity.machine_id);
	assert_string_equal(r.system.release, "6.1.0-56-amd64");
	assert_true(r.system.have_crash_time);
	assert_int_equal(r.system.crash_time, 1795444049);
	assert_int_equal(r.system.uptime_seconds, 5);
	assert_true(r.system.have_load);
	assert_int_equal(r.system.cpus, 2);
	assert_string_equal(r.inventory.product, "Standard PC (Q35 + ICH9, 2009)");
	assert_true(r.have_event);
	assert_string_equal(r.event.kind, "BUG");
	assert_string_equal(r.event.signature, "lkdtm_BUG+0x5");
	assert_string_equal(r.event.module, "lkdtm");
	assert_true(r.event.have_offset);
	assert_int_equal(r.event.offset, 5);
	assert_int_equal(r.event.pid, 148);
	assert_true(r.event.frame_count > 5);
	assert_true(r.event.first_line && r.event.last_line >= r.event.first_line);
	assert_string_equal(r.event.frames[0].function, "machine_kexec");
	assert_null(r.event.frames[0].module);
	assert_int_equal(r.event.frames[0].address, 0xffffffffa427754f);
	assert_true(r.have_panic_task);
	assert_string_equal(r.panic_task.comm, "kdt-crasher");
	assert_int_equal(r.panic_task.address, 0xffff8d1742414200);
	assert_true(r.dump.complete);
	assert_int_equal(r.dump.bytes, 16727245);
	assert_int_equal(r.gap_count, 0);
	assert_int_equal(r.counts.tasks, 3);
	assert_int_equal(r.log_len, strlen(r.log));
	assert_non_null(strstr(r.log, "kernel BUG at"));
}

static void nul_becomes_a_mark(void **state)
{
	const char json[] = "{\"schema\":\"eyrie/crash/1\",\"system\":{\"hostname\":\"a\\u0000b\"},"
			    "\"log\":\"\\u0000x\\u0000\"}";
	_cleanup_record_ struct record r;

	assert_null(record_read(json, strlen(json), &r));
	assert_string_equal(r.system.hostname, "a\xef\xbf\xbd"
					       "b");
	assert_string_equal(r.log, "\xef\xbf\xbdx\xef\xbf\xbd");
	assert_int_equal(r.log_len, 7);
	assert_string_equal(record_hostname(&r), r.system.hostname);
}

static void refuses_bombs(void **state)
{
	enum { MANY = 9 << 20 };
	_cleanup_free_ char *deep = malloc(MANY);
	_cleanup_free_ char *huge = malloc((size_t)RECORD_MAX_BYTES + 1);

	assert_non_null(deep);
	assert_non_null(huge);
	memset(deep, '[', MANY);
	assert_refused(deep, MANY, "nested deeper");
	memset(deep, ',', MANY);
	assert_refused(deep, MANY, "values");
	memset(huge, ' ', (size_t)RECORD_MAX_BYTES + 1);
	assert_refused(huge, (size_t)RECORD_MAX_BYTES + 1, "bytes");
	assert_refused(huge, RECORD_MAX_BYTES, "not JSON");
}

static void refuses_what_is_no_record(void **state)
{
	static const char *const cases[][2] = {
		{"", "not JSON"},
		{"null", "not JSON"},
		{"[]", "not a JSON object"},
		{"{}", "no \"schema\""},
		{"{\"schema\":\"eyrie/crash/1\"}", "system"},
		{"{\"schema\":\"eyrie/crash/9\",\"system\":{}}", "not known here"},
		{"{\"schema\":\"eyrie/crash/1\",\"schema\":\"eyrie/crash/1\",\"system\":{}}",
		 "duplicate"},
		{"{\"schema\":\"eyrie/crash/1\",\"system\":{\"hostname\":\"\xff\"}}", "not JSON"},
		{"{\"schema\":\"eyrie/crash/1\",\"system\":{}} x", "not JSON"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++)
		assert_refused(cases[i][0], strlen(cases[i][0]), cases[i][1]);
}

// Cut anywhere, a record is refused; flipped anywhere, it is read or refused, never worse.
static void survives_cuts_and_flips(void **state)
{
	_cleanup_free_ char *json = NULL;
	size_t len;

	assert_null(ey_file_read_whole(bug_path, RECORD_MAX_BYTES, &json, &len));
	while (len && json[len - 1] == '\n')
		len--;
	for (size_t cut = 0; cut < len; cut += 7)
		assert_refused(json, cut, "record:");
	for (size_t at = 0; at < len; at += 5) {
		_cleanup_record_ struct record r;
		char saved = json[at];

		json[at] = (char)(saved ^ (1 << (at % 7)));
		_cleanup_error_ struct ey_error *err = record_read(json, len, &r);
		json[at] = saved;
		assert_true(!err || err->code == EY_ERR_INPUT);
	}
}

static char *id_of(const char *system, const char *identity, const char *rest)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	_cleanup_record_ struct record r;
	char *id;

	ey_buf_printf(&buf, "{\"schema\":\"eyrie/crash/1\",\"system\":{%s},\"identity\":{%s}%s}",
		      system, identity, rest);
	assert_null(record_read(buf.data, buf.len, &r));
	assert_null(record_crash_id(&r, &id));
	return id;
}

#define ID	"\"machine_id\":\"0123456789abcdef0123456789ABCDEF\""
#define BOOT_ID "\"boot_id\":\"5a3f2c11-0000-4000-8000-0123456789ab\""
#define WHEN	"\"crash_time\":\"2026-11-23T14:35:46Z\",\"uptime_seconds\":25.9"
#define EVENT	",\"event\":{\"kind\":\"BUG\",\"reason\":\"g1:BUG:f\",\"signature\":\"f+0x10\"}"

static void ids_are_stable(void **state)
{
	_cleanup_free_ char *boot = id_of("\"hostname\":\"web-01\"," WHEN, ID "," BOOT_ID, EVENT);
	_cleanup_free_ char *time = id_of("\"hostname\":\"Web-01\"," WHEN, ID, EVENT);
	_cleanup_free_ char *bare = id_of("\"crash_time\":\"2026-11-23\"", BOOT_ID, "");
	_cleanup_free_ char *zero =
		id_of(WHEN, "\"machine_id\":\"00000000000000000000000000000000\"," BOOT_ID, "");
	_cleanup_free_ char *text = id_of("\"hostname\":\"a:b\"", "", ",\"log\":\"one\"");
	_cleanup_free_ char *same = id_of("\"hostname\":\"a:b\"", "", ",\"log\":\"one\"");
	_cleanup_free_ char *other = id_of("\"hostname\":\"a:b\"", "", ",\"log\":\"two\"");

	assert_string_equal(boot, "boot:0123456789abcdef0123456789abcdef:"
				  "5a3f2c11000040008000"
				  "0123456789ab");
	assert_string_equal(time, "time:web-01:1795444546:25:f+0x10");
	assert_string_equal(bare, "time:-:1795392000:-:-");
	assert_string_equal(zero, "time:-:1795444546:25:-");
	assert_int_equal(strncmp(text, "text:a_b:", 9), 0);
	assert_int_equal(strlen(text), 9 + 64);
	assert_string_equal(text, same);
	assert_string_not_equal(text, other);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_whole_record),
		cmocka_unit_test(nul_becomes_a_mark),
		cmocka_unit_test(refuses_bombs),
		cmocka_unit_test(refuses_what_is_no_record),
		cmocka_unit_test(survives_cuts_and_flips),
		cmocka_unit_test(ids_are_stable),
	};

	bug_path = argv[1];
	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analysis_run(): what is no dump file is named, and a small dump gives record and text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "fake_tables.h"

static char dir[] = "/tmp/eyrie-test-analysis-XXXXXX";

static const char *path_in(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void assert_refused(const char *path, enum ey_error_code code, const char *text)
{
	const struct analysis_options options = {0};
	struct analysis_result result;
	_cleanup_error_ struct ey_error *err = analysis_run(path, &options, &result);

	assert_non_null(err);
	if (err->code != code || !strstr(err->message, text) || !strstr(err->message, path))
		fail_msg("code %d, \"%s\"", (int)err->code, err->message);
	assert_null(result.record);
	assert_null(result.text);
}

static void what_is_no_file_is_named(void **state)
{
	const char *fifo = path_in("fifo");

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_refused(fifo, EY_ERR_INPUT, "not a regular file"); // and does not hang
	unlink(fifo);
	assert_refused(dir, EY_ERR_INPUT, "is a directory");
	assert_refused(path_in("missing"), EY_ERR_NOT_FOUND, "no such file");
	assert_refused("/dev/null", EY_ERR_INPUT, "not a regular file");
}

static const char *write_file(const void *data, size_t len)
{
	const char *path = path_in("file");

	assert_null(ey_file_write_whole(path, 0600, data, len));
	return path;
}

static void what_is_no_dump_is_named(void **state)
{
	const char *path = write_file("", 0);

	assert_refused(path, EY_ERR_INPUT, "empty");
	write_file("hello\n", 6);
	assert_refused(path, EY_ERR_INPUT, "no line is of a kernel's log");
	write_file("text that is no dump\n", 21);
	assert_refused(path, EY_ERR_INPUT, "no line is of a kernel's log");
	write_file("\1\2\3\4", 5);
	assert_refused(path, EY_ERR_INPUT, "only 5 bytes");
	write_file("\1\2\3\4 some bytes of whatever it is", 33);
	assert_refused(path, EY_ERR_INPUT, "not a kernel dump");
	unlink(path);
}

// A dump of which only the log can be read gives the log, and says what is missing.
static void part_of_a_dump_is_analysed(void **state)
{
	_cleanup_buf_ struct ey_buf file = EY_BUF_INIT;
	struct fake_ring ring;
	struct fake_dump f;

	fake_dump_init(&f, 4);
	fake_ring_init(&ring, 3, 9);
	fake_ring_add(&ring, 1000000000, "Kernel panic - not syncing: sysrq triggered crash", 2);
	fake_ring_put(&ring, &f);
	fake_dump_write_elf(&f, &file);
	fake_dump_deinit(&f);
	const char *path = write_file(file.data, file.len);

	for (int no_sandbox = 0; no_sandbox < 2; no_sandbox++) {
		const struct analysis_options options = {.no_sandbox = no_sandbox};
		struct analysis_result result;
		_cleanup_error_ struct ey_error *err = analysis_run(path, &options, &result);

		if (err)
			fail_msg("%s", err->message);
		json_t *record = json_loadb(result.record, result.record_len, 0, NULL);
		assert_non_null(record);
		assert_string_equal(json_string_value(json_object_get(record, "schema")),
				    "eyrie/crash/1");
		assert_string_equal(
			json_string_value(json_object_get(record, "log")),
			"[    1.000000] Kernel panic - not syncing: sysrq triggered crash\n");
		assert_true(json_array_size(json_object_get(record, "gaps")) >= 3);
		assert_int_equal(json_array_size(json_object_get(record, "stacks")), 0);
		assert_non_null(strstr(result.text, "sysrq triggered crash"));
		json_decref(record);
		analysis_result_deinit(&result);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_file_is_named),
		cmocka_unit_test(what_is_no_dump_is_named),
		cmocka_unit_test(part_of_a_dump_is_analysed),
	};

	if (!mkdtemp(dir))
		return 1;
	int failed = cmocka_run_group_tests_name("analysis", tests, NULL, NULL);
	rmdir(dir);
	return failed;
}

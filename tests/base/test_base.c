/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

static char dir[] = "/tmp/eyrie-test-base-XXXXXX";

static char *path_in(const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

static void error_has_code_and_sentence(void **state)
{
	_cleanup_error_ struct ey_error *err = ey_error_create(EY_ERR_INPUT, "page %d", 7);

	err = ey_error_prefix(err, "%s", "a.vmcore");
	assert_string_equal(err->message, "a.vmcore: page 7");
	assert_int_equal(ey_error_exit_code(err), 2);
	assert_int_equal(ey_error_exit_code(NULL), 0);
	assert_int_equal(ey_error_exit_code(&ey_error_nomem), 3);
	_cleanup_error_ struct ey_error *quoting =
		ey_error_create(EY_ERR_INPUT, "\"%s\"", "a\nb\t\x1b[31m\x7f");
	quoting = ey_error_prefix(quoting, "%s", "x\ry");
	assert_string_equal(quoting->message, "x y: \"a b  [31m \"");
	assert_null(ey_error_prefix(NULL, "x"));
}

static void json_escapes_and_repairs_utf8(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	struct ey_json w;

	ey_json_init(&w, &buf, 0);
	ey_json_object_begin(&w);
	ey_json_key(&w, "bytes");
	ey_json_stringn(&w, "a\"\\\n\x01\0\xff\xc3\xa9\xed\xa0\x80", 12);
	ey_json_kv_address(&w, "at", 0xffffffff81000000);
	ey_json_key(&w, "list");
	ey_json_array_begin(&w);
	ey_json_int(&w, -1);
	ey_json_bool(&w, true);
	ey_json_string(&w, NULL);
	ey_json_array_end(&w);
	ey_json_object_end(&w);
	assert_string_equal(
		ey_buf_str(&buf),
		"{\"bytes\":\"a\\\"\\\\\\n\\u0001\\u0000\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef"
		"\xbf\xbd\xef\xbf\xbd\",\"at\":\"ffffffff81000000\",\"list\":[-1,true,null]}");
	json_t *parsed = json_loadb(buf.data, buf.len, JSON_ALLOW_NUL, NULL);
	assert_non_null(parsed);
	json_decref(parsed);
}

static void text_is_made_safe(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	const char text[] = "a\0b\x1b[2J\t\xc3\xa9\xff\xc2\x9b\xe2\x80\xae<&\"'>\n";

	ey_text_clean(&buf, text, sizeof(text) - 1);
	assert_string_equal(
		ey_buf_str(&buf),
		"a\\x00b\\x1b[2J\t\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd<&\"'>\n");
	ey_buf_clear(&buf);
	ey_html_escape(&buf, "<b a=\"x\" c='&'>\x7f", 16);
	assert_string_equal(ey_buf_str(&buf), "&lt;b a=&quot;x&quot; c=&#39;&amp;&#39;&gt;\\x7f");
	ey_buf_clear(&buf);
	// A sequence cut off by the end of the text, and surrogates, are not UTF-8.
	ey_text_clean(&buf, "\xe2\x82", 2);
	ey_text_clean(&buf, "\xed\xa0\x80", 3);
	assert_string_equal(ey_buf_str(&buf), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
					      "\xef\xbf\xbd");
}

static void json_indents(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	struct ey_json w;

	ey_json_init(&w, &buf, 1);
	ey_json_object_begin(&w);
	ey_json_key(&w, "a");
	ey_json_array_begin(&w);
	ey_json_array_end(&w);
	ey_json_kv_uint(&w, "b", UINT64_MAX);
	ey_json_object_end(&w);
	assert_string_equal(ey_buf_str(&buf), "{\n \"a\": [],\n \"b\": 18446744073709551615\n}");
}

static void json_limits(void **state)
{
	const char *json = "{\"[[[[\\\"[[[[\":[[1,2],[3]]}";

	assert_null(ey_json_check_limits(json, strlen(json), 3, 7));
	_cleanup_error_ struct ey_error *deep = ey_json_check_limits(json, strlen(json), 2, 7);
	assert_non_null(deep);
	assert_non_null(strstr(deep->message, "levels"));
	_cleanup_error_ struct ey_error *many = ey_json_check_limits(json, strlen(json), 3, 6);
	assert_non_null(many);
	assert_non_null(strstr(many->message, "values"));
	assert_null(ey_json_check_limits("]]]\"\\", 5, 0, 0));
}

static void buffer_grows_and_is_handed_over(void **state)
{
	struct ey_buf buf = EY_BUF_INIT;
	size_t len;

	for (int i = 0; i < 1000; i++)
		ey_buf_printf(&buf, "%d,", i);
	_cleanup_free_ char *s = ey_buf_steal(&buf, &len);
	assert_non_null(s);
	assert_int_equal(len, strlen(s));
	assert_true(!strncmp(s + len - 8, "998,999,", 8));
	assert_null(buf.data);
	assert_false(ey_buf_reserve(&buf, SIZE_MAX));
	assert_ptr_equal(ey_buf_error(&buf), &ey_error_nomem);
}

static void file_appears_whole(void **state)
{
	_cleanup_free_ char *path = path_in("whole");
	_cleanup_free_ char *data = NULL;
	size_t len;
	struct stat st;

	{
		_cleanup_newfile_ struct ey_newfile f = EY_NEWFILE_INIT;
		assert_null(ey_newfile_open(&f, path, 0640));
		assert_null(ey_newfile_write(&f, "half", 4));
		assert_int_equal(stat(path, &st), -1);
	}
	assert_int_equal(stat(path, &st), -1); // given up: nothing left behind
	assert_null(ey_file_write_whole(path, 0640, "abc", 3));
	assert_null(ey_file_read_whole(path, 3, &data, &len));
	assert_int_equal(len, 3);
	assert_string_equal(data, "abc");
	char *none = NULL;
	_cleanup_error_ struct ey_error *err = ey_file_read_whole(path, 2, &none, NULL);
	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_INPUT);
	_cleanup_error_ struct ey_error *isdir = ey_file_read_whole(dir, 100, &none, NULL);
	assert_int_equal(isdir->code, EY_ERR_INPUT);
	DIR *d = opendir(dir);
	for (struct dirent *de; (de = readdir(d));)
		assert_int_not_equal(strncmp(de->d_name, EY_TEMP_PREFIX, strlen(EY_TEMP_PREFIX)),
				     0);
	closedir(d);
}

// What an administrator names as output is not always a file: it is written into, not replaced.
static void output_replaces_no_device(void **state)
{
	_cleanup_free_ char *fifo = path_in("fifo"), *target = path_in("target"),
			    *link = path_in("link");
	char got[8] = "";
	struct stat st;

	assert_int_equal(mkfifo(fifo, 0600), 0);
	int fd = open(fifo, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_null(ey_file_write_output(fifo, 0644, "abc", 3));
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	assert_string_equal(got, "abc");
	close(fd);
	assert_int_equal(lstat(fifo, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_null(ey_file_write_output(target, 0644, "longer text", 11));
	assert_int_equal(symlink("target", link), 0);
	assert_null(ey_file_write_output(link, 0644, "abc", 3));
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 3);
}

static void names_from_outside(void **state)
{
	assert_true(ey_name_is_safe("web-01.example"));
	assert_false(ey_name_is_safe(""));
	assert_false(ey_name_is_safe(".."));
	assert_false(ey_name_is_safe("a/b"));
	assert_false(ey_name_is_safe("a\nb"));
}

static void times(void **state)
{
	char buf[EY_TIME_TEXT_SIZE];
	int64_t t;

	assert_true(ey_time_parse("2026-11-23T14:35:46Z", &t));
	assert_string_equal(ey_time_format(t, buf), "2026-11-23T14:35:46Z");
	assert_true(ey_time_parse("1970-01-02", &t));
	assert_int_equal(t, 86400);
	assert_false(ey_time_parse("yesterday", &t));
	assert_false(ey_time_parse("2026-11-23T14:35:46+05:00", &t));
	assert_string_equal(ey_time_format(INT64_MAX, buf), "invalid");
	assert_true(ey_duration_parse("30d", &t));
	assert_int_equal(t, 30 * 86400);
	assert_false(ey_duration_parse("99999999999999999w", &t));
	assert_false(ey_duration_parse("9223372036854775807s", &t)); // no time can be added to it
	assert_true(ey_duration_parse("36500d", &t));
	assert_false(ey_duration_parse("-1d", &t));
	assert_false(ey_duration_parse("3 parsecs", &t));
}

static void config_drop_ins_win(void **state)
{
	_cleanup_free_ char *path = path_in("eyrie.conf");
	_cleanup_free_ char *dropdir = path_in("eyrie.conf.d");
	_cleanup_free_ char *drop = path_in("eyrie.conf.d/10-x.conf");
	_cleanup_config_ struct ey_config config;
	const char *text = "[monitor]\nhost_threshold = 3\nwindow = 24h\n[mail]\nenabled = maybe\n";
	uint64_t n;
	int64_t window;
	bool on;

	assert_null(ey_file_write_whole(path, 0644, text, strlen(text)));
	assert_null(ey_mkdir_parents(dropdir, 0755));
	assert_null(ey_file_write_whole(drop, 0644, "[monitor]\nhost_threshold = 5\n", 29));
	assert_null(ey_config_load(&config, path));
	assert_null(ey_config_uint(&config, "monitor", "host_threshold", 1, &n));
	assert_int_equal(n, 5);
	assert_null(ey_config_duration(&config, "monitor", "window", 1, &window));
	assert_int_equal(window, 86400);
	assert_null(ey_config_uint(&config, "monitor", "absent", 9, &n));
	assert_int_equal(n, 9);
	_cleanup_error_ struct ey_error *err =
		ey_config_bool(&config, "mail", "enabled", false, &on);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "[mail] enabled"));
	assert_int_equal(ey_error_exit_code(err), 1);

	struct ey_config none;
	_cleanup_error_ struct ey_error *missing = ey_config_load(&none, "/nonexistent/eyrie.conf");
	assert_non_null(missing);
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void config_may_be_indented(void **state)
{
	_cleanup_config_ struct ey_config config = {0};
	_cleanup_free_ char *path = path_in("indented.conf");
	static const char good[] = "[repository]\n\tpath = /srv/a\n\t  # why\n\tsite = ams1\n";
	static const char bad[] = "[mail]\nto = a@example.com,\n     b@example.com\n";

	assert_null(ey_file_write_whole(path, 0644, good, strlen(good)));
	assert_null(ey_config_load(&config, path));
	assert_string_equal(ey_config_string(&config, "repository", "path", ""), "/srv/a");
	assert_string_equal(ey_config_string(&config, "repository", "site", ""), "ams1");
	ey_config_deinit(&config);
	// A value that goes on in the next line must not lose its beginning.
	assert_null(ey_file_write_whole(path, 0644, bad, strlen(bad)));
	_cleanup_error_ struct ey_error *err = ey_config_load(&config, path);
	assert_non_null(err);
	assert_int_equal(err->code, EY_ERR_USAGE);
	assert_non_null(strstr(err->message, "indented.conf:3: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_has_code_and_sentence),
		cmocka_unit_test(json_escapes_and_repairs_utf8),
		cmocka_unit_test(text_is_made_safe),
		cmocka_unit_test(json_indents),
		cmocka_unit_test(json_limits),
		cmocka_unit_test(buffer_grows_and_is_handed_over),
		cmocka_unit_test(file_appears_whole),
		cmocka_unit_test(output_replaces_no_device),
		cmocka_unit_test(names_from_outside),
		cmocka_unit_test(times),
		cmocka_unit_test(config_drop_ins_win),
		cmocka_unit_test(config_may_be_indented),
	};

	return cmocka_run_group_tests_name("base", tests, make_dir, remove_dir);
}

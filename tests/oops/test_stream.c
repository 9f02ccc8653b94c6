/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * However a log comes in, and whatever the processor can search with: the same events. The log is
 * all the cases one after the other (argv), with ordinary lines and noise between them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "oops/parser.h"

enum { CASE_MAX = 1 << 20, NOISE_LINES = 150 };

static int file_count;
static char **files;

static struct ey_error *write_event(struct oops_event *event, void *arg)
{
	struct ey_json json;

	ey_json_init(&json, arg, 0);
	oops_event_write(event, &json);
	ey_buf_addc(arg, '\n');
	return ey_buf_error(arg);
}

static char *parse(const struct ey_buf *log, size_t chunk, enum oops_scan_with with)
{
	_cleanup_oops_parser_ struct oops_parser *parser = NULL;
	struct ey_buf out = EY_BUF_INIT;

	assert_null(oops_parser_create(write_event, &out, &parser));
	oops_parser_search_with(parser, with);
	for (size_t at = 0; at < log->len; at += chunk) {
		size_t n = EY_MIN(chunk, log->len - at);
		// A piece of memory of its own, so that a sanitizer sees what reads past its end.
		_cleanup_free_ char *piece = malloc(n);
		assert_non_null(piece);
		memcpy(piece, log->data + at, n);
		assert_null(oops_parser_feed(parser, piece, n));
	}
	assert_null(oops_parser_finish(parser));
	return ey_buf_steal(&out, NULL);
}

static void add_noise(struct ey_buf *log, uint32_t *seed)
{
	static const char *const ordinary[] = {
		"usb 1-1: new high-speed USB device number 2 using xhci_hcd",
		"EXT4-fs (sda1): mounted filesystem with ordered data mode. Quota mode: none.",
		"VFS: Disk quotas dquot_6.6.0",
		"EDAC MC0: Giving out device to module skx_edac controller",
		"DEBUG: nothing to see, WARNING:, INFO",
		"",
	};

	for (unsigned int i = 0; i < NOISE_LINES; i++) {
		*seed = *seed * 1664525 + 1013904223;
		unsigned int kind = *seed >> 24;
		if (kind < 200) {
			ey_buf_printf(log, "[%5u.%06u] %s\n", i, *seed >> 12,
				      ordinary[kind % EY_ARRAY_SIZE(ordinary)]);
		} else if (kind < 210) {
			// Longer than a line may be, with an anchor behind what is looked at.
			for (int j = 0; j < 500; j++)
				ey_buf_adds(log, "0123456789");
			ey_buf_adds(log, "BUG: x\n");
		} else {
			for (unsigned int j = 0; j < kind; j++)
				ey_buf_addc(log, (char)((*seed >> j % 24) * (j + 1)));
			ey_buf_addc(log, '\n');
		}
	}
}

static int make_log(void **state)
{
	struct ey_buf *log = calloc(1, sizeof(*log));
	uint32_t seed = 1;

	if (!log || !file_count)
		return -1;
	for (int i = 0; i < file_count; i++) {
		_cleanup_fclose_ FILE *f = fopen(files[i], "re");
		size_t n;

		if (!f || !ey_buf_reserve(log, CASE_MAX))
			return -1;
		while ((n = fread(log->data + log->len, 1, CASE_MAX - 1, f)) > 0) {
			log->len += n;
			if (!ey_buf_reserve(log, CASE_MAX))
				return -1;
		}
		// Every second one: without a line between, the next report is what ends one.
		if (i % 2)
			add_noise(log, &seed);
	}
	*state = log;
	return ey_buf_error(log) ? -1 : 0;
}

static int drop_log(void **state)
{
	ey_buf_deinit(*state);
	free(*state);
	return 0;
}

static size_t count_lines(const char *s)
{
	size_t n = 0;

	for (; (s = strchr(s, '\n')); s++)
		n++;
	return n;
}

static void test_chunks(void **state)
{
	const struct ey_buf *log = *state;
	_cleanup_free_ char *whole = parse(log, log->len, OOPS_SCAN_BEST);

	assert_true(count_lines(whole) >= (size_t)file_count / 2);
	for (size_t chunk = 1; chunk <= log->len; chunk = chunk < 72 ? chunk + 1 : chunk * 3 - 7) {
		_cleanup_free_ char *parts = parse(log, chunk, OOPS_SCAN_BEST);
		if (strcmp(parts, whole) != 0)
			fail_msg("other events in chunks of %zu bytes", chunk);
	}
}

static void test_processors(void **state)
{
	static const enum oops_scan_with with[] = {OOPS_SCAN_PLAIN, OOPS_SCAN_SSSE3, OOPS_SCAN_AVX2,
						   OOPS_SCAN_NEON};
	const struct ey_buf *log = *state;
	_cleanup_free_ char *best = parse(log, log->len, OOPS_SCAN_BEST);

	for (size_t i = 0; i < EY_ARRAY_SIZE(with); i++) {
		for (size_t chunk = 100; chunk < log->len; chunk = chunk * 9 + 1) {
			_cleanup_free_ char *other = parse(log, chunk, with[i]);
			if (strcmp(other, best) != 0)
				fail_msg("other events with search %zu, chunks of %zu bytes", i,
					 chunk);
		}
	}
}

// A pause ends what is open, and nothing else: what follows is parsed as if the log began there.
static void test_pause(void **state)
{
	static const char first[] = "[    1.000000] BUG: unable to handle page fault for address: "
				    "ffffffffdeadbeef\n"
				    "[    1.000001] RIP: 0010:f_one+0x14/0x53\n";
	_cleanup_oops_parser_ struct oops_parser *parser = NULL;
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	assert_null(oops_parser_create(write_event, &out, &parser));
	assert_null(oops_parser_feed(parser, first, sizeof(first) - 1));
	assert_int_equal(out.len, 0);
	assert_null(oops_parser_finish(parser));
	assert_int_equal(count_lines(ey_buf_str(&out)), 1);
	assert_non_null(strstr(ey_buf_str(&out), "\"signature\":\"f_one+0x14\""));
	assert_null(oops_parser_finish(parser));
	assert_int_equal(count_lines(ey_buf_str(&out)), 1);
	assert_null(oops_parser_feed(parser, first, sizeof(first) - 1));
	assert_null(oops_parser_finish(parser));
	assert_int_equal(count_lines(ey_buf_str(&out)), 2);
	assert_non_null(strstr(ey_buf_str(&out), "\"first_line\":3"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_processors),
		cmocka_unit_test(test_pause),
	};

	file_count = argc - 1;
	files = argv + 1;
	return cmocka_run_group_tests(tests, make_log, drop_log);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "vmcore/inflate.h"

enum { PAGE = 4096 };

static uint8_t page[PAGE], packed[2 * PAGE], out[PAGE];
static struct inflater *f;

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAGE; i++)
		page[i] = (uint8_t)(i * i >> 5);
	f = inflater_create();
	return !f;
}

static int tear_down(void **state)
{
	(void)state;
	inflater_destroy(f);
	return 0;
}

static size_t pack(const void *data, size_t len, int level)
{
	uLongf size = sizeof(packed);

	assert_int_equal(compress2(packed, &size, data, len, level), Z_OK);
	return size;
}

static void test_whole(void **state)
{
	(void)state;
	// 0: stored; the others differ in how they code.
	for (int level = 0; level <= 9; level++) {
		memset(out, 0, sizeof(out));
		assert_true(inflater_run(f, packed, pack(page, PAGE, level), out, PAGE));
		assert_memory_equal(out, page, PAGE);
	}
}

static void test_other_sizes(void **state)
{
	(void)state;
	assert_false(inflater_run(f, packed, pack(page, PAGE - 1, 6), out, PAGE));
	uint8_t large[PAGE + 1] = {0};
	assert_false(inflater_run(f, packed, pack(large, sizeof(large), 6), out, PAGE));
	assert_false(inflater_run(f, packed, 0, out, PAGE));
	// None of it spoils the next.
	assert_true(inflater_run(f, packed, pack(page, PAGE, 6), out, PAGE));
}

static void test_damaged(void **state)
{
	(void)state;
	size_t len = pack(page, PAGE, 6);

	for (size_t cut = 0; cut < len; cut++)
		assert_false(inflater_run(f, packed, cut, out, PAGE));
	// The checksum at the end, and the header.
	packed[len - 1] ^= 1;
	assert_false(inflater_run(f, packed, len, out, PAGE));
	packed[len - 1] ^= 1;
	packed[0] ^= 0x10;
	assert_false(inflater_run(f, packed, len, out, PAGE));
	// With each bit changed it is refused, or what comes out is what went in.
	packed[0] ^= 0x10;
	for (size_t bit = 0; bit < len * 8; bit++) {
		packed[bit / 8] ^= (uint8_t)(1U << bit % 8);
		if (inflater_run(f, packed, len, out, PAGE))
			assert_memory_equal(out, page, PAGE);
		packed[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_true(inflater_run(f, packed, len, out, PAGE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_other_sizes),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

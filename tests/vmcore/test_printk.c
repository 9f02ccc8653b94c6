/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log: descriptors in a ring say where in the text's ring each record lies. A record that does
 * not fit before the end of the text's ring lies whole at its start.
 */
#include "vmcore_test.h"

#include <string.h>

#include "fake_kernel.h"
#include "fake_tables.h"
#include "vmcore/printk.h"

enum { COMMITTED = 1, FINALIZED = 2, REUSABLE = 3, COUNT_BITS = 3, SIZE_BITS = 8 };

// Read the log that the ring holds; the gap it names goes to gap_ret.
static void assert_log_gap(struct fake_ring *r, const char *expected, const char *gap)
{
	_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;
	struct fake_dump f;

	fake_dump_init(&f, 4);
	fake_ring_put(r, &f);
	struct kernel *k = fake_kernel_open(&f);
	fake_kernel_symbol(k, SYM_prb, FAKE_IMAGE + 0x2000);
	assert_ok(printk_read(k, &log));
	assert_string_equal(ey_buf_str(&log), expected);
	if (gap)
		assert_string_equal(fake_kernel_gap(k, "log"), gap);
	else
		assert_null(fake_kernel_gap(k, "log"));
	fake_kernel_close(k);
}

static void assert_log(struct fake_ring *r, const char *expected)
{
	assert_log_gap(r, expected, NULL);
}

static void records_are_lines(void **state)
{
	struct fake_ring r;

	fake_ring_init(&r, COUNT_BITS, SIZE_BITS);
	fake_ring_add(&r, 0, "Linux version 6.1.0", FINALIZED);
	fake_ring_add(&r, 12345678901, "second", FINALIZED);
	fake_ring_add(&r, 123456789012345678, "not finished with", COMMITTED);
	assert_log(&r, "[    0.000000] Linux version 6.1.0\n"
		       "[   12.345678] second\n"
		       "[123456789.012345] not finished with\n");
}

static void lines_of_one_record_are_indented(void **state)
{
	struct fake_ring r;

	fake_ring_init(&r, COUNT_BITS, SIZE_BITS);
	fake_ring_add(&r, 1000000000, "first\nsecond", FINALIZED);
	assert_log(&r, "[    1.000000] first\n"
		       "               second\n");
}

static void control_characters_do_not_pass(void **state)
{
	struct fake_ring r;

	fake_ring_init(&r, COUNT_BITS, SIZE_BITS);
	fake_ring_add(&r, 0, "\x1b[31mred\x07 tab\there \x7f", FINALIZED);
	assert_log(&r, "[    0.000000] .[31mred. tab\there .\n");
}

static void ring_that_wrapped_has_the_last_records(void **state)
{
	struct fake_ring r;
	char text[40], expected[1000] = "";

	// 8 descriptors; the ids wrap from 2^62 - 1 to 0 on the way.
	fake_ring_init(&r, COUNT_BITS, SIZE_BITS);
	for (int i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		fake_ring_add(&r, (uint64_t)i * 1000000000, text, FINALIZED);
		if (i >= 22)
			snprintf(expected + strlen(expected), 40, "[%5d.000000] line %d\n", i, i);
	}
	assert_log(&r, expected);
}

static void text_that_wraps_lies_at_the_start(void **state)
{
	char a[100], b[100], c[100], expected[400];
	struct fake_ring r;

	memset(a, 'a', 90), a[90] = '\0';
	memset(b, 'b', 90), b[90] = '\0';
	memset(c, 'c', 90), c[90] = '\0';
	fake_ring_init(&r, COUNT_BITS, SIZE_BITS); // 256 bytes: a, b, and c does not fit
	r.tail_id = fake_ring_add(&r, 0, a, FINALIZED) + 1;
	fake_ring_add(&r, 0, b, FINALIZED);
	fake_ring_add(&r, 0, c, FINALIZED);
	snprintf(expected, sizeof(expected), "[    0.000000] %s\n[    0.000000] %s\n", b, c);
	assert_log(&r, expected);
}

static void record_without_data_is_an_empty_line(void **state)
{
	struct fake_ring r;
	const uint64_t none[2] = {3, 3}; // NO_LPOS

	fake_ring_init(&r, COUNT_BITS, SIZE_BITS);
	uint64_t id = fake_ring_add(&r, 0, "", FINALIZED);
	memcpy(fake_ring_desc(&r, id) + 8, none, sizeof(none));
	fake_ring_add(&r, 0, "text", FINALIZED);
	assert_log(&r, "[    0.000000] \n[    0.000000] text\n");
}

static void descriptors_in_other_states_are_left_out(void **state)
{
	struct fake_ring r;
	uint64_t words;

	fake_ring_init(&r, COUNT_BITS, SIZE_BITS);
	fake_ring_add(&r, 0, "reserved", 0);
	fake_ring_add(&r, 0, "reusable", REUSABLE);
	uint64_t id = fake_ring_add(&r, 0, "of another round", FINALIZED);
	words = (uint64_t)FINALIZED << 62 | ((id - 8) & ~(3ULL << 62));
	memcpy(fake_ring_desc(&r, id), &words, 8);
	fake_ring_add(&r, 0, "good", FINALIZED);
	assert_log(&r, "[    0.000000] good\n");
}

static void unsound_positions_lose_the_record(void **state)
{
	static const uint64_t cases[][2] = {
		{64, 64},	 // empty
		{64, 32},	 // backwards
		{64, 64 + 1024}, // longer than the ring
		{3, 3},		 // no data, but a length
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct fake_ring r;

		fake_ring_init(&r, COUNT_BITS, SIZE_BITS);
		uint64_t id = fake_ring_add(&r, 0, "lost", FINALIZED);
		memcpy(fake_ring_desc(&r, id) + 8, cases[i], 16);
		fake_ring_add(&r, 0, "good", FINALIZED);
		assert_log_gap(&r, "[    0.000000] good\n",
			       "1 records of the log are not in the dump");
	}
}

// A length that is longer than the record's block would show other records' text as its own.
static void length_beyond_the_block_loses_the_record(void **state)
{
	struct fake_ring r;
	uint16_t len = 20;

	fake_ring_init(&r, COUNT_BITS, SIZE_BITS);
	uint64_t id = fake_ring_add(&r, 0, "lost", FINALIZED);
	memcpy(fake_ring_info(&r, id) + 16, &len, 2);
	fake_ring_add(&r, 0, "good", FINALIZED);
	assert_log_gap(&r, "[    0.000000] good\n", "1 records of the log are not in the dump");
}

static void damaged_sizes_are_refused(void **state)
{
	static const unsigned int cases[][2] = {{40, 8}, {3, 40}, {200, 200}, {26, 8}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;
		struct fake_dump f;

		fake_dump_init(&f, 4);
		fake_ring_describe(&f, cases[i][0], cases[i][1], 1, 0);
		struct kernel *k = fake_kernel_open(&f);
		fake_kernel_symbol(k, SYM_prb, FAKE_IMAGE + 0x2000);
		assert_error(printk_read(k, &log), EY_ERR_INPUT, "");
		assert_int_equal(log.len, 0);
		fake_kernel_close(k);
	}
}

static void missing_description_is_said(void **state)
{
	_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;
	struct fake_dump f;

	fake_dump_init(&f, 4);
	struct kernel *k = fake_kernel_open(&f);
	assert_error(printk_read(k, &log), EY_ERR_INPUT, "neither prb nor log_buf");
	fake_kernel_symbol(k, SYM_prb, FAKE_IMAGE + 0x2000);
	assert_error(printk_read(k, &log), EY_ERR_INPUT, "does not describe the log buffer");
	fake_kernel_close(k);
}

// Before 5.10: struct printk_log {u64 ts_nsec; u16 len, text_len, dict_len; u8 facility, flags;}.
enum { OLD_HEADER = 16, OLD_SIZE = 256 };
#define OLD_VARIABLES (FAKE_IMAGE + 0x2000)
#define OLD_BUFFER    (FAKE_LINEAR + 0xff0)

struct old_log {
	uint8_t bytes[OLD_SIZE];
	uint32_t first, next;
	/** Of log_buf_len. */
	uint32_t size;
	/** Leave out the second page that the buffer lies in. */
	bool half;
};

// Add a record with a dictionary and padding, as log_store() does, wrapping.
static void old_add(struct old_log *l, uint64_t ts_nsec, const char *text)
{
	uint16_t text_len = (uint16_t)strlen(text), dict_len = 5;
	uint16_t len = (uint16_t)((OLD_HEADER + text_len + dict_len + 7) & ~7);

	if (l->next + len + OLD_HEADER > OLD_SIZE) {
		memset(l->bytes + l->next, 0, OLD_HEADER);
		l->next = 0;
	}
	memset(l->bytes + l->next, 0xee, len);
	memcpy(l->bytes + l->next, &ts_nsec, 8);
	memcpy(l->bytes + l->next + 8, &len, 2);
	memcpy(l->bytes + l->next + 10, &text_len, 2);
	memcpy(l->bytes + l->next + 12, &dict_len, 2);
	memcpy(l->bytes + l->next + OLD_HEADER, text, text_len);
	l->next += len;
}

static void assert_old_log(const struct old_log *l, const char *expected, const char *gap)
{
	static const char *const names[] = {"log_buf", "log_buf_len", "log_first_idx",
					    "log_next_idx"};
	_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;
	struct fake_dump f;

	fake_dump_init(&f, 4);
	ey_buf_adds(&f.info, "SIZE(printk_log)=16\nOFFSET(printk_log.ts_nsec)=0\n"
			     "OFFSET(printk_log.len)=8\nOFFSET(printk_log.text_len)=10\n"
			     "OFFSET(printk_log.dict_len)=12\n");
	for (uint64_t i = 0; i < EY_ARRAY_SIZE(names); i++)
		fake_dump_symbol(&f, names[i], OLD_VARIABLES + 8 * i);
	fake_dump_put_u64(&f, OLD_VARIABLES, OLD_BUFFER);
	fake_dump_put_u32(&f, OLD_VARIABLES + 8, l->size);
	fake_dump_put_u32(&f, OLD_VARIABLES + 16, l->first);
	fake_dump_put_u32(&f, OLD_VARIABLES + 24, l->next);
	fake_dump_put(&f, OLD_BUFFER, l->bytes, OLD_SIZE);
	if (l->half)
		fake_dump_leave_out(&f, fake_dump_page(&f, OLD_BUFFER + 0x10));
	struct kernel *k = fake_kernel_open(&f);
	_cleanup_error_ struct ey_error *err = printk_read(k, &log);
	if (expected) {
		assert_null(err);
		assert_string_equal(ey_buf_str(&log), expected);
	} else {
		assert_non_null(err);
		assert_int_equal(log.len, 0);
	}
	if (gap)
		assert_string_equal(fake_kernel_gap(k, "log"), gap);
	else
		assert_null(fake_kernel_gap(k, "log"));
	fake_kernel_close(k);
}

static void records_before_5_10_are_lines(void **state)
{
	struct old_log l = {.size = OLD_SIZE};

	old_add(&l, 0, "Linux version 4.19");
	old_add(&l, 1234567000, "two\nlines");
	old_add(&l, 12345000000000, "");
	assert_old_log(&l,
		       "[    0.000000] Linux version 4.19\n"
		       "[    1.234567] two\n"
		       "               lines\n"
		       "[12345.000000] \n",
		       NULL);
}

static void log_before_5_10_that_wrapped_has_the_last_records(void **state)
{
	struct old_log l = {.size = OLD_SIZE};

	for (int i = 0; i < 6; i++)
		old_add(&l, (uint64_t)i * 1000000000, "0123456789");
	// Six records of 32 bytes, then one at the start; the oldest that is whole is the second.
	old_add(&l, 6000000000, "seventh 89");
	old_add(&l, 7000000000, "eighth 789");
	l.first = 64;
	assert_int_equal(l.next, 32);
	assert_old_log(&l,
		       "[    2.000000] 0123456789\n[    3.000000] 0123456789\n"
		       "[    4.000000] 0123456789\n[    5.000000] 0123456789\n"
		       "[    6.000000] seventh 89\n[    7.000000] eighth 789\n",
		       NULL);
}

static void damaged_log_before_5_10_ends(void **state)
{
	struct old_log l = {.size = OLD_SIZE};
	uint16_t len;

	old_add(&l, 0, "good");
	l.size = 0;
	assert_old_log(&l, NULL, NULL);
	l.size = 1 << 30;
	assert_old_log(&l, NULL, NULL);
	l.size = OLD_SIZE;
	l.first = OLD_SIZE;
	assert_old_log(&l, NULL, NULL);
	l.first = 0;
	// The end is never met: nothing is said twice.
	l.next = 31;
	assert_old_log(&l, "[    0.000000] good\n", NULL);
	// A length that leaves no room for the text.
	len = 17;
	memcpy(l.bytes + 8, &len, 2);
	assert_old_log(&l, "", "from byte 0 of the log buffer on it is damaged or not in the dump");
	l = (struct old_log){.size = OLD_SIZE, .half = true};
	old_add(&l, 0, "in the page that is not there");
	assert_old_log(&l, "", "from byte 0 of the log buffer on it is damaged or not in the dump");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_lines),
		cmocka_unit_test(lines_of_one_record_are_indented),
		cmocka_unit_test(control_characters_do_not_pass),
		cmocka_unit_test(ring_that_wrapped_has_the_last_records),
		cmocka_unit_test(text_that_wraps_lies_at_the_start),
		cmocka_unit_test(record_without_data_is_an_empty_line),
		cmocka_unit_test(descriptors_in_other_states_are_left_out),
		cmocka_unit_test(unsound_positions_lose_the_record),
		cmocka_unit_test(length_beyond_the_block_loses_the_record),
		cmocka_unit_test(damaged_sizes_are_refused),
		cmocka_unit_test(missing_description_is_said),
		cmocka_unit_test(records_before_5_10_are_lines),
		cmocka_unit_test(log_before_5_10_that_wrapped_has_the_last_records),
		cmocka_unit_test(damaged_log_before_5_10_ends),
	};

	return cmocka_run_group_tests_name("printk", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a dump file by position. A flattened dump is a stream of records "these bytes
 * belong at that offset", made to be sent through a pipe; reading it is putting it together.
 */
#include "vmcore_test.h"

#include <string.h>

#include "fake_kdump.h"
#include "vmcore/source.h"

// A stream begun; records follow, then open_stream().
static struct ey_buf begin(void)
{
	struct ey_buf stream = EY_BUF_INIT;

	fake_flat_header(&stream);
	return stream;
}

static void record(struct ey_buf *stream, uint64_t offset, const char *text)
{
	fake_flat_record(stream, offset, text, strlen(text));
}

static void open_stream(struct source *s, struct ey_buf *stream)
{
	assert_ok(source_init(s, fake_file(stream->data, stream->len)));
	ey_buf_deinit(stream);
}

static void assert_reads(struct source *s, uint64_t offset, const char *text, size_t len)
{
	char got[64];

	assert_ok(source_read(s, offset, got, len));
	assert_memory_equal(got, text, len);
}

static void plain_file_is_read_as_it_is(void **state)
{
	struct source s;
	char buf[8];

	assert_ok(source_init(&s, fake_file("0123456789", 10)));
	assert_false(s.flattened);
	assert_int_equal(s.size, 10);
	assert_reads(&s, 3, "3456", 4);
	assert_true(source_has(&s, 10, 0));
	assert_true(source_has(&s, 2, 8));
	assert_false(source_has(&s, 3, 8));
	// A length that would wrap around is not there.
	assert_false(source_has(&s, 3, UINT64_MAX - 2));
	assert_false(source_has(&s, UINT64_MAX, 2));
	assert_error(source_read(&s, 8, buf, 3), EY_ERR_FAULT, "ends at byte 10");
	assert_error(source_read(&s, 1ULL << 40, buf, 1), EY_ERR_FAULT, "ends at byte 10");
	source_deinit(&s);
}

static void read_crosses_the_blocks_of_the_cache(void **state)
{
	size_t len = (size_t)SOURCE_BLOCK_SIZE * (SOURCE_BLOCKS + 2);
	_cleanup_free_ uint8_t *bytes = malloc(len), *got = malloc(len);
	struct source s;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + i / SOURCE_BLOCK_SIZE);
	assert_ok(source_init(&s, fake_file(bytes, len)));
	assert_ok(source_read(&s, 1, got, len - 1));
	assert_memory_equal(got, bytes + 1, len - 1);
	// Block 0 has given its place to another one by now.
	assert_ok(source_read(&s, 0, got, 100));
	assert_memory_equal(got, bytes, 100);
	source_deinit(&s);
}

static void records_come_in_any_order(void **state)
{
	struct ey_buf stream = begin();
	struct source s;

	record(&stream, 6, "ghi");
	record(&stream, 0, "abc");
	record(&stream, 3, "def");
	fake_flat_end(&stream);
	open_stream(&s, &stream);
	assert_true(s.flattened);
	assert_false(s.cut_off);
	assert_int_equal(s.size, 9);
	assert_reads(&s, 0, "abcdefghi", 9);
	assert_reads(&s, 4, "efgh", 4);
	source_deinit(&s);
}

static void later_record_overwrites_earlier_ones(void **state)
{
	static const struct {
		uint64_t offset;
		const char *text, *then;
	} cases[] = {
		{2, "XY", "abXYefghij"},	 // within one record: it is split
		{0, "XYZ", "XYZdefghij"},	 // its beginning
		{7, "XYZ", "abcdefgXYZ"},	 // its end
		{3, "WXYZ", "abcWXYZhij"},	 // the end of one and the beginning of the next
		{0, "0123456789", "0123456789"}, // all
		{8, "XYZ!", "abcdefghXYZ!"},	 // beyond the end
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct ey_buf stream = begin();
		struct source s;

		record(&stream, 0, "abcde");
		record(&stream, 5, "fghij");
		record(&stream, cases[i].offset, cases[i].text);
		fake_flat_end(&stream);
		open_stream(&s, &stream);
		assert_int_equal(s.size, strlen(cases[i].then));
		assert_reads(&s, 0, cases[i].then, strlen(cases[i].then));
		source_deinit(&s);
	}
}

static void one_record_covers_many(void **state)
{
	struct ey_buf stream = begin();
	struct source s;

	for (uint64_t i = 0; i < 20; i++)
		record(&stream, 2 * i, "x");
	record(&stream, 1, "0123456789012345678901234567890123456");
	fake_flat_end(&stream);
	open_stream(&s, &stream);
	assert_reads(&s, 0, "x0123456789012345678901234567890123456x", 39);
	source_deinit(&s);
}

static void hole_reads_as_zeros(void **state)
{
	struct ey_buf stream = begin();
	struct source s;
	char buf[4];

	record(&stream, 2, "ab");
	record(&stream, 6, "cd");
	fake_flat_end(&stream);
	open_stream(&s, &stream);
	assert_reads(&s, 0, "\0\0ab\0\0cd", 8);
	assert_reads(&s, 4, "\0\0", 2);
	assert_error(source_read(&s, 6, buf, 3), EY_ERR_FAULT, "ends at byte 8");
	source_deinit(&s);
}

static void stream_without_end_mark_is_cut_off(void **state)
{
	struct ey_buf stream = begin();
	struct source s;

	record(&stream, 0, "abc");
	open_stream(&s, &stream);
	assert_true(s.cut_off);
	assert_reads(&s, 0, "abc", 3);
	source_deinit(&s);

	// Within a record: what is there of it counts.
	stream = begin();
	record(&stream, 0, "abcdef");
	stream.len -= 2;
	open_stream(&s, &stream);
	assert_true(s.cut_off);
	assert_int_equal(s.size, 4);
	assert_reads(&s, 0, "abcd", 4);
	source_deinit(&s);

	// Right behind the header, and within a record's header.
	for (size_t rest = 0; rest < 16; rest += 8) {
		stream = begin();
		record(&stream, 0, "");
		stream.len -= 16 - rest;
		open_stream(&s, &stream);
		assert_true(s.cut_off);
		assert_int_equal(s.size, 0);
		source_deinit(&s);
	}
}

static void unsound_records_are_refused(void **state)
{
	static const struct {
		uint64_t offset, size;
	} cases[] = {
		{0, 0},		 // empty
		{0, UINT64_MAX}, // negative size
		{1ULL << 63, 1}, // negative offset
		{INT64_MAX, 1},	 // ends beyond what an offset can be
		{UINT64_MAX, 4}, // half an end mark
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct ey_buf stream = begin();
		struct source s;

		record(&stream, 0, "abc");
		// A record's header alone: its length is what the case says.
		fake_flat_record(&stream, cases[i].offset, "", 0);
		fake_poke_u64(&stream, stream.len - 8, __builtin_bswap64(cases[i].size));
		assert_error(source_init(&s, fake_file(stream.data, stream.len)), EY_ERR_INPUT,
			     "not a sound flattened dump");
		source_deinit(&s);
		ey_buf_deinit(&stream);
	}
}

static void unknown_version_is_refused(void **state)
{
	struct ey_buf stream = begin();
	struct source s;

	fake_poke_u64(&stream, 24, __builtin_bswap64(2));
	assert_error(source_init(&s, fake_file(stream.data, stream.len)), EY_ERR_INPUT,
		     "version 2");
	source_deinit(&s);
	ey_buf_deinit(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_file_is_read_as_it_is),
		cmocka_unit_test(read_crosses_the_blocks_of_the_cache),
		cmocka_unit_test(records_come_in_any_order),
		cmocka_unit_test(later_record_overwrites_earlier_ones),
		cmocka_unit_test(one_record_covers_many),
		cmocka_unit_test(hole_reads_as_zeros),
		cmocka_unit_test(stream_without_end_mark_is_cut_off),
		cmocka_unit_test(unsound_records_are_refused),
		cmocka_unit_test(unknown_version_is_refused),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}

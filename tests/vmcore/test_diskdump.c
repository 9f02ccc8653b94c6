/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kdump-compressed format: two bitmaps (which page frames exist, which are in the file), one
 * descriptor for each page in the file in the order of the frames, and the compressed pages. The
 * descriptor of a frame is found by counting the bits before its own.
 */
#include "vmcore_test.h"

#include <string.h>

#include "fake_kdump.h"
#include "vmcore/dump.h"
#include "vmcore/memory.h"

enum {
	// Frames whose bits stand in one block of the bitmap.
	BLOCK_FRAMES = FAKE_PAGE * 8,
	INCOMPLETE = 8,
};

// Pages that compress well, and some that do not.
static void fill_page(uint8_t *page, uint64_t pfn)
{
	uint64_t x = pfn * 0x9e3779b97f4a7c15 + 1;

	for (size_t i = 0; i < FAKE_PAGE; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		page[i] = (uint8_t)(pfn % 3 ? pfn + i / 64 : x >> 56);
	}
}

// Frames on both sides of the borders of words and bitmap blocks, and some in between.
static const uint64_t some_frames[] = {2,
				       3,
				       63,
				       64,
				       65,
				       4095,
				       BLOCK_FRAMES - 1,
				       BLOCK_FRAMES,
				       BLOCK_FRAMES + 1,
				       2 * BLOCK_FRAMES - 1,
				       2 * BLOCK_FRAMES,
				       3 * BLOCK_FRAMES + 77};

static struct fake_dump make(void)
{
	struct fake_dump f;

	fake_dump_init(&f, 4);
	for (size_t i = 0; i < EY_ARRAY_SIZE(some_frames); i++)
		fill_page(fake_dump_frame(&f, some_frames[i]), some_frames[i]);
	return f;
}

static void assert_page(struct dump *d, uint64_t pfn)
{
	uint8_t expected[FAKE_PAGE], got[FAKE_PAGE];

	fill_page(expected, pfn);
	assert_ok(dump_read_page(d, pfn, got));
	assert_memory_equal(got, expected, sizeof(got));
}

static void open_bytes(struct dump *d, struct ey_buf *file)
{
	assert_ok(dump_open(d, fake_file(file->data, file->len)));
	ey_buf_deinit(file);
}

static void every_compression_is_read(void **state)
{
	static const enum fake_compression all[] = {FAKE_RAW, FAKE_ZLIB, FAKE_LZO, FAKE_SNAPPY,
						    FAKE_ZSTD};

	for (size_t i = 0; i < EY_ARRAY_SIZE(all); i++) {
		struct fake_kdump o = {.compression = all[i]};
		struct fake_dump f = make();
		uint8_t page[FAKE_PAGE];
		struct dump d;

		assert_ok(dump_open(&d, fake_kdump_file(&f, &o)));
		assert_string_equal(dump_format_name(&d), "kdump-compressed");
		assert_false(d.incomplete);
		for (size_t j = 0; j < EY_ARRAY_SIZE(some_frames); j++)
			assert_page(&d, some_frames[j]);
		// Backwards too: the count of bits is kept for blocks passed before.
		for (size_t j = EY_ARRAY_SIZE(some_frames); j > 0; j--)
			assert_page(&d, some_frames[j - 1]);
		assert_error(dump_read_page(&d, 66, page), EY_ERR_FAULT, "left out");
		assert_error(dump_read_page(&d, 3 * BLOCK_FRAMES + 78, page), EY_ERR_FAULT,
			     "beyond the machine's memory");
		assert_error(dump_read_page(&d, UINT64_MAX, page), EY_ERR_FAULT,
			     "beyond the machine's memory");
		dump_close(&d);
		fake_dump_deinit(&f);
	}
}

static void page_is_decompressed_once(void **state)
{
	struct fake_kdump o = {.compression = FAKE_ZLIB};
	struct fake_dump f = make();
	const uint8_t *page;
	struct dump d;

	assert_ok(dump_open(&d, fake_kdump_file(&f, &o)));
	assert_ok(dump_get_page(&d, 64, &page));
	assert_ok(dump_get_page(&d, 64, &page));
	assert_int_equal(d.pages_read, 1);
	assert_int_equal(page[0], 64);
	// A page that is not there does not come out of the cache either.
	assert_error(dump_get_page(&d, 66, &page), EY_ERR_FAULT, "left out");
	assert_error(dump_get_page(&d, 66, &page), EY_ERR_FAULT, "left out");
	dump_close(&d);
	fake_dump_deinit(&f);
}

static void notes_and_vmcoreinfo_are_found(void **state)
{
	struct fake_kdump o = {.dump_level = 31};
	struct fake_dump f = make();
	struct dump d;

	assert_ok(dump_open(&d, fake_kdump_file(&f, &o)));
	assert_string_equal(d.vmcoreinfo, ey_buf_str(&f.info));
	assert_true(d.notes_len > f.info.len);
	assert_int_equal(d.dump_level, 31);
	dump_close(&d);
	fake_dump_deinit(&f);
}

static void flattened_dump_reads_the_same(void **state)
{
	for (int shuffled = 0; shuffled < 2; shuffled++) {
		_cleanup_buf_ struct ey_buf plain = EY_BUF_INIT;
		struct ey_buf flat = EY_BUF_INIT;
		struct fake_kdump o = {.compression = FAKE_ZSTD};
		struct fake_dump f = make();
		struct dump d;

		fake_kdump_write(&f, &o, &plain);
		fake_flatten(&plain, 1000, shuffled, &flat);
		open_bytes(&d, &flat);
		assert_string_equal(dump_format_name(&d), "kdump-compressed, flattened");
		for (size_t j = 0; j < EY_ARRAY_SIZE(some_frames); j++)
			assert_page(&d, some_frames[j]);
		dump_close(&d);
		fake_dump_deinit(&f);
	}
}

static void flattened_dump_without_end_is_incomplete(void **state)
{
	_cleanup_buf_ struct ey_buf plain = EY_BUF_INIT;
	struct ey_buf flat = EY_BUF_INIT;
	struct fake_kdump o = {.compression = FAKE_RAW};
	struct fake_dump f = make();
	uint8_t page[FAKE_PAGE];
	struct dump d;

	fake_kdump_write(&f, &o, &plain);
	fake_flatten(&plain, 1000, false, &flat);
	flat.len -= 6000; // the end mark and the last page
	open_bytes(&d, &flat);
	assert_true(d.incomplete);
	assert_string_equal(d.incomplete_why, "the flattened stream ends before its end mark");
	assert_page(&d, 64);
	assert_error(dump_read_page(&d, 3 * BLOCK_FRAMES + 77, page), EY_ERR_FAULT, "ends at");
	dump_close(&d);
	fake_dump_deinit(&f);
}

static void file_that_ends_early_is_incomplete(void **state)
{
	struct ey_buf file = EY_BUF_INIT;
	struct fake_kdump o = {.compression = FAKE_RAW};
	struct fake_dump f = make();
	uint8_t page[FAKE_PAGE];
	struct dump d;

	fake_kdump_write(&f, &o, &file);
	file.len -= 1;
	open_bytes(&d, &file);
	assert_true(d.incomplete);
	assert_page(&d, 2 * BLOCK_FRAMES);
	assert_error(dump_read_page(&d, 3 * BLOCK_FRAMES + 77, page), EY_ERR_FAULT, "ends at");
	dump_close(&d);
	fake_dump_deinit(&f);
}

// makedumpfile that runs out of space says so, and leaves zeros for descriptors it did not write.
static void incomplete_dump_lacks_pages(void **state)
{
	struct ey_buf file = EY_BUF_INIT;
	struct fake_kdump o = {.compression = FAKE_RAW, .status = INCOMPLETE};
	struct fake_dump f = make();
	uint8_t page[FAKE_PAGE];
	struct dump d;

	fake_kdump_write(&f, &o, &file);
	size_t last = o.descriptors + (o.descriptor_count - 1) * KDUMP_DESC_SIZE;
	memset(file.data + last, 0, KDUMP_DESC_SIZE);
	open_bytes(&d, &file);
	assert_true(d.incomplete);
	assert_non_null(strstr(d.incomplete_why, "did not finish"));
	assert_page(&d, 2 * BLOCK_FRAMES);
	assert_error(dump_read_page(&d, 3 * BLOCK_FRAMES + 77, page), EY_ERR_FAULT, "incomplete");
	dump_close(&d);
	fake_dump_deinit(&f);
}

static void split_part_has_its_own_frames(void **state)
{
	struct fake_kdump o = {.compression = FAKE_LZO,
			       .split = true,
			       .start_pfn = 65,
			       .end_pfn = BLOCK_FRAMES + 1};
	struct fake_dump f = make();
	uint8_t page[FAKE_PAGE];
	struct dump d;

	assert_ok(dump_open(&d, fake_kdump_file(&f, &o)));
	assert_true(d.incomplete);
	assert_string_equal(d.incomplete_why, "one part of a split dump");
	for (size_t i = 4; i < 8; i++)
		assert_page(&d, some_frames[i]);
	assert_error(dump_read_page(&d, 64, page), EY_ERR_FAULT, "another part");
	assert_error(dump_read_page(&d, BLOCK_FRAMES + 1, page), EY_ERR_FAULT, "another part");
	dump_close(&d);
	fake_dump_deinit(&f);
}

static void damaged_page_costs_only_itself(void **state)
{
	static const struct {
		enum fake_compression how;
		const char *says;
	} cases[] = {{FAKE_ZLIB, "damaged zlib data"},
		     {FAKE_LZO, "damaged lzo data"},
		     {FAKE_SNAPPY, "damaged snappy data"},
		     {FAKE_ZSTD, "damaged zstd data"}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct ey_buf file = EY_BUF_INIT;
		struct fake_kdump o = {.compression = cases[i].how};
		struct fake_dump f = make();
		uint8_t page[FAKE_PAGE];
		struct dump d;

		fake_kdump_write(&f, &o, &file);
		// The descriptors' order: the top page table (frame 1), then 2, 3, ...
		size_t desc = o.descriptors + 2 * KDUMP_DESC_SIZE;
		uint64_t at;
		memcpy(&at, file.data + desc, sizeof(at));
		memset(file.data + at, 0xff, 16);
		open_bytes(&d, &file);
		assert_error(dump_read_page(&d, 3, page), EY_ERR_FAULT, cases[i].says);
		// Whatever state the library was in, the next page is right.
		assert_page(&d, 2);
		assert_page(&d, 64);
		dump_close(&d);
		fake_dump_deinit(&f);
	}
}

// A page that decompresses soundly to less than a page is not one.
static void short_page_is_damaged(void **state)
{
	struct ey_buf file = EY_BUF_INIT;
	struct fake_kdump o = {.compression = FAKE_ZSTD};
	struct fake_dump f = make();
	uint8_t page[FAKE_PAGE];
	// A zstd frame of one byte: magic, descriptor (content size 1 byte), size, a raw block.
	static const uint8_t one_byte[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20,
					   0x01, 0x09, 0x00, 0x00, 0x41};
	struct dump d;

	fake_kdump_write(&f, &o, &file);
	size_t desc = o.descriptors + KDUMP_DESC_SIZE;
	uint64_t at;
	memcpy(&at, file.data + desc, sizeof(at));
	memcpy(file.data + at, one_byte, sizeof(one_byte));
	fake_poke_u32(&file, desc + KDUMP_DESC_LENGTH, sizeof(one_byte));
	open_bytes(&d, &file);
	assert_error(dump_read_page(&d, 2, page), EY_ERR_FAULT, "damaged zstd data");
	dump_close(&d);
	fake_dump_deinit(&f);
}

static void unsound_descriptors_are_refused(void **state)
{
	static const struct {
		uint64_t offset;
		uint32_t size, flags;
		const char *says;
	} cases[] = {
		{1ULL << 40, 100, FAKE_ZLIB, "ends at byte"},
		{UINT64_MAX, 100, FAKE_ZLIB, "ends at byte"},
		{4096, 0, FAKE_ZLIB, "of 0 bytes"},
		{4096, 1 << 20, FAKE_ZLIB, "of 1048576 bytes"},
		{4096, 4095, FAKE_RAW, "of 4095 bytes"},
		{4096, 100, FAKE_ZLIB | FAKE_LZO, "unknown compression"},
		{0, 100, FAKE_ZLIB, "incomplete"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct ey_buf file = EY_BUF_INIT;
		struct fake_kdump o = {.compression = FAKE_ZLIB};
		struct fake_dump f = make();
		uint8_t page[FAKE_PAGE];
		struct dump d;

		fake_kdump_write(&f, &o, &file);
		size_t desc = o.descriptors + KDUMP_DESC_SIZE;
		fake_poke_u64(&file, desc, cases[i].offset);
		fake_poke_u32(&file, desc + KDUMP_DESC_LENGTH, cases[i].size);
		fake_poke_u32(&file, desc + KDUMP_DESC_FLAGS, cases[i].flags);
		open_bytes(&d, &file);
		assert_error(dump_read_page(&d, 2, page), EY_ERR_FAULT, cases[i].says);
		assert_page(&d, 3);
		dump_close(&d);
		fake_dump_deinit(&f);
	}
}

static void unsound_headers_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t bytes;
		const char *says;
	} cases[] = {
		{KDUMP_BLOCK_SIZE, 65536, 4, "block size is 65536"},
		{KDUMP_SUB_SIZE, 0, 4, "sub-header is 0"},
		{KDUMP_SUB_SIZE, 0xffffffff, 4, "sub-header is 4294967295"},
		{KDUMP_BITMAP_BLOCKS, 2, 4, "bitmap blocks is 2"},
		{KDUMP_BITMAP_BLOCKS, 0xffffffff, 4, "before its bitmaps do"},
		{KDUMP_MAX_MAPNR_64, (1ULL << 36) + 1, 8, "page frames is 68719476737"},
		{KDUMP_NOTES + 8, 1ULL << 62, 8, "bytes of notes"},
		{KDUMP_NOTES, 1ULL << 62, 8, "the notes"},
		{KDUMP_VMCOREINFO + 8, 1ULL << 62, 8, "size of VMCOREINFO"},
		{KDUMP_VMCOREINFO, 1ULL << 62, 8, "VMCOREINFO"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ey_buf file = EY_BUF_INIT;
		struct fake_kdump o = {.compression = FAKE_ZLIB};
		struct fake_dump f = make();
		_cleanup_error_ struct ey_error *err = NULL;
		struct dump d;

		fake_kdump_write(&f, &o, &file);
		memcpy(file.data + cases[i].at, &cases[i].value, cases[i].bytes);
		err = dump_open(&d, fake_file(file.data, file.len));
		if (!err || !strstr(err->message, cases[i].says))
			fail_msg("case %zu: %s", i, err ? err->message : "no error");
		fake_dump_deinit(&f);
	}
}

// A stream of a few bytes can say that it ends wherever it likes; what lies between is a hole.
static void bitmaps_are_no_hole(void **state)
{
	_cleanup_buf_ struct ey_buf file = EY_BUF_INIT, flat = EY_BUF_INIT;
	struct fake_kdump o = {.compression = FAKE_ZLIB};
	struct fake_dump f = make();
	struct dump d;

	fake_kdump_write(&f, &o, &file);
	fake_poke_u32(&file, KDUMP_BITMAP_BLOCKS, 1 << 22);
	fake_poke_u64(&file, KDUMP_MAX_MAPNR_64, 1ULL << 36);
	fake_flat_header(&flat);
	fake_flat_record(&flat, 0, file.data, file.len);
	fake_flat_record(&flat, 1ULL << 50, "end", 3);
	fake_flat_end(&flat);
	assert_error(dump_open(&d, fake_file(flat.data, flat.len)), EY_ERR_INPUT, "bitmaps");
	fake_dump_deinit(&f);
}

static void other_machine_is_named(void **state)
{
	_cleanup_buf_ struct ey_buf file = EY_BUF_INIT;
	struct fake_kdump o = {0};
	struct fake_dump f = make();
	struct dump d;

	fake_kdump_write(&f, &o, &file);
	memcpy(file.data + KDUMP_MACHINE, "aarch64", 7);
	assert_error(dump_open(&d, fake_file(file.data, file.len)), EY_ERR_INPUT, "\"aarch64\"");
	fake_dump_deinit(&f);
}

// A level that leaves out pages of zeros leaves out those of the kernel's image as well. Elsewhere
// a page that is missing may have been free, so nothing is made up there.
static void zero_page_of_the_image_reads_as_zeros(void **state)
{
	static const uint64_t at[] = {FAKE_IMAGE + 0x5000, FAKE_VMALLOC + 0x5000};

	for (int level = 0; level < 2; level++) {
		struct fake_kdump o = {.compression = FAKE_ZLIB, .dump_level = level};
		struct fake_dump f = make();
		struct memory m;
		struct dump d;
		uint64_t value;

		for (size_t i = 0; i < EY_ARRAY_SIZE(at); i++)
			fake_dump_leave_out(&f, fake_dump_page(&f, at[i]));
		assert_ok(dump_open(&d, fake_kdump_file(&f, &o)));
		assert_ok(memory_init(&m, &d));
		value = 1;
		assert_int_equal(memory_u64(&m, at[0] + 8, &value), level == 1);
		if (level)
			assert_int_equal(value, 0);
		assert_false(memory_u64(&m, at[1] + 8, &value));
		dump_close(&d);
		fake_dump_deinit(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_compression_is_read),
		cmocka_unit_test(page_is_decompressed_once),
		cmocka_unit_test(notes_and_vmcoreinfo_are_found),
		cmocka_unit_test(flattened_dump_reads_the_same),
		cmocka_unit_test(flattened_dump_without_end_is_incomplete),
		cmocka_unit_test(file_that_ends_early_is_incomplete),
		cmocka_unit_test(incomplete_dump_lacks_pages),
		cmocka_unit_test(split_part_has_its_own_frames),
		cmocka_unit_test(damaged_page_costs_only_itself),
		cmocka_unit_test(short_page_is_damaged),
		cmocka_unit_test(unsound_descriptors_are_refused),
		cmocka_unit_test(unsound_headers_are_refused),
		cmocka_unit_test(bitmaps_are_no_hole),
		cmocka_unit_test(other_machine_is_named),
		cmocka_unit_test(zero_page_of_the_image_reads_as_zeros),
	};

	return cmocka_run_group_tests_name("diskdump", tests, NULL, NULL);
}

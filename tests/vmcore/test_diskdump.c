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
#include "vmcore/split.h"

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
	assert_string_equal(d.incomplete_why,
			    "the flattened stream ends before its end mark; 11 of its 13 pages "
			    "(84.6 %) are there");
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
	assert_string_equal(dump_format_name(&d), "kdump-compressed, split");
	assert_string_equal(d.incomplete_why,
			    "not all parts of the split dump are here: page frames 0x0-0x40, "
			    "0x8001-0x1804d; 4 of its 13 pages (30.8 %) are there");
	for (size_t i = 4; i < 8; i++)
		assert_page(&d, some_frames[i]);
	assert_error(dump_read_page(&d, 64, page), EY_ERR_FAULT, "another part");
	assert_error(dump_read_page(&d, BLOCK_FRAMES + 1, page), EY_ERR_FAULT, "another part");
	dump_close(&d);
	fake_dump_deinit(&f);
}

// Parts of makedumpfile --split: their borders, frames behind the end and empty parts included.
static const struct {
	uint64_t start, end;
} some_parts[] = {{0, 65}, {65, BLOCK_FRAMES + 1}, {BLOCK_FRAMES + 1, 3 * BLOCK_FRAMES + 78}};

static int part_file(const struct fake_dump *f, size_t i)
{
	struct fake_kdump o = {.compression = FAKE_ZSTD,
			       .split = true,
			       .start_pfn = some_parts[i].start,
			       .end_pfn = some_parts[i].end};

	return fake_kdump_file(f, &o);
}

static void parts_in_any_order_are_one_dump(void **state)
{
	static const size_t orders[][3] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(orders); i++) {
		struct fake_dump f = make();
		int fds[3];
		uint8_t page[FAKE_PAGE];
		struct dump d;

		for (size_t n = 0; n < 3; n++)
			fds[n] = part_file(&f, orders[i][n]);
		assert_ok(dump_open_set(&d, fds, 3));
		assert_false(d.incomplete);
		for (size_t n = 0; n < EY_ARRAY_SIZE(some_frames); n++)
			assert_page(&d, some_frames[n]);
		assert_error(dump_read_page(&d, 66, page), EY_ERR_FAULT, "left out");
		dump_close(&d);
		fake_dump_deinit(&f);
	}
}

static void missing_part_is_told_by_its_frames(void **state)
{
	struct fake_dump f = make();
	int fds[] = {part_file(&f, 2), part_file(&f, 0)};
	uint8_t page[FAKE_PAGE];
	struct dump d;

	assert_ok(dump_open_set(&d, fds, 2));
	assert_string_equal(d.incomplete_why,
			    "not all parts of the split dump are here: page frames 0x41-0x8000; 9 "
			    "of its 13 pages (69.2 %) are there");
	assert_page(&d, 64);
	assert_error(dump_read_page(&d, 65, page), EY_ERR_FAULT, "another part");
	assert_page(&d, 2 * BLOCK_FRAMES);
	dump_close(&d);
	fake_dump_deinit(&f);
}

// One that is damaged is missing, not the end of all.
static void damaged_part_is_missing(void **state)
{
	struct fake_dump f = make();
	int fds[] = {part_file(&f, 0), part_file(&f, 2), fake_file("nothing", 7)};
	struct dump d;

	assert_ok(dump_open_set(&d, fds, 3));
	assert_true(d.incomplete);
	assert_non_null(strstr(d.incomplete_why, "a part of the split dump cannot be read"));
	assert_page(&d, 64);
	dump_close(&d);
	int first[] = {fake_file("nothing", 7), part_file(&f, 0)};
	assert_error(dump_open_set(&d, first, 2), EY_ERR_INPUT, "not a kernel dump");
	fake_dump_deinit(&f);
}

static void parts_know_each_other(void **state)
{
	struct fake_dump f = make();
	_cleanup_close_ int a = part_file(&f, 0), b = part_file(&f, 1);
	struct fake_kdump o = {.compression = FAKE_ZLIB};
	_cleanup_close_ int whole = fake_kdump_file(&f, &o);
	struct split_part x, y;

	assert_true(split_look(a, &x));
	assert_true(split_look(b, &y));
	assert_int_equal(x.end_pfn, 65);
	assert_int_equal(y.start_pfn, 65);
	assert_true(split_is_same_dump(&x, &y));
	assert_false(split_look(whole, &y));
	// Another crash of the same machine.
	fake_dump_symbol(&f, "another", 1);
	_cleanup_close_ int c = part_file(&f, 1);
	assert_true(split_look(c, &y));
	assert_false(split_is_same_dump(&x, &y));
	y = x;
	y.timestamp += 7200;
	assert_false(split_is_same_dump(&x, &y));
	y = x;
	y.utsname[1][0] ^= 1;
	assert_false(split_is_same_dump(&x, &y));
	fake_dump_deinit(&f);
}

// What a header of a version says, readers of that version know; the rest is not read.
static void headers_of_all_versions_are_read(void **state)
{
	for (uint32_t version = 0; version <= 7; version++) {
		struct ey_buf file = EY_BUF_INIT;
		struct fake_kdump o = {.compression = FAKE_ZLIB,
				       .dump_level = 31,
				       .split = true,
				       .start_pfn = 0,
				       .end_pfn = 65};
		struct fake_dump f = make();
		struct dump d;

		fake_kdump_write(&f, &o, &file);
		fake_poke_u32(&file, KDUMP_VERSION, version);
		if (version < 6) {
			// What was not yet there holds anything.
			fake_poke_u64(&file, KDUMP_START_PFN, 0);
			fake_poke_u64(&file, KDUMP_END_PFN, 65);
			fake_poke_u64(&file, KDUMP_START_PFN_64, 1ULL << 60);
			fake_poke_u64(&file, KDUMP_END_PFN_64, 3);
			fake_poke_u64(&file, KDUMP_MAX_MAPNR_64, 1ULL << 60);
		}
		if (version < 4)
			fake_poke_u64(&file, KDUMP_NOTES + 8, UINT64_MAX);
		if (version < 3)
			fake_poke_u64(&file, KDUMP_VMCOREINFO + 8, UINT64_MAX);
		open_bytes(&d, &file);
		assert_int_equal(d.split, version >= 2);
		assert_int_equal(d.end_pfn, version >= 2 ? 65 : 3 * BLOCK_FRAMES + 78);
		assert_int_equal(d.dump_level, version >= 1 ? 31 : -1);
		// The notes, too, hold VMCOREINFO.
		assert_int_equal(d.vmcoreinfo != NULL, version >= 3);
		assert_int_equal(d.notes_len > 0, version >= 4);
		assert_page(&d, 64);
		dump_close(&d);
		fake_dump_deinit(&f);
	}
}

// A dump with all pages has one bitmap only, where its writer saw no need of two.
static void single_bitmap_serves_for_both(void **state)
{
	struct ey_buf file = EY_BUF_INIT;
	struct fake_kdump o = {.compression = FAKE_RAW};
	struct fake_dump f = make();
	size_t bitmaps, len;
	struct dump d;

	fake_kdump_write(&f, &o, &file);
	uint32_t blocks, sub;
	memcpy(&blocks, file.data + KDUMP_BITMAP_BLOCKS, 4);
	memcpy(&sub, file.data + KDUMP_SUB_SIZE, 4);
	bitmaps = (1 + sub) * (size_t)FAKE_PAGE;
	len = blocks / 2 * (size_t)FAKE_PAGE;
	memmove(file.data + bitmaps + len, file.data + bitmaps + 2 * len,
		file.len - bitmaps - 2 * len);
	file.len -= len;
	fake_poke_u32(&file, KDUMP_BITMAP_BLOCKS, blocks / 2);
	// The pages moved, and their descriptors say so.
	for (size_t i = 0; i < o.descriptor_count; i++) {
		size_t at = o.descriptors - len + i * KDUMP_DESC_SIZE;
		uint64_t offset;

		memcpy(&offset, file.data + at, 8);
		fake_poke_u64(&file, at, offset - len);
	}
	open_bytes(&d, &file);
	assert_false(d.incomplete);
	for (size_t n = 0; n < EY_ARRAY_SIZE(some_frames); n++)
		assert_page(&d, some_frames[n]);
	dump_close(&d);
	fake_dump_deinit(&f);
}

static void pages_are_enumerated(void **state)
{
	struct fake_kdump o = {.compression = FAKE_ZLIB};
	struct fake_dump f = make();
	uint64_t pfn = 0;
	struct dump d;

	fake_dump_leave_out(&f, 65);
	assert_ok(dump_open(&d, fake_kdump_file(&f, &o)));
	assert_true(dump_next_page(&d, &pfn));
	assert_int_equal(pfn, 1); // the top page table
	for (size_t n = 0; n < EY_ARRAY_SIZE(some_frames); n++) {
		if (some_frames[n] == 65)
			continue;
		pfn++;
		assert_true(dump_next_page(&d, &pfn));
		assert_int_equal(pfn, some_frames[n]);
	}
	pfn++;
	assert_false(dump_next_page(&d, &pfn));
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
		{KDUMP_BLOCK_SIZE, 65536, 4, "pages of 65536 bytes"},
		{KDUMP_BLOCK_SIZE, 8192, 4, "block size is 8192"},
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
		cmocka_unit_test(parts_in_any_order_are_one_dump),
		cmocka_unit_test(missing_part_is_told_by_its_frames),
		cmocka_unit_test(damaged_part_is_missing),
		cmocka_unit_test(parts_know_each_other),
		cmocka_unit_test(headers_of_all_versions_are_read),
		cmocka_unit_test(single_bitmap_serves_for_both),
		cmocka_unit_test(pages_are_enumerated),
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

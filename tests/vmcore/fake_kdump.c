// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_kdump.h"

#include <endian.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { HEADER_SIZE = FAKE_PAGE, SUB_HEADER_SIZE = 104, FLAT_HEADER_SIZE = 4096 };

void fake_poke_u32(struct ey_buf *file, size_t at, uint32_t value)
{
	memcpy(file->data + at, &value, sizeof(value));
}

void fake_poke_u64(struct ey_buf *file, size_t at, uint64_t value)
{
	memcpy(file->data + at, &value, sizeof(value));
}

static void fill(struct ey_buf *buf, size_t len)
{
	static const uint8_t zeros[FAKE_PAGE];

	while (buf->len < len)
		ey_buf_add(buf, zeros, EY_MIN(len - buf->len, sizeof(zeros)));
}

static size_t compress_page(enum fake_compression how, const uint8_t *page, uint8_t *out,
			    size_t room)
{
	_cleanup_free_ void *work = malloc(LZO1X_1_MEM_COMPRESS);
	size_t len = room;
	uLongf zlib_len = room;
	lzo_uint lzo_len = room;
	bool good = true;

	switch (how) {
	case FAKE_ZLIB:
		good = compress2(out, &zlib_len, page, FAKE_PAGE, 1) == Z_OK;
		len = zlib_len;
		break;
	case FAKE_LZO:
		good = work && lzo1x_1_compress(page, FAKE_PAGE, out, &lzo_len, work) == LZO_E_OK;
		len = lzo_len;
		break;
	case FAKE_SNAPPY:
		good = snappy_compress((const char *)page, FAKE_PAGE, (char *)out, &len) ==
		       SNAPPY_OK;
		break;
	case FAKE_ZSTD:
		len = ZSTD_compress(out, room, page, FAKE_PAGE, 1);
		good = !ZSTD_isError(len);
		break;
	case FAKE_RAW:
		memcpy(out, page, FAKE_PAGE);
		len = FAKE_PAGE;
	}
	if (!good) {
		fprintf(stderr, "fake_kdump: a page could not be compressed\n");
		abort();
	}
	return len;
}

static void set_bit(struct ey_buf *file, size_t bitmap, uint64_t pfn)
{
	file->data[bitmap + pfn / 8] |= (char)(1 << pfn % 8);
}

void fake_kdump_write(const struct fake_dump *f, struct fake_kdump *o, struct ey_buf *ret)
{
	_cleanup_buf_ struct ey_buf notes = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf pages = EY_BUF_INIT;
	uint64_t max_mapnr = f->frames[f->count - 1].pfn + 1;

	fake_dump_notes(f, &notes);
	size_t info = HEADER_SIZE + SUB_HEADER_SIZE, note = info + f->info.len;
	size_t sub_blocks = (note + notes.len - HEADER_SIZE + FAKE_PAGE - 1) / FAKE_PAGE;
	size_t bitmap_len = (max_mapnr / 8 + FAKE_PAGE) / FAKE_PAGE * FAKE_PAGE;
	size_t bitmap1 = HEADER_SIZE + sub_blocks * FAKE_PAGE, bitmap2 = bitmap1 + bitmap_len;

	o->descriptors = bitmap2 + bitmap_len;
	fill(ret, o->descriptors);
	memcpy(ret->data, "KDUMP   ", 8);
	fake_poke_u32(ret, KDUMP_VERSION, 6);
	memcpy(ret->data + KDUMP_MACHINE, "x86_64", 6);
	fake_poke_u32(ret, KDUMP_STATUS, o->status);
	fake_poke_u32(ret, KDUMP_BLOCK_SIZE, FAKE_PAGE);
	fake_poke_u32(ret, KDUMP_SUB_SIZE, (uint32_t)sub_blocks);
	fake_poke_u32(ret, KDUMP_BITMAP_BLOCKS, (uint32_t)(2 * bitmap_len / FAKE_PAGE));
	fake_poke_u32(ret, KDUMP_MAX_MAPNR, (uint32_t)max_mapnr);
	fake_poke_u32(ret, KDUMP_DUMP_LEVEL, (uint32_t)o->dump_level);
	fake_poke_u32(ret, KDUMP_SPLIT, o->split);
	fake_poke_u64(ret, KDUMP_START_PFN_64, o->start_pfn);
	fake_poke_u64(ret, KDUMP_END_PFN_64, o->end_pfn);
	fake_poke_u64(ret, KDUMP_MAX_MAPNR_64, max_mapnr);
	fake_poke_u64(ret, KDUMP_VMCOREINFO, info);
	fake_poke_u64(ret, KDUMP_VMCOREINFO + 8, f->info.len);
	memcpy(ret->data + info, f->info.data, f->info.len);
	fake_poke_u64(ret, KDUMP_NOTES, note);
	fake_poke_u64(ret, KDUMP_NOTES + 8, notes.len);
	memcpy(ret->data + note, notes.data, notes.len);

	for (size_t i = 0; i < f->count; i++) {
		uint64_t pfn = f->frames[i].pfn;

		set_bit(ret, bitmap1, pfn);
		if (f->frames[i].left_out)
			continue;
		set_bit(ret, bitmap2, pfn);
		o->descriptor_count += !o->split || (pfn >= o->start_pfn && pfn < o->end_pfn);
	}
	uint64_t data = o->descriptors + o->descriptor_count * KDUMP_DESC_SIZE;
	for (size_t i = 0; i < f->count; i++) {
		uint8_t compressed[2 * FAKE_PAGE];
		uint64_t offset = data + pages.len;
		uint32_t size[2] = {0, o->compression};
		uint64_t page_flags = 0;

		if (f->frames[i].left_out || (o->split && (f->frames[i].pfn < o->start_pfn ||
							   f->frames[i].pfn >= o->end_pfn)))
			continue;
		size[0] = (uint32_t)compress_page(o->compression, f->frames[i].bytes, compressed,
						  sizeof(compressed));
		ey_buf_add(ret, &offset, sizeof(offset));
		ey_buf_add(ret, size, sizeof(size));
		ey_buf_add(ret, &page_flags, sizeof(page_flags));
		ey_buf_add(&pages, compressed, size[0]);
	}
	ey_buf_add(ret, pages.data, pages.len);
}

int fake_kdump_file(const struct fake_dump *f, struct fake_kdump *o)
{
	_cleanup_buf_ struct ey_buf file = EY_BUF_INIT;

	fake_kdump_write(f, o, &file);
	return fake_file(file.data, file.len);
}

static void add_be64(struct ey_buf *ret, uint64_t value)
{
	value = htobe64(value);
	ey_buf_add(ret, &value, sizeof(value));
}

void fake_flat_header(struct ey_buf *ret)
{
	size_t begin = ret->len;

	ey_buf_add(ret, "makedumpfile\0\0\0\0", 16);
	add_be64(ret, 1);
	add_be64(ret, 1);
	fill(ret, begin + FLAT_HEADER_SIZE);
}

void fake_flat_record(struct ey_buf *ret, uint64_t offset, const void *data, size_t len)
{
	add_be64(ret, offset);
	add_be64(ret, len);
	ey_buf_add(ret, data, len);
}

void fake_flat_end(struct ey_buf *ret)
{
	add_be64(ret, UINT64_MAX);
	add_be64(ret, UINT64_MAX);
}

void fake_flatten(const struct ey_buf *plain, size_t len, bool shuffled, struct ey_buf *ret)
{
	size_t records = (plain->len + len - 1) / len;

	fake_flat_header(ret);
	for (size_t i = 0; i < records; i++) {
		// 1, 3, 5, ..., 0, 2, 4, ...
		size_t half = records / 2;
		size_t place = !shuffled ? i : i < half ? 2 * i + 1 : 2 * (i - half);
		size_t at = place * len;

		fake_flat_record(ret, at, plain->data + at, EY_MIN(len, plain->len - at));
	}
	fake_flat_end(ret);
}

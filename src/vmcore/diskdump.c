/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kdump-compressed format (diskdump_format.h). Blocks of one page: header, sub-header, two
 * bitmaps (which frames exist, which are in the file), an array of page descriptors, the pages.
 */
#include <inttypes.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "vmcore/diskdump_format.h"
#include "vmcore/dump_formats.h"
#include "vmcore/inflate.h"
#include "vmcore/machine.h"

enum {
	STATUS_INCOMPLETE = 0x8,
	PAGE_ZLIB = 0x1,
	PAGE_LZO = 0x2,
	PAGE_SNAPPY = 0x4,
	PAGE_ZSTD = 0x20,
	PAGE_COMPRESSED = PAGE_ZLIB | PAGE_LZO | PAGE_SNAPPY | PAGE_ZSTD,
	DUMP_LEVEL_ZERO = 0x1,
	// A page that does not compress may be longer compressed (snappy adds a sixth and 32
	// bytes).
	MAX_COMPRESSED = 2 * DUMP_PAGE_SIZE,
	// Frames whose bits stand in one block of the bitmap, and the block's bytes.
	RANK_BYTES = DUMP_PAGE_SIZE,
	RANK_FRAMES = RANK_BYTES * 8,
};

struct diskdump {
	uint64_t max_mapnr;
	/** Offsets in the file. */
	uint64_t bitmap1, bitmap2, descriptors;
	uint64_t bitmap_len;
	/** Frames whose pages this file has: all, or a part of a split dump's. */
	uint64_t start_pfn, end_pfn;
	/** How many frames are in the file before each bitmap block; known for ranks_known blocks.
	 */
	uint64_t *ranks;
	size_t ranks_known, rank_blocks;
	uint64_t rank_of_start;
	struct inflater *inflater;
	ZSTD_DCtx *zstd;
	uint8_t compressed[MAX_COMPRESSED];
};

bool diskdump_matches(const uint8_t *head)
{
	return !memcmp(head, DISKDUMP_SIGNATURE, 8);
}

void diskdump_close(struct diskdump *dd)
{
	if (!dd)
		return;
	inflater_destroy(dd->inflater);
	ZSTD_freeDCtx(dd->zstd);
	free(dd->ranks);
	free(dd);
}

static struct ey_error *unsound(const char *what, uint64_t value)
{
	return ey_error_create(EY_ERR_INPUT, "not a sound kdump-compressed dump: %s is %" PRIu64,
			       what, value);
}

static struct ey_error *load_vmcoreinfo(struct dump *d, uint64_t offset, uint64_t size)
{
	if (!size)
		return NULL;
	if (size > 1 << 20)
		return unsound("the size of VMCOREINFO", size);
	_cleanup_free_ char *text = malloc(size + 1);
	if (!text)
		return &ey_error_nomem;
	struct ey_error *err = source_read(&d->source, offset, text, size);
	if (err)
		return ey_error_prefix(err, "VMCOREINFO");
	text[size] = '\0';
	d->vmcoreinfo = no_cleanup_ptr(text);
	return NULL;
}

// How many frames below pfn are in the file.
static struct ey_error *rank(struct dump *d, uint64_t pfn, uint64_t *ret)
{
	struct diskdump *dd = d->diskdump;
	uint64_t block = pfn / RANK_FRAMES;
	uint64_t bits[RANK_BYTES / sizeof(uint64_t)];

	for (; dd->ranks_known <= block; dd->ranks_known++) {
		uint64_t count = 0;

		if (dd->ranks_known) {
			size_t previous = dd->ranks_known - 1;
			struct ey_error *err =
				source_read(&d->source, dd->bitmap2 + previous * RANK_BYTES, bits,
					    sizeof(bits));
			if (err)
				return ey_error_prefix(err, "the bitmap");
			count = dd->ranks[previous];
			for (size_t i = 0; i < EY_ARRAY_SIZE(bits); i++)
				count += (uint64_t)__builtin_popcountll(bits[i]);
		}
		dd->ranks[dd->ranks_known] = count;
	}
	uint64_t in_block = pfn % RANK_FRAMES;
	size_t bytes = (in_block + 63) / 64 * 8;
	struct ey_error *err =
		source_read(&d->source, dd->bitmap2 + block * RANK_BYTES, bits, bytes);
	if (err)
		return ey_error_prefix(err, "the bitmap");
	uint64_t count = dd->ranks[block];
	for (size_t i = 0; i < in_block / 64; i++)
		count += (uint64_t)__builtin_popcountll(bits[i]);
	if (in_block % 64)
		count += (uint64_t)__builtin_popcountll(bits[in_block / 64] &
							((1ULL << (in_block % 64)) - 1));
	*ret = count;
	return NULL;
}

static struct ey_error *frame_bit(struct dump *d, uint64_t bitmap, uint64_t pfn, bool *ret)
{
	uint8_t byte;
	struct ey_error *err = source_read(&d->source, bitmap + pfn / 8, &byte, 1);

	if (err)
		return ey_error_prefix(err, "the bitmap");
	*ret = byte >> (pfn % 8) & 1;
	return NULL;
}

static bool has_last_page(struct dump *d);

struct ey_error *diskdump_open(struct dump *d)
{
	struct disk_dump_header h;
	struct kdump_sub_header sub = {0};
	struct ey_error *err = source_read(&d->source, 0, &h, sizeof(h));

	if (err)
		return ey_error_prefix(err, "the dump's header");
	const char *machine = h.utsname[4];
	if (strnlen(machine, 65) < 65 && machine[0])
		d->machine = machine_by_name(machine);
	if (!d->machine)
		return ey_error_create(
			EY_ERR_INPUT,
			"a dump of a machine of type \"%.64s\"; only x86_64 dumps can be "
			"analysed so far",
			machine);
	// struct new_utsname's order: sysname, nodename, release, version, machine.
	memcpy(d->nodename, h.utsname[1], sizeof(h.utsname[1]));
	memcpy(d->release, h.utsname[2], sizeof(h.utsname[2]));
	memcpy(d->version, h.utsname[3], sizeof(h.utsname[3]));
	if (h.block_size == 1 << 14 || h.block_size == 1 << 16)
		return ey_error_create(EY_ERR_INPUT,
				       "a dump of a machine with pages of %d bytes; only x86_64 "
				       "dumps can be analysed so far",
				       h.block_size);
	if (h.block_size != DUMP_PAGE_SIZE)
		return unsound("the block size", (uint64_t)(uint32_t)h.block_size);
	if (h.sub_hdr_size < 1 || h.sub_hdr_size > 1 << 16)
		return unsound("the size of the sub-header", (uint64_t)(uint32_t)h.sub_hdr_size);
	err = source_read(&d->source, DUMP_PAGE_SIZE, &sub, sizeof(sub));
	if (err)
		return ey_error_prefix(err, "the dump's sub-header");

	struct diskdump *dd = d->diskdump = calloc(1, sizeof(*dd));
	if (!dd)
		return &ey_error_nomem;
	dd->max_mapnr = diskdump_max_mapnr(&h, &sub);
	// 2^36 frames are 256 TiB, more than any machine has; the bitmaps of more are not read.
	if (!dd->max_mapnr || dd->max_mapnr > 1ULL << 36)
		return unsound("the number of page frames", dd->max_mapnr);
	// One bitmap where there is no room for two (a dump that leaves nothing out; crash's
	// dump_is_partial()), else two.
	uint64_t bitmap_room = (uint64_t)h.bitmap_blocks * DUMP_PAGE_SIZE;
	uint64_t needed = (dd->max_mapnr + 7) / 8;
	bool two = bitmap_room / 2 >= needed;
	dd->bitmap_len = two ? bitmap_room / 2 : bitmap_room;
	if (dd->bitmap_len < needed)
		return unsound("the number of bitmap blocks", h.bitmap_blocks);
	dd->bitmap1 = (1 + (uint64_t)h.sub_hdr_size) * DUMP_PAGE_SIZE;
	dd->bitmap2 = dd->bitmap1 + (two ? dd->bitmap_len : 0);
	dd->descriptors = dd->bitmap1 + bitmap_room;
	// makedumpfile writes its bitmaps out: they are no hole of a flattened stream.
	if (!source_has(&d->source, dd->bitmap1, bitmap_room) || bitmap_room > d->source.file_size)
		return ey_error_create(EY_ERR_INPUT,
				       "the dump is cut off: it ends at byte %" PRIu64
				       ", before its bitmaps do (%" PRIu64 ")",
				       d->source.size, dd->descriptors);
	dd->rank_blocks = (dd->max_mapnr + RANK_FRAMES - 1) / RANK_FRAMES + 1;
	dd->ranks = calloc(dd->rank_blocks, sizeof(*dd->ranks));
	if (!dd->ranks)
		return &ey_error_nomem;
	dd->end_pfn = dd->max_mapnr;
	if (diskdump_split(&h, &sub, &dd->start_pfn, &dd->end_pfn)) {
		dd->end_pfn = EY_MIN(dd->end_pfn, dd->max_mapnr);
		if (dd->start_pfn > dd->end_pfn)
			return unsound("the first frame of this part", dd->start_pfn);
		d->split = true;
	} else {
		dd->start_pfn = 0;
		dd->end_pfn = dd->max_mapnr;
	}
	d->start_pfn = dd->start_pfn;
	d->end_pfn = dd->end_pfn;
	err = rank(d, dd->start_pfn, &dd->rank_of_start);
	if (err)
		return err;
	if (h.status & STATUS_INCOMPLETE)
		dump_is_incomplete(d, "makedumpfile did not finish it (was the disk full?)");
	if (h.header_version >= 1)
		d->dump_level = sub.dump_level;
	if (h.header_version >= 4)
		err = dump_load_notes(d, (uint64_t)sub.offset_note, sub.size_note);
	if (!err && h.header_version >= 3)
		err = load_vmcoreinfo(d, (uint64_t)sub.offset_vmcoreinfo, sub.size_vmcoreinfo);
	if (!err && !has_last_page(d))
		dump_is_incomplete(d, "the file ends before its last page");
	return err;
}

uint64_t diskdump_end(const struct dump *d)
{
	return d->diskdump->max_mapnr;
}

uint64_t diskdump_frames(struct dump *d, uint64_t start, uint64_t end)
{
	const struct diskdump *dd = d->diskdump;
	uint64_t before, until;

	_cleanup_error_ struct ey_error *err = rank(d, EY_MIN(start, dd->max_mapnr), &before);
	if (err)
		return 0;
	err = rank(d, EY_MIN(end, dd->max_mapnr), &until);
	return err || until < before ? 0 : until - before;
}

static bool read_descriptor(struct dump *d, uint64_t index, struct page_desc *ret)
{
	uint64_t pos = d->diskdump->descriptors + index * sizeof(*ret);

	if (!source_has(&d->source, pos, sizeof(*ret)))
		return false;
	_cleanup_error_ struct ey_error *err = source_read(&d->source, pos, ret, sizeof(*ret));
	return !err;
}

// Whether the page whose descriptor is the index-th is in the file.
static bool has_page(struct dump *d, uint64_t index)
{
	struct page_desc desc;

	return read_descriptor(d, index, &desc) && desc.offset > 0 &&
	       source_has(&d->source, (uint64_t)desc.offset, desc.size);
}

// Pages are written in their order, but all pages of zeros share one at the beginning of the data:
// the last one that is not such a page is looked for.
static bool has_last_page(struct dump *d)
{
	enum { MAX_ZEROS = 1 << 16 };
	uint64_t frames = diskdump_frames(d, d->start_pfn, d->end_pfn);
	struct page_desc last, desc;

	if (!frames)
		return true;
	if (!read_descriptor(d, frames - 1, &last))
		return false;
	for (uint64_t i = 1; i <= frames && i <= MAX_ZEROS; i++) {
		if (!has_page(d, frames - i))
			return false;
		if (!read_descriptor(d, frames - i, &desc) || desc.offset != last.offset)
			break;
	}
	return true;
}

struct dump_count diskdump_count(struct dump *d)
{
	// Descriptors looked at; of a dump with more a sample, spread evenly.
	enum { SAMPLE = 1 << 17 };
	struct dump_count count = {.expected = diskdump_frames(d, d->start_pfn, d->end_pfn)};
	uint64_t step = count.expected / SAMPLE + 1, looked = 0;

	for (uint64_t i = 0; i < count.expected; i += step, looked++)
		count.found += has_page(d, i);
	if (step > 1 && looked)
		count.found =
			(uint64_t)((double)count.found / (double)looked * (double)count.expected);
	return count;
}

bool diskdump_next_page(struct dump *d, uint64_t *pfn)
{
	const struct diskdump *dd = d->diskdump;

	while (*pfn < dd->max_mapnr) {
		uint64_t word = 0, at = *pfn / 64 * 8;
		size_t len = (size_t)EY_MIN(dd->bitmap_len - at, (uint64_t)sizeof(word));

		_cleanup_error_ struct ey_error *err =
			source_read(&d->source, dd->bitmap2 + at, &word, len);
		if (err)
			return false;
		word &= UINT64_MAX << *pfn % 64;
		if (word) {
			*pfn = *pfn / 64 * 64 + (uint64_t)__builtin_ctzll(word);
			return *pfn < dd->max_mapnr;
		}
		*pfn = *pfn / 64 * 64 + 64;
	}
	return false;
}

static struct ey_error *inflate_page(struct diskdump *dd, size_t size, uint8_t *dest)
{
	if (!dd->inflater)
		dd->inflater = inflater_create();
	if (!dd->inflater)
		return &ey_error_nomem;
	if (!inflater_run(dd->inflater, dd->compressed, size, dest, DUMP_PAGE_SIZE))
		return ey_error_create(EY_ERR_FAULT, "damaged zlib data");
	return NULL;
}

static struct ey_error *decompress(struct diskdump *dd, uint32_t flags, size_t size, uint8_t *dest)
{
	size_t len = DUMP_PAGE_SIZE;
	lzo_uint lzo_len = DUMP_PAGE_SIZE;

	switch (flags & PAGE_COMPRESSED) {
	case PAGE_ZLIB:
		return inflate_page(dd, size, dest);
	case PAGE_LZO:
		if (lzo1x_decompress_safe(dd->compressed, size, dest, &lzo_len, NULL) != LZO_E_OK ||
		    lzo_len != DUMP_PAGE_SIZE)
			return ey_error_create(EY_ERR_FAULT, "damaged lzo data");
		return NULL;
	case PAGE_SNAPPY:
		if (snappy_uncompress((const char *)dd->compressed, size, (char *)dest, &len) !=
			    SNAPPY_OK ||
		    len != DUMP_PAGE_SIZE)
			return ey_error_create(EY_ERR_FAULT, "damaged snappy data");
		return NULL;
	case PAGE_ZSTD:
		if (!dd->zstd && !(dd->zstd = ZSTD_createDCtx()))
			return &ey_error_nomem;
		if (ZSTD_decompressDCtx(dd->zstd, dest, len, dd->compressed, size) != len)
			return ey_error_create(EY_ERR_FAULT, "damaged zstd data");
		return NULL;
	default:
		return ey_error_create(EY_ERR_FAULT, "unknown compression 0x%x", flags);
	}
}

static struct ey_error *not_in_dump(uint64_t pfn, const char *why)
{
	return ey_error_create(EY_ERR_FAULT,
			       "physical page 0x%" PRIx64 "000 is not in the dump (%s)", pfn, why);
}

struct ey_error *diskdump_read_page(struct dump *d, uint64_t pfn, void *dest)
{
	struct diskdump *dd = d->diskdump;
	struct page_desc desc;
	uint64_t index = 0;
	bool there = false;

	if (pfn >= dd->max_mapnr)
		return not_in_dump(pfn, "beyond the machine's memory");
	struct ey_error *err = frame_bit(d, dd->bitmap2, pfn, &there);
	if (err)
		return err;
	if (!there)
		return not_in_dump(pfn, "left out by makedumpfile");
	if (pfn < dd->start_pfn || pfn >= dd->end_pfn)
		return not_in_dump(pfn, "in another part of the split dump");
	err = rank(d, pfn, &index);
	if (err)
		return err;
	index -= dd->rank_of_start;
	err = source_read(&d->source, dd->descriptors + index * sizeof(desc), &desc, sizeof(desc));
	if (err)
		return ey_error_prefix(err, "the descriptor of page 0x%" PRIx64, pfn);
	if (!desc.offset)
		return not_in_dump(pfn, "the dump is incomplete");
	if (desc.size > MAX_COMPRESSED || !desc.size)
		return ey_error_create(EY_ERR_FAULT, "page 0x%" PRIx64 " of %u bytes", pfn,
				       desc.size);
	if (!(desc.flags & PAGE_COMPRESSED)) {
		if (desc.size != DUMP_PAGE_SIZE)
			return ey_error_create(EY_ERR_FAULT, "page 0x%" PRIx64 " of %u bytes", pfn,
					       desc.size);
		return source_read(&d->source, (uint64_t)desc.offset, dest, DUMP_PAGE_SIZE);
	}
	err = source_read(&d->source, (uint64_t)desc.offset, dd->compressed, desc.size);
	if (!err)
		err = decompress(dd, desc.flags, desc.size, dest);
	return ey_error_prefix(err, "page 0x%" PRIx64, pfn);
}

bool diskdump_page_may_be_zero(struct dump *d, uint64_t pfn)
{
	struct diskdump *dd = d->diskdump;
	bool exists = false, there = true;

	if (d->dump_level < 0 || !(d->dump_level & DUMP_LEVEL_ZERO) || pfn >= dd->max_mapnr)
		return false;
	_cleanup_error_ struct ey_error *err = frame_bit(d, dd->bitmap1, pfn, &exists);
	if (err)
		return false;
	err = frame_bit(d, dd->bitmap2, pfn, &there);
	return !err && exists && !there;
}

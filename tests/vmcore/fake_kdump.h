/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A fake_dump written as makedumpfile writes it: kdump-compressed, or that flattened.
 *
 * Where what stands is written out here once more rather than taken from src/vmcore: a mistake
 * there must not become the expectation here (makedumpfile 1.7.2, diskdump_mod.h).
 */
#ifndef EYRIE_TESTS_VMCORE_FAKE_KDUMP_H
#define EYRIE_TESTS_VMCORE_FAKE_KDUMP_H

#include "fake_dump.h"

/** Flags of a page descriptor. */
enum fake_compression {
	FAKE_RAW = 0,
	FAKE_ZLIB = 0x1,
	FAKE_LZO = 0x2,
	FAKE_SNAPPY = 0x4,
	FAKE_ZSTD = 0x20,
};

/** Offsets in the file that tests write to. */
enum {
	KDUMP_VERSION = 8,
	KDUMP_MACHINE = 12 + 4 * 65,
	KDUMP_STATUS = 424,
	KDUMP_BLOCK_SIZE = 428,
	KDUMP_SUB_SIZE = 432,
	KDUMP_BITMAP_BLOCKS = 436,
	KDUMP_MAX_MAPNR = 440,
	KDUMP_SUB = 4096,
	KDUMP_DUMP_LEVEL = KDUMP_SUB + 8,
	KDUMP_SPLIT = KDUMP_SUB + 12,
	KDUMP_START_PFN = KDUMP_SUB + 16,
	KDUMP_END_PFN = KDUMP_SUB + 24,
	KDUMP_VMCOREINFO = KDUMP_SUB + 32,
	KDUMP_NOTES = KDUMP_SUB + 48,
	KDUMP_START_PFN_64 = KDUMP_SUB + 80,
	KDUMP_END_PFN_64 = KDUMP_SUB + 88,
	KDUMP_MAX_MAPNR_64 = KDUMP_SUB + 96,
	/** A page descriptor: offset (8 bytes), size, flags (4 each), page flags (8). */
	KDUMP_DESC_SIZE = 24,
	KDUMP_DESC_LENGTH = 8,
	KDUMP_DESC_FLAGS = 12,
};

struct fake_kdump {
	enum fake_compression compression;
	/** makedumpfile -d; 1 says that pages of zeros are left out. */
	int dump_level;
	/** DUMP_DH_COMPRESSED_INCOMPLETE is 8. */
	uint32_t status;
	/** Write only the frames of [start_pfn, end_pfn), as makedumpfile --split does. */
	bool split;
	uint64_t start_pfn, end_pfn;
	/** Out: where the page descriptors are, and how many. */
	size_t descriptors, descriptor_count;
};

void fake_kdump_write(const struct fake_dump *f, struct fake_kdump *o, struct ey_buf *ret);
/** The same as a file; the caller closes it. */
int fake_kdump_file(const struct fake_dump *f, struct fake_kdump *o);

/** Overwrite a number at an offset of the written file. */
void fake_poke_u32(struct ey_buf *file, size_t at, uint32_t value);
void fake_poke_u64(struct ey_buf *file, size_t at, uint64_t value);

/** The flattened form: its header, then records, then its end mark. */
void fake_flat_header(struct ey_buf *ret);
void fake_flat_record(struct ey_buf *ret, uint64_t offset, const void *data, size_t len);
void fake_flat_end(struct ey_buf *ret);
/** Flatten a whole file in records of @p len bytes; @p shuffled: every second one first. */
void fake_flatten(const struct ey_buf *plain, size_t len, bool shuffled, struct ey_buf *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * How a kdump-compressed file begins: makedumpfile 1.7.2, diskdump_mod.h and IMPLEMENTATION ("The
 * format of the dump file"). Internal to the room.
 */
#ifndef EYRIE_VMCORE_DISKDUMP_FORMAT_H
#define EYRIE_VMCORE_DISKDUMP_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISKDUMP_SIGNATURE "KDUMP   "

// struct disk_dump_header on a 64-bit machine; pad1 is what aligns the timeval.
struct disk_dump_header {
	char signature[8];
	int32_t header_version;
	char utsname[6][65];
	char pad1[6];
	int64_t timestamp[2];
	uint32_t status;
	int32_t block_size;
	int32_t sub_hdr_size;
	uint32_t bitmap_blocks;
	uint32_t max_mapnr;
	uint32_t total_ram_blocks;
	uint32_t device_blocks;
	uint32_t written_blocks;
	uint32_t current_cpu;
	int32_t nr_cpus;
};
_Static_assert(offsetof(struct disk_dump_header, status) == 424, "as on x86-64");

// The header_version that a member came with stands behind it; members of later versions are
// whatever the writer left there.
struct kdump_sub_header {
	uint64_t phys_base;
	int32_t dump_level; /* 1 */
	int32_t split;	    /* 2 */
	uint64_t start_pfn; /* 2, until 6 */
	uint64_t end_pfn;
	int64_t offset_vmcoreinfo; /* 3 */
	uint64_t size_vmcoreinfo;
	int64_t offset_note; /* 4 */
	uint64_t size_note;
	int64_t offset_eraseinfo; /* 5 */
	uint64_t size_eraseinfo;
	uint64_t start_pfn_64; /* 6 */
	uint64_t end_pfn_64;
	uint64_t max_mapnr_64;
};

struct page_desc {
	int64_t offset;
	uint32_t size;
	uint32_t flags;
	uint64_t page_flags;
};

static inline uint64_t diskdump_max_mapnr(const struct disk_dump_header *h,
					  const struct kdump_sub_header *sub)
{
	return h->header_version >= 6 && sub->max_mapnr_64 ? sub->max_mapnr_64 : h->max_mapnr;
}

/** Whether this is a part of a split dump (makedumpfile --split), and which frames are its. */
static inline bool diskdump_split(const struct disk_dump_header *h,
				  const struct kdump_sub_header *sub, uint64_t *start_ret,
				  uint64_t *end_ret)
{
	bool wide = h->header_version >= 6;

	*start_ret = wide ? sub->start_pfn_64 : sub->start_pfn;
	*end_ret = wide ? sub->end_pfn_64 : sub->end_pfn;
	return h->header_version >= 2 && sub->split;
}

#endif

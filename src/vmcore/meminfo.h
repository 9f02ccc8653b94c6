/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * How a dumped kernel's memory was used: what /proc/meminfo showed (fs/proc/meminfo.c), in pages.
 */
#ifndef EYRIE_VMCORE_MEMINFO_H
#define EYRIE_VMCORE_MEMINFO_H

#include "vmcore/kernel.h"

enum {
	MEMINFO_MAX_HUGE = 4,
	MEMINFO_MAX_ZONES = 256,
};

struct meminfo_zone {
	unsigned int node;
	char name[16];
	int64_t managed, free;
	/** Watermarks. */
	int64_t min, low, high;
};

/** Pages, -1 where the kernel does not say. */
struct meminfo {
	int64_t total, free, available;
	int64_t buffers, cached, swap_cached;
	int64_t anon, mapped, shmem, dirty, writeback;
	int64_t slab_reclaimable, slab_unreclaimable;
	int64_t page_tables;
	int64_t kernel_stack_kib;
	int64_t swap_total, swap_free;
	int64_t commit_limit, committed;
	struct {
		int64_t page_kib, total, free;
	} huge[MEMINFO_MAX_HUGE];
	size_t huge_count;
	struct meminfo_zone zones[MEMINFO_MAX_ZONES];
	size_t zone_count;
};

/** Read what there is. EY_ERR_INPUT where not even the free pages are known. */
struct ey_error *meminfo_read(struct kernel *k, struct meminfo *ret) EY_MUST_CHECK;

#endif

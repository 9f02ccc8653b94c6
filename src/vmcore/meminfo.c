/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/meminfo.h"

#include <string.h>

#include "base/cleanup.h"

enum {
	MAX_NODES = 1024,
	// Inodes of block devices that are asked for their pages.
	MAX_BLOCK_DEVICES = 16384,
	// enum zone_watermarks (include/linux/mmzone.h).
	WMARK_MIN = 0,
	WMARK_LOW = 1,
	WMARK_HIGH = 2,
	MAX_NODE_ZONES = 8,
};
// No machine has more pages than its physical addresses.
static const int64_t max_pages = 1LL << 40;

static int64_t sane(int64_t pages)
{
	return pages >= 0 && pages <= max_pages ? pages : -1;
}

static int64_t read_global(struct kernel *k, enum kernel_symbol symbol)
{
	uint64_t at, value;

	return kernel_symbol(k, symbol, &at) && memory_u64(&k->memory, at, &value)
		       ? sane((int64_t)value)
		       : -1;
}

// A counter of vm_node_stat or vm_zone_stat, or of a zone's own; they may be a little below zero
// while CPUs hold parts back (mm/vmstat.c), which is then shown as zero.
static int64_t read_stat_at(struct kernel *k, uint64_t array, const char *items, const char *item)
{
	int64_t index, value;
	uint64_t word;

	if (!k->have_btf || !btf_enum(&k->btf, items, item, &index) || index < 0 || index > 512 ||
	    !memory_u64(&k->memory, array + (uint64_t)index * 8, &word))
		return -1;
	value = (int64_t)word;
	return value < 0 && value > -max_pages ? 0 : sane(value);
}

static int64_t node_stat(struct kernel *k, const char *item)
{
	uint64_t array;

	return kernel_symbol(k, SYM_vm_node_stat, &array)
		       ? read_stat_at(k, array, "node_stat_item", item)
		       : -1;
}

static int64_t zone_stat(struct kernel *k, const char *item)
{
	uint64_t array;

	return kernel_symbol(k, SYM_vm_zone_stat, &array)
		       ? read_stat_at(k, array, "zone_stat_item", item)
		       : -1;
}

static int64_t read_watermark(struct kernel *k, uint64_t zone, unsigned int which)
{
	const struct btf_member *m = kernel_member(k, MEM_ZONE_WATERMARK);
	uint64_t value;

	return m && memory_u64(&k->memory, zone + m->bit_offset / 8 + which * UINT64_C(8), &value)
		       ? sane((int64_t)value)
		       : -1;
}

static void read_zone(struct kernel *k, unsigned int node, uint64_t zone, struct meminfo *info)
{
	const struct btf_member *stat = kernel_member(k, MEM_ZONE_VM_STAT);
	struct meminfo_zone *z = &info->zones[info->zone_count];
	uint64_t managed, name;

	if (info->zone_count == MEMINFO_MAX_ZONES ||
	    !kernel_read(k, zone, MEM_ZONE_MANAGED, &managed) || !managed || !stat)
		return;
	*z = (struct meminfo_zone){.node = node, .managed = sane((int64_t)managed)};
	if (kernel_read(k, zone, MEM_ZONE_NAME, &name))
		memory_string(&k->memory, name, z->name, sizeof(z->name));
	z->free = read_stat_at(k, zone + stat->bit_offset / 8, "zone_stat_item", "NR_FREE_PAGES");
	z->min = read_watermark(k, zone, WMARK_MIN);
	z->low = read_watermark(k, zone, WMARK_LOW);
	z->high = read_watermark(k, zone, WMARK_HIGH);
	info->zone_count++;
}

static void read_zones(struct kernel *k, struct meminfo *info)
{
	const struct btf_member *zones = kernel_member(k, MEM_NODE_ZONES);
	uint64_t nodes, at, node, count;
	uint32_t node_count = 1, size;

	if (!zones || !kernel_symbol(k, SYM_node_data, &nodes) ||
	    !btf_sizeof(&k->btf, "zone", &size))
		return;
	if (kernel_symbol(k, SYM_nr_node_ids, &at))
		memory_u32(&k->memory, at, &node_count);
	for (unsigned int i = 0; i < node_count && i < MAX_NODES; i++) {
		if (!memory_u64(&k->memory, nodes + i * UINT64_C(8), &node) || !node ||
		    !kernel_read(k, node, MEM_NODE_NR_ZONES, &count))
			continue;
		for (uint64_t j = 0; j < count && j < MAX_NODE_ZONES; j++)
			read_zone(k, i, node + zones->bit_offset / 8 + j * size, info);
	}
}

// nr_blockdev_pages() (block/bdev.c): the pages of all block devices' inodes.
static int64_t read_buffers(struct kernel *k)
{
	const struct btf_member *list = kernel_member(k, MEM_SUPER_INODES);
	const struct btf_member *in_inode = kernel_member(k, MEM_INODE_SB_LIST);
	uint64_t at, super, head, node, mapping, pages;
	int64_t sum = 0;

	if (!list || !in_inode || !kernel_symbol(k, SYM_blockdev_superblock, &at) ||
	    !memory_u64(&k->memory, at, &super))
		return -1;
	head = super + list->bit_offset / 8;
	node = head;
	for (size_t i = 0; i < MAX_BLOCK_DEVICES; i++) {
		if (!kernel_read(k, node, MEM_LIST_NEXT, &node))
			return -1;
		if (node == head)
			return sane(sum);
		if (!kernel_read(k, node - in_inode->bit_offset / 8, MEM_INODE_MAPPING, &mapping) ||
		    !kernel_read(k, mapping, MEM_MAPPING_NRPAGES, &pages) ||
		    sane((int64_t)pages) < 0)
			return -1;
		sum += (int64_t)pages;
	}
	return -1;
}

// A struct percpu_counter with what the CPUs have not yet added (percpu_counter_sum()).
static int64_t read_counter(struct kernel *k, enum kernel_symbol symbol)
{
	uint64_t counter, parts;
	int64_t sum;

	if (!kernel_symbol(k, symbol, &counter) ||
	    !kernel_read_signed(k, counter, MEM_PERCPU_COUNTER_COUNT, &sum) || sum > max_pages ||
	    sum < -max_pages || !kernel_read(k, counter, MEM_PERCPU_COUNTER_COUNTERS, &parts))
		return -1;
	for (unsigned int cpu = 0; cpu < k->cpu_count; cpu++) {
		uint32_t part;

		if (memory_u32(&k->memory, parts + k->percpu_offsets[cpu], &part))
			sum += (int32_t)part;
	}
	return sum < 0 ? 0 : sum;
}

static void read_huge(struct kernel *k, struct meminfo *info)
{
	uint64_t at, count_at, order, total, free_pages;
	uint32_t count, size;

	if (!kernel_symbol(k, SYM_hstates, &at) ||
	    !kernel_symbol(k, SYM_hugetlb_max_hstate, &count_at) ||
	    !memory_u32(&k->memory, count_at, &count) || !btf_sizeof(&k->btf, "hstate", &size))
		return;
	for (uint32_t i = 0; i < count && i < MEMINFO_MAX_HUGE; i++, at += size) {
		if (!kernel_read(k, at, MEM_HSTATE_ORDER, &order) || order > 30 ||
		    !kernel_read(k, at, MEM_HSTATE_TOTAL, &total) ||
		    !kernel_read(k, at, MEM_HSTATE_FREE, &free_pages))
			return;
		info->huge[info->huge_count].page_kib = (int64_t)4 << order;
		info->huge[info->huge_count].total = sane((int64_t)total);
		info->huge[info->huge_count++].free = sane((int64_t)free_pages);
	}
}

// vm_commit_limit() (mm/util.c).
static int64_t read_commit_limit(struct kernel *k, const struct meminfo *info)
{
	uint64_t kbytes_at, ratio_at, kbytes = 0;
	int64_t limit = info->total, swap = EY_MAX(info->swap_total, (int64_t)0);
	uint32_t ratio;

	if (kernel_symbol(k, SYM_sysctl_overcommit_kbytes, &kbytes_at) &&
	    memory_u64(&k->memory, kbytes_at, &kbytes) && kbytes)
		return sane((int64_t)(kbytes >> (DUMP_PAGE_SHIFT - 10)) + swap);
	if (limit < 0 || !kernel_symbol(k, SYM_sysctl_overcommit_ratio, &ratio_at) ||
	    !memory_u32(&k->memory, ratio_at, &ratio) || ratio > 10000)
		return -1;
	for (size_t i = 0; i < info->huge_count; i++)
		limit -= info->huge[i].total * (info->huge[i].page_kib / 4);
	return sane(limit * ratio / 100 + swap);
}

// si_mem_available() (mm/show_mem.c, before 6.6 mm/page_alloc.c).
static int64_t read_available(struct kernel *k, const struct meminfo *info)
{
	int64_t reserve = read_global(k, SYM_totalreserve_pages);
	int64_t active = node_stat(k, "NR_ACTIVE_FILE"),
		inactive = node_stat(k, "NR_INACTIVE_FILE");
	int64_t misc = node_stat(k, "NR_KERNEL_MISC_RECLAIMABLE"), low = 0;

	if (info->free < 0 || reserve < 0 || active < 0 || inactive < 0 || misc < 0 ||
	    info->slab_reclaimable < 0 || !info->zone_count)
		return -1;
	for (size_t i = 0; i < info->zone_count; i++)
		low += EY_MAX(info->zones[i].low, (int64_t)0);
	int64_t cache = active + inactive, reclaimable = info->slab_reclaimable + misc;
	cache -= EY_MIN(cache / 2, low);
	reclaimable -= EY_MIN(reclaimable / 2, low);
	return EY_MAX(info->free - reserve + cache + reclaimable, (int64_t)0);
}

struct ey_error *meminfo_read(struct kernel *k, struct meminfo *ret)
{
	*ret = (struct meminfo){0};
	ret->total = read_global(k, SYM__totalram_pages);
	ret->free = zone_stat(k, "NR_FREE_PAGES");
	if (ret->free < 0)
		return ey_error_create(EY_ERR_INPUT,
				       "the counters of pages (vm_zone_stat) cannot be read");
	ret->swap_cached = node_stat(k, "NR_SWAPCACHE");
	ret->anon = node_stat(k, "NR_ANON_MAPPED");
	ret->mapped = node_stat(k, "NR_FILE_MAPPED");
	ret->shmem = node_stat(k, "NR_SHMEM");
	ret->dirty = node_stat(k, "NR_FILE_DIRTY");
	ret->writeback = node_stat(k, "NR_WRITEBACK");
	ret->slab_reclaimable = node_stat(k, "NR_SLAB_RECLAIMABLE_B");
	ret->slab_unreclaimable = node_stat(k, "NR_SLAB_UNRECLAIMABLE_B");
	ret->page_tables = node_stat(k, "NR_PAGETABLE");
	ret->kernel_stack_kib = node_stat(k, "NR_KERNEL_STACK_KB");
	ret->buffers = read_buffers(k);
	ret->cached = node_stat(k, "NR_FILE_PAGES");
	if (ret->cached >= 0)
		ret->cached = EY_MAX(ret->cached - EY_MAX(ret->buffers, (int64_t)0) -
					     EY_MAX(ret->swap_cached, (int64_t)0),
				     (int64_t)0);
	ret->swap_total = read_global(k, SYM_total_swap_pages);
	ret->swap_free = read_global(k, SYM_nr_swap_pages);
	read_huge(k, ret);
	read_zones(k, ret);
	ret->commit_limit = read_commit_limit(k, ret);
	ret->committed = read_counter(k, SYM_vm_committed_as);
	ret->available = read_available(k, ret);
	return NULL;
}

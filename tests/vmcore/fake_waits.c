// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_waits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_tables.h"

#define FAKE_WAITS_BTF (FAKE_IMAGE + 0x600000)

// The types that are asked for by name.
static void put_btf(struct fake_dump *f, uint64_t *size_ret)
{
	static const struct fake_enumerator zone_items[] = {{"NR_FREE_PAGES", 0}};
	static const struct fake_enumerator node_items[] = {
		{"NR_FILE_PAGES", 0},		{"NR_SLAB_RECLAIMABLE_B", 1},
		{"NR_ACTIVE_FILE", 2},		{"NR_INACTIVE_FILE", 3},
		{"NR_SLAB_UNRECLAIMABLE_B", 4}, {"NR_KERNEL_MISC_RECLAIMABLE", 5},
	};
	_cleanup_buf_ struct ey_buf bytes = EY_BUF_INIT;
	struct fake_btf b;

	fake_btf_init(&b);
	fake_btf_enum(&b, BTF_ENUM, "zone_stat_item", zone_items, EY_ARRAY_SIZE(zone_items));
	fake_btf_enum(&b, BTF_ENUM, "node_stat_item", node_items, EY_ARRAY_SIZE(node_items));
	fake_btf_struct(&b, BTF_STRUCT, "page", FAKE_WAITS_PAGE_BYTES, NULL, 0);
	fake_btf_struct(&b, BTF_STRUCT, "zone", 0x40, NULL, 0);
	fake_btf_struct(&b, BTF_STRUCT, "hstate", 0x20, NULL, 0);
	fake_btf_finish(&b, &bytes);
	fake_dump_put(f, FAKE_WAITS_BTF, bytes.data, bytes.len);
	*size_ret = bytes.len;
}

void fake_waits_init(struct fake_dump *f)
{
	char comm[16] = "T0";

	fake_dump_init(f, 4);
	fake_dump_reserve(f, FAKE_WAITS, FAKE_WAITS_SIZE);
	for (uint32_t i = 0; i < FAKE_WAITS_TASKS; i++) {
		uint64_t task = FAKE_WAITS_TASK(i);

		comm[1] = (char)('0' + i);
		fake_dump_put_u32(f, task + W_TASK_PID, 100 + i);
		fake_dump_put_u32(f, task + W_TASK_TGID, 100 + i);
		fake_dump_put(f, task + W_TASK_COMM, comm, sizeof(comm));
		fake_dump_put_u32(f, task + W_TASK_STATE, 2);
		fake_dump_put_u64(f, task + W_TASK_STACK, FAKE_WAITS_STACK(i));
		fake_dump_put_u64(f, task + W_TASK_SP, FAKE_WAITS_SP(i));
		fake_dump_reserve(f, FAKE_WAITS_SP(i), FAKE_WAITS_STACK_BYTES);
	}
}

static void set_symbols(struct kernel *k)
{
	static const struct {
		enum kernel_symbol symbol;
		uint64_t address;
	} symbols[] = {
		{SYM_runqueues, FAKE_WAITS_RQ},
		{SYM_vm_zone_stat, FAKE_WAITS_ZONE_STAT},
		{SYM_vm_node_stat, FAKE_WAITS_NODE_STAT},
		{SYM_node_data, FAKE_WAITS_NODE_DATA},
		{SYM__totalram_pages, FAKE_WAITS_NUMBERS},
		{SYM_total_swap_pages, FAKE_WAITS_NUMBERS + 8},
		{SYM_nr_swap_pages, FAKE_WAITS_NUMBERS + 16},
		{SYM_totalreserve_pages, FAKE_WAITS_NUMBERS + 24},
		{SYM_sysctl_overcommit_kbytes, FAKE_WAITS_NUMBERS + 32},
		{SYM_sysctl_overcommit_ratio, FAKE_WAITS_NUMBERS + 40},
		{SYM_nr_node_ids, FAKE_WAITS_NUMBERS + 44},
		{SYM_hugetlb_max_hstate, FAKE_WAITS_NUMBERS + 48},
		{SYM_hstates, FAKE_WAITS_HSTATES},
		{SYM_slab_caches, FAKE_WAITS_CACHES},
		{SYM_vmemmap_base, FAKE_WAITS_VMEMMAP},
		{SYM_blockdev_superblock, FAKE_WAITS_SUPER},
		{SYM_vm_committed_as, FAKE_WAITS_COMMITTED},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(symbols); i++)
		fake_kernel_symbol(k, symbols[i].symbol, symbols[i].address);
}

struct place {
	enum kernel_member member;
	uint32_t offset, size;
};

static void set_places(struct kernel *k, const struct place *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fake_kernel_member(k, places[i].member, places[i].offset, places[i].size);
}

static void set_locks(struct kernel *k, bool rt)
{
	static const struct place plain[] = {
		{MEM_MUTEX_OWNER, W_MUTEX_OWNER, 8},	   {MEM_MUTEX_WAIT_LIST, W_MUTEX_LIST, 16},
		{MEM_RWSEM_COUNT, W_RWSEM_COUNT, 8},	   {MEM_RWSEM_OWNER, W_RWSEM_OWNER, 8},
		{MEM_RWSEM_WAIT_LIST, W_RWSEM_LIST, 16},   {MEM_MUTEX_WAITER_LIST, 0, 16},
		{MEM_MUTEX_WAITER_TASK, W_WAITER_TASK, 8}, {MEM_RWSEM_WAITER_LIST, 0, 16},
		{MEM_RWSEM_WAITER_TASK, W_WAITER_TASK, 8},
	};
	static const struct place on_rt[] = {
		{MEM_MUTEX_RT, 0, 32},
		{MEM_RWBASE_RT_MUTEX, W_RT_IN_RWSEM, 32},
		{MEM_RWBASE_READERS, 0, 4},
	};
	static const struct place both[] = {
		{MEM_SEMAPHORE_WAIT_LIST, W_SEMAPHORE_LIST, 16},
		{MEM_SEMAPHORE_WAITER_LIST, 0, 16},
		{MEM_SEMAPHORE_WAITER_TASK, W_WAITER_TASK, 8},
		{MEM_COMPLETION_WAIT_LIST, W_COMPLETION_LIST, 16},
		{MEM_SWAIT_TASK, W_SWAIT_TASK, 8},
		{MEM_SWAIT_LIST, W_SWAIT_LIST, 16},
		{MEM_RT_WAITER_TASK, W_RT_WAITER_TASK, 8},
		{MEM_RT_WAITER_LOCK, W_RT_WAITER_LOCK, 8},
		{MEM_RT_MUTEX_OWNER, W_RT_OWNER, 8},
	};

	if (rt)
		set_places(k, on_rt, EY_ARRAY_SIZE(on_rt));
	else
		set_places(k, plain, EY_ARRAY_SIZE(plain));
	set_places(k, both, EY_ARRAY_SIZE(both));
}

static void set_members(struct kernel *k)
{
	static const struct place places[] = {
		{MEM_LIST_NEXT, 0, 8},
		{MEM_LIST_PREV, 8, 8},
		{MEM_TASK_PID, W_TASK_PID, 4},
		{MEM_TASK_TGID, W_TASK_TGID, 4},
		{MEM_TASK_COMM, W_TASK_COMM, 16},
		{MEM_TASK_STATE, W_TASK_STATE, 4},
		{MEM_TASK_STACK, W_TASK_STACK, 8},
		{MEM_TASK_THREAD_SP, W_TASK_SP, 8},
		{MEM_TASK_PI_BLOCKED_ON, W_TASK_PI, 8},
		{MEM_TASK_ON_RQ, W_TASK_ON_RQ, 4},
		{MEM_TASK_PRIO, W_TASK_PRIO, 4},
		{MEM_TASK_LAST_ARRIVAL, W_TASK_ARRIVAL, 8},
		{MEM_TASK_CPU, W_TASK_CPU, 4},
		{MEM_TASK_SCHED_DELAYED, W_TASK_DELAYED, 1},
		{MEM_RQ_NR_RUNNING, W_RQ_NR, 4},
		{MEM_RQ_CURR, W_RQ_CURR, 8},
		{MEM_RQ_IDLE, W_RQ_IDLE, 8},
		{MEM_RQ_CLOCK, W_RQ_CLOCK, 8},
		{MEM_RQ_CFS_NR, W_RQ_CFS, 4},
		{MEM_CACHE_LIST, W_CACHE_LIST, 16},
		{MEM_CACHE_NAME, W_CACHE_NAME, 8},
		{MEM_CACHE_SIZE, W_CACHE_SIZE, 4},
		{MEM_CACHE_OBJECT_SIZE, W_CACHE_OBJECT_SIZE, 4},
		{MEM_CACHE_OO, W_CACHE_OO, 4},
		{MEM_CACHE_NODE, W_CACHE_NODE, 8},
		{MEM_CACHE_NODE_NR_SLABS, W_CACHE_NODE_SLABS, 8},
		{MEM_CACHE_NODE_TOTAL, W_CACHE_NODE_TOTAL, 8},
		{MEM_CACHE_NODE_PARTIAL, W_CACHE_NODE_PARTIAL, 16},
		{MEM_SLAB_LIST, W_SLAB_LIST, 16},
		{MEM_SLAB_CACHE, W_SLAB_CACHE, 8},
		{MEM_PAGE_COMPOUND_HEAD, W_PAGE_HEAD, 8},
		{MEM_ZONE_VM_STAT, 0, 8},
		{MEM_ZONE_WATERMARK, 8, 24},
		{MEM_ZONE_MANAGED, 32, 8},
		{MEM_ZONE_NAME, 40, 8},
		{MEM_NODE_NR_ZONES, 0, 4},
		{MEM_NODE_ZONES, 8, 0x80},
		{MEM_PERCPU_COUNTER_COUNT, 8, 8},
		{MEM_PERCPU_COUNTER_COUNTERS, 16, 8},
		{MEM_HSTATE_ORDER, 0, 4},
		{MEM_HSTATE_TOTAL, 8, 8},
		{MEM_HSTATE_FREE, 16, 8},
		{MEM_SUPER_INODES, 0, 16},
		{MEM_INODE_SB_LIST, 0, 16},
		{MEM_INODE_MAPPING, 16, 8},
		{MEM_MAPPING_NRPAGES, 0, 8},
	};

	set_places(k, places, EY_ARRAY_SIZE(places));
	fake_kernel_bits(k, MEM_SLAB_INUSE, W_SLAB_COUNTERS * 8, 16);
	fake_kernel_bits(k, MEM_SLAB_OBJECTS, W_SLAB_COUNTERS * 8 + 16, 15);
}

struct kernel *fake_waits_open(struct fake_dump *f, bool rt)
{
	uint64_t btf_size;

	put_btf(f, &btf_size);
	struct kernel *k = fake_kernel_open(f);
	// What is not set is not in this kernel, whatever the BTF.
	for (size_t i = 0; i < MEM_COUNT; i++)
		k->members[i].state = 2;
	set_symbols(k);
	set_members(k);
	set_locks(k, rt);
	fake_kernel_cpus(k, 1, 0);
	k->memory.direct_map = FAKE_LINEAR;
	_cleanup_error_ struct ey_error *err =
		btf_init(&k->btf, &k->memory, FAKE_WAITS_BTF, FAKE_WAITS_BTF + btf_size);
	if (err)
		abort();
	k->have_btf = true;
	return k;
}

struct task_list fake_waits_tasks(struct kernel *k)
{
	struct task_list list = {.tasks = calloc(FAKE_WAITS_TASKS, sizeof(*list.tasks))};

	if (!list.tasks)
		abort();
	for (size_t i = 0; i < FAKE_WAITS_TASKS; i++) {
		if (task_read(k, FAKE_WAITS_TASK(i), &list.tasks[list.count]))
			list.count++;
	}
	return list;
}

void fake_waits_ring(struct fake_dump *f, const uint64_t *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fake_dump_put_u64(f, nodes[i], nodes[(i + 1) % count]);
		fake_dump_put_u64(f, nodes[(i + 1) % count] + 8, nodes[i]);
	}
}

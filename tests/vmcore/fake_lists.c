// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_lists.h"

#include <string.h>

void fake_link(struct fake_dump *f, uint64_t node, uint64_t next)
{
	fake_dump_put_u64(f, node, next);
}

void fake_task(struct fake_dump *f, uint64_t address, uint32_t pid, const char *comm)
{
	char name[16] = "";

	memccpy(name, comm, 0, sizeof(name));
	fake_link(f, address + TASK_TASKS, address + TASK_TASKS);
	fake_dump_put_u32(f, address + TASK_PID, pid);
	fake_dump_put_u32(f, address + TASK_TGID, pid);
	fake_dump_put(f, address + TASK_COMM, name, sizeof(name));
	fake_dump_put_u32(f, address + TASK_STATE, 1);
	fake_dump_put_u64(f, address + TASK_PARENT, address);
}

void fake_module(struct fake_dump *f, uint64_t address, const char *name, uint64_t base,
		 uint32_t size, uint64_t next)
{
	fake_link(f, address + MODULE_LIST, next);
	fake_dump_put(f, address + MODULE_NAME, name, strlen(name) + 1);
	fake_dump_put_u64(f, address + MODULE_BASE, base);
	fake_dump_put_u32(f, address + MODULE_SIZE, size);
	fake_dump_put_u32(f, address + MODULE_TEXT_SIZE, size / 2);
}

static void set_symbols(struct kernel *k)
{
	static const struct {
		enum kernel_symbol symbol;
		uint64_t address;
	} symbols[] = {
		{SYM_modules, FAKE_MODULES},	  {SYM_current_task, FAKE_CURRENT},
		{SYM_idle_threads, FAKE_IDLE},	  {SYM_init_uts_ns, FAKE_UTS},
		{SYM_shadow_timekeeper, FAKE_TK}, {SYM_tainted_mask, FAKE_TAINTED},
		{SYM_avenrun, FAKE_AVENRUN},	  {SYM__totalram_pages, FAKE_TOTALRAM},
		{SYM_sysctl_bootid, FAKE_BOOTID}, {SYM_boot_cpu_data, FAKE_CPU_DATA},
		{SYM_init_task, FAKE_INIT_TASK},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(symbols); i++)
		fake_kernel_symbol(k, symbols[i].symbol, symbols[i].address);
}

static void set_members(struct kernel *k)
{
	static const struct {
		enum kernel_member member;
		uint32_t offset, size;
	} members[] = {
		{MEM_LIST_NEXT, 0, 8},
		{MEM_TASK_TASKS, TASK_TASKS, 16},
		{MEM_TASK_THREAD_NODE, TASK_THREAD_NODE, 16},
		{MEM_TASK_SIGNAL, TASK_SIGNAL, 8},
		{MEM_TASK_PID, TASK_PID, 4},
		{MEM_TASK_TGID, TASK_TGID, 4},
		{MEM_TASK_COMM, TASK_COMM, 16},
		{MEM_TASK_STATE, TASK_STATE, 4},
		{MEM_TASK_EXIT_STATE, TASK_EXIT_STATE, 4},
		{MEM_TASK_REAL_PARENT, TASK_PARENT, 8},
		{MEM_TASK_CPU, TASK_CPU, 4},
		{MEM_TASK_MM, TASK_MM, 8},
		{MEM_SIGNAL_THREAD_HEAD, SIGNAL_HEAD, 16},
		{MEM_MM_TOTAL_VM, MM_TOTAL_VM, 8},
		{MEM_MODULE_STATE, MODULE_STATE, 4},
		{MEM_MODULE_LIST, MODULE_LIST, 16},
		{MEM_MODULE_NAME, MODULE_NAME, 56},
		{MEM_MODULE_CORE_BASE, MODULE_BASE, 8},
		{MEM_MODULE_CORE_SIZE, MODULE_SIZE, 4},
		{MEM_MODULE_CORE_TEXT_SIZE, MODULE_TEXT_SIZE, 4},
		{MEM_MODULE_INIT_BASE, MODULE_INIT_BASE, 8},
		{MEM_MODULE_INIT_TEXT_SIZE, MODULE_INIT_TEXT_SIZE, 4},
		{MEM_MODULE_TAINTS, MODULE_TAINTS, 8},
		{MEM_MODULE_KALLSYMS, MODULE_KALLSYMS, 8},
		{MEM_MOD_KALLSYMS_SYMTAB, KALLSYMS_SYMTAB, 8},
		{MEM_MOD_KALLSYMS_NUM, KALLSYMS_NUM, 4},
		{MEM_MOD_KALLSYMS_STRTAB, KALLSYMS_STRTAB, 8},
		{MEM_UTS_NAME, 0, 390},
		{MEM_TK_XTIME_SEC, TK_XTIME, 8},
		{MEM_TK_WALL_TO_MONOTONIC, TK_WALL_TO_MONOTONIC, 8},
		{MEM_TK_OFFS_BOOT, TK_OFFS_BOOT, 8},
		{MEM_TK_WALL_TO_MONOTONIC_NSEC, TK_WALL_TO_MONOTONIC_NSEC, 8},
		{MEM_TK_XTIME_NSEC, TK_XTIME_NSEC, 8},
		{MEM_TK_SHIFT, TK_SHIFT, 4},
		{MEM_CPUINFO_MODEL_ID, CPU_MODEL, 64},
		{MEM_CPUINFO_MICROCODE, CPU_MICROCODE, 4},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(members); i++)
		fake_kernel_member(k, members[i].member, members[i].offset, members[i].size);
}

struct kernel *fake_lists_open(struct fake_dump *f, bool counters)
{
	fake_dump_reserve(f, FAKE_LISTS, FAKE_LISTS_SIZE);
	struct kernel *k = fake_kernel_open(f);

	set_symbols(k);
	set_members(k);
	if (counters) {
		fake_kernel_member(k, MEM_MM_RSS_STAT, MM_RSS, 4 * COUNTER_BYTES);
		fake_kernel_member(k, MEM_PERCPU_COUNTER_COUNT, COUNTER_COUNT, 8);
		fake_kernel_member(k, MEM_PERCPU_COUNTER_COUNTERS, COUNTER_PARTS, 8);
	} else {
		fake_kernel_member(k, MEM_MM_RSS_STAT_COUNT, MM_RSS, 32);
		fake_kernel_member(k, MEM_TASK_RSS_STAT, TASK_RSS, 16);
	}
	fake_kernel_cpus(k, FAKE_LISTS_CPUS, FAKE_CPU_STRIDE);
	return k;
}

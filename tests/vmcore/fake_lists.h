/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A kernel whose tasks, modules and variables stand at fixed places of a small area of memory,
 * with members at fixed offsets: what reads lists can be given any list.
 */
#ifndef EYRIE_TESTS_VMCORE_FAKE_LISTS_H
#define EYRIE_TESTS_VMCORE_FAKE_LISTS_H

#include "fake_kernel.h"

/** The area, all of which is there, and the places in it of the kernel's variables. */
#define FAKE_LISTS	FAKE_LINEAR
#define FAKE_MODULES	FAKE_LISTS
#define FAKE_CURRENT	(FAKE_LISTS + 0x40)
#define FAKE_IDLE	(FAKE_LISTS + 0x48)
#define FAKE_UTS	(FAKE_LISTS + 0x800)
#define FAKE_TK		(FAKE_LISTS + 0xc00)
#define FAKE_TAINTED	(FAKE_LISTS + 0xa20)
#define FAKE_AVENRUN	(FAKE_LISTS + 0xa28)
#define FAKE_TOTALRAM	(FAKE_LISTS + 0xa40)
#define FAKE_BOOTID	(FAKE_LISTS + 0xa48)
#define FAKE_CPU_DATA	(FAKE_LISTS + 0xa60)
#define FAKE_INIT_TASK	(FAKE_LISTS + 0x1000)
#define FAKE_LISTS_FREE (FAKE_LISTS + 0x2000)

enum {
	FAKE_LISTS_SIZE = 0x10000,
	FAKE_LISTS_CPUS = 2,
	FAKE_CPU_STRIDE = 0x20,
};

/** Offsets of members. */
enum {
	TASK_TASKS = 0x0,
	TASK_THREAD_NODE = 0x10,
	TASK_SIGNAL = 0x20,
	TASK_PID = 0x28,
	TASK_TGID = 0x2c,
	TASK_COMM = 0x30,
	TASK_STATE = 0x40,
	TASK_EXIT_STATE = 0x44,
	TASK_PARENT = 0x48,
	TASK_CPU = 0x50,
	TASK_MM = 0x58,
	/** Four numbers of 4 bytes. */
	TASK_RSS = 0x60,
	TASK_BYTES = 0x80,
	SIGNAL_HEAD = 0x8,
	MM_TOTAL_VM = 0x0,
	/** Four numbers of 8 bytes, or four counters of COUNTER_BYTES. */
	MM_RSS = 0x8,
	COUNTER_COUNT = 0x8,
	COUNTER_PARTS = 0x10,
	COUNTER_BYTES = 0x18,
	MODULE_STATE = 0x0,
	MODULE_LIST = 0x8,
	MODULE_NAME = 0x18,
	MODULE_BASE = 0x50,
	MODULE_SIZE = 0x58,
	MODULE_TEXT_SIZE = 0x5c,
	MODULE_INIT_BASE = 0x60,
	MODULE_INIT_TEXT_SIZE = 0x68,
	MODULE_TAINTS = 0x70,
	MODULE_KALLSYMS = 0x78,
	MODULE_BYTES = 0x80,
	KALLSYMS_SYMTAB = 0x0,
	KALLSYMS_NUM = 0x8,
	KALLSYMS_STRTAB = 0x10,
	TK_XTIME = 0,
	TK_WALL_TO_MONOTONIC = 8,
	TK_OFFS_BOOT = 16,
	TK_WALL_TO_MONOTONIC_NSEC = 24,
	TK_XTIME_NSEC = 32,
	TK_SHIFT = 40,
	CPU_MODEL = 0,
	CPU_MICROCODE = 64,
};

/**
 * Open the dump with all this set. @p counters: resident memory is counted as since 6.2, else as
 * before.
 */
struct kernel *fake_lists_open(struct fake_dump *f, bool counters);

/** Put a task, alone in all lists, its own parent. */
void fake_task(struct fake_dump *f, uint64_t address, uint32_t pid, const char *comm);
/** Make "next" of the list node at @p node lead to @p next. */
void fake_link(struct fake_dump *f, uint64_t node, uint64_t next);
/** Put a module whose list goes on to @p next (a node). */
void fake_module(struct fake_dump *f, uint64_t address, const char *name, uint64_t base,
		 uint32_t size, uint64_t next);

#endif

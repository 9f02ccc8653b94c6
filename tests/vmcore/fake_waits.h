/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A kernel of four tasks with a little of their stacks, and room for locks, run queues, slab caches
 * and counters, at fixed places: what follows them can be given any.
 */
#ifndef EYRIE_TESTS_VMCORE_FAKE_WAITS_H
#define EYRIE_TESTS_VMCORE_FAKE_WAITS_H

#include "fake_kernel.h"
#include "vmcore/task.h"

#define FAKE_WAITS	     FAKE_LINEAR
#define FAKE_WAITS_TASK(i)   (FAKE_WAITS + 0x100 + (uint64_t)(i)*0x80)
#define FAKE_WAITS_RQ	     (FAKE_WAITS + 0x300)
#define FAKE_WAITS_ZONE_STAT (FAKE_WAITS + 0x400)
#define FAKE_WAITS_NODE_STAT (FAKE_WAITS + 0x420)
#define FAKE_WAITS_NODE_DATA (FAKE_WAITS + 0x460)
#define FAKE_WAITS_NUMBERS   (FAKE_WAITS + 0x480)
#define FAKE_WAITS_CACHES    (FAKE_WAITS + 0x4c0)
#define FAKE_WAITS_VMEMMAP   (FAKE_WAITS + 0x4d0)
#define FAKE_WAITS_SUPER     (FAKE_WAITS + 0x4d8)
#define FAKE_WAITS_COMMITTED (FAKE_WAITS + 0x4e0)
#define FAKE_WAITS_HSTATES   (FAKE_WAITS + 0x500)
/** Free for locks and what else a test puts there, up to FAKE_WAITS_SIZE. */
#define FAKE_WAITS_FREE (FAKE_WAITS + 0x800)
/** struct page of the frame that the direct mapping begins with. */
#define FAKE_WAITS_PAGES (FAKE_WAITS + 0x1000)
/** Stacks; only the last bytes of each are there. */
#define FAKE_WAITS_STACK(i) (FAKE_VMALLOC + 0x10000 + (uint64_t)(i)*0x10000)
#define FAKE_WAITS_SP(i)    (FAKE_WAITS_STACK(i) + 0x4000 - FAKE_WAITS_STACK_BYTES)

enum {
	FAKE_WAITS_TASKS = 4,
	FAKE_WAITS_SIZE = 0x2000,
	FAKE_WAITS_STACK_BYTES = 0x200,
	FAKE_WAITS_PAGE_BYTES = 64,
};

/** Offsets of members. */
enum {
	W_TASK_PID = 0x0,
	W_TASK_TGID = 0x4,
	W_TASK_COMM = 0x8,
	W_TASK_STATE = 0x18,
	W_TASK_STACK = 0x20,
	W_TASK_SP = 0x28,
	W_TASK_PI = 0x30,
	W_TASK_ON_RQ = 0x38,
	W_TASK_PRIO = 0x3c,
	W_TASK_ARRIVAL = 0x40,
	W_TASK_CPU = 0x48,
	W_TASK_DELAYED = 0x4c,
	W_MUTEX_OWNER = 0,
	W_MUTEX_LIST = 16,
	W_RWSEM_COUNT = 0,
	W_RWSEM_OWNER = 8,
	W_RWSEM_LIST = 24,
	W_SEMAPHORE_LIST = 8,
	W_COMPLETION_LIST = 16,
	/** Of the waiters of all three. */
	W_WAITER_TASK = 16,
	W_SWAIT_TASK = 0,
	W_SWAIT_LIST = 8,
	W_RT_WAITER_TASK = 80,
	W_RT_WAITER_LOCK = 88,
	W_RT_OWNER = 24,
	/** On PREEMPT_RT: the rt_mutex in a mutex and in an rw_semaphore. */
	W_RT_IN_RWSEM = 8,
	W_RQ_NR = 0,
	W_RQ_CURR = 8,
	W_RQ_IDLE = 16,
	W_RQ_CLOCK = 24,
	W_RQ_CFS = 32,
	W_CACHE_LIST = 0,
	W_CACHE_NAME = 16,
	W_CACHE_SIZE = 24,
	W_CACHE_OBJECT_SIZE = 28,
	W_CACHE_OO = 32,
	W_CACHE_NODE = 40,
	W_CACHE_NODE_SLABS = 0,
	W_CACHE_NODE_TOTAL = 8,
	W_CACHE_NODE_PARTIAL = 16,
	W_SLAB_LIST = 8,
	W_SLAB_CACHE = 24,
	W_SLAB_COUNTERS = 40,
	W_PAGE_HEAD = 8,
};

/** The four tasks, T0 to T3, asleep, each with an empty stack and its CPU 0. */
void fake_waits_init(struct fake_dump *f);
/** Open it; @p rt: locks are as on PREEMPT_RT. */
struct kernel *fake_waits_open(struct fake_dump *f, bool rt);
/** The tasks as a list; free with task_list_deinit(). */
struct task_list fake_waits_tasks(struct kernel *k);
/** Link a list's nodes to a ring, both ways. */
void fake_waits_ring(struct fake_dump *f, const uint64_t *nodes, size_t count);

#endif

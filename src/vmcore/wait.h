/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What a sleeping task waits for, and who has it: found by the waiter that the kernel's locks keep
 * on the stack of the task that waits (kernel/locking/).
 */
#ifndef EYRIE_VMCORE_WAIT_H
#define EYRIE_VMCORE_WAIT_H

#include "vmcore/kernel.h"
#include "vmcore/stack.h"
#include "vmcore/task.h"

enum wait_kind {
	/** It sleeps, but not for any of these. */
	WAIT_OTHER,
	WAIT_MUTEX,
	WAIT_RWSEM_READ,
	WAIT_RWSEM_WRITE,
	WAIT_PERCPU_RWSEM,
	WAIT_SEMAPHORE,
	WAIT_RT_MUTEX,
	/** A spinlock_t or rwlock_t of PREEMPT_RT. */
	WAIT_RT_LOCK,
	WAIT_COMPLETION,
	/** A bit of a page, a buffer, an inode (wait_on_bit() and the like). */
	WAIT_BIT,
	WAIT_KINDS
};
/** "mutex", "rwsem", … */
const char *wait_kind_name(enum wait_kind kind);

enum wait_owner {
	/** The kernel does not record who has this, or the lock was not found. */
	OWNER_NOT_RECORDED,
	/** Nobody: it is being handed over. */
	OWNER_NONE,
	OWNER_TASK,
	/** Readers, which are not recorded; the last that came may be. */
	OWNER_READERS,
	/** The word of the owner leads to no task that lives. */
	OWNER_GONE,
};

struct wait {
	const struct task *task;
	enum wait_kind kind;
	/** The lock, or the completion; 0 where not found. */
	uint64_t lock;
	enum wait_owner owner_kind;
	/** Of OWNER_TASK; of OWNER_READERS the last that came, or NULL. */
	const struct task *owner;
	/** What the lock has in place of an owner (OWNER_GONE). */
	uint64_t owner_address;
	/** Of OWNER_READERS how many; -1 where not known. */
	int64_t readers;
	/** The function of the locks that was called ("down_read"); "" where none was. */
	char function[128];
	/** Who called it: the first outside of the scheduler and the locks (wchan of ps). */
	char caller[128];
	char caller_module[64];
};

/** The tasks by address, for whoever follows owners. */
struct wait_search {
	struct kernel *k;
	const struct task **by_address;
	size_t count;
};

struct ey_error *wait_search_init(struct wait_search *s, struct kernel *k,
				  const struct task_list *tasks) EY_MUST_CHECK;
void wait_search_deinit(struct wait_search *s);
/** The task with this address, or NULL. */
const struct task *wait_search_task(const struct wait_search *s, uint64_t address);

/**
 * Whether the task looks as if it waited for a lock: cheap, without unwinding; for tasks whose
 * state does not tell.
 */
bool wait_is_suspect(struct wait_search *s, const struct task *task);
/** What @p task, whose stack @p stack is, waits for. */
void wait_find(struct wait_search *s, const struct task *task, const struct stack *stack,
	       struct wait *ret);

#endif

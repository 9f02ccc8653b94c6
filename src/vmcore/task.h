/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The tasks of a dumped kernel (include/linux/sched.h). */
#ifndef EYRIE_VMCORE_TASK_H
#define EYRIE_VMCORE_TASK_H

#include "vmcore/kernel.h"

enum { TASK_COMM_SIZE = 16 };

struct task {
	/** Address of its task_struct. */
	uint64_t address;
	/** pid is -1 where only the address is known: a kernel without types. */
	int64_t pid, ppid, tgid;
	int cpu;
	/** crash's two letters: RU IN UN ST TR ZO DE PA WA ID NE, "??" where not known. */
	char state[3];
	char comm[TASK_COMM_SIZE + 1];
	/** Its memory; 0 for kernel threads and zombies. */
	uint64_t vsz_kib, rss_kib;
	/** Running on its CPU when the kernel died. */
	bool running;
	/** On a run queue (or on its way from one to another): runqueue_place_of() tells where. */
	bool on_rq;
	/** The struct rt_mutex_waiter with which it waits for an rt_mutex, 0 for none. */
	uint64_t pi_blocked_on;
};

struct task_list {
	/** By pid, the idle tasks (pid 0) first, by CPU. */
	struct task *tasks;
	size_t count;
};

/** Read one task. False where its task_struct is not in the dump. */
bool task_read(struct kernel *k, uint64_t address, struct task *ret);
/** The task that ran on @p cpu: its address. */
bool task_running_on(struct kernel *k, unsigned int cpu, uint64_t *ret);
/** All tasks. What could not be read becomes a gap; the list then has the others. */
struct ey_error *task_list_read(struct kernel *k, struct task_list *ret) EY_MUST_CHECK;
void task_list_deinit(struct task_list *list);

#endif

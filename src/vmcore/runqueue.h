/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The CPUs' run queues (struct rq, kernel/sched/sched.h), as crash's `runq` reads them. */
#ifndef EYRIE_VMCORE_RUNQUEUE_H
#define EYRIE_VMCORE_RUNQUEUE_H

#include "vmcore/kernel.h"
#include "vmcore/task.h"

struct runqueue {
	unsigned int cpu;
	/** Address of its struct rq. */
	uint64_t address;
	/** The task that ran; address 0 where it cannot be told. */
	struct task current;
	/** It was the CPU's idle task. */
	bool idle;
	/**
	 * Tasks that could run, the running one among them: all of them, and by class. -1 where the
	 * kernel does not say.
	 */
	int64_t nr_running, nr_cfs, nr_rt, nr_dl;
	/** The queue's clock, nanoseconds since boot; 0 where not known. */
	uint64_t clock;
};

/** Why a task stands on a run queue, or that it does not. */
enum runqueue_place {
	RUNQUEUE_NONE,
	RUNQUEUE_QUEUED,
	/** It sleeps already and leaves the queue later (sched_delayed, since 6.12, 152e11f6df29).
	 */
	RUNQUEUE_DELAYED,
	/** On its way to another CPU. */
	RUNQUEUE_MIGRATING,
};

/** Read a CPU's. False where it is not in the dump. */
bool runqueue_read(struct kernel *k, unsigned int cpu, struct runqueue *ret);
/** Whether the task stands on a queue, and its priority (0..99 real-time, -1 deadline). */
enum runqueue_place runqueue_place_of(struct kernel *k, uint64_t task, int64_t *prio_ret);
/**
 * Milliseconds since the task last got a CPU, as crash's `ps -m` counts them: its CPU's clock
 * less sched_info.last_arrival. -1 where the kernel does not say.
 */
int64_t runqueue_ms_since_ran(struct kernel *k, const struct task *task);

#endif

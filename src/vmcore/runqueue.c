/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/runqueue.h"

// TASK_ON_RQ_QUEUED and TASK_ON_RQ_MIGRATING (kernel/sched/sched.h).
enum { ON_RQ_QUEUED = 1, ON_RQ_MIGRATING = 2 };

// A count of tasks; what no machine can have is damage.
static int64_t read_count(struct kernel *k, uint64_t rq, enum kernel_member member)
{
	enum { MAX_COUNT = 4 << 20 };
	uint64_t count;

	return kernel_read(k, rq, member, &count) && count <= MAX_COUNT ? (int64_t)count : -1;
}

bool runqueue_read(struct kernel *k, unsigned int cpu, struct runqueue *ret)
{
	uint64_t running, idle;

	*ret = (struct runqueue){.cpu = cpu};
	if (!kernel_percpu(k, SYM_runqueues, cpu, &ret->address) ||
	    !kernel_read(k, ret->address, MEM_RQ_CURR, &running))
		return false;
	ret->nr_running = read_count(k, ret->address, MEM_RQ_NR_RUNNING);
	// h_nr_running counts through all groups; renamed in 6.14 (commit 7b8a702d9438).
	ret->nr_cfs =
		read_count(k, ret->address,
			   kernel_member(k, MEM_RQ_CFS_NR) ? MEM_RQ_CFS_NR : MEM_RQ_CFS_NR_QUEUED);
	ret->nr_rt = read_count(k, ret->address, MEM_RQ_RT_NR);
	ret->nr_dl = read_count(k, ret->address, MEM_RQ_DL_NR);
	if (!kernel_read(k, ret->address, MEM_RQ_CLOCK, &ret->clock))
		ret->clock = 0;
	if (!task_read(k, running, &ret->current))
		ret->current = (struct task){0};
	ret->idle = kernel_read(k, ret->address, MEM_RQ_IDLE, &idle) && idle == running;
	return true;
}

enum runqueue_place runqueue_place_of(struct kernel *k, uint64_t task, int64_t *prio_ret)
{
	uint64_t on_rq, delayed = 0;

	*prio_ret = 0;
	if (!kernel_read(k, task, MEM_TASK_ON_RQ, &on_rq) || !on_rq)
		return RUNQUEUE_NONE;
	kernel_read_signed(k, task, MEM_TASK_PRIO, prio_ret);
	if (on_rq == ON_RQ_MIGRATING)
		return RUNQUEUE_MIGRATING;
	if (on_rq != ON_RQ_QUEUED)
		return RUNQUEUE_NONE;
	return kernel_read(k, task, MEM_TASK_SCHED_DELAYED, &delayed) && delayed ? RUNQUEUE_DELAYED
										 : RUNQUEUE_QUEUED;
}

int64_t runqueue_ms_since_ran(struct kernel *k, const struct task *task)
{
	uint64_t rq, now, arrived;

	if (task->cpu < 0 || !kernel_percpu(k, SYM_runqueues, (unsigned int)task->cpu, &rq) ||
	    !kernel_read(k, rq, MEM_RQ_CLOCK, &now) ||
	    !kernel_read(k, task->address, MEM_TASK_LAST_ARRIVAL, &arrived) || !arrived ||
	    arrived > now)
		return -1;
	return (int64_t)((now - arrived) / 1000000);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each CPU ran, and what stood on its run queue, as crash's `runq`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/passes.h"
#include "analysis/text.h"
#include "vmcore/runqueue.h"

enum {
	// Tasks of one queue that are listed; the counts are of all.
	MAX_LISTED = 64,
};

struct queued {
	const struct task *task;
	enum runqueue_place place;
	int64_t prio;
};

struct cpus {
	struct queued *queued;
	size_t count;
};

// By CPU, then as the scheduler would take them: the smallest number first.
static int by_cpu_and_prio(const void *a, const void *b)
{
	const struct queued *x = a, *y = b;

	if (x->task->cpu != y->task->cpu)
		return x->task->cpu < y->task->cpu ? -1 : 1;
	if (x->prio != y->prio)
		return x->prio < y->prio ? -1 : 1;
	return x->task->pid < y->task->pid ? -1 : x->task->pid > y->task->pid;
}

static struct ey_error *find_queued(struct pass_run *p, struct cpus *ret)
{
	const struct task_list *list = &p->facts->tasks;
	size_t room = 0;

	for (size_t i = 0; i < list->count; i++) {
		int64_t prio;

		// The idle tasks (pid 0) are on no queue, although on_rq is set for them.
		if (!list->tasks[i].on_rq || !list->tasks[i].pid)
			continue;
		enum runqueue_place place =
			runqueue_place_of(p->kernel, list->tasks[i].address, &prio);
		if (place == RUNQUEUE_NONE)
			continue;
		if (ret->count == room) {
			room = room ? 2 * room : 64;
			struct queued *more = reallocarray(ret->queued, room, sizeof(*more));
			if (!more)
				return &ey_error_nomem;
			ret->queued = more;
		}
		ret->queued[ret->count++] = (struct queued){&list->tasks[i], place, prio};
	}
	if (ret->count)
		qsort(ret->queued, ret->count, sizeof(*ret->queued), by_cpu_and_prio);
	return NULL;
}

/** Whether the CPU stopped when the dying kernel sent it an NMI. */
enum answer { ANSWER_UNKNOWN, ANSWER_PANICKED, ANSWER_YES, ANSWER_NO };

static const char *const answer_names[] = {
	[ANSWER_UNKNOWN] = NULL,
	[ANSWER_PANICKED] = "panicked",
	[ANSWER_YES] = "answered",
	[ANSWER_NO] = "did not answer",
};

// The others are sent an NMI, whose handler counts waiting_for_crash_ipi down and never returns
// (nmi_shootdown_cpus(), arch/x86/kernel/reboot.c).
static enum answer answer_of(struct pass_run *p, unsigned int cpu)
{
	const struct facts *f = p->facts;
	uint64_t at;
	uint32_t waiting;

	if ((int)cpu == stack_panic_cpu(p->kernel))
		return ANSWER_PANICKED;
	for (size_t i = 0; i < f->stack_count; i++) {
		const struct stack *s = &f->stacks[i];

		if (s->cpu == (int)cpu && s->count &&
		    !strcmp(s->frames[0].function, "crash_nmi_callback"))
			return ANSWER_YES;
	}
	if (!f->have_panic_task || !kernel_symbol(p->kernel, SYM_waiting_for_crash_ipi, &at) ||
	    !memory_u32(&p->kernel->memory, at, &waiting))
		return ANSWER_UNKNOWN;
	return (int32_t)waiting > 0 ? ANSWER_NO : ANSWER_YES;
}

static void add_task(struct ey_buf *out, const char *before, const struct task *t)
{
	ey_buf_printf(out, "%sPID: %-6" PRId64 " TASK: %016" PRIx64 "  COMMAND: \"", before, t->pid,
		      t->address);
	text_add_plain(out, t->comm, strlen(t->comm));
	ey_buf_adds(out, "\"");
}

static void add_count(struct ey_buf *out, const char *name, int64_t count)
{
	if (count >= 0)
		ey_buf_printf(out, "  %s: %" PRId64, name, count);
	else
		ey_buf_printf(out, "  %s: ?", name);
}

static void write_text(struct pass_run *p, const struct runqueue *rq, enum answer answer,
		       const struct queued *queued, size_t count)
{
	struct ey_buf *out = p->text;
	size_t listed = 0;

	ey_buf_printf(out, "CPU %u RUNQUEUE: %016" PRIx64, rq->cpu, rq->address);
	add_count(out, "NR_RUNNING", rq->nr_running);
	add_count(out, "CFS", rq->nr_cfs);
	add_count(out, "RT", rq->nr_rt);
	add_count(out, "DL", rq->nr_dl);
	if (answer_names[answer])
		ey_buf_printf(out, "  NMI: %s", answer_names[answer]);
	ey_buf_addc(out, '\n');
	if (rq->current.address)
		add_task(out, "  CURRENT: ", &rq->current);
	else
		ey_buf_adds(out, "  CURRENT: (not in the dump)");
	ey_buf_adds(out, rq->idle ? "  (idle)\n" : "\n");
	for (size_t i = 0; i < count; i++) {
		if (queued[i].task->address == rq->current.address)
			continue;
		if (listed++ == MAX_LISTED) {
			ey_buf_printf(out, "     (and %zu more)\n", count - i);
			break;
		}
		ey_buf_printf(out, "     [%3" PRId64 "] ", queued[i].prio);
		add_task(out, "", queued[i].task);
		ey_buf_adds(out, queued[i].place == RUNQUEUE_DELAYED
					 ? "  (sleeps, leaves the queue later)\n"
				 : queued[i].place == RUNQUEUE_MIGRATING
					 ? "  (on its way to another CPU)\n"
					 : "\n");
	}
	if (!listed)
		ey_buf_adds(out, "     [no tasks queued]\n");
}

static void kv_count(struct ey_json *w, const char *key, int64_t count)
{
	ey_json_key(w, key);
	if (count < 0)
		ey_json_null(w);
	else
		ey_json_int(w, count);
}

static void write_task(struct ey_json *w, const struct task *t)
{
	ey_json_kv_int(w, "pid", t->pid);
	ey_json_kv_string(w, "comm", t->comm);
	ey_json_kv_address(w, "address", t->address);
}

static void write_record(struct ey_json *w, const struct runqueue *rq, enum answer answer,
			 const struct queued *queued, size_t count)
{
	ey_json_object_begin(w);
	ey_json_kv_uint(w, "cpu", rq->cpu);
	ey_json_kv_address(w, "runqueue", rq->address);
	ey_json_key(w, "current");
	if (rq->current.address) {
		ey_json_object_begin(w);
		write_task(w, &rq->current);
		ey_json_object_end(w);
	} else {
		ey_json_null(w);
	}
	ey_json_kv_bool(w, "idle", rq->idle);
	ey_json_kv_string(w, "nmi", answer_names[answer]);
	kv_count(w, "nr_running", rq->nr_running);
	kv_count(w, "nr_cfs", rq->nr_cfs);
	kv_count(w, "nr_rt", rq->nr_rt);
	kv_count(w, "nr_dl", rq->nr_dl);
	ey_json_key(w, "queued");
	ey_json_array_begin(w);
	for (size_t i = 0; i < count && i < MAX_LISTED; i++) {
		ey_json_object_begin(w);
		write_task(w, queued[i].task);
		ey_json_kv_int(w, "prio", queued[i].prio);
		ey_json_kv_bool(w, "delayed", queued[i].place == RUNQUEUE_DELAYED);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
	ey_json_object_end(w);
}

static struct ey_error *run(struct pass_run *p)
{
	struct kernel *k = p->kernel;
	_cleanup_free_ struct queued *queued = NULL;
	struct cpus cpus = {0};
	size_t at = 0, read = 0;

	if (!kernel_member(k, MEM_RQ_CURR))
		return ey_error_create(EY_ERR_INPUT, "no type \"struct rq\" in the dump");
	struct ey_error *err = find_queued(p, &cpus);
	queued = cpus.queued;
	if (err)
		return err;
	text_add_heading(p->text, "runq: what the CPUs ran");
	ey_json_array_begin(&p->json);
	for (unsigned int cpu = 0; cpu < k->cpu_count; cpu++) {
		struct runqueue rq;
		size_t first = at;

		while (first < cpus.count && queued[first].task->cpu < (int)cpu)
			first++;
		for (at = first; at < cpus.count && queued[at].task->cpu == (int)cpu;)
			at++;
		if (!k->cpu_online[cpu])
			continue;
		if (!runqueue_read(k, cpu, &rq)) {
			kernel_gap(k, "cpus", "the run queue of CPU %u is not in the dump", cpu);
			continue;
		}
		enum answer answer = answer_of(p, cpu);
		const struct queued *here = queued ? queued + first : NULL;
		write_text(p, &rq, answer, here, at - first);
		write_record(&p->json, &rq, answer, here, at - first);
		read++;
	}
	ey_json_array_end(&p->json);
	return read ? NULL : ey_error_create(EY_ERR_FAULT, "no run queue is in the dump");
}

const struct pass pass_cpus = {
	.name = "cpus",
	.key = "cpus",
	.help = "what each CPU ran, run queues, who answered the NMI (runq)",
	.by_default = true,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "oops/parser.h"
#include "vmcore/printk.h"

enum {
	// The stacks of more CPUs than these nobody reads; the panic task's is always there.
	MAX_STACKS = 512,
};

static void collect_log(struct facts *f)
{
	struct ey_error *err = printk_read(f->kernel, &f->log);

	if (err)
		kernel_gap_error(f->kernel, "log", err);
	else if (!f->log.len)
		kernel_gap(f->kernel, "log", "the log buffer is empty");
}

// A CPU's stack; a gap where there is none. Returns whether one was added.
static bool collect_stack(struct facts *f, unsigned int cpu)
{
	struct kernel *k = f->kernel;
	struct stack *s = &f->stacks[f->stack_count];
	char what[64];

	snprintf(what, sizeof(what), "stack of CPU %u", cpu);
	struct ey_error *err = stack_of_cpu(k, cpu, s);
	if (err) {
		stack_deinit(s);
		kernel_gap_error(k, what, err);
		return false;
	}
	if (s->broken)
		kernel_gap(k, what, "it could not be followed to its end: %s", s->broken);
	f->stack_count++;
	return true;
}

static struct ey_error *collect_stacks(struct facts *f)
{
	struct kernel *k = f->kernel;
	int panic_cpu = k->dump.live ? -1 : stack_panic_cpu(k);

	if (!k->cpu_count)
		return NULL;
	if (k->dump.live) {
		kernel_gap(k, "stacks",
			   "this is the kernel that runs: what its CPUs do changes while it is "
			   "looked at");
		return NULL;
	}
	if (panic_cpu < 0)
		kernel_gap(k, "panic_task",
			   "no CPU had panicked: the machine ran when the dump was made");
	f->stacks = calloc(EY_MIN(k->cpu_count, (unsigned int)MAX_STACKS) + 1, sizeof(*f->stacks));
	if (!f->stacks)
		return &ey_error_nomem;
	if (panic_cpu >= 0)
		f->have_panic_task = collect_stack(f, (unsigned int)panic_cpu);
	for (unsigned int cpu = 0; cpu < k->cpu_count && f->stack_count < MAX_STACKS; cpu++) {
		if (k->cpu_online[cpu] && (int)cpu != panic_cpu)
			collect_stack(f, cpu);
	}
	return NULL;
}

static struct ey_error *collect_event(struct facts *f)
{
	struct ey_error *err =
		oops_parse_text(ey_buf_str(&f->log), f->log.len, &f->events, &f->event_count);

	if (err)
		return err;
	// What a kernel that runs has reported did not end it.
	if (f->kernel->dump.live)
		return NULL;
	f->event = oops_pick_fatal(f->events, f->event_count);
	if (f->event || !f->have_panic_task)
		return NULL;
	oops_events_free(f->events, f->event_count);
	err = event_from_stack(&f->stacks[0], f->system.release, &f->events, &f->event_count);
	if (err)
		return err;
	f->event = oops_pick_fatal(f->events, f->event_count);
	if (f->event)
		kernel_gap(f->kernel, "event",
			   "the log tells of no crash: the event is taken from the panic task's "
			   "stack");
	return NULL;
}

struct ey_error *facts_collect(struct facts *f, struct kernel *k, const char *dump_name,
			       uint64_t dump_bytes)
{
	*f = (struct facts){.kernel = k, .dump_name = dump_name, .dump_bytes = dump_bytes};
	collect_log(f);
	system_read(k, &f->system);
	if (k->dump.live) {
		// No crash, so no time of one; and the file is as large as the address space.
		f->system.crash_time = -1;
		f->dump_bytes = 0;
	}
	struct ey_error *err = collect_stacks(f);
	if (!err)
		err = collect_event(f);
	if (err)
		return err;
	err = task_list_read(k, &f->tasks);
	if (err && err->code == EY_ERR_NOMEM)
		return err;
	if (err)
		kernel_gap_error(k, "tasks", err);
	if (!k->dump.pages_found && !f->system.release[0])
		return ey_error_create(
			EY_ERR_INPUT,
			"not one page of the kernel's memory could be read: the dump is "
			"damaged or cut off");
	// What the header and VMCOREINFO say is worth a record: which host, which kernel, when.
	if (!k->dump.pages_found)
		kernel_gap(k, "memory",
			   "not one page of the kernel's memory could be read: the dump is "
			   "damaged or cut off");
	return ey_buf_error(&f->log);
}

struct ey_error *facts_add_stack(struct facts *f, struct stack *stack)
{
	struct facts_stack *more =
		reallocarray(f->more_stacks, f->more_count + 1, sizeof(*f->more_stacks));

	if (!more) {
		stack_deinit(stack);
		return &ey_error_nomem;
	}
	f->more_stacks = more;
	more[f->more_count++] = (struct facts_stack){.stack = *stack};
	return NULL;
}

const struct task *facts_find_task(const struct facts *f, uint64_t address)
{
	for (size_t i = 0; i < f->tasks.count; i++) {
		if (f->tasks.tasks[i].address == address)
			return &f->tasks.tasks[i];
	}
	return NULL;
}

void facts_deinit(struct facts *f)
{
	for (size_t i = 0; i < f->more_count; i++) {
		stack_deinit(&f->more_stacks[i].stack);
		free(f->more_stacks[i].same);
	}
	free(f->more_stacks);
	for (size_t i = 0; i < f->part_count; i++)
		ey_buf_deinit(&f->parts[i].json);
	ey_buf_deinit(&f->pass_text);
	for (size_t i = 0; i < f->stack_count; i++)
		stack_deinit(&f->stacks[i]);
	free(f->stacks);
	oops_events_free(f->events, f->event_count);
	task_list_deinit(&f->tasks);
	ey_buf_deinit(&f->log);
	*f = (struct facts){0};
}

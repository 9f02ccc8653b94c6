/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks of tasks: of one that is named (bt), of all in uninterruptible sleep (un). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/passes.h"
#include "analysis/text.h"

enum {
	// Tasks of one name, e.g. the threads of a process, whose stacks are shown.
	MAX_NAMED = 64,
	// What is unwound of all tasks, and how many different stacks are kept.
	MAX_UNWOUND = 16384,
	MAX_DIFFERENT = 256,
};

static const struct stack *stack_of_running(const struct facts *f, const struct task *task)
{
	for (size_t i = 0; i < f->stack_count; i++) {
		if (f->stacks[i].task.address == task->address)
			return &f->stacks[i];
	}
	return NULL;
}

static struct ey_error *show_task(struct pass_run *p, const struct task *task)
{
	const struct stack *running = stack_of_running(p->facts, task);
	struct stack s;

	// Its stack is in the record already.
	if (running) {
		text_add_stack(p->text, running);
		return NULL;
	}
	struct ey_error *err = task->running && task->cpu >= 0
				       ? stack_of_cpu(p->kernel, (unsigned int)task->cpu, &s)
				       : stack_of_task(p->kernel, task, &s);
	if (err) {
		stack_deinit(&s);
		return ey_error_prefix(err, "PID %" PRId64, task->pid);
	}
	text_add_stack(p->text, &s);
	return facts_add_stack(p->facts, &s);
}

/** What "bt:" names: a pid, the address of a task_struct, or a command. */
struct named {
	bool is_number;
	uint64_t number;
	bool is_address;
	uint64_t address;
	const char *comm;
};

static bool is_named(const struct named *n, const struct task *t)
{
	return (n->is_number && t->pid == (int64_t)n->number) ||
	       (n->is_address && t->address == n->address) || !strcmp(t->comm, n->comm);
}

static bool parse_number(const char *text, int base, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, base);
	return text[0] != '-' && end != text && !*end && !errno;
}

static struct ey_error *run_bt(struct pass_run *p)
{
	const struct task_list *list = &p->facts->tasks;
	struct named n = {.comm = p->argument};
	size_t shown = 0, more = 0;
	char heading[128];

	n.is_number = parse_number(p->argument, 10, &n.number);
	n.is_address = parse_number(p->argument, 16, &n.address);
	snprintf(heading, sizeof(heading), "bt %s", p->argument);
	text_add_heading(p->text, heading);
	for (size_t i = 0; i < list->count; i++) {
		if (!is_named(&n, &list->tasks[i]))
			continue;
		if (shown == MAX_NAMED) {
			more++;
			continue;
		}
		if (shown++)
			ey_buf_addc(p->text, '\n');
		struct ey_error *err = show_task(p, &list->tasks[i]);
		if (err && err->code == EY_ERR_NOMEM)
			return err;
		if (err)
			kernel_gap_error(p->kernel, "bt", err);
	}
	if (more)
		ey_buf_printf(p->text, "\n(%zu more tasks of that name are not shown)\n", more);
	return shown ? NULL : ey_error_create(EY_ERR_INPUT, "there is no task \"%s\"", p->argument);
}

const struct pass pass_bt = {
	.name = "bt",
	.argument = ":TASK",
	.help = "the stack of a task: its pid, address or command",
	.run = run_bt,
};

static bool same_frames(const struct stack *a, const struct stack *b)
{
	if (a->count != b->count || !a->broken != !b->broken)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->frames[i].address != b->frames[i].address)
			return false;
	}
	return true;
}

static struct ey_error *add_same(struct facts_stack *to, const struct task *task)
{
	// Room is doubled whenever the count is a power of two.
	if (!(to->same_count & (to->same_count - 1))) {
		size_t room = to->same_count ? 2 * to->same_count : 1;
		struct task *same = reallocarray(to->same, room, sizeof(*same));

		if (!same)
			return &ey_error_nomem;
		to->same = same;
	}
	to->same[to->same_count++] = *task;
	return NULL;
}

// To those from first on with the same frames, else as a new one.
static struct ey_error *sort_in(struct pass_run *p, size_t first, struct stack *s, bool *full)
{
	struct facts *f = p->facts;

	for (size_t i = first; i < f->more_count; i++) {
		if (same_frames(&f->more_stacks[i].stack, s)) {
			struct ey_error *err = add_same(&f->more_stacks[i], &s->task);

			stack_deinit(s);
			return err;
		}
	}
	if (f->more_count - first == MAX_DIFFERENT) {
		*full = true;
		stack_deinit(s);
		return NULL;
	}
	return facts_add_stack(f, s);
}

static void show_groups(struct pass_run *p, size_t first)
{
	const struct facts *f = p->facts;

	text_add_heading(p->text, "foreach UN bt");
	for (size_t i = first; i < f->more_count; i++) {
		const struct facts_stack *more = &f->more_stacks[i];

		if (i > first)
			ey_buf_addc(p->text, '\n');
		text_add_stack(p->text, &more->stack);
		if (!more->same_count)
			continue;
		ey_buf_printf(p->text, "    (the same stack: %zu more, PID", more->same_count);
		for (size_t j = 0; j < more->same_count; j++)
			ey_buf_printf(p->text, " %" PRId64, more->same[j].pid);
		ey_buf_adds(p->text, ")\n");
	}
	if (f->more_count == first)
		ey_buf_adds(p->text, "(no task is in uninterruptible sleep)\n");
}

static struct ey_error *run_un(struct pass_run *p)
{
	const struct task_list *list = &p->facts->tasks;
	size_t first = p->facts->more_count, unwound = 0, failed = 0, left = 0;
	struct ey_error *err = NULL;
	bool full = false;

	for (size_t i = 0; i < list->count && !err; i++) {
		struct stack s;

		if (list->tasks[i].running || strcmp(list->tasks[i].state, "UN") != 0)
			continue;
		if (unwound++ >= MAX_UNWOUND || full) {
			left++;
			continue;
		}
		err = stack_of_task(p->kernel, &list->tasks[i], &s);
		if (!err) {
			err = sort_in(p, first, &s, &full);
			continue;
		}
		stack_deinit(&s);
		if (err->code != EY_ERR_NOMEM) {
			failed++;
			err = ey_error_prefix(err, "PID %" PRId64, list->tasks[i].pid);
			kernel_gap_error(p->kernel, "un", err);
			err = NULL;
		}
	}
	if (err)
		return err;
	if (p->facts->more_count > first || !p->by_default)
		show_groups(p, first);
	if (left)
		kernel_gap(p->kernel, "un",
			   "the stacks of %zu more tasks in uninterruptible sleep are not shown",
			   left);
	return NULL;
}

const struct pass pass_un = {
	.name = "un",
	.help = "the stacks of all tasks in uninterruptible sleep",
	.by_default = true,
	.run = run_un,
};

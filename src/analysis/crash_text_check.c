/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When all of crash's text is read: which task panicked, and what is not credible. */
#include <inttypes.h>
#include <stdlib.h>

#include "analysis/crash_text_internal.h"
#include "base/cleanup.h"

// Frames of the way down into the crash kernel. Other CPUs are stopped by an NMI and never come
// here; a task that was shown asleep has none of them.
static bool shows_panic(const struct crash_stack *s)
{
	static const char *const names[] = {"__crash_kexec", "crash_kexec", "panic", "vpanic",
					    "machine_kexec"};

	for (size_t i = 0; i < s->count && i < 8; i++) {
		for (size_t j = 0; s->frames[i].function && j < EY_ARRAY_SIZE(names); j++) {
			if (!strcmp(s->frames[i].function, names[j]))
				return true;
		}
	}
	return false;
}

// The panic task's stack to the front of the list.
static void find_panic_task(struct crash_text *t)
{
	size_t at = t->stack_count;

	for (size_t i = 0; i < t->stack_count && at == t->stack_count; i++) {
		const struct crash_stack *s = &t->stacks[i];

		if (t->have_panic_task ? s->pid == t->panic_pid &&
						 (!t->panic_address || s->task == t->panic_address)
				       : shows_panic(s))
			at = i;
	}
	if (at == t->stack_count)
		return;
	struct crash_stack s = t->stacks[at];
	memmove(t->stacks + 1, t->stacks, at * sizeof(*t->stacks));
	t->stacks[0] = s;
	if (!t->have_panic_task) {
		t->have_panic_task = true;
		t->panic_pid = s.pid;
		t->panic_address = s.task;
		t->panic_cpu = s.cpu;
		memcpy(t->panic_comm, s.comm, sizeof(t->panic_comm));
	}
}

// files, task, vm and others print the header of a stack and no frame.
static void drop_empty_stacks(struct crash_text *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->stack_count; i++) {
		if (t->stacks[i].count)
			t->stacks[kept++] = t->stacks[i];
		else
			free(t->stacks[i].frames);
	}
	t->stack_count = kept;
}

static int compare_tasks(const void *a, const void *b)
{
	const struct crash_task *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (!x->pid && x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

// By pid, each once: ps may have been asked several times.
static void sort_tasks(struct crash_text *t)
{
	size_t kept = 0;

	if (t->task_count)
		qsort(t->tasks, t->task_count, sizeof(*t->tasks), compare_tasks);
	for (size_t i = 0; i < t->task_count; i++) {
		if (!kept || compare_tasks(&t->tasks[kept - 1], &t->tasks[i]) != 0)
			t->tasks[kept++] = t->tasks[i];
	}
	t->task_count = kept;
}

// A module's function stands in its frames with the module's name, in an exception without.
static struct ey_error *name_module(const struct crash_text *t, struct crash_frame *f)
{
	for (size_t i = 0; i < t->module_count && f->interrupted && !f->module; i++) {
		const struct crash_module *m = &t->modules[i];

		if (m->base && f->address >= m->base && f->address - m->base < m->size &&
		    !(f->module = strdup(m->name)))
			return &ey_error_nomem;
	}
	return NULL;
}

static int compare_named(const void *a, const void *b)
{
	return strcmp((*(struct crash_frame *const *)a)->function,
		      (*(struct crash_frame *const *)b)->function);
}

/**
 * Offsets that crash did not print follow where the text holds the same function once with its
 * offset: then its beginning is known. Two functions of one name are told apart by distance.
 */
static struct ey_error *derive_offsets(struct crash_text *t)
{
	enum { FUNCTION_MAX = 1 << 20 };
	_cleanup_free_ struct crash_frame **known = NULL;
	size_t count = 0, all = 0;

	for (size_t i = 0; i < t->stack_count; i++)
		all += t->stacks[i].count;
	if (!all)
		return NULL;
	known = calloc(all, sizeof(struct crash_frame *));
	if (!known)
		return &ey_error_nomem;
	for (size_t i = 0; i < t->stack_count; i++) {
		for (size_t j = 0; j < t->stacks[i].count; j++) {
			struct crash_frame *f = &t->stacks[i].frames[j];
			struct ey_error *err = name_module(t, f);

			if (err)
				return err;
			if (f->function && f->have_offset && f->address >= f->offset)
				known[count++] = f;
		}
	}
	if (!count)
		return NULL;
	qsort(known, count, sizeof(struct crash_frame *), compare_named);
	for (size_t i = 0; i < t->stack_count; i++) {
		for (size_t j = 0; j < t->stacks[i].count; j++) {
			struct crash_frame *f = &t->stacks[i].frames[j];

			if (!f->function || f->have_offset)
				continue;
			struct crash_frame **hit = bsearch(
				&f, known, count, sizeof(struct crash_frame *), compare_named);
			if (!hit)
				continue;
			uint64_t base = (*hit)->address - (*hit)->offset;
			if (f->address < base || f->address - base > FUNCTION_MAX)
				continue;
			f->offset = f->address - base;
			f->have_offset = true;
		}
	}
	return NULL;
}

static bool has_task(const struct crash_text *t, int64_t pid)
{
	for (size_t i = 0; i < t->task_count; i++) {
		if (t->tasks[i].pid == pid)
			return true;
	}
	return false;
}

// A list of tasks that leaves tasks out looks like any other; but it then lacks init, or parents.
static struct ey_error *check_tasks(struct crash_parser *p)
{
	struct crash_text *t = p->text;
	const char *version = t->version[0] ? t->version : "(of a version that is not said)";
	size_t orphans = 0;

	if (!t->task_count || p->ps_partial)
		return NULL;
	for (size_t i = 0; i < t->task_count; i++)
		orphans += t->tasks[i].ppid < 0;
	if (!has_task(t, 1) || orphans)
		return crash_text_gap(
			t, "tasks",
			"the list is not credible: it has %zu tasks, %s init (pid 1), and of %zu "
			"crash did not find the parent; crash %s cannot read this kernel's tasks, "
			"a newer crash may",
			t->task_count, has_task(t, 1) ? "with" : "without", orphans, version);
	if (t->sys.tasks >= 0 && (uint64_t)t->sys.tasks != t->task_count)
		return crash_text_gap(t, "tasks",
				      "ps lists %zu tasks, and sys says TASKS: %" PRId64,
				      t->task_count, t->sys.tasks);
	return NULL;
}

static struct ey_error *check_parts(struct crash_parser *p)
{
	struct crash_text *t = p->text;
	struct ey_error *err = NULL;

	if (!t->log.len)
		err = crash_text_gap(t, "log", "the text holds no output of log");
	if (!err && !t->have_panic_task)
		err = crash_text_gap(t, "panic task",
				     "neither does crash name it nor does a stack show it");
	else if (!err && !(t->stack_count && t->stacks[0].pid == t->panic_pid))
		err = crash_text_gap(t, "stack of the panic task", "the text holds no bt of it");
	if (!err && t->sys.crash_time < 0 && p->have_date)
		err = crash_text_gap(
			t, "crash time",
			"crash printed it in the time zone \"%s\" of the machine that it ran on, "
			"which is not certain; run it with TZ=UTC",
			p->zone);
	if (!err && !t->sys.release[0])
		err = crash_text_gap(t, "system", "the text holds no output of sys");
	return err ? err : check_tasks(p);
}

struct ey_error *crash_text_conclude(struct crash_parser *p)
{
	struct crash_text *t = p->text;
	struct ey_error *err;

	drop_empty_stacks(t);
	find_panic_task(t);
	sort_tasks(t);
	if ((err = derive_offsets(t)) || (err = check_parts(p)))
		return err;
	return crash_text_event(t);
}

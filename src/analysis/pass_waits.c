/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for whom: what each blocked task waits for, who has it, and where that goes in a
 * circle. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/passes.h"
#include "analysis/text.h"
#include "vmcore/address.h"
#include "vmcore/runqueue.h"
#include "vmcore/wait.h"

enum {
	// Blocked tasks that are looked at, and written.
	MAX_BLOCKED = 4096,
	// Tasks in interruptible sleep that are searched for a waiter.
	MAX_SUSPECTS = 65536,
	MAX_DEADLOCKS = 64,
	// Waiters of one lock that the text names.
	MAX_NAMED = 16,
};

struct blocked {
	struct wait wait;
	/** Milliseconds since it last ran, -1 not known. */
	int64_t ms;
	/** What the lock is called, "" not known. */
	char *name;
	/** Index of the owner's own entry, -1 none. */
	ssize_t next;
	/** While looking for circles: 0 not seen, else the number of the walk that came by. */
	size_t walk;
	/** The first of a circle. */
	bool deadlock;
	/** Told in the text. */
	bool told;
};

struct waits {
	struct wait_search search;
	struct slab_list slabs;
	struct blocked *blocked;
	size_t count, left;
	size_t deadlocks;
};

static bool is_blocked(const struct task *t)
{
	return !t->running && !strcmp(t->state, "UN");
}

// A task may also wait for a lock in interruptible sleep, or in a state of PREEMPT_RT that has no
// letters.
static bool may_be_blocked(const struct task *t)
{
	return !t->running && (!strcmp(t->state, "IN") || !strcmp(t->state, "??"));
}

static struct ey_error *add_blocked(struct pass_run *p, struct waits *w, const struct task *task)
{
	struct kernel *k = p->kernel;
	struct stack stack;

	if (w->count == MAX_BLOCKED) {
		w->left++;
		return NULL;
	}
	struct blocked *b = &w->blocked[w->count];
	struct ey_error *err = stack_of_task(k, task, &stack);
	if (err && err->code == EY_ERR_NOMEM)
		return err;
	if (err) {
		err = ey_error_prefix(err, "PID %" PRId64, task->pid);
		kernel_gap_error(k, "waits", err);
	}
	*b = (struct blocked){.ms = runqueue_ms_since_ran(k, task), .next = -1};
	wait_find(&w->search, task, &stack, &b->wait);
	stack_deinit(&stack);
	w->count++;
	return NULL;
}

static bool is_lock(const struct wait *wait)
{
	return wait->kind != WAIT_OTHER && wait->kind != WAIT_BIT && wait->kind != WAIT_COMPLETION;
}

static struct ey_error *find_blocked(struct pass_run *p, struct waits *w)
{
	const struct task_list *list = &p->facts->tasks;
	struct ey_error *err = NULL;
	bool locks = !p->by_default;
	size_t suspects = 0;

	w->blocked = calloc(MAX_BLOCKED, sizeof(*w->blocked));
	if (!w->blocked)
		return &ey_error_nomem;
	for (size_t i = 0; i < list->count && !err; i++) {
		if (is_blocked(&list->tasks[i]))
			err = add_blocked(p, w, &list->tasks[i]);
	}
	for (size_t i = 0; i < w->count; i++)
		locks |= is_lock(&w->blocked[i].wait);
	// Where nobody waits for a lock the search of all stacks is only done if asked for.
	for (size_t i = 0; i < list->count && !err; i++) {
		const struct task *t = &list->tasks[i];

		if (!may_be_blocked(t))
			continue;
		if (t->pi_blocked_on ||
		    (locks && suspects++ < MAX_SUSPECTS && wait_is_suspect(&w->search, t)))
			err = add_blocked(p, w, t);
		// What looked like one need not be.
		if (!err && w->count && w->blocked[w->count - 1].wait.task == t &&
		    !w->blocked[w->count - 1].wait.lock)
			w->count--;
	}
	return err;
}

static struct ey_error *name_locks(struct pass_run *p, struct waits *w)
{
	char name[ADDRESS_TEXT_SIZE];
	bool slabs_read = false;

	for (size_t i = 0; i < w->count; i++) {
		struct blocked *b = &w->blocked[i];
		uint64_t lock = b->wait.lock;

		for (size_t j = 0; lock && !b->name && j < i; j++) {
			if (w->blocked[j].wait.lock == lock && w->blocked[j].name)
				b->name = strdup(w->blocked[j].name);
		}
		if (lock && !b->name && !address_describe(p->kernel, NULL, lock, name)) {
			if (!slabs_read) {
				_cleanup_error_ struct ey_error *err =
					slab_list_read(p->kernel, "waits", &w->slabs);

				slabs_read = true;
			}
			address_describe(p->kernel, &w->slabs, lock, name);
		} else if (!lock || b->name) {
			continue;
		}
		b->name = strdup(name);
		if (!b->name)
			return &ey_error_nomem;
	}
	return NULL;
}

static ssize_t index_of(const struct waits *w, const struct task *task)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->blocked[i].wait.task == task)
			return (ssize_t)i;
	}
	return -1;
}

// Each task waits for one other at most: walk on from each until there is none, or one that has
// been seen. Seen by this walk: a circle.
static void find_circles(struct waits *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->blocked[i].wait.owner_kind == OWNER_TASK)
			w->blocked[i].next = index_of(w, w->blocked[i].wait.owner);
	}
	for (size_t i = 0; i < w->count; i++) {
		ssize_t at = (ssize_t)i;

		while (at >= 0 && !w->blocked[at].walk) {
			w->blocked[at].walk = i + 1;
			at = w->blocked[at].next;
		}
		if (at >= 0 && w->blocked[at].walk == i + 1 && w->deadlocks < MAX_DEADLOCKS) {
			w->blocked[at].deadlock = true;
			w->deadlocks++;
		}
	}
}

static void add_task(struct ey_buf *out, const struct task *t)
{
	ey_buf_printf(out, "PID: %" PRId64 " \"", t->pid);
	text_add_plain(out, t->comm, strlen(t->comm));
	ey_buf_addc(out, '"');
}

static void add_lock(struct ey_buf *out, const struct blocked *b)
{
	ey_buf_printf(out, "%s %016" PRIx64, wait_kind_name(b->wait.kind), b->wait.lock);
	if (b->name && b->name[0]) {
		ey_buf_adds(out, " (");
		text_add_plain(out, b->name, strlen(b->name));
		ey_buf_addc(out, ')');
	}
}

static void tell_deadlock(struct ey_buf *out, const struct waits *w, size_t first)
{
	size_t at = first;

	ey_buf_adds(out, "DEADLOCK: ");
	do {
		const struct blocked *b = &w->blocked[at];

		add_task(out, b->wait.task);
		ey_buf_adds(out, "\n     waits for ");
		add_lock(out, b);
		ey_buf_adds(out, "\n     held by   ");
		at = (size_t)b->next;
	} while (at != first);
	add_task(out, w->blocked[first].wait.task);
	// Where the memory of a task that ended has become another's, that looks the same.
	ey_buf_adds(out, (size_t)w->blocked[first].next == first
				 ? ": itself, or a task that ended with it held and had the same "
				   "address\n\n"
				 : ": the circle is closed\n\n");
}

static void add_since(struct ey_buf *out, int64_t ms)
{
	if (ms >= 0)
		ey_buf_printf(out,
			      "[%" PRId64 " %02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64
			      "] ",
			      ms / 86400000, ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60,
			      ms % 1000);
}

static const char *mode_of(const struct wait *w)
{
	return w->kind == WAIT_RWSEM_READ ? "read" : w->kind == WAIT_RWSEM_WRITE ? "write" : NULL;
}

static void add_where(struct ey_buf *out, const struct wait *w)
{
	if (mode_of(w))
		ey_buf_printf(out, "  to %s", mode_of(w));
	if (w->function[0]) {
		ey_buf_adds(out, "  in ");
		text_add_plain(out, w->function, strlen(w->function));
	}
	if (w->caller[0]) {
		ey_buf_adds(out, w->function[0] ? ", called by " : "  in ");
		text_add_plain(out, w->caller, strlen(w->caller));
		if (w->caller_module[0]) {
			ey_buf_adds(out, " [");
			text_add_plain(out, w->caller_module, strlen(w->caller_module));
			ey_buf_addc(out, ']');
		}
	}
	ey_buf_addc(out, '\n');
}

static void add_blocked_line(struct ey_buf *out, const struct blocked *b)
{
	const struct task *t = b->wait.task;

	ey_buf_adds(out, "    ");
	add_since(out, b->ms);
	ey_buf_printf(out, "[%s]  PID: %-6" PRId64 " TASK: %016" PRIx64 "  COMMAND: \"", t->state,
		      t->pid, t->address);
	text_add_plain(out, t->comm, strlen(t->comm));
	ey_buf_addc(out, '"');
	add_where(out, &b->wait);
}

static const char not_recorded[] = "the kernel does not record who has it";

static void add_owner(struct ey_buf *out, const struct waits *w, const struct blocked *b)
{
	const struct wait *wait = &b->wait;

	switch (wait->owner_kind) {
	case OWNER_NOT_RECORDED:
		ey_buf_printf(out, "  held by: %s",
			      wait->lock ? not_recorded : "not known: the lock was not found");
		break;
	case OWNER_NONE:
		ey_buf_adds(out, "  held by: nobody, it is being handed over");
		break;
	case OWNER_GONE:
		ey_buf_printf(out,
			      "  held by: %016" PRIx64
			      ", which is no task that lives: it ended with the lock held, or the "
			      "lock is damaged",
			      wait->owner_address);
		break;
	case OWNER_READERS:
		ey_buf_printf(out, "  held by: %" PRId64 " %s not recorded", wait->readers,
			      wait->readers == 1 ? "reader, who is" : "readers, who are");
		if (wait->owner) {
			ey_buf_adds(out, "; the last that came was ");
			add_task(out, wait->owner);
		}
		break;
	case OWNER_TASK:
		ey_buf_adds(out, "  held by: ");
		add_task(out, wait->owner);
		ey_buf_printf(out, " [%s]", wait->owner->state);
		if (wait->owner->running)
			ey_buf_printf(out, ", which ran on CPU %d", wait->owner->cpu);
		else if (b->next >= 0 && w->blocked[b->next].wait.lock)
			ey_buf_printf(out, ", which waits for %s %016" PRIx64,
				      wait_kind_name(w->blocked[b->next].wait.kind),
				      w->blocked[b->next].wait.lock);
		else if (b->next >= 0 && w->blocked[b->next].wait.caller[0])
			ey_buf_printf(out, ", which sleeps in %s", w->blocked[b->next].wait.caller);
		break;
	}
	ey_buf_addc(out, '\n');
}

// A lock once, with all that wait for it.
static void tell_lock(struct ey_buf *out, struct waits *w, size_t first)
{
	size_t named = 0, more = 0;

	add_lock(out, &w->blocked[first]);
	ey_buf_addc(out, '\n');
	add_owner(out, w, &w->blocked[first]);
	for (size_t i = first; i < w->count; i++) {
		struct blocked *b = &w->blocked[i];

		if (b->wait.lock != w->blocked[first].wait.lock)
			continue;
		b->told = true;
		if (named++ < MAX_NAMED)
			add_blocked_line(out, b);
		else
			more++;
	}
	if (more)
		ey_buf_printf(out, "    and %zu more\n", more);
	ey_buf_addc(out, '\n');
}

static void write_text(struct ey_buf *out, struct waits *w)
{
	size_t others = 0;

	text_add_heading(out, "waits: who waits for whom");
	for (size_t i = 0; i < w->count; i++) {
		if (w->blocked[i].deadlock)
			tell_deadlock(out, w, i);
	}
	for (size_t i = 0; i < w->count; i++) {
		if (!w->blocked[i].told && w->blocked[i].wait.lock)
			tell_lock(out, w, i);
	}
	for (size_t i = 0; i < w->count; i++) {
		if (w->blocked[i].told)
			continue;
		if (!others++)
			ey_buf_adds(out, "in uninterruptible sleep, not seen to wait for a lock\n");
		add_blocked_line(out, &w->blocked[i]);
	}
	if (!w->count)
		ey_buf_adds(out, "(no task waits for a lock or is in uninterruptible sleep)\n");
	if (w->left)
		ey_buf_printf(out, "and %zu more blocked tasks\n", w->left);
}

static void write_task(struct ey_json *w, const struct task *t)
{
	ey_json_kv_int(w, "pid", t->pid);
	ey_json_kv_string(w, "comm", t->comm);
	ey_json_kv_address(w, "address", t->address);
}

static void kv_text(struct ey_json *w, const char *key, const char *text)
{
	ey_json_kv_string(w, key, text && text[0] ? text : NULL);
}

static const char *const owner_names[] = {
	[OWNER_NOT_RECORDED] = "not recorded", [OWNER_NONE] = "nobody", [OWNER_TASK] = "task",
	[OWNER_READERS] = "readers",	       [OWNER_GONE] = "gone",
};

static void write_blocked(struct ey_json *w, const struct blocked *b)
{
	const struct wait *wait = &b->wait;

	ey_json_object_begin(w);
	write_task(w, wait->task);
	ey_json_kv_string(w, "state", wait->task->state);
	ey_json_key(w, "blocked_ms");
	if (b->ms >= 0)
		ey_json_int(w, b->ms);
	else
		ey_json_null(w);
	ey_json_kv_string(w, "kind", wait_kind_name(wait->kind));
	ey_json_kv_string(w, "mode", mode_of(wait));
	ey_json_key(w, "lock");
	if (wait->lock)
		ey_json_address(w, wait->lock);
	else
		ey_json_null(w);
	kv_text(w, "lock_name", b->name);
	kv_text(w, "function", wait->function);
	kv_text(w, "caller", wait->caller);
	kv_text(w, "caller_module", wait->caller_module);
	ey_json_kv_string(w, "held_by", owner_names[wait->owner_kind]);
	ey_json_key(w, "owner");
	if (wait->owner_kind == OWNER_TASK) {
		ey_json_object_begin(w);
		write_task(w, wait->owner);
		ey_json_object_end(w);
	} else {
		ey_json_null(w);
	}
	if (wait->owner_kind == OWNER_READERS) {
		ey_json_kv_int(w, "readers", wait->readers);
		ey_json_key(w, "last_reader");
		if (wait->owner) {
			ey_json_object_begin(w);
			write_task(w, wait->owner);
			ey_json_object_end(w);
		} else {
			ey_json_null(w);
		}
	}
	ey_json_object_end(w);
}

static void write_record(struct ey_json *json, const struct waits *w)
{
	ey_json_object_begin(json);
	ey_json_key(json, "deadlocks");
	ey_json_array_begin(json);
	for (size_t i = 0; i < w->count; i++) {
		size_t at = i;

		if (!w->blocked[i].deadlock)
			continue;
		ey_json_array_begin(json);
		do {
			ey_json_int(json, w->blocked[at].wait.task->pid);
			at = (size_t)w->blocked[at].next;
		} while (at != i);
		ey_json_array_end(json);
	}
	ey_json_array_end(json);
	ey_json_key(json, "blocked");
	ey_json_array_begin(json);
	for (size_t i = 0; i < w->count; i++)
		write_blocked(json, &w->blocked[i]);
	ey_json_array_end(json);
	ey_json_object_end(json);
}

static void waits_deinit(struct waits *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->blocked[i].name);
	free(w->blocked);
	slab_list_deinit(&w->slabs);
	wait_search_deinit(&w->search);
}

static bool any_blocked(struct pass_run *p)
{
	const struct task_list *list = &p->facts->tasks;

	for (size_t i = 0; i < list->count; i++) {
		const struct task *t = &list->tasks[i];
		uint64_t waiter;

		if (is_blocked(t) ||
		    (may_be_blocked(t) &&
		     kernel_read(p->kernel, t->address, MEM_TASK_PI_BLOCKED_ON, &waiter) && waiter))
			return true;
	}
	return false;
}

static struct ey_error *run(struct pass_run *p)
{
	_cleanup_(waits_deinit) struct waits w = {0};

	if (!p->facts->tasks.count || !p->kernel->have_btf)
		return ey_error_create(EY_ERR_INPUT, "without the tasks nothing can be told");
	if (p->by_default && !any_blocked(p))
		return NULL;
	struct ey_error *err = wait_search_init(&w.search, p->kernel, &p->facts->tasks);
	if (!err)
		err = find_blocked(p, &w);
	if (!err)
		err = name_locks(p, &w);
	if (err)
		return err;
	if (!w.count && p->by_default)
		return NULL;
	find_circles(&w);
	write_text(p->text, &w);
	write_record(&p->json, &w);
	return NULL;
}

const struct pass pass_waits = {
	.name = "waits",
	.key = "waits",
	.help = "who waits for whom: locks, their owners, deadlocks",
	.by_default = true,
	.run = run,
};

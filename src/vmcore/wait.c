/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	// What of a stack may be searched; beyond its end nothing is mapped.
	MAX_STACK_BYTES = 1 << 15,
	// Waiters of one lock.
	MAX_WAITERS = 1 << 16,
	STACK_CHUNK = 512,
};

static const char *const kind_names[WAIT_KINDS] = {
	[WAIT_OTHER] = "other",
	[WAIT_MUTEX] = "mutex",
	[WAIT_RWSEM_READ] = "rwsem",
	[WAIT_RWSEM_WRITE] = "rwsem",
	[WAIT_PERCPU_RWSEM] = "percpu rwsem",
	[WAIT_SEMAPHORE] = "semaphore",
	[WAIT_RT_MUTEX] = "rt_mutex",
	[WAIT_RT_LOCK] = "spinlock",
	[WAIT_COMPLETION] = "completion",
	[WAIT_BIT] = "bit",
};

const char *wait_kind_name(enum wait_kind kind)
{
	return kind_names[kind];
}

// Functions that sleep for something, by how their names begin: the compiler adds ".constprop.0"
// and the like. The first that fits tells.
static const struct {
	const char *prefix;
	enum wait_kind kind;
} sleepers[] = {
	{"mutex_lock", WAIT_MUTEX},
	{"__mutex_lock", WAIT_MUTEX},
	{"ww_mutex_lock", WAIT_MUTEX},
	{"__ww_mutex_lock", WAIT_MUTEX},
	{"down_read", WAIT_RWSEM_READ},
	{"__down_read", WAIT_RWSEM_READ},
	{"rwsem_down_read", WAIT_RWSEM_READ},
	{"down_write", WAIT_RWSEM_WRITE},
	{"__down_write", WAIT_RWSEM_WRITE},
	{"rwsem_down_write", WAIT_RWSEM_WRITE},
	{"rwbase_write_lock", WAIT_RWSEM_WRITE},
	{"rwbase_read_lock", WAIT_RWSEM_READ},
	{"__rwbase_read_lock", WAIT_RWSEM_READ},
	{"percpu_down_write", WAIT_PERCPU_RWSEM},
	{"percpu_rwsem_wait", WAIT_PERCPU_RWSEM},
	{"__percpu_down_read", WAIT_PERCPU_RWSEM},
	{"down", WAIT_SEMAPHORE},
	{"__down", WAIT_SEMAPHORE},
	{"___down", WAIT_SEMAPHORE},
	{"rt_mutex_", WAIT_RT_MUTEX},
	{"__rt_mutex_", WAIT_RT_MUTEX},
	{"rt_spin_lock", WAIT_RT_LOCK},
	{"rt_read_lock", WAIT_RT_LOCK},
	{"rt_write_lock", WAIT_RT_LOCK},
	{"rtlock_slowlock", WAIT_RT_LOCK},
	{"wait_for_completion", WAIT_COMPLETION},
	{"wait_for_common", WAIT_COMPLETION},
	{"__wait_for_common", WAIT_COMPLETION},
	{"__wait_on_bit", WAIT_BIT},
	{"out_of_line_wait_on_bit", WAIT_BIT},
	{"folio_wait_bit", WAIT_BIT},
	{"__folio_lock", WAIT_BIT},
};

static int by_address(const void *a, const void *b)
{
	const struct task *x = *(const struct task *const *)a, *y = *(const struct task *const *)b;

	return x->address < y->address ? -1 : x->address > y->address;
}

struct ey_error *wait_search_init(struct wait_search *s, struct kernel *k,
				  const struct task_list *tasks)
{
	*s = (struct wait_search){.k = k};
	s->by_address = calloc(tasks->count + 1, sizeof(struct task *));
	if (!s->by_address)
		return &ey_error_nomem;
	for (size_t i = 0; i < tasks->count; i++)
		s->by_address[s->count++] = &tasks->tasks[i];
	qsort(s->by_address, s->count, sizeof(struct task *), by_address);
	return NULL;
}

void wait_search_deinit(struct wait_search *s)
{
	free(s->by_address);
	*s = (struct wait_search){0};
}

const struct task *wait_search_task(const struct wait_search *s, uint64_t address)
{
	const struct task key = {.address = address}, *p = &key;
	const struct task **found =
		bsearch(&p, s->by_address, s->count, sizeof(struct task *), by_address);

	return found ? *found : NULL;
}

static bool on_stack_of(struct kernel *k, const struct task *task, uint64_t address)
{
	uint64_t stack;

	return kernel_read(k, task->address, MEM_TASK_STACK, &stack) &&
	       address - stack < MAX_STACK_BYTES;
}

/** What a kind of waiter is like: its list node, and where from that its task stands. */
struct waiter_layout {
	enum kernel_member node, task;
	/** The head of the list in what is waited for. */
	enum kernel_member head;
};

static bool offset_of(struct kernel *k, enum kernel_member member, uint64_t *ret)
{
	const struct btf_member *m = kernel_member(k, member);

	*ret = m ? m->bit_offset / 8 : 0;
	return m != NULL;
}

/**
 * Walk the ring of waiters that @p node is in, checking each link both ways, to its head: the one
 * node that is no waiter, a waiter being a node on the stack of the task that it names.
 */
static bool find_head(struct wait_search *s, uint64_t node, uint64_t task_minus_node,
		      uint64_t *head_ret)
{
	struct kernel *k = s->k;
	uint64_t at = node, next, back, address;
	bool found = false;

	for (size_t i = 0; i < MAX_WAITERS; i++) {
		if (!kernel_read(k, at, MEM_LIST_NEXT, &next) ||
		    !kernel_read(k, next, MEM_LIST_PREV, &back) || back != at)
			return false;
		if (next == node)
			return found;
		const struct task *task = memory_u64(&k->memory, next + task_minus_node, &address)
						  ? wait_search_task(s, address)
						  : NULL;
		if (!task || !on_stack_of(k, task, next)) {
			if (found)
				return false;
			found = true;
			*head_ret = next;
		}
		at = next;
	}
	return false;
}

/** Called for each word of a stack; true ends the search. */
typedef bool (*word_fn)(struct wait_search *s, const struct task *task, uint64_t slot,
			uint64_t word, void *arg);

static bool search_stack(struct wait_search *s, const struct task *task, word_fn fn, void *arg)
{
	struct kernel *k = s->k;
	uint64_t sp, stack, words[STACK_CHUNK / 8];

	if (!kernel_read(k, task->address, MEM_TASK_THREAD_SP, &sp) ||
	    !kernel_read(k, task->address, MEM_TASK_STACK, &stack) || sp % 8 ||
	    sp - stack >= MAX_STACK_BYTES)
		return false;
	for (uint64_t at = sp; at - stack < MAX_STACK_BYTES;) {
		size_t len = STACK_CHUNK - at % STACK_CHUNK;
		_cleanup_error_ struct ey_error *err = memory_read(&k->memory, at, words, len);

		if (err)
			return false;
		for (size_t i = 0; i < len / 8; i++) {
			if (fn(s, task, at + i * 8, words[i], arg))
				return true;
		}
		at += len;
	}
	return false;
}

struct list_search {
	uint64_t node, task, head;
	/** The result. */
	uint64_t lock;
};

static bool try_waiter(struct wait_search *s, const struct task *task, uint64_t slot, uint64_t word,
		       void *arg)
{
	struct list_search *l = arg;
	uint64_t head;

	if (word != task->address ||
	    !find_head(s, slot - l->task + l->node, l->task - l->node, &head))
		return false;
	l->lock = head - l->head;
	return true;
}

static uint64_t find_lock(struct wait_search *s, const struct task *task,
			  const struct waiter_layout *layout)
{
	struct list_search l = {0};

	return offset_of(s->k, layout->node, &l.node) && offset_of(s->k, layout->task, &l.task) &&
			       offset_of(s->k, layout->head, &l.head) &&
			       search_stack(s, task, try_waiter, &l)
		       ? l.lock
		       : 0;
}

// All waiters of plain lists begin with the node, then the task (struct mutex_waiter, rwsem_waiter,
// semaphore_waiter).
static bool looks_like_waiter(struct wait_search *s, const struct task *task, uint64_t slot,
			      uint64_t word, void *arg)
{
	uint64_t node = slot - 16, next, back;

	(void)arg;
	return word == task->address && kernel_read(s->k, node, MEM_LIST_NEXT, &next) &&
	       next != node && kernel_read(s->k, next, MEM_LIST_PREV, &back) && back == node;
}

bool wait_is_suspect(struct wait_search *s, const struct task *task)
{
	return task->pi_blocked_on || search_stack(s, task, looks_like_waiter, NULL);
}

static void set_owner(struct wait_search *s, struct wait *w, uint64_t address)
{
	w->owner = address ? wait_search_task(s, address) : NULL;
	w->owner_address = address;
	w->owner_kind = !address ? OWNER_NONE : w->owner ? OWNER_TASK : OWNER_GONE;
}

static void find_mutex(struct wait_search *s, struct wait *w)
{
	static const struct waiter_layout layout = {MEM_MUTEX_WAITER_LIST, MEM_MUTEX_WAITER_TASK,
						    MEM_MUTEX_WAIT_LIST};
	// MUTEX_FLAGS (kernel/locking/mutex.c).
	static const uint64_t flags = 7;
	uint64_t owner;

	w->lock = find_lock(s, w->task, &layout);
	if (w->lock && kernel_read(s->k, w->lock, MEM_MUTEX_OWNER, &owner))
		set_owner(s, w, owner & ~flags);
}

// Bits of count and owner since 5.3 (kernel/locking/rwsem.c, commits 64489e78004c, 94a9717b3c40).
static void find_rwsem(struct wait_search *s, struct wait *w)
{
	static const struct waiter_layout layout = {MEM_RWSEM_WAITER_LIST, MEM_RWSEM_WAITER_TASK,
						    MEM_RWSEM_WAIT_LIST};
	enum { WRITER_LOCKED = 1, READER_SHIFT = 8 };
	static const uint64_t owner_flags = 3;
	uint64_t owner, count;

	w->lock = find_lock(s, w->task, &layout);
	if (!w->lock || !kernel_read(s->k, w->lock, MEM_RWSEM_OWNER, &owner) ||
	    !kernel_read(s->k, w->lock, MEM_RWSEM_COUNT, &count))
		return;
	if (count & WRITER_LOCKED) {
		set_owner(s, w, owner & ~owner_flags);
		return;
	}
	// The sign bit is a flag (RWSEM_FLAG_READFAIL).
	w->readers = (int64_t)((count & INT64_MAX) >> READER_SHIFT);
	w->owner_kind = w->readers ? OWNER_READERS : OWNER_NONE;
	if (w->readers)
		w->owner = wait_search_task(s, owner & ~owner_flags);
}

static void find_rt_mutex(struct wait_search *s, struct wait *w, uint64_t waiter)
{
	struct kernel *k = s->k;
	uint64_t task, lock, owner, offset;

	if (!kernel_read(k, waiter, MEM_RT_WAITER_TASK, &task) || task != w->task->address ||
	    !kernel_read(k, waiter, MEM_RT_WAITER_LOCK, &lock) || !lock)
		return;
	w->lock = lock;
	// Bit 0: RT_MUTEX_HAS_WAITERS.
	if (kernel_read(k, lock, MEM_RT_MUTEX_OWNER, &owner))
		set_owner(s, w, owner & ~UINT64_C(1));
	// On PREEMPT_RT it is a part of what was locked.
	if (w->kind == WAIT_MUTEX && offset_of(k, MEM_MUTEX_RT, &offset))
		w->lock -= offset;
	else if ((w->kind == WAIT_RWSEM_READ || w->kind == WAIT_RWSEM_WRITE) &&
		 offset_of(k, MEM_RWBASE_RT_MUTEX, &offset))
		w->lock -= offset;
	else if (w->kind != WAIT_RT_LOCK)
		w->kind = WAIT_RT_MUTEX;
}

struct rwbase_search {
	uint64_t rt_mutex;
	uint64_t lock;
};

static bool try_rwbase(struct wait_search *s, const struct task *task, uint64_t slot, uint64_t word,
		       void *arg)
{
	struct rwbase_search *r = arg;
	uint64_t owner;

	(void)slot;
	if (word >> 47 != 0x1ffff || word % 8 ||
	    !kernel_read(s->k, word + r->rt_mutex, MEM_RT_MUTEX_OWNER, &owner) ||
	    (owner & ~UINT64_C(1)) != task->address)
		return false;
	r->lock = word;
	return true;
}

// On PREEMPT_RT a writer has the rt_mutex of the lock itself and sleeps until the readers are out
// (kernel/locking/rwbase_rt.c): its stack has a pointer to a lock that it owns.
static void find_rwbase(struct wait_search *s, struct wait *w)
{
	struct rwbase_search r = {0};
	// Set in rwbase->readers while no writer is there, and while one has it.
	static const uint64_t biases = 3ULL << 30;
	uint64_t readers;

	if (!offset_of(s->k, MEM_RWBASE_RT_MUTEX, &r.rt_mutex) ||
	    !search_stack(s, w->task, try_rwbase, &r))
		return;
	w->lock = r.lock;
	if (kernel_read(s->k, r.lock, MEM_RWBASE_READERS, &readers) && !(readers & biases)) {
		w->owner_kind = OWNER_READERS;
		w->readers = (int64_t)readers;
	}
}

static bool is_scheduler(struct kernel *k, uint64_t address)
{
	uint64_t begin, end;

	// What is __sched (include/linux/sched/debug.h): get_wchan() passes over it as well.
	return kernel_symbol(k, SYM___sched_text_start, &begin) &&
	       kernel_symbol(k, SYM___sched_text_end, &end) && address >= begin && address < end;
}

static enum wait_kind kind_of(const char *function)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(sleepers); i++) {
		size_t len = strlen(sleepers[i].prefix);

		// "down" is a whole name, up to what the compiler adds.
		if (!strncmp(function, sleepers[i].prefix, len) &&
		    (strcmp(sleepers[i].prefix, "down") != 0 || !function[len] ||
		     function[len] == '.' || function[len] == '_'))
			return sleepers[i].kind;
	}
	return WAIT_OTHER;
}

// What it sleeps for: the outermost function of the locks says it as its caller did.
static void read_stack(struct kernel *k, const struct stack *stack, struct wait *w)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct stack_frame *f = &stack->frames[i];
		enum wait_kind kind = kind_of(f->function);
		bool of_locks = kind != WAIT_OTHER || is_scheduler(k, f->address - 1);

		if (!of_locks) {
			snprintf(w->caller, sizeof(w->caller), "%s", f->function);
			snprintf(w->caller_module, sizeof(w->caller_module), "%s",
				 f->module ? f->module : "");
			return;
		}
		if (kind == WAIT_OTHER)
			continue;
		w->kind = kind;
		snprintf(w->function, sizeof(w->function), "%s", f->function);
	}
}

void wait_find(struct wait_search *s, const struct task *task, const struct stack *stack,
	       struct wait *ret)
{
	static const struct waiter_layout semaphore = {
		MEM_SEMAPHORE_WAITER_LIST, MEM_SEMAPHORE_WAITER_TASK, MEM_SEMAPHORE_WAIT_LIST};
	static const struct waiter_layout completion = {MEM_SWAIT_LIST, MEM_SWAIT_TASK,
							MEM_COMPLETION_WAIT_LIST};

	*ret = (struct wait){.task = task, .readers = -1};
	read_stack(s->k, stack, ret);
	if (task->pi_blocked_on) {
		find_rt_mutex(s, ret, task->pi_blocked_on);
		return;
	}
	switch (ret->kind) {
	case WAIT_MUTEX:
		find_mutex(s, ret);
		break;
	case WAIT_RWSEM_READ:
	case WAIT_RWSEM_WRITE:
		if (kernel_member(s->k, MEM_RWBASE_RT_MUTEX))
			find_rwbase(s, ret);
		else
			find_rwsem(s, ret);
		break;
	case WAIT_SEMAPHORE:
		ret->lock = find_lock(s, task, &semaphore);
		break;
	case WAIT_COMPLETION:
		ret->lock = find_lock(s, task, &completion);
		break;
	default:
		break;
	}
}

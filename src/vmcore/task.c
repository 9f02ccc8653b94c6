/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/task.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	// PID_MAX_LIMIT (include/linux/threads.h): there cannot be more.
	MAX_TASKS = 4 << 20,
	// enum mm_counters (include/linux/mm_types_task.h): file, anonymous, swap entries, shared.
	MM_FILE = 0,
	MM_ANON = 1,
	MM_SWAP = 2,
	MM_SHMEM = 3,
	MM_COUNTERS = 4,
};
// Pages: no machine's physical address space has more, so what says so is damaged.
static const int64_t max_pages = 1LL << 40;

// Bits of task->__state and task->exit_state (include/linux/sched.h), with crash's letters; the
// first that is set tells.
static const struct {
	unsigned int bit;
	char letters[3];
} exit_states[] = {{0x10, "DE"}, {0x20, "ZO"}},
  states[] = {
	  {0x1, "IN"},
	  {0x2, "UN"},
	  {0x4, "ST"},
	  {0x8, "TR"},
	  {0x40, "PA"},
	  {0x80, "DE"},
	  {0x200, "WA"},
	  {0x800, "NE"},
	  // A lock of PREEMPT_RT (5.16), and frozen (6.1): as task_state_index() has them.
	  {0x1000, "UN"},
	  {0x8000, "UN"},
};
enum { TASK_UNINTERRUPTIBLE = 0x2, TASK_NOLOAD = 0x400 };

static const char *state_letters(uint64_t state, uint64_t exit_state)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(exit_states); i++) {
		if (exit_state & exit_states[i].bit)
			return exit_states[i].letters;
	}
	if (!state)
		return "RU";
	if ((state & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) == (TASK_UNINTERRUPTIBLE | TASK_NOLOAD))
		return "ID";
	for (size_t i = 0; i < EY_ARRAY_SIZE(states); i++) {
		if (state & states[i].bit)
			return states[i].letters;
	}
	return "??";
}

bool task_read(struct kernel *k, uint64_t address, struct task *ret)
{
	uint64_t state, exit_state = 0, parent, cpu = 0, on_rq;
	struct task t = {.address = address};

	if (!kernel_read_signed(k, address, MEM_TASK_PID, &t.pid) ||
	    !kernel_read_signed(k, address, MEM_TASK_TGID, &t.tgid) ||
	    !kernel_read_string(k, address, MEM_TASK_COMM, t.comm, sizeof(t.comm)))
		return false;
	if (!kernel_read(k, address, MEM_TASK_STATE, &state) &&
	    !kernel_read(k, address, MEM_TASK_STATE_OLD, &state))
		return false;
	kernel_read(k, address, MEM_TASK_EXIT_STATE, &exit_state);
	memcpy(t.state, state_letters(state, exit_state), 3);
	if (!kernel_read(k, address, MEM_TASK_CPU, &cpu))
		kernel_read(k, address, MEM_TASK_CPU_OLD, &cpu);
	t.cpu = cpu < KERNEL_MAX_CPUS ? (int)cpu : -1;
	// What the passes look for in every task is read now that its pages are at hand: a large
	// machine's tasks are more than the page cache holds.
	if (kernel_read(k, address, MEM_TASK_ON_RQ, &on_rq))
		t.on_rq = on_rq;
	if (!kernel_read(k, address, MEM_TASK_PI_BLOCKED_ON, &t.pi_blocked_on))
		t.pi_blocked_on = 0;
	// The idle tasks have no parent that one would ask for; crash says 0 too.
	if (t.pid && kernel_read(k, address, MEM_TASK_REAL_PARENT, &parent))
		kernel_read_signed(k, parent, MEM_TASK_PID, &t.ppid);
	*ret = t;
	return true;
}

bool task_running_on(struct kernel *k, unsigned int cpu, uint64_t *ret)
{
	uint64_t at;

	// One per-CPU variable until 6.1 and since 6.15; a member of pcpu_hot in between
	// (commits e57ef2ed97c1 and a1e4cc0155ad).
	if (kernel_percpu(k, SYM_current_task, cpu, &at))
		return memory_u64(&k->memory, at, ret) && *ret;
	return kernel_percpu(k, SYM_pcpu_hot, cpu, &at) &&
	       kernel_read(k, at, MEM_PCPU_HOT_CURRENT, ret) && *ret;
}

// Sum of a struct percpu_counter: its count and each CPU's part (lib/percpu_counter.c).
static bool percpu_counter_sum(struct kernel *k, uint64_t counter, int64_t *ret)
{
	uint64_t parts;

	if (!kernel_read_signed(k, counter, MEM_PERCPU_COUNTER_COUNT, ret) ||
	    !kernel_read(k, counter, MEM_PERCPU_COUNTER_COUNTERS, &parts))
		return false;
	if (*ret > max_pages || *ret < -max_pages)
		*ret = 0;
	for (unsigned int cpu = 0; parts && cpu < k->cpu_count; cpu++) {
		uint32_t part;

		if (kernel_cpu_is_present(k, cpu) &&
		    memory_u32(&k->memory, parts + k->percpu_offsets[cpu], &part))
			*ret += (int32_t)part;
	}
	return true;
}

// Pages of file, anonymous and shared memory. Since 6.2 (commit f1a7941243c1) a percpu_counter
// each; before, a number each and, per thread, what was not yet added to them.
static int64_t resident_pages(struct kernel *k, uint64_t mm)
{
	static const unsigned int kinds[] = {MM_FILE, MM_ANON, MM_SHMEM};
	const struct btf_member *counts = kernel_member(k, MEM_MM_RSS_STAT_COUNT);
	const struct btf_member *counters = kernel_member(k, MEM_MM_RSS_STAT);
	int64_t sum = 0;

	for (size_t i = 0; i < EY_ARRAY_SIZE(kinds); i++) {
		int64_t pages = 0;
		uint64_t value;

		if (counts) {
			if (memory_u64(&k->memory,
				       mm + counts->bit_offset / 8 + kinds[i] * UINT64_C(8),
				       &value))
				pages = (int64_t)value;
		} else if (counters && counters->size >= MM_COUNTERS) {
			percpu_counter_sum(k,
					   mm + counters->bit_offset / 8 +
						   (uint64_t)kinds[i] *
							   (counters->size / MM_COUNTERS),
					   &pages);
		}
		sum += pages > 0 && pages <= max_pages ? pages : 0;
	}
	return sum;
}

static int64_t unsynced_pages(struct kernel *k, uint64_t task)
{
	static const unsigned int kinds[] = {MM_FILE, MM_ANON, MM_SHMEM};
	const struct btf_member *counts = kernel_member(k, MEM_TASK_RSS_STAT);
	int64_t sum = 0;

	for (size_t i = 0; counts && i < EY_ARRAY_SIZE(kinds); i++) {
		uint32_t value;

		if (memory_u32(&k->memory, task + counts->bit_offset / 8 + kinds[i] * UINT64_C(4),
			       &value))
			sum += (int32_t)value;
	}
	return sum;
}

struct walk {
	struct kernel *k;
	struct task_list *list;
	size_t capacity;
	/** Addresses of the tasks in the list, open addressing, 0 empty: a list may go in circles.
	 */
	uint64_t *seen;
	size_t seen_size;
};

static bool seen_before(struct walk *w, uint64_t address)
{
	size_t i = (address >> 6) * 0x9e3779b97f4a7c15 % w->seen_size;

	for (; w->seen[i]; i = (i + 1) % w->seen_size) {
		if (w->seen[i] == address)
			return true;
	}
	return false;
}

static void mark_seen(struct walk *w, uint64_t address)
{
	size_t i = (address >> 6) * 0x9e3779b97f4a7c15 % w->seen_size;

	while (w->seen[i])
		i = (i + 1) % w->seen_size;
	w->seen[i] = address;
}

static struct ey_error *make_room(struct walk *w)
{
	struct task_list *list = w->list;

	if (list->count == w->capacity) {
		size_t capacity = w->capacity ? 2 * w->capacity : 256;
		struct task *tasks = reallocarray(list->tasks, capacity, sizeof(*tasks));

		if (!tasks)
			return &ey_error_nomem;
		list->tasks = tasks;
		w->capacity = capacity;
	}
	if (!w->seen_size || 2 * (list->count + 1) > w->seen_size) {
		size_t size = w->seen_size ? 2 * w->seen_size : 1024;
		uint64_t *seen = calloc(size, sizeof(*seen));

		if (!seen)
			return &ey_error_nomem;
		free(w->seen);
		w->seen = seen;
		w->seen_size = size;
		for (size_t i = 0; i < list->count; i++)
			mark_seen(w, list->tasks[i].address);
	}
	return NULL;
}

/** Adds the task; *added_ret false where it is there already or cannot be read. */
static struct ey_error *add_task(struct walk *w, uint64_t address, bool *added_ret)
{
	struct task task;

	*added_ret = false;
	struct ey_error *err = make_room(w);
	if (err)
		return err;
	if (w->list->count >= MAX_TASKS || seen_before(w, address))
		return NULL;
	if (!task_read(w->k, address, &task)) {
		kernel_gap(w->k, "tasks", "the task at 0x%016" PRIx64 " is not in the dump",
			   address);
		return NULL;
	}
	mark_seen(w, address);
	w->list->tasks[w->list->count++] = task;
	*added_ret = true;
	return NULL;
}

// The other threads of a process, and its memory with what each thread has not yet added.
static struct ey_error *add_threads(struct walk *w, size_t leader_index)
{
	struct kernel *k = w->k;
	const struct btf_member *node = kernel_member(k, MEM_TASK_THREAD_NODE);
	uint64_t leader = w->list->tasks[leader_index].address;
	uint64_t signal, head = 0, next, known_mm = 0, total_vm = 0;
	int64_t unsynced = unsynced_pages(k, leader), pages = 0;
	struct ey_error *err = NULL;
	bool added = true, leader_seen = false, whole = true;

	const struct btf_member *head_member = kernel_member(k, MEM_SIGNAL_THREAD_HEAD);
	if (node && head_member && kernel_read(k, leader, MEM_TASK_SIGNAL, &signal) && signal) {
		head = signal + head_member->bit_offset / 8;
		// Where the head is not in the dump, the leader, which stands first, leads on.
		if (!kernel_read(k, head, MEM_LIST_NEXT, &next)) {
			next = leader + node->bit_offset / 8;
			leader_seen = true;
			whole = kernel_read(k, next, MEM_LIST_NEXT, &next);
		}
		for (; whole && next != head; whole = kernel_read(k, next, MEM_LIST_NEXT, &next)) {
			uint64_t task = next - node->bit_offset / 8;

			// The leader stands first, once: a list that comes back to it goes in
			// circles.
			if (task == leader && !leader_seen) {
				leader_seen = true;
				continue;
			}
			err = add_task(w, task, &added);
			if (err)
				return err;
			if (!added) {
				kernel_gap(k, "tasks",
					   "the threads of process %" PRId64
					   " cannot all be listed: "
					   "the list is damaged",
					   w->list->tasks[leader_index].tgid);
				break;
			}
			unsynced += unsynced_pages(k, task);
		}
		if (!whole)
			kernel_gap(k, "tasks",
				   "the threads of process %" PRId64
				   " cannot all be listed: their list is not in the dump",
				   w->list->tasks[leader_index].tgid);
	}
	// The threads share one memory, but for a leader that has exited and has none: its
	// counters, which may be as many as there are CPUs, are read once.
	for (size_t i = leader_index; i < w->list->count; i++) {
		struct task *t = &w->list->tasks[i];
		uint64_t mm;

		if (!kernel_read(k, t->address, MEM_TASK_MM, &mm) || !mm)
			continue;
		if (mm != known_mm) {
			if (!kernel_read(k, mm, MEM_MM_TOTAL_VM, &total_vm))
				continue;
			known_mm = mm;
			pages = resident_pages(k, mm) + EY_MAX(unsynced, (int64_t)0);
		}
		t->vsz_kib = total_vm << (DUMP_PAGE_SHIFT - 10);
		t->rss_kib = (uint64_t)pages << (DUMP_PAGE_SHIFT - 10);
	}
	return NULL;
}

static struct ey_error *walk_tasks(struct walk *w)
{
	struct kernel *k = w->k;
	const struct btf_member *tasks = kernel_member(k, MEM_TASK_TASKS);
	uint64_t init_task, idle, next;
	bool added;

	if (!kernel_symbol(k, SYM_init_task, &init_task))
		return ey_error_create(EY_ERR_INPUT, "no symbol init_task: tasks not listed");
	if (!tasks)
		return ey_error_create(EY_ERR_INPUT, "no BTF in the dump: tasks not listed");
	struct ey_error *err = add_task(w, init_task, &added);
	for (unsigned int cpu = 0; !err && cpu < k->cpu_count; cpu++) {
		uint64_t at;

		if (kernel_cpu_is_present(k, cpu) && kernel_percpu(k, SYM_idle_threads, cpu, &at) &&
		    memory_u64(&k->memory, at, &idle) && idle)
			err = add_task(w, idle, &added);
	}
	uint64_t head = init_task + tasks->bit_offset / 8;
	for (next = head; !err;) {
		if (!kernel_read(k, next, MEM_LIST_NEXT, &next)) {
			kernel_gap(k, "tasks",
				   "the list of tasks breaks off after %zu tasks: not in the dump",
				   w->list->count);
			break;
		}
		if (next == head)
			break;
		size_t index = w->list->count;
		err = add_task(w, next - tasks->bit_offset / 8, &added);
		if (!err && !added) {
			kernel_gap(k, "tasks",
				   "the list of tasks is damaged (it goes in circles or leaves the "
				   "dump) after %zu tasks",
				   w->list->count);
			break;
		}
		if (!err)
			err = add_threads(w, index);
	}
	return err;
}

static int by_pid(const void *a, const void *b)
{
	const struct task *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

static int by_address(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static struct ey_error *mark_running(struct kernel *k, struct task_list *list)
{
	_cleanup_free_ uint64_t *running = calloc(KERNEL_MAX_CPUS, sizeof(*running));
	size_t count = 0;

	if (!running)
		return &ey_error_nomem;
	for (unsigned int cpu = 0; cpu < k->cpu_count; cpu++) {
		if (k->cpu_online[cpu] && task_running_on(k, cpu, &running[count]))
			count++;
	}
	qsort(running, count, sizeof(*running), by_address);
	for (size_t i = 0; i < list->count; i++) {
		struct task *t = &list->tasks[i];

		t->running = bsearch(&t->address, running, count, sizeof(*running), by_address);
	}
	return NULL;
}

struct ey_error *task_list_read(struct kernel *k, struct task_list *ret)
{
	*ret = (struct task_list){0};
	struct walk w = {.k = k, .list = ret};
	struct ey_error *err = walk_tasks(&w);

	free(w.seen);
	if (!err)
		err = mark_running(k, ret);
	if (err) {
		task_list_deinit(ret);
		return err;
	}
	qsort(ret->tasks, ret->count, sizeof(*ret->tasks), by_pid);
	return NULL;
}

void task_list_deinit(struct task_list *list)
{
	free(list->tasks);
	*list = (struct task_list){0};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/stack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/machine.h"
#include "vmcore/module.h"
#include "vmcore/unwind.h"

enum {
	// THREAD_SIZE where no symbol tells it.
	DEFAULT_STACK_SIZE = 16384,
};

// THREAD_SIZE: the first task's stack stands in the image between symbols, of which the second was
// renamed in 6.10 (commit 8f69cba096b5).
uint64_t stack_thread_size(struct kernel *k)
{
	static const enum kernel_symbol ends[] = {SYM___end_init_stack, SYM___end_init_task};
	uint64_t begin, end;

	for (size_t i = 0; i < EY_ARRAY_SIZE(ends) && kernel_symbol(k, SYM_init_stack, &begin);
	     i++) {
		if (kernel_symbol(k, ends[i], &end) && end > begin &&
		    end - begin <= UNWIND_MAX_REGION)
			return end - begin;
	}
	return DEFAULT_STACK_SIZE;
}

bool stack_has_types(struct kernel *k)
{
	return kernel_member(k, MEM_TASK_STACK) && kernel_member(k, MEM_TASK_PID);
}

static void add_task_stack(struct unwind *u, uint64_t task)
{
	uint64_t stack;

	if (kernel_read(u->k, task, MEM_TASK_STACK, &stack))
		unwind_add_region(u, stack, stack + stack_thread_size(u->k), false);
}

int stack_panic_cpu(struct kernel *k)
{
	// panic_cpu: who panicked (kernel/panic.c); crashing_cpu: who took the others down
	// (arch/x86/kernel/reboot.c).
	static const enum kernel_symbol symbols[] = {SYM_panic_cpu, SYM_crashing_cpu};

	for (size_t i = 0; i < EY_ARRAY_SIZE(symbols); i++) {
		uint64_t at;
		uint32_t cpu;

		if (kernel_symbol(k, symbols[i], &at) && memory_u32(&k->memory, at, &cpu) &&
		    cpu < k->cpu_count)
			return (int)cpu;
	}
	return -1;
}

void stack_deinit(struct stack *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->frames[i].function);
		free(s->frames[i].module);
		free(s->frames[i].regs);
	}
	free(s->frames);
	free(s->user_regs);
	free(s->broken);
	*s = (struct stack){.cpu = -1};
}

static struct cpu_regs *copy_regs(const struct cpu_regs *regs)
{
	struct cpu_regs *copy = malloc(sizeof(*copy));

	if (copy)
		*copy = *regs;
	return copy;
}

static struct ey_error *push_frame(struct stack *s, const struct unwind *u)
{
	struct stack_frame f = {.address = u->ip,
				.sp = u->slot,
				.reliable = u->reliable,
				.interrupted = u->interrupted,
				.partial_regs = u->partial_regs};
	struct symbol symbol = {0};
	// As the kernel prints return addresses (%pB): the function that made the call.
	uint64_t inside = u->interrupted ? u->ip : u->ip - 1;

	if (s->count == STACK_MAX_FRAMES)
		return NULL;
	if (kernel_find_symbol(u->k, inside, &symbol)) {
		f.offset = u->ip - symbol.address;
		f.size = symbol.size;
		if (symbol.module[0])
			f.module = strdup(symbol.module);
	} else if (module_of_text(u->k, inside)) {
		kernel_gap(u->k, "symbols of modules",
			   "the function at 0x%016" PRIx64
			   " of module %s has no name: its symbol table is damaged",
			   inside, module_of_text(u->k, inside)->name);
	}
	f.function = strdup(symbol.name);
	if (u->interrupted && u->have_regs)
		f.regs = copy_regs(&u->regs);
	struct stack_frame *frames = reallocarray(s->frames, s->count + 1, sizeof(*frames));
	if (!frames || !f.function) {
		free(f.function);
		free(f.module);
		free(f.regs);
		s->frames = frames ? frames : s->frames;
		return &ey_error_nomem;
	}
	s->frames = frames;
	s->frames[s->count++] = f;
	return NULL;
}

// How many frames can be followed from a start; *whole_ret tells whether to a sound end.
static size_t try_start(const struct unwind *u, enum kernel_symbol caller, bool *whole_ret)
{
	struct unwind probe = *u;
	uint64_t caller_start;
	size_t frames = 0;

	*whole_ret = false;
	while (frames < STACK_MAX_FRAMES) {
		enum unwind_result result = unwind_step(&probe);

		*whole_ret = result == UNWIND_END || result == UNWIND_USER;
		if (result != UNWIND_NEXT)
			break;
		if (!frames++ && caller != SYM_COUNT) {
			struct symbol symbol;

			if (!kernel_symbol(u->k, caller, &caller_start) ||
			    !kernel_find_symbol(u->k, probe.ip - 1, &symbol) ||
			    symbol.address != caller_start)
				return 0;
		}
	}
	return frames;
}

/**
 * The CPU that takes the dump runs on while its registers are saved, so the innermost frames are
 * found by what is left on the stack: a return address into a function from which the unwinder
 * comes to its caller and then to a sound end, or where the stack is damaged, the furthest.
 */
static bool find_start(struct unwind *u, const struct machine_start *where)
{
	enum { SURE_FRAMES = 3 };
	const struct machine *machine = u->k->memory.machine;
	struct unwind best = *u;
	size_t best_frames = 0;
	struct symbol symbol;
	uint64_t start;

	if (!kernel_symbol(u->k, where->function, &start) ||
	    !kernel_find_symbol(u->k, start, &symbol))
		return false;
	for (size_t i = 0; i < u->region_count; i++) {
		const struct unwind_region *r = &u->regions[i];

		for (uint64_t at = (r->begin + 7) & ~7ULL; at + 8 <= r->end; at += 8) {
			uint64_t value;
			bool whole;

			if (!memory_u64(&u->k->memory, at, &value)) {
				at |= DUMP_PAGE_SIZE - 8; // a page that is not there (a guard page)
				continue;
			}
			if (value <= symbol.address || value > symbol.address + symbol.size)
				continue;
			u->ip = value;
			machine->start_from_stack(u, at);
			size_t frames = try_start(u, where->caller, &whole);
			if (frames && whole)
				return true;
			if (frames >= SURE_FRAMES && frames > best_frames) {
				best = *u;
				best_frames = frames;
			}
		}
	}
	*u = best;
	return best_frames > 0;
}

/**
 * Above a damaged part of a stack its older frames may be whole: go on from the first return
 * address behind a call instruction from which the unwinder comes to a sound end. That first frame
 * is not sure (it may be left from an earlier call), so it is not marked reliable.
 */
static bool resume(struct unwind *u)
{
	const struct machine *machine = u->k->memory.machine;

	for (size_t i = 0; i < u->region_count; i++) {
		const struct unwind_region *r = &u->regions[i];
		uint64_t begin = (u->sp + 7) & ~7ULL;

		if (begin < r->begin || begin >= r->end)
			continue;
		for (uint64_t at = begin; at + 8 <= r->end; at += 8) {
			struct unwind probe = *u;
			bool whole;

			if (!memory_u64(&u->k->memory, at, &probe.ip) ||
			    !machine->follows_call(&probe))
				continue;
			machine->start_from_stack(&probe, at);
			if (try_start(&probe, SYM_COUNT, &whole) && whole) {
				*u = probe;
				return true;
			}
		}
	}
	return false;
}

// Follow the stack from the state in *u to its end.
static struct ey_error *follow(struct unwind *u, struct stack *s)
{
	struct ey_error *err = push_frame(s, u);
	enum unwind_result result = UNWIND_NEXT;

	while (!err && s->count < STACK_MAX_FRAMES) {
		result = unwind_step(u);
		if (result == UNWIND_BROKEN && !s->broken) {
			s->broken = strdup(u->broken);
			if (!resume(u))
				break;
			u->reliable = false;
			err = push_frame(s, u);
			u->reliable = true;
			continue;
		}
		if (result != UNWIND_NEXT)
			break;
		err = push_frame(s, u);
	}
	if (!err && result == UNWIND_USER)
		s->user_regs = copy_regs(&u->regs);
	if (!err && s->count == STACK_MAX_FRAMES && !s->broken)
		s->broken = strdup("it has more frames than are read");
	return err;
}

/**
 * The registers that the CPU saved when it died: the n-th note is the n-th online CPU's. QEMU has a
 * note of each CPU of the machine, also of those that a dying kernel had stopped.
 */
static bool noted_regs(struct kernel *k, unsigned int cpu, struct cpu_regs *ret)
{
	const struct dump *d = &k->dump;
	const bool all = notes_are_of_qemu(d->notes, d->notes_len);
	size_t index = 0;

	for (unsigned int i = 0; i < cpu; i++)
		index += all ? kernel_cpu_is_present(k, i) : k->cpu_online[i];
	return (all ? kernel_cpu_is_present(k, cpu) : k->cpu_online[cpu]) &&
	       notes_cpu_regs(d->notes, d->notes_len, index, ret);
}

// What ran on the CPU, and its task's stack; without types no more than where they are.
static bool add_current(struct unwind *u, unsigned int cpu, struct task *ret)
{
	bool running = task_running_on(u->k, cpu, &ret->address);

	if (!stack_has_types(u->k)) {
		*ret = (struct task){
			.address = running ? ret->address : 0, .pid = -1, .cpu = (int)cpu};
		return true;
	}
	if (!running || !task_read(u->k, ret->address, ret))
		return false;
	add_task_stack(u, ret->address);
	return true;
}

static struct ey_error *check_unwindable(const struct kernel *k)
{
	if (!k->have_kallsyms || (!k->orc && !k->frame_pointers))
		return ey_error_create(EY_ERR_INPUT, "without %s stacks cannot be unwound",
				       k->have_kallsyms ? "ORC tables" : "symbols");
	return NULL;
}

struct ey_error *stack_of_cpu(struct kernel *k, unsigned int cpu, struct stack *ret)
{
	const struct machine *machine = k->memory.machine;
	struct unwind u = {.k = k, .reliable = true};
	struct cpu_regs regs;
	bool noted = noted_regs(k, cpu, &regs);

	*ret = (struct stack){.cpu = (int)cpu};
	struct ey_error *err = check_unwindable(k);
	if (err)
		return err;
	if (!add_current(&u, cpu, &ret->task))
		return ey_error_create(EY_ERR_FAULT, "what ran on CPU %u cannot be told", cpu);
	machine->add_cpu_stacks(&u, cpu);
	if (!stack_has_types(k))
		machine->add_untyped_stacks(&u, cpu, noted ? &regs : NULL);
	for (size_t i = 0; machine->starts[i].function != SYM_COUNT; i++) {
		if (find_start(&u, &machine->starts[i]))
			return follow(&u, ret);
	}
	if (!noted)
		return ey_error_create(EY_ERR_INPUT,
				       "CPU %u saved no registers when the kernel died", cpu);
	if (machine->is_user(&regs)) {
		ret->user_regs = copy_regs(&regs);
		return NULL;
	}
	if (!machine->start_from_regs(&u, &regs))
		return ey_error_create(EY_ERR_INPUT, "the registers of CPU %u are not sound", cpu);
	return follow(&u, ret);
}

struct ey_error *stack_of_task(struct kernel *k, const struct task *task, struct stack *ret)
{
	struct unwind u = {.k = k, .reliable = true};

	*ret = (struct stack){.cpu = -1, .task = *task};
	struct ey_error *err = check_unwindable(k);
	if (err)
		return err;
	add_task_stack(&u, task->address);
	err = k->memory.machine->start_from_task(&u, task);
	return err ? err : follow(&u, ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/stack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/module.h"
#include "vmcore/unwind.h"

enum {
	// THREAD_SIZE and IRQ_STACK_SIZE (arch/x86/include/asm/page_64_types.h), where no symbol
	// does not tell.
	DEFAULT_STACK_SIZE = 16384,
	MAX_STACK_SIZE = 1 << 18,
	// Six stacks of two pages with a guard page before each and one behind (struct
	// cea_exception_stacks); less is mapped, what is not is passed over.
	UNTYPED_EXCEPTION_STACKS = 13 * 4096,
};

// struct inactive_task_frame (arch/x86/include/asm/switch_to.h): what __switch_to_asm() pushed.
struct inactive_task_frame {
	uint64_t r15, r14, r13, r12, bx, bp, ret_addr;
};

// THREAD_SIZE: the first task's stack stands in the image between symbols, of which the second was
// renamed in 6.10 (commit 8f69cba096b5).
static uint64_t thread_size(struct kernel *k)
{
	static const enum kernel_symbol ends[] = {SYM___end_init_stack, SYM___end_init_task};
	uint64_t begin, end;

	for (size_t i = 0; i < EY_ARRAY_SIZE(ends) && kernel_symbol(k, SYM_init_stack, &begin);
	     i++) {
		if (kernel_symbol(k, ends[i], &end) && end > begin && end - begin <= MAX_STACK_SIZE)
			return end - begin;
	}
	return DEFAULT_STACK_SIZE;
}

// The per-CPU array that the IRQ stacks are (arch/x86/kernel/irq_64.c); its type stands far back in
// the BTF, its size in the symbol table.
static uint64_t irq_stack_size(struct kernel *k)
{
	struct symbol symbol;
	uint64_t at;

	if (kernel_symbol(k, SYM_irq_stack_backing_store, &at) &&
	    kernel_symbol_at(k, at, &symbol) && symbol.address == at &&
	    symbol.size >= DEFAULT_STACK_SIZE && symbol.size <= MAX_STACK_SIZE)
		return symbol.size;
	return DEFAULT_STACK_SIZE;
}

static bool has_types(struct kernel *k)
{
	return kernel_member(k, MEM_TASK_STACK) && kernel_member(k, MEM_TASK_PID);
}

static void add_task_stack(struct unwind *u, uint64_t task)
{
	uint64_t stack;

	if (kernel_read(u->k, task, MEM_TASK_STACK, &stack))
		unwind_add_region(u, stack, stack + thread_size(u->k), false);
}

static bool irq_stack_top(struct kernel *k, unsigned int cpu, uint64_t *ret)
{
	uint64_t at;

	if (kernel_percpu(k, SYM_hardirq_stack_ptr, cpu, &at))
		return memory_u64(&k->memory, at, ret) && *ret;
	return kernel_percpu(k, SYM_pcpu_hot, cpu, &at) &&
	       kernel_read(k, at, MEM_PCPU_HOT_IRQ_STACK, ret) && *ret;
}

static void add_cpu_stacks(struct unwind *u, unsigned int cpu)
{
	struct kernel *k = u->k;
	uint64_t top, at, estacks;
	uint32_t size;

	// The pointer is to the last word of the stack (arch/x86/kernel/irq_64.c).
	if (irq_stack_top(k, cpu, &top))
		unwind_add_region(u, top + 8 - irq_stack_size(k), top + 8, false);
	if (!kernel_percpu(k, SYM_cea_exception_stacks, cpu, &at) ||
	    !memory_u64(&k->memory, at, &estacks) || !estacks)
		return;
	if (!has_types(k))
		size = UNTYPED_EXCEPTION_STACKS;
	else if (!btf_sizeof(&k->btf, "cea_exception_stacks", &size) || size > MAX_STACK_SIZE)
		return;
	unwind_add_region(u, estacks, estacks + size, true);
	const struct btf_member *in_area = kernel_member(k, MEM_CEA_ESTACKS);
	const struct btf_member *entry = kernel_member(k, MEM_CEA_ENTRY_STACK);
	if (in_area && entry) {
		uint64_t area = estacks - in_area->bit_offset / 8;

		unwind_add_region(u, area + entry->bit_offset / 8,
				  area + entry->bit_offset / 8 + entry->size, false);
	}
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

// The frame pointer of the function whose return address is at @p at: it was saved below it, where
// the kernel is built with frame pointers.
static void find_frame_pointer(struct unwind *u, uint64_t at)
{
	u->bp_known = !u->k->orc && unwind_in_regions(u, at - 8) &&
		      memory_u64(&u->k->memory, at - 8, &u->bp);
}

/**
 * The CPU that takes the dump runs on while its registers are saved, so the innermost frames are
 * found by what is left on the stack: a return address into @p function from which the unwinder
 * comes to @p caller (SYM_COUNT: any) and then to a sound end, or where the stack is damaged, the
 * furthest.
 */
static bool find_start(struct unwind *u, enum kernel_symbol function, enum kernel_symbol caller)
{
	enum { SURE_FRAMES = 3 };
	struct unwind best = *u;
	size_t best_frames = 0;
	struct symbol symbol;
	uint64_t start;

	if (!kernel_symbol(u->k, function, &start) || !kernel_find_symbol(u->k, start, &symbol))
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
			u->slot = at;
			u->sp = at + 8;
			u->interrupted = u->have_regs = false;
			find_frame_pointer(u, at);
			size_t frames = try_start(u, caller, &whole);
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
	for (size_t i = 0; i < u->region_count; i++) {
		const struct unwind_region *r = &u->regions[i];
		uint64_t begin = (u->sp + 7) & ~7ULL;

		if (begin < r->begin || begin >= r->end)
			continue;
		for (uint64_t at = begin; at + 8 <= r->end; at += 8) {
			struct unwind probe = *u;
			bool whole;

			if (!memory_u64(&u->k->memory, at, &probe.ip) ||
			    !unwind_follows_call(&probe))
				continue;
			probe.slot = at;
			probe.sp = at + 8;
			probe.interrupted = probe.have_regs = false;
			find_frame_pointer(&probe, at);
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

static void start_from_regs(struct unwind *u, const struct cpu_regs *regs)
{
	u->ip = regs->ip;
	u->sp = u->slot = regs->sp;
	u->bp = regs->bp;
	u->bp_known = u->interrupted = u->have_regs = true;
	u->partial_regs = false;
	u->regs = *regs;
}

// The registers that the CPU saved when it died: the n-th note is the n-th online CPU's.
static bool noted_regs(struct kernel *k, unsigned int cpu, struct cpu_regs *ret)
{
	size_t index = 0;

	for (unsigned int i = 0; i < cpu; i++)
		index += k->cpu_online[i];
	return k->cpu_online[cpu] && notes_cpu_regs(k->dump.notes, k->dump.notes_len, index, ret);
}

// Without types the task's stack is the one that the CPU's stack pointer is in, or was in before it
// went to the IRQ stack: stacks are aligned to their size.
static void add_stack_around(struct unwind *u, uint64_t sp)
{
	const uint64_t size = thread_size(u->k);

	if (sp >> 63 && !unwind_in_regions(u, sp) && !(size & (size - 1)))
		unwind_add_region(u, sp & ~(size - 1), (sp & ~(size - 1)) + size, false);
}

static void add_untyped_stacks(struct unwind *u, unsigned int cpu)
{
	struct cpu_regs regs;
	uint64_t top, sp;

	// The last word of the IRQ stack is where the task's stack pointer was left. Until 5.11 the
	// pointer is to behind it (commit 951c2a51ae75).
	if (irq_stack_top(u->k, cpu, &top)) {
		if (memory_u64(&u->k->memory, top, &sp))
			add_stack_around(u, sp);
		if (memory_u64(&u->k->memory, top - 8, &sp))
			add_stack_around(u, sp);
	}
	if (noted_regs(u->k, cpu, &regs) && !(regs.cs & 3))
		add_stack_around(u, regs.sp);
}

// What ran on the CPU, and its task's stack; without types no more than where they are.
static bool add_current(struct unwind *u, unsigned int cpu, struct task *ret)
{
	bool running = task_running_on(u->k, cpu, &ret->address);

	if (!has_types(u->k)) {
		*ret = (struct task){
			.address = running ? ret->address : 0, .pid = -1, .cpu = (int)cpu};
		return true;
	}
	if (!running || !task_read(u->k, ret->address, ret))
		return false;
	add_task_stack(u, ret->address);
	return true;
}

struct ey_error *stack_of_cpu(struct kernel *k, unsigned int cpu, struct stack *ret)
{
	struct unwind u = {.k = k, .reliable = true};
	struct cpu_regs regs;

	*ret = (struct stack){.cpu = (int)cpu};
	if (!k->have_kallsyms || (!k->orc && !k->frame_pointers))
		return ey_error_create(EY_ERR_INPUT, "without %s stacks cannot be unwound",
				       k->have_kallsyms ? "ORC tables" : "symbols");
	if (!add_current(&u, cpu, &ret->task))
		return ey_error_create(EY_ERR_FAULT, "what ran on CPU %u cannot be told", cpu);
	add_cpu_stacks(&u, cpu);
	if (!has_types(k))
		add_untyped_stacks(&u, cpu);
	if (find_start(&u, SYM_machine_kexec, SYM___crash_kexec) ||
	    find_start(&u, SYM_crash_nmi_callback, SYM_COUNT))
		return follow(&u, ret);
	if (!noted_regs(k, cpu, &regs))
		return ey_error_create(EY_ERR_INPUT,
				       "CPU %u saved no registers when the kernel died", cpu);
	if (regs.cs & 3) {
		ret->user_regs = copy_regs(&regs);
		return NULL;
	}
	if (!kernel_is_text(k, regs.ip) && !regs.sp)
		return ey_error_create(EY_ERR_INPUT, "the registers of CPU %u are not sound", cpu);
	start_from_regs(&u, &regs);
	return follow(&u, ret);
}

struct ey_error *stack_of_task(struct kernel *k, const struct task *task, struct stack *ret)
{
	struct unwind u = {.k = k, .reliable = true};
	struct inactive_task_frame f;
	uint64_t sp;

	*ret = (struct stack){.cpu = -1, .task = *task};
	if (!k->have_kallsyms || (!k->orc && !k->frame_pointers))
		return ey_error_create(EY_ERR_INPUT, "without %s stacks cannot be unwound",
				       k->have_kallsyms ? "ORC tables" : "symbols");
	add_task_stack(&u, task->address);
	if (!kernel_read(k, task->address, MEM_TASK_THREAD_SP, &sp) || !unwind_in_regions(&u, sp))
		return ey_error_create(EY_ERR_FAULT, "its stack pointer is not in its stack");
	struct ey_error *err = memory_read(&k->memory, sp, &f, sizeof(f));
	if (err)
		return err;
	u.ip = f.ret_addr;
	u.slot = sp + offsetof(struct inactive_task_frame, ret_addr);
	u.sp = sp + sizeof(f);
	u.bp = f.bp;
	u.bp_known = true;
	return follow(&u, ret);
}

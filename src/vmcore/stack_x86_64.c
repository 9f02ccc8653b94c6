/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the stacks of x86-64 are, and where unwinding begins. */
#include <stddef.h>

#include "base/cleanup.h"
#include "vmcore/machine_x86_64.h"
#include "vmcore/memory.h"
#include "vmcore/stack.h"

enum {
	// arch/x86/include/asm/page_64_types.h, where no symbol tells it.
	IRQ_STACK_SIZE = 16384,
	// Six stacks of two pages with a guard page before each and one behind (struct
	// cea_exception_stacks); less is mapped, what is not is passed over.
	UNTYPED_EXCEPTION_STACKS = 13 * 4096,
};

// machine_kexec() is the crashing CPU's, crash_nmi_callback() that of those which it stopped
// (arch/x86/kernel/reboot.c).
const struct machine_start x86_64_starts[] = {
	{SYM_machine_kexec, SYM___crash_kexec},
	{SYM_crash_nmi_callback, SYM_COUNT},
	{SYM_COUNT, SYM_COUNT},
};

// struct inactive_task_frame (arch/x86/include/asm/switch_to.h): what __switch_to_asm() pushed.
struct inactive_task_frame {
	uint64_t r15, r14, r13, r12, bx, bp, ret_addr;
};

// The per-CPU array that the IRQ stacks are (arch/x86/kernel/irq_64.c); its type stands far back in
// the BTF, its size in the symbol table.
static uint64_t irq_stack_size(struct kernel *k)
{
	struct symbol symbol;
	uint64_t at;

	if (kernel_symbol(k, SYM_irq_stack_backing_store, &at) &&
	    kernel_symbol_at(k, at, &symbol) && symbol.address == at &&
	    symbol.size >= IRQ_STACK_SIZE && symbol.size <= UNWIND_MAX_REGION)
		return symbol.size;
	return IRQ_STACK_SIZE;
}

static bool irq_stack_top(struct kernel *k, unsigned int cpu, uint64_t *ret)
{
	uint64_t at;

	if (kernel_percpu(k, SYM_hardirq_stack_ptr, cpu, &at))
		return memory_u64(&k->memory, at, ret) && *ret;
	return kernel_percpu(k, SYM_pcpu_hot, cpu, &at) &&
	       kernel_read(k, at, MEM_PCPU_HOT_IRQ_STACK, ret) && *ret;
}

void x86_64_add_cpu_stacks(struct unwind *u, unsigned int cpu)
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
	if (!stack_has_types(k))
		size = UNTYPED_EXCEPTION_STACKS;
	else if (!btf_sizeof(&k->btf, "cea_exception_stacks", &size) || size > UNWIND_MAX_REGION)
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

bool x86_64_is_user(const struct cpu_regs *regs)
{
	return regs->cs & 3;
}

// Without types the task's stack is the one that the CPU's stack pointer is in, or was in before it
// went to the IRQ stack: stacks are aligned to their size.
static void add_stack_around(struct unwind *u, uint64_t sp)
{
	const uint64_t size = stack_thread_size(u->k);

	if (sp >> 63 && !unwind_in_regions(u, sp) && !(size & (size - 1)))
		unwind_add_region(u, sp & ~(size - 1), (sp & ~(size - 1)) + size, false);
}

void x86_64_add_untyped_stacks(struct unwind *u, unsigned int cpu, const struct cpu_regs *regs)
{
	uint64_t top, sp;

	// The last word of the IRQ stack is where the task's stack pointer was left. Until 5.11 the
	// pointer is to behind it (commit 951c2a51ae75).
	if (irq_stack_top(u->k, cpu, &top)) {
		if (memory_u64(&u->k->memory, top, &sp))
			add_stack_around(u, sp);
		if (memory_u64(&u->k->memory, top - 8, &sp))
			add_stack_around(u, sp);
	}
	if (regs && !x86_64_is_user(regs))
		add_stack_around(u, regs->sp);
}

bool x86_64_start_from_regs(struct unwind *u, const struct cpu_regs *regs)
{
	if (!kernel_is_text(u->k, regs->ip) && !regs->sp)
		return false;
	u->ip = regs->ip;
	u->sp = u->slot = regs->sp;
	u->bp = regs->bp;
	u->bp_known = u->interrupted = u->have_regs = true;
	u->partial_regs = false;
	u->regs = *regs;
	return true;
}

void x86_64_start_from_stack(struct unwind *u, uint64_t at)
{
	u->slot = at;
	u->sp = at + 8;
	u->interrupted = u->have_regs = false;
	// With frame pointers that of the function whose return address this is was saved below it.
	u->bp_known = !u->k->orc && unwind_in_regions(u, at - 8) &&
		      memory_u64(&u->k->memory, at - 8, &u->bp);
}

struct ey_error *x86_64_start_from_task(struct unwind *u, const struct task *task)
{
	struct inactive_task_frame f;
	uint64_t sp;

	if (!kernel_read(u->k, task->address, MEM_TASK_THREAD_SP, &sp) || !unwind_in_regions(u, sp))
		return ey_error_create(EY_ERR_FAULT, "its stack pointer is not in its stack");
	struct ey_error *err = memory_read(&u->k->memory, sp, &f, sizeof(f));
	if (err)
		return err;
	u->ip = f.ret_addr;
	u->slot = sp + offsetof(struct inactive_task_frame, ret_addr);
	u->sp = sp + sizeof(f);
	u->bp = f.bp;
	u->bp_known = true;
	return NULL;
}

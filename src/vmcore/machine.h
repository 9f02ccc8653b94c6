/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The seam between machines: what a dump of one kind of machine needs that another's does not, in
 * one table each. Everything else of the room asks for memory, symbols and types alone.
 *
 * A new machine is three files and a line in machine.c: its memory (as machine_x86_64.c), the
 * stacks of its CPUs (stack_x86_64.c) and its unwinder (unwind_x86_64.c). Pages are of 4096 bytes
 * (dump.h) and registers are x86-64's (struct cpu_regs in notes.h) so far.
 */
#ifndef EYRIE_VMCORE_MACHINE_H
#define EYRIE_VMCORE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "vmcore/unwind.h"

struct dump;
struct task;

/** A function, and the one that called it (SYM_COUNT: any). */
struct machine_start {
	enum kernel_symbol function, caller;
};

struct machine {
	/** As uname(2) and the header of a kdump-compressed dump name it. */
	const char *name;
	/** EM_... of its ELF files. */
	uint16_t elf_machine;

	/** Fill in @p m what leads from virtual to physical addresses, from VMCOREINFO. */
	struct ey_error *(*memory_open)(struct memory *m, const char *vmcoreinfo);
	/** Whether the address is where the kernel's image is mapped (not its modules). */
	bool (*in_image)(uint64_t vaddr);
	/** Walk the page tables: the frame of the page at @p vaddr, EY_ERR_FAULT where none is. */
	struct ey_error *(*walk)(struct memory *m, uint64_t vaddr, uint64_t *pfn_ret);
	/**
	 * Whether one of the dump's CPUs runs the kernel of @p m, by what the dump's maker noted of
	 * its page tables: a guest's memory may hold the remains of kernels that ran before.
	 */
	bool (*is_running)(struct memory *m);
	/**
	 * Make what memory_open() and kallsyms_find() need of VMCOREINFO from what the dump's maker
	 * noted of the first CPU, for a kernel that has not come to writing its own: a text to be
	 * freed, NULL where the notes do not lead to a kernel's image.
	 */
	struct ey_error *(*make_info)(struct dump *d, char **ret);

	/** Add what @p cpu has of stacks besides its task's. */
	void (*add_cpu_stacks)(struct unwind *u, unsigned int cpu);
	/** Where types do not tell it: add the task's stack, by the pointers that @p cpu left. */
	void (*add_untyped_stacks)(struct unwind *u, unsigned int cpu, const struct cpu_regs *regs);
	/** The functions in which a CPU waits for the dump, or makes it; the last is SYM_COUNT. */
	const struct machine_start *starts;
	/** Begin with the registers that a CPU saved; false where they are not sound. */
	bool (*start_from_regs)(struct unwind *u, const struct cpu_regs *regs);
	/** Whether they are a program's, not the kernel's. */
	bool (*is_user)(const struct cpu_regs *regs);
	/** Begin where a task that does not run was switched away from. */
	struct ey_error *(*start_from_task)(struct unwind *u, const struct task *task);
	/** u->ip was found at the address @p at of a stack: begin with it. */
	void (*start_from_stack)(struct unwind *u, uint64_t at);

	/** One frame up. */
	enum unwind_result (*unwind_step)(struct unwind *u);
	/** Whether u->ip is the address behind a call instruction in text. */
	bool (*follows_call)(const struct unwind *u);
};

extern const struct machine machine_x86_64;

/** NULL where there is none of that name, or that number. */
const struct machine *machine_by_name(const char *name);
const struct machine *machine_by_elf(uint16_t elf_machine);
/** For dumps that do not say what they are of. */
const struct machine *machine_default(void);
#endif

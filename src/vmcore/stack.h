/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Stacks of a dumped kernel, unwound across exception frames and from the IRQ, NMI and double-fault
 * stacks to the task's. How one frame leads to the next is the machine's (machine.h).
 */
#ifndef EYRIE_VMCORE_STACK_H
#define EYRIE_VMCORE_STACK_H

#include "vmcore/kernel.h"
#include "vmcore/notes.h"
#include "vmcore/task.h"

enum { STACK_MAX_FRAMES = 512 };

struct stack_frame {
	/** Return address, or where something was interrupted (then @p interrupted). */
	uint64_t address;
	/** Where the return address lies on the stack. */
	uint64_t sp;
	/** "" where no symbol is known. */
	char *function;
	/** NULL for the kernel itself. */
	char *module;
	uint64_t offset, size;
	/** Found by ORC from a sure start; false behind code without unwind data. */
	bool reliable;
	/** Interrupted here by an exception, an interrupt or an NMI; @p regs are its registers. */
	bool interrupted;
	/** Only ip, cs, flags, sp and ss of regs are known. */
	bool partial_regs;
	struct cpu_regs *regs;
};

struct stack {
	struct task task;
	/** CPU that it was running on; -1 for a sleeping task. */
	int cpu;
	struct stack_frame *frames;
	size_t count;
	/** Registers at the entry from user space, where the stack ends there. */
	struct cpu_regs *user_regs;
	/** Why the stack could not be followed to its end; NULL where it could. */
	char *broken;
};

/** The CPU that panicked and took the dump, or -1. */
int stack_panic_cpu(struct kernel *k);
/** The stack of the task that ran on @p cpu when the kernel died. */
struct ey_error *stack_of_cpu(struct kernel *k, unsigned int cpu, struct stack *ret) EY_MUST_CHECK;
/** The stack of a task that did not run. */
struct ey_error *stack_of_task(struct kernel *k, const struct task *task,
			       struct stack *ret) EY_MUST_CHECK;
void stack_deinit(struct stack *s);

/* For the machines' files. */
/** THREAD_SIZE, bytes. */
uint64_t stack_thread_size(struct kernel *k);
/** Whether the types are there that tell where a task's stack is. */
bool stack_has_types(struct kernel *k);

#endif

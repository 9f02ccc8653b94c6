/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The parts of machine_x86_64; machine.h says what each does. For its files only. */
#ifndef EYRIE_VMCORE_MACHINE_X86_64_H
#define EYRIE_VMCORE_MACHINE_X86_64_H

#include "vmcore/machine.h"

/* stack_x86_64.c */
extern const struct machine_start x86_64_starts[];
void x86_64_add_cpu_stacks(struct unwind *u, unsigned int cpu);
void x86_64_add_untyped_stacks(struct unwind *u, unsigned int cpu, const struct cpu_regs *regs);
bool x86_64_start_from_regs(struct unwind *u, const struct cpu_regs *regs);
bool x86_64_is_user(const struct cpu_regs *regs);
struct ey_error *x86_64_start_from_task(struct unwind *u, const struct task *task);
void x86_64_start_from_stack(struct unwind *u, uint64_t at);

/* unwind_x86_64.c */
enum unwind_result x86_64_unwind_step(struct unwind *u);
bool x86_64_follows_call(const struct unwind *u);

#endif

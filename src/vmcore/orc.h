/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The kernel's ORC unwind tables (arch/x86/include/asm/orc_types.h, arch/x86/kernel/unwind_orc.c,
 * Documentation/arch/x86/orc-unwinder.rst).
 */
#ifndef EYRIE_VMCORE_ORC_H
#define EYRIE_VMCORE_ORC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct kernel;
struct orc;

/** ORC_REG_*: where a stack pointer is taken from. The numbers in the tables changed in 7.x. */
enum orc_reg {
	ORC_REG_UNDEFINED,
	ORC_REG_PREV_SP,
	ORC_REG_DX,
	ORC_REG_DI,
	ORC_REG_BP,
	ORC_REG_SP,
	ORC_REG_R10,
	ORC_REG_R13,
	ORC_REG_BP_INDIRECT,
	ORC_REG_SP_INDIRECT,
	ORC_REG_AX,
};

/** What kind of frame it is; the numbers in the tables changed in 6.4 (commit fb799447ae29). */
enum orc_type {
	ORC_TYPE_UNDEFINED,
	ORC_TYPE_END_OF_STACK,
	ORC_TYPE_CALL,
	ORC_TYPE_REGS,
	ORC_TYPE_REGS_PARTIAL,
};

struct orc_entry {
	int16_t sp_offset, bp_offset;
	enum orc_reg sp_reg, bp_reg;
	enum orc_type type;
	/** The address found is where something was interrupted, not a return address. */
	bool signal;
};

/** Find the kernel's tables. */
struct ey_error *orc_create(struct kernel *k, struct orc **ret) EY_MUST_CHECK;
void orc_destroy(struct orc *o);

/**
 * Whether the kernel was built with frame pointers in place of ORC (CONFIG_UNWINDER_FRAME_POINTER):
 * it has no tables, and its functions begin with "push %rbp; mov %rsp,%rbp".
 */
bool orc_is_replaced_by_frame_pointers(struct kernel *k);

/** The entry for the instruction at @p ip, in the kernel, a module or an ftrace trampoline. */
bool orc_find(struct kernel *k, uint64_t ip, struct orc_entry *ret);

/** Whether @p ip is in a trampoline that ftrace made at run time. */
bool orc_is_trampoline(struct kernel *k, uint64_t ip);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Where the value of a register came from, read backwards from an instruction as far as the code
 * shows it: while there is but one way to get there.
 */
#ifndef EYRIE_ANALYSIS_ORIGIN_H
#define EYRIE_ANALYSIS_ORIGIN_H

#include "analysis/disasm.h"
#include "vmcore/kernel.h"
#include "vmcore/notes.h"

enum { ORIGIN_MAX_STEPS = 8, ORIGIN_TEXT_SIZE = 256 };

/** A function's code, taken apart, and the registers at one of its instructions. */
struct code {
	struct kernel *k;
	struct disasm_insn *insns;
	size_t count;
	/** A bit set for each instruction that a jump of the function leads to. */
	bool *is_target;
	/** insns[0] is the function's first. */
	bool from_start;
	/** Its name, and index of the instruction that the registers are of. */
	const char *function;
	size_t at;
	const struct cpu_regs *regs;
};

/** Sentences, the last event first: "loaded from 0x18(%rdi) at …". */
struct origin {
	char steps[ORIGIN_MAX_STEPS][ORIGIN_TEXT_SIZE];
	size_t count;
};

/** Set is_target; false where memory is out. */
bool code_find_targets(struct code *c);
/** The value of a register in @p regs. */
uint64_t code_reg(const struct cpu_regs *regs, enum disasm_reg reg);
/**
 * The address of the instruction's memory operand under @p regs; per-CPU memory is that of
 * @p cpu (-1 not known). False where it cannot be told.
 */
bool code_effective_address(struct kernel *k, const struct disasm_insn *insn,
			    const struct cpu_regs *regs, int cpu, uint64_t *ret);
/** "0xffffffff81000000 <function+16>" as crash prints it. */
void code_place(struct kernel *k, uint64_t address, char *buf, size_t size);
/** Where the register's value at instruction c->at came from. */
void origin_trace(const struct code *c, enum disasm_reg reg, struct origin *ret);

#endif

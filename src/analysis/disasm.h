/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Machine instructions of x86-64 as the code pass needs them. disasm.c does it by capstone;
 * programs that are built without (eyrie-capture) link disasm_none.c in its place.
 */
#ifndef EYRIE_ANALYSIS_DISASM_H
#define EYRIE_ANALYSIS_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** The general registers by their numbers in the encoding; any part of one is the register. */
enum disasm_reg {
	DISASM_RAX,
	DISASM_RCX,
	DISASM_RDX,
	DISASM_RBX,
	DISASM_RSP,
	DISASM_RBP,
	DISASM_RSI,
	DISASM_RDI,
	DISASM_R8,
	DISASM_R9,
	DISASM_R10,
	DISASM_R11,
	DISASM_R12,
	DISASM_R13,
	DISASM_R14,
	DISASM_R15,
	DISASM_RIP,
	DISASM_NO_REG,
};
/** "rax", … */
const char *disasm_reg_name(enum disasm_reg reg);

enum disasm_kind {
	DISASM_OTHER,
	/** A register from memory, from another register, from an address or a constant. */
	DISASM_LOAD,
	DISASM_MOVE,
	DISASM_LEA,
	DISASM_CONSTANT,
	/** A register changed by a constant (add, sub, inc, dec). */
	DISASM_ADD,
	DISASM_CALL,
	/** A jump that may not be taken; one that always is, or a return, or where it ends. */
	DISASM_BRANCH,
	DISASM_LEAVE,
};

enum disasm_segment { DISASM_SEGMENT_NONE, DISASM_SEGMENT_FS, DISASM_SEGMENT_GS };

struct disasm_insn {
	uint64_t address;
	uint8_t len;
	enum disasm_kind kind;
	/** Of LOAD, MOVE, LEA, CONSTANT and ADD; source of MOVE, and of what has no other operand.
	 */
	enum disasm_reg dest, source;
	/** Registers that it changes, a bit each. */
	uint32_t writes;
	/** Where CALL, BRANCH and LEAVE go; 0 where that is not in the instruction. */
	uint64_t target;
	/** A call or jump by a register: which. */
	enum disasm_reg target_reg;
	int64_t constant;
	/** Its memory operand. */
	bool has_memory, is_string;
	enum disasm_reg base, index;
	enum disasm_segment segment;
	uint8_t scale, size;
	int64_t displacement;
	/** In AT&T syntax, as the crash utility's dis prints it. */
	char text[96];
};

/**
 * Take @p len bytes at @p address apart. What is no instruction ends the list early. @p ret is
 * freed by the caller. EY_ERR_NOT_FOUND: this program was built without a disassembler.
 */
struct ey_error *disasm_run(const uint8_t *code, size_t len, uint64_t address,
			    struct disasm_insn **ret, size_t *count_ret) EY_MUST_CHECK;

#endif

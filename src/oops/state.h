/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The processor's state as an x86-64 oops prints it, and what the instruction at the program
 * counter would do with it: enough to see where the two do not fit together.
 */
#ifndef EYRIE_OOPS_STATE_H
#define EYRIE_OOPS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/** In the instruction set's numbering: 0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, 5 RBP, ... R15.
	 */
	OOPS_REGS = 16,
	/** arch/x86/kernel/dumpstack.c prints 42 bytes before the counter and 21 behind. */
	OOPS_CODE_MAX = 64,
};

struct oops_state {
	uint64_t reg[OOPS_REGS];
	/** A bit for each register that was printed. */
	uint16_t have;
	bool have_cr2, have_ip, have_pf_code, code_done, done;
	uint64_t cr2;
	/** The program counter where it was printed as a number. */
	uint64_t ip;
	/** The page fault's error code. */
	uint32_t pf_code;
	/** "Code: ...": the bytes, how many, and which is the first of the instruction. */
	uint8_t code[OOPS_CODE_MAX];
	uint8_t code_len, code_at;
	/** Two pointers that a list corruption says should be the same. */
	uint64_t want, found;
	bool have_pair;
};

/** Take a line of registers, of code, of the page fault's kind. The first value of each counts. */
void oops_state_take(struct oops_state *state, const char *text, size_t len);
/** A header line: "... should be X, but was Y". */
void oops_state_take_header(struct oops_state *state, const char *text, size_t len);

enum oops_insn_kind {
	/** Not one that this decoder is sure of. */
	OOPS_INSN_UNKNOWN,
	/** A plain instruction of every x86-64 processor that touches no memory. */
	OOPS_INSN_PLAIN,
	/** The same, with one memory operand. */
	OOPS_INSN_MEMORY,
	/** DIV, IDIV; its operand may be in memory. */
	OOPS_INSN_DIVIDE,
	/** UD0, UD1, UD2, INT3: meant to trap. */
	OOPS_INSN_TRAP,
};

struct oops_insn {
	enum oops_insn_kind kind;
	/** Registers of the memory operand; -1: none. */
	int base, index;
	unsigned int scale;
	int64_t offset;
	/** False where the address cannot be computed from the registers (RIP-relative, segments).
	 */
	bool computable;
};

/** Decode the instruction at the program counter; OOPS_INSN_UNKNOWN where in doubt. */
void oops_insn_decode(const struct oops_state *state, struct oops_insn *ret);
/** The address that it uses, from the printed registers. */
bool oops_insn_address(const struct oops_state *state, const struct oops_insn *insn, uint64_t *ret);
const char *oops_reg_name(int reg);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A kernel with a little text, one task with a stack, an IRQ stack, two CPUs, and an ORC table
 * made by hand (arch/x86/include/asm/orc_types.h).
 */
#ifndef EYRIE_TESTS_VMCORE_FAKE_STACK_H
#define EYRIE_TESTS_VMCORE_FAKE_STACK_H

#include "fake_kernel.h"
#include "vmcore/notes.h"

#define FAKE_TEXT      (FAKE_IMAGE + 0x100000)
#define FAKE_ORC_IPS   (FAKE_IMAGE + 0x300000)
#define FAKE_ORCS      (FAKE_IMAGE + 0x400000)
#define FAKE_STACK     (FAKE_VMALLOC + 0x4000)
#define FAKE_IRQ_STACK (FAKE_VMALLOC + 0x10000)
#define FAKE_TASK      (FAKE_LINEAR + 0x1000)
#define FAKE_PERCPU    (FAKE_LINEAR + 0x2000)

enum {
	/** Functions f_0, f_1, ... f_15 of 256 bytes each. */
	FAKE_FUNCTION_SIZE = 0x100,
	FAKE_FUNCTIONS = 16,
	FAKE_TEXT_SIZE = FAKE_FUNCTIONS * FAKE_FUNCTION_SIZE,
	FAKE_STACK_SIZE = 0x4000,
	/** f_14 and f_15 are machine_kexec and __crash_kexec, with which a crash ends. */
	FAKE_MACHINE_KEXEC = 14,
	FAKE_CRASH_KEXEC = 15,
};

/** Address in function @p n. */
#define FAKE_FUNCTION(n, offset) (FAKE_TEXT + (uint64_t)(n)*FAKE_FUNCTION_SIZE + (offset))

/** Bit fields of struct orc_entry behind the two offsets of 16 bits. */
enum fake_orc_field {
	ORC_FIELD_SP_REG,
	ORC_FIELD_BP_REG,
	ORC_FIELD_TYPE,
	ORC_FIELD_SIGNAL,
	ORC_FIELD_END,
	ORC_FIELDS,
};

struct fake_orc_layout {
	/** Size 0: this kernel has no such field. */
	struct {
		uint32_t offset, size;
	} bits[ORC_FIELDS];
};

/** Linux 5.10's to 6.2's, that of 6.3 alone, and the one since 6.4. */
extern const struct fake_orc_layout fake_orc_6_1, fake_orc_6_3, fake_orc_6_4;

struct fake_stack {
	struct fake_dump fake;
	/** Both CPUs' registers, in PRSTATUS notes. */
	struct cpu_regs regs;
	struct fake_orc_layout layout;
	size_t orc_count;
	/** Registers are numbered as in 7.x. */
	bool new_registers;
	/** The kernel has no types of its ORC entries. */
	bool no_orc_types;
};

void fake_stack_init(struct fake_stack *s);
/**
 * Add an entry for the code from @p ip on; in the order of addresses. Values of the fields, the
 * registers numbered as before 7.x.
 */
void fake_stack_orc(struct fake_stack *s, uint64_t ip, int16_t sp_offset, int16_t bp_offset,
		    const uint32_t fields[ORC_FIELDS]);
/** Put a word on the stack. */
void fake_stack_word(struct fake_stack *s, uint64_t at, uint64_t value);
struct kernel *fake_stack_open(struct fake_stack *s);

#endif

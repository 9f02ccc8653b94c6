/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The ELF notes of a dump: CPUs' registers (PRSTATUS) and VMCOREINFO. */
#ifndef EYRIE_VMCORE_NOTES_H
#define EYRIE_VMCORE_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** The x86-64 registers as struct pt_regs has them (arch/x86/include/asm/ptrace.h). */
struct cpu_regs {
	uint64_t r15, r14, r13, r12, bp, bx;
	uint64_t r11, r10, r9, r8, ax, cx, dx, si, di;
	uint64_t orig_ax, ip, cs, flags, sp, ss;
};

struct elf_note {
	const char *name;
	size_t name_len;
	uint32_t type;
	const uint8_t *desc;
	size_t desc_len;
};

/** The next note at *@p pos, which moves on; false at the end or where the notes are not sound. */
bool notes_next(const uint8_t *notes, size_t len, size_t *pos, struct elf_note *ret);

/** Whether these are the notes of /proc/kcore: only it has the task that reads it. */
bool notes_are_of_kcore(const uint8_t *notes, size_t len);

/** Whether they are of a dump that QEMU made (target/i386/arch_dump.c). */
bool notes_are_of_qemu(const uint8_t *notes, size_t len);

/** EY_ERR_INPUT where the notes are of something that is no dump of a Linux kernel of our kind. */
struct ey_error *notes_check(const uint8_t *notes, size_t len) EY_MUST_CHECK;

/** Copy the text of VMCOREINFO to @p ret (free()); NULL where there is none. */
struct ey_error *notes_find_vmcoreinfo(const uint8_t *notes, size_t len, char **ret) EY_MUST_CHECK;

/**
 * Registers of the @p index-th CPU that has a PRSTATUS note (the order of the online CPUs).
 * False where there is no such note.
 */
bool notes_cpu_regs(const uint8_t *notes, size_t len, size_t index, struct cpu_regs *ret);

/**
 * CR3 and CR4 of the @p index-th CPU by QEMU's notes (struct QEMUCPUState,
 * target/i386/arch_dump.c). False where there is no such note.
 */
bool notes_cpu_control(const uint8_t *notes, size_t len, size_t index, uint64_t *cr3_ret,
		       uint64_t *cr4_ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A struct kernel over a fake dump, its symbols and the members of its types set by hand: no
 * kallsyms and no BTF are needed to test what reads structures.
 */
#ifndef EYRIE_TESTS_VMCORE_FAKE_KERNEL_H
#define EYRIE_TESTS_VMCORE_FAKE_KERNEL_H

#include "fake_dump.h"
#include "vmcore/kernel.h"

/**
 * Open the dump (whose builder is freed) and its memory, and kallsyms where VMCOREINFO tells of
 * them, but nothing else; free with fake_kernel_close().
 */
struct kernel *fake_kernel_open(struct fake_dump *f);
void fake_kernel_close(struct kernel *k);

void fake_kernel_symbol(struct kernel *k, enum kernel_symbol symbol, uint64_t address);
void fake_kernel_member(struct kernel *k, enum kernel_member member, uint32_t offset,
			uint32_t size);
/** A bit field. */
void fake_kernel_bits(struct kernel *k, enum kernel_member member, uint32_t bit_offset,
		      uint32_t bit_size);
/** So many CPUs, all online, each with its per-CPU memory @p stride bytes further. */
void fake_kernel_cpus(struct kernel *k, unsigned int count, uint64_t stride);
/** Why something is missing: the gap of this name, or NULL. */
const char *fake_kernel_gap(const struct kernel *k, const char *what);

#endif

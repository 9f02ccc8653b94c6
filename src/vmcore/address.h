/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What an address of a dumped kernel's data belongs to. */
#ifndef EYRIE_VMCORE_ADDRESS_H
#define EYRIE_VMCORE_ADDRESS_H

#include "vmcore/kernel.h"
#include "vmcore/slab.h"

enum { ADDRESS_TEXT_SIZE = KALLSYMS_NAME_SIZE + 128 };

/**
 * Name the address by the variable that it lies in ("lock_b [module]", "name+0x10"), else by the
 * object of a slab cache ("kmalloc-64 object ffff888003a52100 + 0x10"). @p slabs may be NULL.
 * False, and "", where nothing is known.
 */
bool address_describe(struct kernel *k, const struct slab_list *slabs, uint64_t address,
		      char ret[static ADDRESS_TEXT_SIZE]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The modules of a dumped kernel and their symbols (include/linux/module.h). */
#ifndef EYRIE_VMCORE_MODULE_H
#define EYRIE_VMCORE_MODULE_H

#include "vmcore/kernel.h"

struct module {
	/** Address of its struct module. */
	uint64_t address;
	char name[64];
	/** The core part: first address and bytes, as crash's `mod` has them. */
	uint64_t base, size;
	uint64_t text_base, text_size;
	/** Text of its initialisation; 0 bytes once that is done and freed. */
	uint64_t init_base, init_size;
	/** Letters, e.g. "OE". */
	char taint[32];
	/** Its symbol table: addresses of Elf64_Sym entries and of their strings. */
	uint64_t symtab, strtab;
	uint32_t symbol_count;
	struct range symbols;
	/** Its ORC tables; see orc.h. */
	uint64_t orc_ips, orc_entries;
	uint32_t orc_count;
	struct range orc_ip_range, orc_range;
	bool orc_opened;
};

/** Read the kernel's list of modules into k->modules. */
struct ey_error *modules_load(struct kernel *k) EY_MUST_CHECK;
void modules_free(struct kernel *k);
/** The module whose text has the address, or NULL. */
struct module *module_of_text(struct kernel *k, uint64_t address);
/** The symbol of the module that the address lies in (find_kallsyms_symbol()). */
bool module_find_symbol(struct kernel *k, struct module *m, uint64_t address, struct symbol *ret);

/** The taint flags of @p mask as letters; @p size at least 33. */
void taint_letters(uint64_t mask, char *buf, size_t size);

#endif

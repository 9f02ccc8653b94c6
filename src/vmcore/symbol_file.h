/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The kernel's symbols from a file of its build, for dumps in which kallsyms is not: System.map, or
 * the symbol table of a vmlinux. Neither is believed before the dump agrees.
 */
#ifndef EYRIE_VMCORE_SYMBOL_FILE_H
#define EYRIE_VMCORE_SYMBOL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vmcore/kallsyms.h"
#include "vmcore/memory.h"

struct symbol_file {
	/** The file, mapped. */
	const char *map;
	size_t map_len;
	/** Sorted by address, where KASLR has put it in this dump. */
	struct symbol_file_entry {
		uint64_t address;
		/** Name in the file: where, and how long. */
		uint64_t name;
		uint32_t len;
		/** Which of several at one address comes first. */
		uint32_t rank;
	} * entries;
	size_t count;
	/** "System.map", "vmlinux". */
	const char *kind;
	/** Its .BTF section; 0 bytes where it has none. */
	uint64_t btf_offset, btf_size;
};

/**
 * Open the file @p fd, which stays the caller's. EY_ERR_INPUT: it is neither form, or is of another
 * kernel than the dump in @p m: the build ids differ; or, where one has none, linux_banner is not
 * in the dump where the file says, with the release that VMCOREINFO names.
 */
struct ey_error *symbol_file_open(struct symbol_file *f, struct memory *m, int fd) EY_MUST_CHECK;
void symbol_file_close(struct symbol_file *f);

/** Find many symbols; the first of a name wins. */
void symbol_file_resolve(const struct symbol_file *f, struct wanted_symbol *wanted, size_t count);
/** The symbol that @p address lies in, the first of its aliases. */
bool symbol_file_find(const struct symbol_file *f, uint64_t address, struct symbol *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The kernel's own symbol table, as it lies compressed in its memory (kernel/kallsyms.c,
 * scripts/kallsyms.c). Where its parts are, VMCOREINFO says since Linux 6.0 (commits
 * f09bddbd8661 and 5fd8fea935a1); before, they are found by their form (kallsyms_find.h).
 */
#ifndef EYRIE_VMCORE_KALLSYMS_H
#define EYRIE_VMCORE_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vmcore/memory.h"

enum {
	/** KSYM_NAME_LEN since 6.1. */
	KALLSYMS_NAME_SIZE = 512,
	/** Symbols between two entries of our index of the names. */
	KALLSYMS_MARK_EVERY = 256,
};

/** How kallsyms_offsets says where a symbol is (kallsyms_sym_address()). */
enum kallsyms_form {
	/** Bytes from kallsyms_relative_base. */
	KALLSYMS_RELATIVE,
	/** The same, but negative; what is not negative is an address (until 6.15:
	 *  CONFIG_KALLSYMS_ABSOLUTE_PERCPU). */
	KALLSYMS_ABSOLUTE_PERCPU,
	/** Bytes from the offset's own place (7.x: offset_to_ptr(), no kallsyms_relative_base). */
	KALLSYMS_PLACE_RELATIVE,
	/** Not offsets but addresses of 8 bytes (kallsyms_addresses: before 4.6, or without
	 *  CONFIG_KALLSYMS_BASE_RELATIVE). */
	KALLSYMS_ADDRESSES,
};

/** Where the parts are. */
struct kallsyms_place {
	uint64_t names, num_syms, token_table, token_index;
	/** kallsyms_offsets, or kallsyms_addresses. */
	uint64_t offsets;
	/** Of kallsyms_relative_base; 0 where the kernel has none. */
	uint64_t relative_base;
	/** What offsets are is known: KALLSYMS_ADDRESSES; else the table tells. */
	bool addresses;
};

struct kallsyms {
	struct memory *memory;
	uint32_t count;
	struct range names;
	struct range offsets;
	uint64_t relative_base;
	enum kallsyms_form form;
	/** What each of the 256 tokens stands for, one after the other; where each begins and ends.
	 */
	char *tokens;
	uint32_t token_begin[257];
	/** Where each 256th name begins in names; filled by the first walk. */
	uint32_t *marks;
	/** Names that could be walked: fewer than count where pages are missing. */
	uint32_t walked;
};

/** A symbol by its address. */
struct symbol {
	char name[KALLSYMS_NAME_SIZE];
	/** Module's name, "" for the kernel itself. */
	char module[64];
	uint64_t address;
	/** Bytes to the next symbol; 0 where not known. */
	uint64_t size;
};

struct wanted_symbol {
	const char *name;
	/** 0 until found. */
	uint64_t address;
	bool found;
};

/** Open the kernel's table: where VMCOREINFO says that it is, else found by its form. */
struct ey_error *kallsyms_init(struct kallsyms *k, struct memory *m) EY_MUST_CHECK;
/** Open the table whose parts are at @p place. */
struct ey_error *kallsyms_init_at(struct kallsyms *k, struct memory *m,
				  const struct kallsyms_place *place) EY_MUST_CHECK;
void kallsyms_deinit(struct kallsyms *k);

/** Find many symbols in one walk over the names. The first of a name wins. */
void kallsyms_resolve(struct kallsyms *k, struct wanted_symbol *wanted, size_t count);

/** The symbol that @p address lies in, the first of its aliases, as the kernel itself prints it. */
bool kallsyms_find_address(struct kallsyms *k, uint64_t address, struct symbol *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Types of the dumped kernel from its BTF section (Documentation/bpf/btf.rst,
 * include/uapi/linux/btf.h).
 *
 * Read lazily: the section is some 5 MB, and what an analysis needs stands near its beginning,
 * since pahole writes types in the order of the compilation units.
 */
#ifndef EYRIE_VMCORE_BTF_H
#define EYRIE_VMCORE_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vmcore/memory.h"

struct btf {
	struct range range;
	uint32_t type_begin, type_len, str_begin, str_len;
	/** Offset in the type section of each type met so far; [0] is void and not used. */
	uint32_t *offsets;
	size_t count, capacity;
	/** Where the next type begins. */
	uint32_t scanned;
	/** The walk ended early: damaged, or a page is missing. */
	bool broken;
	/** Structs and unions by the hash of their name, as type ids; 0 ends a chain. */
	struct btf_name {
		uint32_t hash, id;
	} * names;
	size_t name_count, name_capacity;
};

/** Open the BTF at [start, stop) of the kernel's memory. */
struct ey_error *btf_init(struct btf *b, struct memory *m, uint64_t start,
			  uint64_t stop) EY_MUST_CHECK;
/**
 * Open @p size bytes of BTF at @p offset in the file @p fd, which stays the caller's; 0 bytes: all
 * that the file has.
 */
struct ey_error *btf_init_file(struct btf *b, int fd, uint64_t offset, uint64_t size) EY_MUST_CHECK;
void btf_deinit(struct btf *b);

/** Where a member is. */
struct btf_member {
	/** Bits from the start of the struct; a multiple of 8 unless it is a bit field. */
	uint32_t bit_offset;
	/** Bits of a bit field, 0 for an ordinary member. */
	uint32_t bit_size;
	/** Size of the member's type in bytes, 0 where not known. */
	uint32_t size;
	/** For an array its number of elements, else 0. */
	uint32_t count;
	/** Type id, with typedefs and qualifiers resolved. */
	uint32_t type;
};

/**
 * Member @p path ("a.b.c", through anonymous members too) of struct or union @p type.
 * False where there is no such type or member in this kernel.
 */
bool btf_member(struct btf *b, const char *type, const char *path, struct btf_member *ret);
/** Size of a struct or union in bytes. */
bool btf_sizeof(struct btf *b, const char *type, uint32_t *ret);
/** Value of an enumerator by its name in enum @p type. */
bool btf_enum(struct btf *b, const char *type, const char *name, int64_t *ret);

#endif

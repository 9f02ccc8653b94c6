/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The kernel's virtual memory in a dump, through its page tables (see machine.h).
 */
#ifndef EYRIE_VMCORE_MEMORY_H
#define EYRIE_VMCORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vmcore/dump.h"

struct machine;

enum { MEMORY_TLB_SIZE = 1024 };

struct memory {
	struct dump *dump;
	const struct machine *machine;
	/** Physical address of the kernel's top page table. */
	uint64_t top_table;
	/** Of page tables; x86-64: 4 or 5. */
	int levels;
	/** What links the image's virtual addresses to physical: paddr = vaddr - map + phys_base.
	 */
	uint64_t phys_base;
	/**
	 * Where all physical memory is mapped (page_offset_base), 0 while not known: for dumps that
	 * lack pages of the page tables.
	 */
	uint64_t direct_map;
	/** Bits of a page table entry that are an address. */
	uint64_t address_mask;
	/** Virtual page number plus one, and its frame. */
	struct {
		uint64_t vpn, pfn;
	} tlb[MEMORY_TLB_SIZE];
};

/** What to say where there is none, nor a way around it. */
extern const char memory_no_info[];

/** Set up from VMCOREINFO. EY_ERR_INPUT where it lacks what is needed. */
struct ey_error *memory_init(struct memory *m, struct dump *dump) EY_MUST_CHECK;

/** The frame of the page at @p vaddr; EY_ERR_FAULT where nothing is mapped there. */
struct ey_error *memory_translate(struct memory *m, uint64_t vaddr,
				  uint64_t *pfn_ret) EY_MUST_CHECK;

/** Read @p len bytes at the virtual address; EY_ERR_FAULT where not all of them are there. */
struct ey_error *memory_read(struct memory *m, uint64_t vaddr, void *buf, size_t len) EY_MUST_CHECK;

/** Numbers; they return false where memory is not there. */
bool memory_u64(struct memory *m, uint64_t vaddr, uint64_t *ret);
bool memory_u32(struct memory *m, uint64_t vaddr, uint32_t *ret);

/**
 * A string of at most @p size - 1 bytes; cut there, always NUL-terminated. False where its first
 * byte is not there.
 */
bool memory_string(struct memory *m, uint64_t vaddr, char *buf, size_t size);

/**
 * A stretch of virtual memory made contiguous here and read page by page as it is asked for.
 */
struct range {
	struct memory *memory;
	uint64_t base;
	uint64_t size;
	/** Mapped anonymously from the page of base on: pages not asked for cost nothing. */
	uint8_t *map;
	size_t map_len;
	/** A byte a page: 0 not asked for, 1 here, 2 not in the dump. */
	uint8_t *state;
	/** Pages asked for that the dump does not have. */
	uint64_t missing;
};

/** No range is larger; nothing in a kernel that we read whole is. */
#define RANGE_MAX_SIZE (256ULL << 20)

struct ey_error *range_init(struct range *r, struct memory *m, uint64_t base,
			    uint64_t size) EY_MUST_CHECK;
/**
 * The same of a file, @p size bytes from @p offset on, 0 for all of it: so that what reads tables
 * need not know where they come from. The file stays the caller's.
 */
struct ey_error *range_init_file(struct range *r, int fd, uint64_t offset,
				 uint64_t size) EY_MUST_CHECK;
void range_deinit(struct range *r);
/** Its bytes [offset, offset + len), or NULL where they are outside or not in the dump. */
const void *range_get(struct range *r, uint64_t offset, uint64_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Small dumps made on the spot, so that a parser can be run on bytes of our choice: physical
 * memory page by page, x86-64 page tables that map it, VMCOREINFO and notes, written as an ELF
 * core. fake_kdump.h writes the same as makedumpfile does.
 *
 * Shared by the unit tests and the fuzz targets. Out of memory ends the program.
 */
#ifndef EYRIE_TESTS_VMCORE_FAKE_DUMP_H
#define EYRIE_TESTS_VMCORE_FAKE_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { FAKE_PAGE = 4096 };

/** Bits of a page table entry (Intel SDM vol. 3A, 4.5). */
enum {
	FAKE_PRESENT = 0x1,
	FAKE_HUGE = 0x80,
	FAKE_PROTNONE = 0x100,
};

/** Where the fake kernel's image, its vmalloc area and its linear mapping lie. */
#define FAKE_IMAGE   0xffffffff81000000ULL
#define FAKE_VMALLOC 0xffffc90000000000ULL
#define FAKE_LINEAR  0xffff888000000000ULL

struct fake_frame {
	uint64_t pfn;
	/** Exists, but is not written to the dump. */
	bool left_out;
	uint8_t *bytes;
};

struct fake_dump {
	/** Sorted by pfn. */
	struct fake_frame *frames;
	size_t count;
	uint64_t next_pfn;
	/** Levels of the page tables, 4 or 5, and the frame of the top one. */
	int levels;
	uint64_t top_pfn;
	/** The text of VMCOREINFO; fake_dump_init() puts in what memory_init() needs. */
	struct ey_buf info;
	/** Further ELF notes; VMCOREINFO is added when the dump is written. */
	struct ey_buf notes;
};

/** A memory with an empty top page table. */
void fake_dump_init(struct fake_dump *f, int levels);
void fake_dump_deinit(struct fake_dump *f);

/** The bytes of a page frame, which is made (all zeros) if it is not there yet. */
uint8_t *fake_dump_frame(struct fake_dump *f, uint64_t pfn);
/** A frame not used so far. */
uint64_t fake_dump_new_frame(struct fake_dump *f);
/** Leave the frame out of the dump, as makedumpfile does with pages that nobody needs. */
void fake_dump_leave_out(struct fake_dump *f, uint64_t pfn);

/**
 * Set the entry for @p vaddr in the table of @p level (0: 4 KiB pages, 1: 2 MiB, 2: 1 GiB) to
 * the frame and the flags, making the tables above it.
 */
void fake_dump_map(struct fake_dump *f, uint64_t vaddr, int level, uint64_t pfn, uint64_t flags);
/** Frame of the 4 KiB page at @p vaddr, which is mapped to a new one if it is not yet. */
uint64_t fake_dump_page(struct fake_dump *f, uint64_t vaddr);
/** Put bytes at a virtual address, mapping what is not mapped. */
void fake_dump_put(struct fake_dump *f, uint64_t vaddr, const void *data, size_t len);
void fake_dump_put_u64(struct fake_dump *f, uint64_t vaddr, uint64_t value);
void fake_dump_put_u32(struct fake_dump *f, uint64_t vaddr, uint32_t value);
/** Map pages of zeros for [vaddr, vaddr + len). */
void fake_dump_reserve(struct fake_dump *f, uint64_t vaddr, size_t len);

/** Add a line SYMBOL(name)=address to VMCOREINFO. */
void fake_dump_symbol(struct fake_dump *f, const char *name, uint64_t address);
/** Append an ELF note to @p notes. */
void fake_note(struct ey_buf *notes, const char *name, uint32_t type, const void *desc, size_t len);
/** All notes of the dump, VMCOREINFO among them unless f->info is empty. */
void fake_dump_notes(const struct fake_dump *f, struct ey_buf *ret);

/** Write as an ELF core: a PT_LOAD for each run of frames. */
void fake_dump_write_elf(const struct fake_dump *f, struct ey_buf *ret);

/** A file of these bytes that has no name; the caller closes it. */
int fake_file(const void *data, size_t len);
/** The same of the ELF core. */
int fake_dump_elf_file(const struct fake_dump *f);

#endif

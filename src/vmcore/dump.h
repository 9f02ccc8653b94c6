/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A dump as physical memory: pages by page frame number, and the ELF notes that came with it.
 *
 * Formats: kdump-compressed (makedumpfile; zlib, lzo, snappy, zstd, also flattened or split into
 * several files) and ELF64 (/proc/vmcore as it is, QEMU's dump-guest-memory; /proc/kcore, the
 * memory of the kernel that runs).
 */
#ifndef EYRIE_VMCORE_DUMP_H
#define EYRIE_VMCORE_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vmcore/source.h"

enum {
	DUMP_PAGE_SHIFT = 12,
	/** x86-64's. */
	DUMP_PAGE_SIZE = 1 << DUMP_PAGE_SHIFT,
	DUMP_WHY_SIZE = 400,
	DUMP_FORMAT_SIZE = 64,
	DUMP_UTS_SIZE = 66,
};

struct dump;
struct diskdump;
struct elfcore;
struct machine;
struct page_cache;

enum dump_format {
	/** No dump at all, but the text of the kernel's log. */
	DUMP_NONE,
	DUMP_KDUMP_COMPRESSED,
	DUMP_ELF,
};

struct dump {
	struct source source;
	enum dump_format format;
	/** What it is of; where it does not say, machine_default(). */
	const struct machine *machine;
	struct diskdump *diskdump;
	struct elfcore *elfcore;
	struct page_cache *cache;
	/** The raw ELF notes (PRSTATUS, VMCOREINFO, QEMU), NULL where there are none. */
	uint8_t *notes;
	size_t notes_len;
	/** The text of VMCOREINFO, NUL-terminated; NULL where the dump has none. */
	char *vmcoreinfo;
	/** It was not in the dump: find_info() made it up from page tables, for memory alone. */
	bool vmcoreinfo_made;
	/** makedumpfile said that it did not finish, a file ends too early, a part is not here. */
	bool incomplete;
	/** Why, and how much is there, for people; "" where it is complete. */
	char incomplete_why[DUMP_WHY_SIZE];
	/** Part of a split dump: it has the frames [start_pfn, end_pfn). */
	bool split;
	uint64_t start_pfn, end_pfn;
	/** The other parts of a split dump, a dump each. */
	struct dump *parts;
	size_t part_count;
	/** The memory of a running kernel (/proc/kcore): it changes while it is read. */
	bool live;
	/** What the header says of the machine ("" where it does not): kdump-compressed dumps. */
	char nodename[DUMP_UTS_SIZE], release[DUMP_UTS_SIZE], version[DUMP_UTS_SIZE];
	/** What makedumpfile left out (its -d), -1 where not known. */
	int dump_level;
	/** See dump_format_name(). */
	char format_name[DUMP_FORMAT_SIZE];
	/** Pages asked of the file so far, and how many of them it had. */
	uint64_t pages_read, pages_found;
};

/** Open the dump in @p fd, which this takes over in any case. */
struct ey_error *dump_open(struct dump *d, int fd) EY_MUST_CHECK;
/**
 * Open the parts of a split dump (makedumpfile --split), in any order; all of @p fds are taken over
 * in any case. A part that cannot be read makes the dump incomplete, unless it is the first.
 */
struct ey_error *dump_open_set(struct dump *d, const int *fds, size_t count) EY_MUST_CHECK;
void dump_close(struct dump *d);

/** "kdump-compressed", also ", flattened" or ", split"; "ELF"; "kcore"; "dmesg" (no dump). */
const char *dump_format_name(const struct dump *d);
/** Add ", in gzip" to that name; nothing for NULL. */
void dump_wrapped_in(struct dump *d, const char *what);

/**
 * Copy the page with frame number @p pfn to @p dest (DUMP_PAGE_SIZE bytes), not keeping it.
 * EY_ERR_FAULT: the page is not in the dump.
 */
struct ey_error *dump_read_page(struct dump *d, uint64_t pfn, void *dest) EY_MUST_CHECK;

/** The page, valid until the next call with the same dump. */
struct ey_error *dump_get_page(struct dump *d, uint64_t pfn, const uint8_t **ret) EY_MUST_CHECK;

/**
 * The first frame from *@p pfn on that the dump says it has, into *@p pfn; false where there is
 * none. For searching all memory.
 */
bool dump_next_page(struct dump *d, uint64_t *pfn);

/**
 * Whether the frame exists in the machine and was left out of the dump by a level that leaves out
 * pages of zeros. (It was a page of zeros, or it was free, or a user's, or cache.)
 */
bool dump_page_may_be_zero(struct dump *d, uint64_t pfn);

#endif

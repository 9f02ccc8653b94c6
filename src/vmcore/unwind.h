/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file One step up a stack at a time. Internal to the room. */
#ifndef EYRIE_VMCORE_UNWIND_H
#define EYRIE_VMCORE_UNWIND_H

#include "vmcore/kernel.h"
#include "vmcore/notes.h"

enum { UNWIND_MAX_REGIONS = 8, UNWIND_MAX_REGION = 1 << 18 };

/** A stack's memory: nothing is read outside these. */
struct unwind_region {
	uint64_t begin, end;
	/** Several stacks, one after the other: going from one to another may lead down. */
	bool several;
};

struct unwind {
	struct kernel *k;
	struct unwind_region regions[UNWIND_MAX_REGIONS];
	size_t region_count;
	/** How often it went down within a region of several stacks. */
	unsigned int descents;
	uint64_t ip, sp, bp;
	bool bp_known;
	/** ip was interrupted rather than called from. */
	bool interrupted;
	/** All registers of an interrupted context, if known. */
	bool have_regs, partial_regs;
	struct cpu_regs regs;
	bool reliable;
	/** Where ip was read. */
	uint64_t slot;
	const char *broken;
};

enum unwind_result {
	UNWIND_NEXT,
	/** The end of the stack; user_mode tells whether it is the entry from user space. */
	UNWIND_END,
	UNWIND_USER,
	/** Cannot go on; unwind.broken says why. */
	UNWIND_BROKEN,
};

void unwind_add_region(struct unwind *u, uint64_t begin, uint64_t end, bool several);
bool unwind_in_regions(const struct unwind *u, uint64_t address);
enum unwind_result unwind_step(struct unwind *u);

/* For the machines' unwinders. */
/** The region that has the address, NULL for none. */
const struct unwind_region *unwind_region_of(const struct unwind *u, uint64_t address);
/** Read an aligned word of a stack; false where it is not in one, or not in the dump. */
bool unwind_deref(struct unwind *u, uint64_t address, uint64_t *ret);
/** Note why it cannot go on (a constant text). */
enum unwind_result unwind_broken(struct unwind *u, const char *why);

#endif

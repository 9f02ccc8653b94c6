/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/unwind.h"

#include "vmcore/machine.h"
#include "vmcore/memory.h"

void unwind_add_region(struct unwind *u, uint64_t begin, uint64_t end, bool several)
{
	// No stack is longer, and none lies where its end would wrap around.
	if (begin && end > begin && end - begin <= UNWIND_MAX_REGION &&
	    end <= UINT64_MAX - DUMP_PAGE_SIZE && u->region_count < UNWIND_MAX_REGIONS)
		u->regions[u->region_count++] = (struct unwind_region){begin, end, several};
}

const struct unwind_region *unwind_region_of(const struct unwind *u, uint64_t address)
{
	for (size_t i = 0; i < u->region_count; i++) {
		if (address >= u->regions[i].begin && address < u->regions[i].end)
			return &u->regions[i];
	}
	return NULL;
}

bool unwind_in_regions(const struct unwind *u, uint64_t address)
{
	return unwind_region_of(u, address) != NULL;
}

bool unwind_deref(struct unwind *u, uint64_t address, uint64_t *ret)
{
	return !(address & 7) && unwind_region_of(u, address) &&
	       memory_u64(&u->k->memory, address, ret);
}

enum unwind_result unwind_broken(struct unwind *u, const char *why)
{
	u->broken = why;
	return UNWIND_BROKEN;
}

enum unwind_result unwind_step(struct unwind *u)
{
	return u->k->memory.machine->unwind_step(u);
}

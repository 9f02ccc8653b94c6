/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The slab caches of a dumped kernel (SLUB: mm/slab.h, mm/slub.c). */
#ifndef EYRIE_VMCORE_SLAB_H
#define EYRIE_VMCORE_SLAB_H

#include "vmcore/kernel.h"

struct slab_cache {
	/** Address of its struct kmem_cache. */
	uint64_t address;
	char name[64];
	/** Bytes that an object has, and that it takes. */
	uint64_t object_size, size;
	/** Bytes of one slab. */
	uint64_t slab_bytes;
	/**
	 * Slabs and objects in them, over all nodes (nr_slabs and total_objects, there with
	 * CONFIG_SLUB_DEBUG); -1 where the kernel does not count them.
	 */
	int64_t slabs, objects;
	/**
	 * Objects in use as /proc/slabinfo has them: all but those that are free in partly used
	 * slabs. What a CPU keeps for itself counts as used. -1 where not counted.
	 */
	int64_t active;
};

struct slab_list {
	struct slab_cache *caches;
	size_t count;
};

/** Read the list slab_caches. What could not be read of it becomes the gap @p gap. */
struct ey_error *slab_list_read(struct kernel *k, const char *gap,
				struct slab_list *ret) EY_MUST_CHECK;
void slab_list_deinit(struct slab_list *list);
/** Count what is in use of a cache, which slab_list_read() leaves at -1: walks its partial slabs.
 */
void slab_count_active(struct kernel *k, struct slab_cache *cache);

/** The object that the address (of the direct mapping) lies in. */
struct slab_object {
	const struct slab_cache *cache;
	uint64_t address;
	uint64_t offset;
};
bool slab_find_object(struct kernel *k, const struct slab_list *list, uint64_t address,
		      struct slab_object *ret);

#endif

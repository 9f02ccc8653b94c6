/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/slab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	MAX_CACHES = 4096,
	MAX_NODES = 1024,
	// Partly used slabs of a cache that are looked at one by one. /proc/slabinfo stops at
	// 10,000 (MAX_PARTIAL_TO_SCAN) and guesses the rest.
	MAX_PARTIAL = 65536,
	// struct kmem_cache_order_objects: the order above, the number of objects below.
	OO_SHIFT = 16,
	MAX_ORDER = 20,
};
// No machine has as many objects as this: what says so is damaged.
static const uint64_t max_objects = 1ULL << 44;

/** Notes, in a walk of a list, that it has come back to where it was (Brent's algorithm). */
struct circle {
	uint64_t mark;
	size_t steps, limit;
};

static bool circle_closes(struct circle *c, uint64_t node)
{
	if (node == c->mark)
		return true;
	if (c->steps++ >= c->limit) {
		c->mark = node;
		c->steps = 0;
		c->limit = 2 * c->limit + 1;
	}
	return false;
}

static uint32_t node_count(struct kernel *k)
{
	uint64_t at;
	uint32_t nodes = 1;

	if (kernel_symbol(k, SYM_nr_node_ids, &at))
		memory_u32(&k->memory, at, &nodes);
	return nodes && nodes <= MAX_NODES ? nodes : 1;
}

// The cache's part for a node, 0 where there is none.
static uint64_t cache_node(struct kernel *k, uint64_t cache, uint32_t node)
{
	const struct btf_member *m = kernel_member(k, MEM_CACHE_NODE);
	uint64_t address = 0;

	if (m)
		memory_u64(&k->memory, cache + m->bit_offset / 8 + node * UINT64_C(8), &address);
	return address;
}

static int64_t add_count(struct kernel *k, int64_t sum, uint64_t base, enum kernel_member member)
{
	uint64_t count;

	if (sum < 0 || !kernel_read(k, base, member, &count) || count > max_objects)
		return -1;
	return sum + (int64_t)count;
}

static bool read_cache(struct kernel *k, uint64_t address, uint32_t nodes, struct slab_cache *c)
{
	uint64_t name, oo;

	*c = (struct slab_cache){.address = address, .active = -1};
	if (!kernel_read(k, address, MEM_CACHE_SIZE, &c->size) ||
	    !kernel_read(k, address, MEM_CACHE_OBJECT_SIZE, &c->object_size) ||
	    !kernel_read(k, address, MEM_CACHE_OO, &oo) || oo >> OO_SHIFT > MAX_ORDER)
		return false;
	c->slab_bytes = (uint64_t)DUMP_PAGE_SIZE << (oo >> OO_SHIFT);
	if (!kernel_read(k, address, MEM_CACHE_NAME, &name) ||
	    !memory_string(&k->memory, name, c->name, sizeof(c->name)))
		c->name[0] = '\0';
	for (uint32_t node = 0; node < nodes; node++) {
		uint64_t n = cache_node(k, address, node);

		if (!n)
			continue;
		c->slabs = add_count(k, c->slabs, n, MEM_CACHE_NODE_NR_SLABS);
		c->objects = add_count(k, c->objects, n, MEM_CACHE_NODE_TOTAL);
	}
	return true;
}

struct ey_error *slab_list_read(struct kernel *k, const char *gap, struct slab_list *ret)
{
	const struct btf_member *list = kernel_member(k, MEM_CACHE_LIST);
	uint64_t head, node;

	*ret = (struct slab_list){0};
	if (!kernel_symbol(k, SYM_slab_caches, &head) || !list || !kernel_member(k, MEM_CACHE_OO))
		return ey_error_create(EY_ERR_INPUT,
				       "the kernel has no slab_caches, or not those of SLUB");
	if (!kernel_read(k, head, MEM_LIST_NEXT, &node))
		return ey_error_create(EY_ERR_FAULT, "slab_caches is not in the dump");
	struct circle circle = {0};
	uint32_t nodes = node_count(k);
	while (node != head) {
		if (ret->count == MAX_CACHES || circle_closes(&circle, node)) {
			kernel_gap(k, gap, "the list of slab caches does not end: damaged");
			break;
		}
		// Room is doubled whenever the count is a power of two.
		if (!(ret->count & (ret->count - 1))) {
			size_t room = ret->count ? 2 * ret->count : 1;
			struct slab_cache *more = reallocarray(ret->caches, room, sizeof(*more));

			if (!more) {
				slab_list_deinit(ret);
				return &ey_error_nomem;
			}
			ret->caches = more;
		}
		if (!read_cache(k, node - list->bit_offset / 8, nodes, &ret->caches[ret->count]) ||
		    !kernel_read(k, node, MEM_LIST_NEXT, &node)) {
			kernel_gap(k, gap,
				   "the list of slab caches breaks off after %zu: not in the dump",
				   ret->count);
			break;
		}
		ret->count++;
	}
	return NULL;
}

void slab_list_deinit(struct slab_list *list)
{
	free(list->caches);
	*list = (struct slab_list){0};
}

// A bit field or a number of struct slab.
static bool read_slab_bits(struct kernel *k, uint64_t slab, enum kernel_member member,
			   uint64_t *ret)
{
	const struct btf_member *m = kernel_member(k, member);
	uint64_t word;

	if (!m)
		return false;
	if (!m->bit_size)
		return kernel_read(k, slab, member, ret);
	if (!memory_u64(&k->memory, slab + (uint64_t)m->bit_offset / 64 * 8, &word))
		return false;
	*ret = word >> (m->bit_offset % 64) & ((1ULL << m->bit_size) - 1);
	return m->bit_offset % 64 + m->bit_size <= 64;
}

// Free objects in the partly used slabs of a node; false where they cannot be counted. *budget is
// what may still be looked at.
static bool count_free(struct kernel *k, uint64_t node, size_t *budget, uint64_t *free_ret)
{
	const struct btf_member *partial = kernel_member(k, MEM_CACHE_NODE_PARTIAL);
	const struct btf_member *in_slab = kernel_member(k, MEM_SLAB_LIST);
	uint64_t head, at;

	if (!partial || !in_slab)
		return false;
	head = node + partial->bit_offset / 8;
	at = head;
	struct circle circle = {0};
	while (*budget) {
		uint64_t inuse, objects;

		--*budget;
		if (!kernel_read(k, at, MEM_LIST_NEXT, &at))
			return false;
		if (at == head)
			return true;
		if (circle_closes(&circle, at))
			return false;
		uint64_t slab = at - in_slab->bit_offset / 8;
		if (!read_slab_bits(k, slab, MEM_SLAB_INUSE, &inuse) ||
		    !read_slab_bits(k, slab, MEM_SLAB_OBJECTS, &objects) || inuse > objects)
			return false;
		*free_ret += objects - inuse;
	}
	return false;
}

void slab_count_active(struct kernel *k, struct slab_cache *c)
{
	uint64_t free_objects = 0;
	size_t budget = MAX_PARTIAL;
	uint32_t nodes = node_count(k);

	if (c->objects < 0)
		return;
	for (uint32_t node = 0; node < nodes; node++) {
		uint64_t n = cache_node(k, c->address, node);

		if (n && !count_free(k, n, &budget, &free_objects))
			return;
	}
	if (free_objects <= (uint64_t)c->objects)
		c->active = c->objects - (int64_t)free_objects;
}

bool slab_find_object(struct kernel *k, const struct slab_list *list, uint64_t address,
		      struct slab_object *ret)
{
	// The direct mapping's largest size (Documentation/arch/x86/x86_64/mm.rst).
	static const uint64_t max_direct = 1ULL << 55;
	uint64_t vmemmap_at, vmemmap, head, cache, direct = k->memory.direct_map;
	uint32_t page_size;

	if (!direct || address < direct || address - direct >= max_direct ||
	    !kernel_symbol(k, SYM_vmemmap_base, &vmemmap_at) ||
	    !memory_u64(&k->memory, vmemmap_at, &vmemmap) ||
	    !btf_sizeof(&k->btf, "page", &page_size) || !page_size)
		return false;
	uint64_t page = vmemmap + ((address - direct) >> DUMP_PAGE_SHIFT) * page_size;
	// Bit 0 of compound_head: this is a tail page, and the rest is the head's address.
	if (!kernel_read(k, page, MEM_PAGE_COMPOUND_HEAD, &head))
		return false;
	if (head & 1)
		page = head - 1;
	if (page < vmemmap || (page - vmemmap) % page_size ||
	    !kernel_read(k, page, MEM_SLAB_CACHE, &cache))
		return false;
	// Only a slab's page has a cache that is in the list there.
	for (size_t i = 0; i < list->count; i++) {
		const struct slab_cache *c = &list->caches[i];

		if (c->address != cache || !c->size)
			continue;
		uint64_t start = direct + ((page - vmemmap) / page_size << DUMP_PAGE_SHIFT);
		if (address < start || address - start >= c->slab_bytes)
			return false;
		ret->cache = c;
		ret->offset = (address - start) % c->size;
		ret->address = address - ret->offset;
		return true;
	}
	return false;
}

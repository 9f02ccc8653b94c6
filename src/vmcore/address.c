/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/address.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vmcore/module.h"

enum {
	// enum mod_mem_type (include/linux/module.h) has seven kinds.
	MAX_MODULE_PARTS = 16,
};
// An address further than this behind a symbol is not of it.
static const uint64_t max_symbol = 1ULL << 20;

static void print_symbol(const struct symbol *s, uint64_t offset, char *ret)
{
	int n = snprintf(ret, ADDRESS_TEXT_SIZE, "%s", s->name);

	if (offset)
		n += snprintf(ret + n, (size_t)(ADDRESS_TEXT_SIZE - n), "+0x%" PRIx64, offset);
	if (s->module[0])
		snprintf(ret + n, (size_t)(ADDRESS_TEXT_SIZE - n), " [%s]", s->module);
}

// Where the part of the module that has the address begins; 0 where none has it. Before 6.4 the
// core was one part (commit ac3b43283923).
static uint64_t module_part(struct kernel *k, const struct module *m, uint64_t address)
{
	const struct btf_member *mem = kernel_member(k, MEM_MODULE_MEM);
	uint32_t stride;

	if (!mem)
		return address - m->base < m->size ? m->base : 0;
	if (!btf_sizeof(&k->btf, "module_memory", &stride) || !stride)
		return 0;
	for (uint32_t i = 0; i < mem->size / stride && i < MAX_MODULE_PARTS; i++) {
		uint64_t at = m->address + mem->bit_offset / 8 + (uint64_t)i * stride;
		uint64_t base, size;

		if (kernel_read(k, at, MEM_MODULE_MEMORY_BASE, &base) &&
		    kernel_read(k, at, MEM_MODULE_MEMORY_SIZE, &size) && base &&
		    address - base < size)
			return base;
	}
	return 0;
}

static bool describe_symbol(struct kernel *k, uint64_t address, char *ret)
{
	struct symbol s;
	uint64_t stext;

	for (size_t i = 0; i < k->module_count; i++) {
		uint64_t part = module_part(k, &k->modules[i], address);

		if (!part)
			continue;
		if (!module_find_symbol(k, &k->modules[i], address, &s) || s.address < part ||
		    address - s.address > max_symbol) {
			snprintf(ret, ADDRESS_TEXT_SIZE, "data of module %s", k->modules[i].name);
			return true;
		}
		print_symbol(&s, address - s.address, ret);
		return true;
	}
	if (!k->have_kallsyms || !kernel_symbol(k, SYM__stext, &stext) || address < stext ||
	    !kernel_symbol_at(k, address, &s) || address < s.address ||
	    address - s.address > max_symbol || (s.size && address - s.address >= s.size))
		return false;
	print_symbol(&s, address - s.address, ret);
	return true;
}

bool address_describe(struct kernel *k, const struct slab_list *slabs, uint64_t address,
		      char ret[static ADDRESS_TEXT_SIZE])
{
	struct slab_object object;

	ret[0] = '\0';
	if (describe_symbol(k, address, ret))
		return true;
	if (!slabs || !slab_find_object(k, slabs, address, &object))
		return false;
	snprintf(ret, ADDRESS_TEXT_SIZE, "%s object %016" PRIx64 " + 0x%" PRIx64,
		 object.cache->name[0] ? object.cache->name : "slab", object.address,
		 object.offset);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/module.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	MAX_MODULES = 4096,
	MAX_MODULE_SYMBOLS = 1 << 20,
	// enum module_state (include/linux/module.h): still being set up, not to be trusted.
	MODULE_STATE_UNFORMED = 3,
};

// The letters of taint_flags[] (kernel/panic.c) for the bits that are set.
void taint_letters(uint64_t mask, char *buf, size_t size)
{
	static const char letters[] = "PFSRMBUDAWCIOELKXTNJ";
	size_t n = 0;

	for (size_t bit = 0; bit < sizeof(letters) - 1 && n + 1 < size; bit++) {
		if (mask >> bit & 1)
			buf[n++] = letters[bit];
	}
	buf[n] = '\0';
}

// Before 6.4 one layout (commit ac3b43283923 changed it), since then an array by enum mod_mem_type.
static bool read_layout(struct kernel *k, struct module *m)
{
	const struct btf_member *mem = kernel_member(k, MEM_MODULE_MEM);

	if (kernel_read(k, m->address, MEM_MODULE_CORE_BASE, &m->base)) {
		m->text_base = m->base;
		if (!kernel_read(k, m->address, MEM_MODULE_INIT_BASE, &m->init_base) ||
		    !kernel_read(k, m->address, MEM_MODULE_INIT_TEXT_SIZE, &m->init_size))
			m->init_size = 0;
		return kernel_read(k, m->address, MEM_MODULE_CORE_SIZE, &m->size) &&
		       kernel_read(k, m->address, MEM_MODULE_CORE_TEXT_SIZE, &m->text_size);
	}
	uint32_t stride;
	int64_t text, init;
	if (!mem || !btf_sizeof(&k->btf, "module_memory", &stride) ||
	    !btf_enum(&k->btf, "mod_mem_type", "MOD_TEXT", &text) ||
	    !btf_enum(&k->btf, "mod_mem_type", "MOD_INIT_TEXT", &init))
		return false;
	for (int64_t i = 0; i <= init && i < 16; i++) {
		uint64_t at = m->address + mem->bit_offset / 8 + (uint64_t)i * stride;
		uint64_t base, size;

		if (!kernel_read(k, at, MEM_MODULE_MEMORY_BASE, &base) ||
		    !kernel_read(k, at, MEM_MODULE_MEMORY_SIZE, &size))
			return false;
		// The parts from MOD_INIT_TEXT on are freed after the initialisation.
		if (i == init) {
			m->init_base = base;
			m->init_size = base ? size : 0;
			break;
		}
		if (i == text) {
			m->base = m->text_base = base;
			m->text_size = size;
		}
		m->size += size;
	}
	return true;
}

static bool read_module(struct kernel *k, struct module *m)
{
	uint64_t taints = 0, kallsyms, count;

	if (!kernel_read_string(k, m->address, MEM_MODULE_NAME, m->name, sizeof(m->name)) ||
	    !read_layout(k, m))
		return false;
	kernel_read(k, m->address, MEM_MODULE_TAINTS, &taints);
	taint_letters(taints, m->taint, sizeof(m->taint));
	if (kernel_read(k, m->address, MEM_MODULE_KALLSYMS, &kallsyms) &&
	    kernel_read(k, kallsyms, MEM_MOD_KALLSYMS_SYMTAB, &m->symtab) &&
	    kernel_read(k, kallsyms, MEM_MOD_KALLSYMS_STRTAB, &m->strtab) &&
	    kernel_read(k, kallsyms, MEM_MOD_KALLSYMS_NUM, &count) && count <= MAX_MODULE_SYMBOLS)
		m->symbol_count = (uint32_t)count;
	if (kernel_read(k, m->address, MEM_MODULE_NUM_ORCS, &count) &&
	    kernel_read(k, m->address, MEM_MODULE_ORC_IPS, &m->orc_ips) &&
	    kernel_read(k, m->address, MEM_MODULE_ORCS, &m->orc_entries))
		m->orc_count = (uint32_t)count;
	return true;
}

static bool is_listed(const struct kernel *k, uint64_t address)
{
	for (size_t i = 0; i < k->module_count; i++) {
		if (k->modules[i].address == address)
			return true;
	}
	return false;
}

struct ey_error *modules_load(struct kernel *k)
{
	const struct btf_member *list = kernel_member(k, MEM_MODULE_LIST);
	uint64_t head, node, state;
	size_t nodes = 0, room = 0;

	if (!kernel_symbol(k, SYM_modules, &head))
		return ey_error_create(EY_ERR_INPUT, "no symbol \"modules\"");
	if (!list)
		return ey_error_create(EY_ERR_INPUT, "no types: the modules are not listed");
	if (!kernel_read(k, head, MEM_LIST_NEXT, &node))
		return ey_error_create(EY_ERR_FAULT, "the list of modules is not in the dump");
	while (node != head) {
		struct module m = {.address = node - list->bit_offset / 8};

		if (nodes++ == MAX_MODULES || is_listed(k, m.address))
			return ey_error_create(EY_ERR_INPUT,
					       "the list of modules does not end: damaged");
		if (k->module_count == room) {
			room = room ? 2 * room : 64;
			struct module *modules = reallocarray(k->modules, room, sizeof(*modules));

			if (!modules)
				return &ey_error_nomem;
			k->modules = modules;
		}
		if (!kernel_read(k, m.address, MEM_MODULE_STATE, &state) ||
		    (state != MODULE_STATE_UNFORMED && !read_module(k, &m)))
			return ey_error_create(EY_ERR_FAULT,
					       "the module at 0x%016" PRIx64 " could not be read",
					       m.address);
		if (state != MODULE_STATE_UNFORMED)
			k->modules[k->module_count++] = m;
		if (!kernel_read(k, node, MEM_LIST_NEXT, &node))
			return ey_error_create(EY_ERR_FAULT,
					       "the list of modules breaks off after %s", m.name);
	}
	return NULL;
}

void modules_free(struct kernel *k)
{
	for (size_t i = 0; i < k->module_count; i++) {
		range_deinit(&k->modules[i].symbols);
		range_deinit(&k->modules[i].orc_ip_range);
		range_deinit(&k->modules[i].orc_range);
	}
	free(k->modules);
	k->modules = NULL;
	k->module_count = 0;
}

struct module *module_of_text(struct kernel *k, uint64_t address)
{
	for (size_t i = 0; i < k->module_count; i++) {
		struct module *m = &k->modules[i];

		if (address - m->text_base < m->text_size || address - m->init_base < m->init_size)
			return m;
	}
	return NULL;
}

// is_mapping_symbol() (include/linux/module_symbol.h).
static bool says_nothing(const char *name)
{
	return !name[0] || (name[0] == '.' && name[1] == 'L') ||
	       (name[0] == 'L' && name[1] == '0') || name[0] == '$';
}

bool module_find_symbol(struct kernel *k, struct module *m, uint64_t address, struct symbol *ret)
{
	uint64_t best = 0, next = address - m->init_base < m->init_size
					  ? m->init_base + m->init_size
					  : m->text_base + m->text_size;
	char name[KALLSYMS_NAME_SIZE];

	*ret = (struct symbol){0};
	if (!m->symbol_count)
		return false;
	if (!m->symbols.map) {
		_cleanup_error_ struct ey_error *err = range_init(
			&m->symbols, &k->memory, m->symtab, m->symbol_count * sizeof(Elf64_Sym));
		if (err) {
			m->symbol_count = 0;
			return false;
		}
	}
	// From 1: the first entry of an ELF symbol table is of nobody.
	for (uint32_t i = 1; i < m->symbol_count; i++) {
		const void *entry =
			range_get(&m->symbols, i * sizeof(Elf64_Sym), sizeof(Elf64_Sym));
		Elf64_Sym s;

		if (!entry)
			continue;
		// A damaged module may say that its table lies anywhere: not aligned.
		memcpy(&s, entry, sizeof(s));
		if (s.st_shndx == SHN_UNDEF)
			continue;
		bool better = s.st_value <= address && s.st_value > best;
		bool nearer = s.st_value > address && s.st_value < next;
		if ((!better && !nearer) ||
		    !memory_string(&k->memory, m->strtab + s.st_name, name, sizeof(name)) ||
		    says_nothing(name))
			continue;
		if (nearer) {
			next = s.st_value;
			continue;
		}
		best = s.st_value;
		memcpy(ret->name, name, sizeof(name));
	}
	if (!best)
		return false;
	ret->address = best;
	ret->size = next - best;
	memcpy(ret->module, m->name, sizeof(ret->module));
	return true;
}

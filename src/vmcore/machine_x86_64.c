/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of x86-64. Page tables: Intel SDM vol. 3A, 4.5; the kernel's names from
 * arch/x86/include/asm/pgtable_types.h. The image's linear mapping: __phys_addr_nodebug(),
 * arch/x86/include/asm/page_64.h.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/machine_x86_64.h"
#include "vmcore/memory.h"
#include "vmcore/notes.h"
#include "vmcore/vmcoreinfo.h"

#define START_KERNEL_MAP 0xffffffff80000000ULL
// KERNEL_IMAGE_SIZE with KASLR (arch/x86/include/asm/page_64_types.h): modules begin behind it.
#define KERNEL_IMAGE_SIZE (1ULL << 30)
#define PTE_ADDRESS_MASK  0x000ffffffffff000ULL
#define PTE_PRESENT	  0x001ULL
#define PTE_PSE		  0x080ULL
// _PAGE_PROTNONE: not present for the processor, but mapped.
#define PTE_PROTNONE 0x100ULL

enum {
	// Entry 511 of the top page table is the kernel's image.
	IMAGE_ENTRY = 511,
	MAX_CPUS = 8192,
};

static bool in_image(uint64_t vaddr)
{
	return vaddr >= START_KERNEL_MAP && vaddr - START_KERNEL_MAP < KERNEL_IMAGE_SIZE;
}

static struct ey_error *memory_open(struct memory *m, const char *info)
{
	int64_t phys_base, number;
	uint64_t top;

	m->levels = 4;
	m->address_mask = PTE_ADDRESS_MASK;
	if (!vmcoreinfo_number(info, "phys_base", &phys_base))
		return ey_error_create(
			EY_ERR_INPUT,
			"VMCOREINFO has no phys_base: not an x86-64 kernel's, or damaged");
	m->phys_base = (uint64_t)phys_base;
	if (!vmcoreinfo_symbol(info, "swapper_pg_dir", &top) &&
	    !vmcoreinfo_symbol(info, "init_top_pgt", &top))
		return ey_error_create(
			EY_ERR_INPUT,
			"VMCOREINFO has no swapper_pg_dir: not an x86-64 kernel's, or "
			"damaged");
	if (!in_image(top))
		return ey_error_create(
			EY_ERR_INPUT,
			"swapper_pg_dir at 0x%" PRIx64 " is not in the kernel's image", top);
	m->top_table = top - START_KERNEL_MAP + m->phys_base;
	if (vmcoreinfo_number(info, "pgtable_l5_enabled", &number) && number)
		m->levels = 5;
	// Memory encryption's bit (AMD SME) is set in each entry.
	if (vmcoreinfo_number(info, "sme_mask", &number))
		m->address_mask &= ~(uint64_t)number;
	return NULL;
}

static struct ey_error *read_entry(struct memory *m, uint64_t table, unsigned int index,
				   uint64_t *ret)
{
	const uint8_t *page;
	struct ey_error *err = dump_get_page(m->dump, table >> DUMP_PAGE_SHIFT, &page);

	if (err)
		return err;
	memcpy(ret, page + (size_t)index * 8, 8);
	return NULL;
}

/**
 * Two stretches need no page tables: the kernel's image, and the direct mapping of all memory
 * (Documentation/arch/x86/x86_64/mm.rst). Used where a table is not in the dump, since only the
 * tables know what of the stretches is mapped.
 */
static bool translate_without_tables(struct memory *m, uint64_t vaddr, uint64_t *pfn_ret)
{
	// The direct mapping is at most 32 PiB long with 5 levels, 64 TiB with 4.
	const uint64_t direct_size = 1ULL << (m->levels == 5 ? 55 : 46);

	if (in_image(vaddr))
		*pfn_ret = (vaddr - START_KERNEL_MAP + m->phys_base) >> DUMP_PAGE_SHIFT;
	else if (m->direct_map && vaddr - m->direct_map < direct_size)
		*pfn_ret = (vaddr - m->direct_map) >> DUMP_PAGE_SHIFT;
	else
		return false;
	return true;
}

static struct ey_error *walk(struct memory *m, uint64_t vaddr, uint64_t *pfn_ret)
{
	uint64_t table = m->top_table;

	for (int level = m->levels - 1; level >= 0; level--) {
		unsigned int shift = DUMP_PAGE_SHIFT + 9 * (unsigned int)level;
		uint64_t entry;

		struct ey_error *err = read_entry(m, table, vaddr >> shift & 511, &entry);
		if (err && err->code == EY_ERR_FAULT &&
		    translate_without_tables(m, vaddr, pfn_ret)) {
			ey_error_destroy(err);
			return NULL;
		}
		if (err)
			return ey_error_prefix(err, "page table of 0x%016" PRIx64, vaddr);
		if (!(entry & (PTE_PRESENT | (level ? 0 : PTE_PROTNONE))))
			return ey_error_create(EY_ERR_FAULT, "nothing is mapped at 0x%016" PRIx64,
					       vaddr);
		table = entry & m->address_mask;
		if (level && level <= 2 && (entry & PTE_PSE)) {
			uint64_t mask = (1ULL << shift) - 1;

			table = (table & ~mask) | (vaddr & mask);
			break;
		}
	}
	*pfn_ret = table >> DUMP_PAGE_SHIFT;
	return NULL;
}

// The entry of a top page table for the kernel's image, the same in each process's table.
static bool image_entry(struct memory *m, uint64_t table, uint64_t *ret)
{
	_cleanup_error_ struct ey_error *err = read_entry(m, table, IMAGE_ENTRY, ret);

	return !err;
}

// Whether a CPU runs this kernel. (With KPTI the user's table is the page behind the kernel's.)
static bool is_running(struct memory *m)
{
	const struct dump *d = m->dump;
	uint64_t own, entry, cr3, cr4;

	if (!image_entry(m, m->top_table, &own))
		return false;
	for (size_t cpu = 0;
	     cpu < MAX_CPUS && notes_cpu_control(d->notes, d->notes_len, cpu, &cr3, &cr4); cpu++) {
		const uint64_t pair = ~(2ULL * DUMP_PAGE_SIZE - 1);

		if (image_entry(m, cr3 & ~(DUMP_PAGE_SIZE - 1ULL), &entry) && entry == own)
			return true;
		if (image_entry(m, cr3 & pair, &entry) && entry == own)
			return true;
	}
	return false;
}

// The first page that is mapped of where the image may be. KASLR moves it by multiples of 2 MiB
// (CONFIG_PHYSICAL_ALIGN).
static bool find_image(struct memory *m, uint64_t *vaddr_ret, uint64_t *pfn_ret)
{
	enum { STEP = 2 << 20 };

	for (uint64_t at = 0; at < KERNEL_IMAGE_SIZE; at += STEP) {
		_cleanup_error_ struct ey_error *err = walk(m, START_KERNEL_MAP + at, pfn_ret);

		if (!err) {
			*vaddr_ret = START_KERNEL_MAP + at;
			return true;
		}
	}
	return false;
}

static struct ey_error *make_info(struct dump *d, char **ret)
{
	enum { CR4_LA57 = 1 << 12 };
	struct memory m = {.dump = d,
			   .machine = &machine_x86_64,
			   .levels = 4,
			   .address_mask = PTE_ADDRESS_MASK};
	uint64_t cr3, cr4, vaddr, pfn = 0;

	*ret = NULL;
	if (!notes_cpu_control(d->notes, d->notes_len, 0, &cr3, &cr4))
		return NULL;
	if (cr4 & CR4_LA57)
		m.levels = 5;
	m.top_table = cr3 & PTE_ADDRESS_MASK;
	if (!find_image(&m, &vaddr, &pfn))
		return NULL;
	// The image begins with _text, which is _stext too (arch/x86/kernel/vmlinux.lds.S).
	const uint64_t phys_base = (pfn << DUMP_PAGE_SHIFT) - (vaddr - START_KERNEL_MAP);
	if (asprintf(ret,
		     "SYMBOL(swapper_pg_dir)=%" PRIx64 "\nSYMBOL(_stext)=%" PRIx64
		     "\nNUMBER(phys_base)=%" PRId64 "\nNUMBER(pgtable_l5_enabled)=%d\n",
		     (uint64_t)(m.top_table - phys_base + START_KERNEL_MAP), vaddr,
		     (int64_t)phys_base, m.levels == 5) < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

const struct machine machine_x86_64 = {
	.name = "x86_64",
	.elf_machine = EM_X86_64,
	.memory_open = memory_open,
	.in_image = in_image,
	.walk = walk,
	.is_running = is_running,
	.make_info = make_info,
	.add_cpu_stacks = x86_64_add_cpu_stacks,
	.add_untyped_stacks = x86_64_add_untyped_stacks,
	.starts = x86_64_starts,
	.start_from_regs = x86_64_start_from_regs,
	.is_user = x86_64_is_user,
	.start_from_task = x86_64_start_from_task,
	.start_from_stack = x86_64_start_from_stack,
	.unwind_step = x86_64_unwind_step,
	.follows_call = x86_64_follows_call,
};

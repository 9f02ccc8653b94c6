/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF64 dumps: /proc/vmcore (fs/proc/vmcore.c), makedumpfile -E, QEMU's dump-guest-memory; and
 * /proc/kcore (fs/proc/kcore.c), whose segments of RAM have physical addresses since 464920104bf7.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/dump_formats.h"
#include "vmcore/notes.h"

enum { MAX_SEGMENTS = 1 << 20 };
// Physical addresses have at most 52 bits.
#define MAX_PFN (1ULL << 40)

struct elf_segment {
	/** Physical address, bytes of it in the file, and where in the file. */
	uint64_t paddr, file_len, offset;
	/** Bytes of it in the machine: behind those of the file, pages that were left out. */
	uint64_t memory_len;
	/** Where the furthest of this and those before it ends, in the file and in the machine. */
	uint64_t furthest_end, furthest_memory_end;
};

struct elfcore {
	struct elf_segment *segments;
	size_t count;
};

bool elfcore_matches(const uint8_t *head)
{
	return !memcmp(head, ELFMAG, SELFMAG);
}

void elfcore_close(struct elfcore *e)
{
	if (!e)
		return;
	free(e->segments);
	free(e);
}

static int by_paddr(const void *a, const void *b)
{
	const struct elf_segment *x = a, *y = b;

	return x->paddr < y->paddr ? -1 : x->paddr > y->paddr;
}

static struct ey_error *check_header(const Elf64_Ehdr *h)
{
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
		return ey_error_create(EY_ERR_INPUT,
				       "not a 64-bit little-endian ELF file; only x86_64 dumps can "
				       "be analysed so far");
	if (h->e_type != ET_CORE)
		return ey_error_create(
			EY_ERR_INPUT, "an ELF file, but not a dump (its type is %u, a core's is 4)",
			h->e_type);
	if (h->e_machine != EM_X86_64)
		return ey_error_create(
			EY_ERR_INPUT,
			"an ELF dump of another machine (ELF machine %u); only x86_64 "
			"dumps can be analysed so far",
			h->e_machine);
	if (h->e_phentsize != sizeof(Elf64_Phdr))
		return ey_error_create(EY_ERR_INPUT,
				       "not a sound ELF dump: program headers of %u bytes",
				       h->e_phentsize);
	return NULL;
}

// /proc/kcore has segments of virtual memory only (vmalloc), whose p_paddr is -1: they, and what
// wraps around, are no memory of ours. QEMU's dumps with paging have segments that are not in the
// file, whose p_offset is -1.
static void add_segment(struct dump *d, const Elf64_Phdr *ph)
{
	struct elfcore *e = d->elfcore;
	uint64_t len = EY_MIN(ph->p_filesz, ph->p_memsz);

	if (!ph->p_memsz || ph->p_paddr > UINT64_MAX - ph->p_memsz ||
	    (len && ph->p_offset > UINT64_MAX - len))
		return;
	if (len && !source_has(&d->source, ph->p_offset, len))
		dump_is_incomplete(d, "the file ends before its last page");
	e->segments[e->count++] = (struct elf_segment){.paddr = ph->p_paddr,
						       .file_len = len,
						       .offset = ph->p_offset,
						       .memory_len = ph->p_memsz};
}

struct ey_error *elfcore_open(struct dump *d)
{
	Elf64_Ehdr h;

	if (!source_has(&d->source, 0, sizeof(h)))
		return ey_error_create(EY_ERR_INPUT, "not a sound ELF dump: it is cut off");
	struct ey_error *err = source_read(&d->source, 0, &h, sizeof(h));
	if (!err)
		err = check_header(&h);
	if (err)
		return err;
	uint64_t count = h.e_phnum;
	if (count == PN_XNUM) {
		Elf64_Shdr sh;

		err = source_read(&d->source, h.e_shoff, &sh, sizeof(sh));
		if (err)
			return ey_error_prefix(err, "the number of program headers");
		count = sh.sh_info;
	}
	if (!count || count > MAX_SEGMENTS ||
	    !source_has(&d->source, h.e_phoff, count * sizeof(Elf64_Phdr)))
		return ey_error_create(EY_ERR_INPUT,
				       "not a sound ELF dump: %" PRIu64
				       " program headers at byte %" PRIu64 " of %" PRIu64,
				       count, (uint64_t)h.e_phoff, d->source.size);
	struct elfcore *e = d->elfcore = calloc(1, sizeof(*e));
	if (!e)
		return &ey_error_nomem;
	e->segments = calloc(count, sizeof(*e->segments));
	if (!e->segments)
		return &ey_error_nomem;
	for (uint64_t i = 0; i < count; i++) {
		Elf64_Phdr ph;

		err = source_read(&d->source, h.e_phoff + i * sizeof(ph), &ph, sizeof(ph));
		if (!err && ph.p_type == PT_NOTE)
			err = dump_load_notes(d, ph.p_offset, ph.p_filesz);
		if (err)
			return err;
		if (ph.p_type == PT_LOAD)
			add_segment(d, &ph);
	}
	d->live = notes_are_of_kcore(d->notes, d->notes_len);
	err = notes_check(d->notes, d->notes_len);
	if (err)
		return err;
	qsort(e->segments, e->count, sizeof(*e->segments), by_paddr);
	uint64_t furthest = 0, furthest_memory = 0;
	for (size_t i = 0; i < e->count; i++) {
		struct elf_segment *seg = &e->segments[i];

		furthest = EY_MAX(furthest, seg->paddr + seg->file_len);
		furthest_memory = EY_MAX(furthest_memory, seg->paddr + seg->memory_len);
		seg->furthest_end = furthest;
		seg->furthest_memory_end = furthest_memory;
	}
	return NULL;
}

// Index of the first segment that begins behind paddr.
static size_t segments_until(const struct elfcore *e, uint64_t paddr)
{
	size_t lo = 0, hi = e->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->segments[mid].paddr <= paddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

// The segment that has the byte at paddr; where none has it, NULL and the address from which one
// may (*next_ret).
static const struct elf_segment *find_segment(const struct elfcore *e, uint64_t paddr,
					      uint64_t *next_ret)
{
	size_t lo = segments_until(e, paddr);

	*next_ret = lo < e->count ? e->segments[lo].paddr : UINT64_MAX;
	// Segments may overlap: the kernel's image is also part of a RAM segment.
	for (size_t i = lo; i > 0 && e->segments[i - 1].furthest_end > paddr; i--) {
		const struct elf_segment *seg = &e->segments[i - 1];

		if (paddr - seg->paddr < seg->file_len)
			return seg;
	}
	return NULL;
}

struct ey_error *elfcore_read_page(struct dump *d, uint64_t pfn, void *dest)
{
	uint8_t *out = dest;
	bool any = false;

	if (pfn >= MAX_PFN)
		return ey_error_create(EY_ERR_FAULT, "no physical page 0x%" PRIx64, pfn);
	memset(out, 0, DUMP_PAGE_SIZE);
	// A segment may begin or end within the page.
	for (uint64_t at = 0; at < DUMP_PAGE_SIZE;) {
		uint64_t paddr = (pfn << DUMP_PAGE_SHIFT) + at, next;
		const struct elf_segment *seg = find_segment(d->elfcore, paddr, &next);

		if (!seg) {
			at = next - paddr < DUMP_PAGE_SIZE - at ? at + (next - paddr)
								: DUMP_PAGE_SIZE;
			continue;
		}
		uint64_t skip = paddr - seg->paddr;
		size_t n = (size_t)EY_MIN(seg->file_len - skip, DUMP_PAGE_SIZE - at);
		struct ey_error *err = source_read(&d->source, seg->offset + skip, out + at, n);
		if (err)
			return err;
		any = true;
		at += n;
	}
	if (!any)
		return ey_error_create(EY_ERR_FAULT,
				       "physical page 0x%" PRIx64 "000 is not in the dump", pfn);
	return NULL;
}

// Behind the bytes that a segment has in the file are pages that makedumpfile -E left out, of zeros
// or for another reason.
bool elfcore_page_may_be_zero(struct dump *d, uint64_t pfn)
{
	const struct elfcore *e = d->elfcore;
	uint64_t paddr = pfn << DUMP_PAGE_SHIFT, next;

	if (pfn >= MAX_PFN || find_segment(e, paddr, &next))
		return false;
	for (size_t i = segments_until(e, paddr);
	     i > 0 && e->segments[i - 1].furthest_memory_end > paddr; i--) {
		if (paddr - e->segments[i - 1].paddr < e->segments[i - 1].memory_len)
			return true;
	}
	return false;
}

bool elfcore_next_page(struct dump *d, uint64_t *pfn)
{
	uint64_t next;

	if (*pfn >= MAX_PFN)
		return false;
	if (find_segment(d->elfcore, *pfn << DUMP_PAGE_SHIFT, &next))
		return true;
	// Empty segments begin somewhere, too.
	while (next < MAX_PFN << DUMP_PAGE_SHIFT && !find_segment(d->elfcore, next, &next)) {
	}
	*pfn = next >> DUMP_PAGE_SHIFT;
	return *pfn < MAX_PFN;
}

struct dump_count elfcore_count(struct dump *d)
{
	const struct elfcore *e = d->elfcore;
	struct dump_count count = {0};

	for (size_t i = 0; i < e->count; i++) {
		const struct elf_segment *seg = &e->segments[i];
		uint64_t room = d->source.size - EY_MIN(seg->offset, d->source.size);

		count.expected += seg->file_len >> DUMP_PAGE_SHIFT;
		count.found += EY_MIN(seg->file_len, room) >> DUMP_PAGE_SHIFT;
	}
	return count;
}

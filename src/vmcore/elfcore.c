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
#include "vmcore/machine.h"
#include "vmcore/notes.h"

enum { MAX_SEGMENTS = 1 << 20 };
// Physical addresses have at most 52 bits.
#define MAX_PFN (1ULL << 40)

struct elf_segment {
	/** Physical address, bytes of it in the file, and where in the file. */
	uint64_t paddr, len, offset;
};

struct span {
	uint64_t start, end;
};

/** Sorted by start, none touching another. */
struct spans {
	struct span *list;
	size_t count;
};

struct elfcore {
	/** Sorted by paddr, none overlapping another. */
	struct elf_segment *segments;
	size_t count;
	/** Physical memory that the headers say is in the file; that they say is not, but exists.
	 */
	struct spans claimed, left_out;
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
	free(e->claimed.list);
	free(e->left_out.list);
	free(e);
}

// The longest first of those that begin together.
static int by_paddr(const void *a, const void *b)
{
	const struct elf_segment *x = a, *y = b;

	if (x->paddr != y->paddr)
		return x->paddr < y->paddr ? -1 : 1;
	return x->len > y->len ? -1 : x->len < y->len;
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void add_span(struct spans *s, uint64_t start, uint64_t end)
{
	if (start < end)
		s->list[s->count++] = (struct span){start, end};
}

static void settle_spans(struct spans *s)
{
	size_t count = 0;

	if (s->count)
		qsort(s->list, s->count, sizeof(*s->list), by_start);
	for (size_t i = 0; i < s->count; i++) {
		if (count && s->list[i].start <= s->list[count - 1].end)
			s->list[count - 1].end = EY_MAX(s->list[count - 1].end, s->list[i].end);
		else
			s->list[count++] = s->list[i];
	}
	s->count = count;
}

static bool in_spans(const struct spans *s, uint64_t at)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->list[mid].end <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->count && s->list[lo].start <= at;
}

// Segments overlap: the kernel's image is also a part of RAM (/proc/vmcore), and with paging a
// page is there once for each of its virtual addresses (QEMU). All say the same, so each byte is
// left to one of them, and finding it costs a binary search.
static void settle_segments(struct elfcore *e)
{
	uint64_t covered = 0;
	size_t count = 0;

	if (e->count)
		qsort(e->segments, e->count, sizeof(*e->segments), by_paddr);
	for (size_t i = 0; i < e->count; i++) {
		struct elf_segment seg = e->segments[i];
		uint64_t skip = covered > seg.paddr ? covered - seg.paddr : 0;

		if (skip >= seg.len)
			continue;
		covered = seg.paddr + seg.len;
		e->segments[count++] =
			(struct elf_segment){seg.paddr + skip, seg.len - skip, seg.offset + skip};
	}
	e->count = count;
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
	if (!machine_by_elf(h->e_machine))
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
	uint64_t len = EY_MIN(ph->p_filesz, ph->p_memsz), there = 0;

	if (!ph->p_memsz || ph->p_paddr > UINT64_MAX - ph->p_memsz ||
	    (len && ph->p_offset > UINT64_MAX - len))
		return;
	if (ph->p_offset < d->source.size)
		there = EY_MIN(len, d->source.size - ph->p_offset);
	if (there < len) {
		dump_is_incomplete(d, "the file ends before its last page");
		// Half a page is none.
		there -= EY_MIN(there, (ph->p_paddr + there) % DUMP_PAGE_SIZE);
	}
	if (there)
		e->segments[e->count++] = (struct elf_segment){ph->p_paddr, there, ph->p_offset};
	add_span(&e->claimed, ph->p_paddr, ph->p_paddr + len);
	add_span(&e->left_out, ph->p_paddr + len, ph->p_paddr + ph->p_memsz);
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
	d->machine = machine_by_elf(h.e_machine);
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
	e->claimed.list = calloc(count, sizeof(*e->claimed.list));
	e->left_out.list = calloc(count, sizeof(*e->left_out.list));
	if (!e->segments || !e->claimed.list || !e->left_out.list)
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
	settle_segments(e);
	settle_spans(&e->claimed);
	settle_spans(&e->left_out);
	return NULL;
}

// The segment that has the byte at paddr; where none has it, NULL and the address from which one
// has (*next_ret).
static const struct elf_segment *find_segment(const struct elfcore *e, uint64_t paddr,
					      uint64_t *next_ret)
{
	size_t lo = 0, hi = e->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->segments[mid].paddr + e->segments[mid].len <= paddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	*next_ret = lo < e->count ? e->segments[lo].paddr : UINT64_MAX;
	return *next_ret <= paddr ? &e->segments[lo] : NULL;
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
		size_t n = (size_t)EY_MIN(seg->len - skip, DUMP_PAGE_SIZE - at);
		struct ey_error *err = source_read(&d->source, seg->offset + skip, out + at, n);
		if (err)
			return err;
		any = true;
		at += n;
	}
	if (!any)
		return ey_error_create(EY_ERR_FAULT,
				       "physical page 0x%" PRIx64 "000 is not in the dump%s", pfn,
				       in_spans(&d->elfcore->claimed, pfn << DUMP_PAGE_SHIFT)
					       ? " (the file ends before it)"
					       : "");
	return NULL;
}

// Behind the bytes that a segment has in the file are pages that makedumpfile -E left out, of zeros
// or for another reason.
bool elfcore_page_may_be_zero(struct dump *d, uint64_t pfn)
{
	const struct elfcore *e = d->elfcore;
	uint64_t paddr = pfn << DUMP_PAGE_SHIFT;

	return pfn < MAX_PFN && in_spans(&e->left_out, paddr) && !in_spans(&e->claimed, paddr);
}

bool elfcore_next_page(struct dump *d, uint64_t *pfn)
{
	uint64_t next;

	if (*pfn >= MAX_PFN)
		return false;
	if (find_segment(d->elfcore, *pfn << DUMP_PAGE_SHIFT, &next))
		return true;
	*pfn = EY_MAX(*pfn, next >> DUMP_PAGE_SHIFT);
	return *pfn < MAX_PFN;
}

struct dump_count elfcore_count(struct dump *d)
{
	const struct elfcore *e = d->elfcore;
	struct dump_count count = {0};

	for (size_t i = 0; i < e->claimed.count; i++)
		count.expected += e->claimed.list[i].end - e->claimed.list[i].start;
	for (size_t i = 0; i < e->count; i++)
		count.found += e->segments[i].len;
	count.expected >>= DUMP_PAGE_SHIFT;
	count.found >>= DUMP_PAGE_SHIFT;
	return count;
}

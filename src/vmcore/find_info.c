/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/find_info.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/memory.h"
#include "vmcore/notes.h"
#include "vmcore/vmcoreinfo.h"

enum {
	// Of pages that only look like VMCOREINFO, not more than these are tried.
	MAX_CANDIDATES = 256,
	// Entry 511 of the top page table: the kernel's image, the same in each process's table.
	IMAGE_ENTRY = 511,
	MAX_CPUS = 8192,
	// struct new_utsname: release is the third field of 65 bytes.
	UTS_RELEASE = 130,
	UTS_FIELD = 65,
};

static bool looks_like_info(const uint8_t *page)
{
	static const char begin[] = "OSRELEASE=";

	return !memcmp(page, begin, sizeof(begin) - 1) && memchr(page, '\0', DUMP_PAGE_SIZE) &&
	       strstr((const char *)page, "\nNUMBER(phys_base)=");
}

// Whether the kernel that d->vmcoreinfo describes is in the memory.
static bool is_there(struct memory *m)
{
	const char *info = m->dump->vmcoreinfo;
	const char *release = vmcoreinfo_find(info, "OSRELEASE");
	size_t len = release ? strcspn(release, "\n") : 0;
	char found[UTS_FIELD + 1];
	uint64_t uts, name;

	return len && len < UTS_FIELD && vmcoreinfo_symbol(info, "init_uts_ns", &uts) &&
	       vmcoreinfo_offset(info, "uts_namespace.name", &name) &&
	       memory_string(m, uts + name + UTS_RELEASE, found, sizeof(found)) &&
	       strlen(found) == len && !memcmp(found, release, len);
}

static bool read_entry(struct dump *d, uint64_t table, uint64_t *ret)
{
	const uint8_t *page;
	_cleanup_error_ struct ey_error *err = dump_get_page(d, table >> DUMP_PAGE_SHIFT, &page);

	if (!err)
		memcpy(ret, page + (size_t)IMAGE_ENTRY * 8, 8);
	return !err;
}

// Whether a CPU runs this kernel. (With KPTI the user's table is the page behind the kernel's.)
static bool is_running(struct memory *m)
{
	const struct dump *d = m->dump;
	uint64_t own, entry, cr3;

	if (!read_entry(m->dump, m->top_table, &own))
		return false;
	for (size_t cpu = 0; cpu < MAX_CPUS && notes_cpu_cr3(d->notes, d->notes_len, cpu, &cr3);
	     cpu++) {
		const uint64_t pair = ~(2ULL * DUMP_PAGE_SIZE - 1);

		if (read_entry(m->dump, cr3 & ~(DUMP_PAGE_SIZE - 1ULL), &entry) && entry == own)
			return true;
		if (read_entry(m->dump, cr3 & pair, &entry) && entry == own)
			return true;
	}
	return false;
}

struct ey_error *find_info(struct dump *d)
{
	_cleanup_free_ uint8_t *page = malloc(DUMP_PAGE_SIZE);
	_cleanup_free_ struct memory *m = malloc(sizeof(*m));
	_cleanup_free_ char *second_best = NULL;
	size_t candidates = 0;
	uint64_t cr3;
	bool have_cpus = notes_cpu_cr3(d->notes, d->notes_len, 0, &cr3);

	if (!page || !m)
		return &ey_error_nomem;
	for (uint64_t pfn = 0; candidates < MAX_CANDIDATES && dump_next_page(d, &pfn); pfn++) {
		_cleanup_error_ struct ey_error *missing = dump_read_page(d, pfn, page);

		if (missing || !looks_like_info(page))
			continue;
		candidates++;
		d->vmcoreinfo = strdup((const char *)page);
		if (!d->vmcoreinfo)
			return &ey_error_nomem;
		_cleanup_error_ struct ey_error *wrong = memory_init(m, d);
		bool there = !wrong && is_there(m);
		if (there && (!have_cpus || is_running(m)))
			return NULL;
		if (there && !second_best)
			second_best = d->vmcoreinfo;
		else
			free(d->vmcoreinfo);
		d->vmcoreinfo = NULL;
	}
	d->vmcoreinfo = no_cleanup_ptr(second_best);
	return NULL;
}

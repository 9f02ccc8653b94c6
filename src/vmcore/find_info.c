/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/find_info.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/machine.h"
#include "vmcore/memory.h"
#include "vmcore/notes.h"
#include "vmcore/vmcoreinfo.h"

enum {
	// Of pages that only look like VMCOREINFO, not more than these are tried.
	MAX_CANDIDATES = 256,
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

struct ey_error *find_info(struct dump *d)
{
	_cleanup_free_ uint8_t *page = malloc(DUMP_PAGE_SIZE);
	_cleanup_free_ struct memory *m = malloc(sizeof(*m));
	_cleanup_free_ char *second_best = NULL;
	size_t candidates = 0;
	uint64_t cr3, cr4;
	bool have_cpus = notes_cpu_control(d->notes, d->notes_len, 0, &cr3, &cr4);

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
		if (there && (!have_cpus || m->machine->is_running(m)))
			return NULL;
		if (there && !second_best)
			second_best = d->vmcoreinfo;
		else
			free(d->vmcoreinfo);
		d->vmcoreinfo = NULL;
	}
	d->vmcoreinfo = no_cleanup_ptr(second_best);
	if (d->vmcoreinfo)
		return NULL;
	// None yet: the kernel died before it came to that.
	struct ey_error *err = d->machine->make_info(d, &d->vmcoreinfo);
	d->vmcoreinfo_made = d->vmcoreinfo != NULL;
	return err;
}

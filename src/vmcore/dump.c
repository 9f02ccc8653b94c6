/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/dump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/dump_formats.h"
#include "vmcore/notes.h"

enum {
	CACHE_SETS = 512,
	CACHE_WAYS = 8,
	// More than a few thousand CPUs' registers is not a sound dump.
	MAX_NOTES_SIZE = 64 << 20,
};

// The pages read last, so that none is decompressed twice; sets and ways bound it to 16 MiB.
struct page_cache {
	struct {
		uint64_t pfns[CACHE_WAYS];
		uint8_t *pages[CACHE_WAYS];
		unsigned int next;
	} sets[CACHE_SETS];
};

static struct ey_error *open_format(struct dump *d)
{
	uint8_t head[16];

	if (!d->source.size)
		return ey_error_create(EY_ERR_INPUT, "the file is empty");
	if (!source_has(&d->source, 0, sizeof(head)))
		return ey_error_create(EY_ERR_INPUT,
				       "not a kernel dump: only %" PRIu64 " bytes long",
				       d->source.size);
	struct ey_error *err = source_read(&d->source, 0, head, sizeof(head));
	if (err)
		return err;
	if (d->source.cut_off) {
		d->incomplete = true;
		d->incomplete_why = "the flattened stream ends before its end mark";
	}
	if (diskdump_matches(head)) {
		d->format = DUMP_KDUMP_COMPRESSED;
		return diskdump_open(d);
	}
	if (elfcore_matches(head)) {
		d->format = DUMP_ELF;
		return elfcore_open(d);
	}
	return ey_error_create(
		EY_ERR_INPUT, "not a kernel dump: neither kdump-compressed (makedumpfile) nor ELF");
}

struct ey_error *dump_open(struct dump *d, int fd)
{
	*d = (struct dump){.dump_level = -1};
	struct ey_error *err = source_init(&d->source, fd);

	if (!err) {
		d->cache = calloc(1, sizeof(*d->cache));
		if (!d->cache)
			err = &ey_error_nomem;
	}
	if (!err)
		err = open_format(d);
	if (!err && !d->vmcoreinfo)
		err = notes_find_vmcoreinfo(d->notes, d->notes_len, &d->vmcoreinfo);
	if (err)
		dump_close(d);
	return err;
}

void dump_close(struct dump *d)
{
	diskdump_close(d->diskdump);
	elfcore_close(d->elfcore);
	if (d->cache) {
		for (size_t i = 0; i < (size_t)CACHE_SETS * CACHE_WAYS; i++)
			free(d->cache->sets[i / CACHE_WAYS].pages[i % CACHE_WAYS]);
	}
	free(d->cache);
	free(d->notes);
	free(d->vmcoreinfo);
	source_deinit(&d->source);
	*d = (struct dump){.source.fd = -1};
}

const char *dump_format_name(const struct dump *d)
{
	if (d->format == DUMP_ELF)
		return "ELF";
	return d->source.flattened ? "kdump-compressed, flattened" : "kdump-compressed";
}

struct ey_error *dump_load_notes(struct dump *d, uint64_t offset, uint64_t size)
{
	if (!size)
		return NULL;
	if (size > MAX_NOTES_SIZE)
		return ey_error_create(EY_ERR_INPUT, "%" PRIu64 " bytes of notes: not a sound dump",
				       size);
	_cleanup_free_ uint8_t *notes = malloc(size);
	if (!notes)
		return &ey_error_nomem;
	struct ey_error *err = source_read(&d->source, offset, notes, size);
	if (err)
		return ey_error_prefix(err, "the notes");
	free(d->notes);
	d->notes = no_cleanup_ptr(notes);
	d->notes_len = size;
	return NULL;
}

// The cached page, or the place where to put it, and where its frame number stands.
static uint8_t **cache_slot(struct page_cache *cache, uint64_t pfn, bool *hit_ret,
			    uint64_t **pfn_ret)
{
	// Fibonacci hashing spreads the runs of frames that a kernel's data are.
	size_t set = (pfn * 0x9e3779b97f4a7c15) >> (64 - 9);

	_Static_assert(CACHE_SETS == 1 << 9, "the shift above");
	for (size_t way = 0; way < CACHE_WAYS; way++) {
		if (cache->sets[set].pages[way] && cache->sets[set].pfns[way] == pfn) {
			*hit_ret = true;
			*pfn_ret = &cache->sets[set].pfns[way];
			return &cache->sets[set].pages[way];
		}
	}
	unsigned int way = cache->sets[set].next++ % CACHE_WAYS;
	// No frame has this number: the slot is of nobody until it is filled.
	cache->sets[set].pfns[way] = UINT64_MAX;
	*hit_ret = false;
	*pfn_ret = &cache->sets[set].pfns[way];
	return &cache->sets[set].pages[way];
}

struct ey_error *dump_read_page(struct dump *d, uint64_t pfn, void *dest)
{
	d->pages_read++;
	struct ey_error *err = d->format == DUMP_ELF ? elfcore_read_page(d, pfn, dest)
						     : diskdump_read_page(d, pfn, dest);
	d->pages_found += !err;
	return err;
}

struct ey_error *dump_get_page(struct dump *d, uint64_t pfn, const uint8_t **ret)
{
	uint64_t *slot_pfn;
	bool hit;
	uint8_t **slot = cache_slot(d->cache, pfn, &hit, &slot_pfn);

	if (!hit) {
		if (!*slot)
			*slot = malloc(DUMP_PAGE_SIZE);
		if (!*slot)
			return &ey_error_nomem;
		struct ey_error *err = dump_read_page(d, pfn, *slot);
		if (err)
			return err;
		*slot_pfn = pfn;
	}
	*ret = *slot;
	return NULL;
}

bool dump_page_may_be_zero(struct dump *d, uint64_t pfn)
{
	return d->format == DUMP_KDUMP_COMPRESSED && diskdump_page_may_be_zero(d, pfn);
}

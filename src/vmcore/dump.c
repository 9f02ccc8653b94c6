/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/dump.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vmcore/dump_formats.h"
#include "vmcore/foreign.h"
#include "vmcore/machine.h"
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

void dump_is_incomplete(struct dump *d, const char *why, ...)
{
	va_list ap;

	if (d->incomplete)
		return;
	d->incomplete = true;
	va_start(ap, why);
	vsnprintf(d->incomplete_why, sizeof(d->incomplete_why), why, ap);
	va_end(ap);
}

static struct ey_error *open_format(struct dump *d)
{
	uint8_t head[FOREIGN_HEAD_SIZE] = {0};

	if (!d->source.size)
		return ey_error_create(EY_ERR_INPUT, "the file is empty");
	size_t len = (size_t)EY_MIN(d->source.size, (uint64_t)sizeof(head));
	struct ey_error *err = source_read(&d->source, 0, head, len);
	if (err)
		return err;
	if (d->source.cut_off)
		dump_is_incomplete(d, "the flattened stream ends before its end mark");
	if (diskdump_matches(head)) {
		d->format = DUMP_KDUMP_COMPRESSED;
		return diskdump_open(d);
	}
	if (elfcore_matches(head)) {
		d->format = DUMP_ELF;
		return elfcore_open(d);
	}
	return foreign_error(head, len, d->source.size);
}

static struct ey_error *open_file(struct dump *d, int fd)
{
	*d = (struct dump){.dump_level = -1, .machine = machine_default()};
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

// How much of it is there.
static void add_count(struct dump *d)
{
	struct dump_count count = d->format == DUMP_ELF ? elfcore_count(d) : diskdump_count(d);
	size_t len = strlen(d->incomplete_why);

	for (size_t i = 0; i < d->part_count; i++) {
		struct dump_count more = diskdump_count(&d->parts[i]);

		count.found += more.found;
	}
	if (d->split)
		count.expected = diskdump_frames(d, 0, UINT64_MAX);
	if (!count.expected)
		return;
	count.found = EY_MIN(count.found, count.expected);
	snprintf(d->incomplete_why + len, sizeof(d->incomplete_why) - len,
		 "; %" PRIu64 " of its %" PRIu64 " pages (%.1f %%) are there", count.found,
		 count.expected, 100.0 * (double)count.found / (double)count.expected);
}

static void name_format(struct dump *d);

struct ey_error *dump_open(struct dump *d, int fd)
{
	return dump_open_set(d, &fd, 1);
}

struct ey_error *dump_open_set(struct dump *d, const int *fds, size_t count)
{
	struct ey_error *err = open_file(d, fds[0]);
	size_t taken = 1;

	if (!err && count > 1) {
		d->parts = calloc(count - 1, sizeof(*d->parts));
		if (!d->parts)
			err = &ey_error_nomem;
	}
	for (; !err && taken < count; taken++) {
		struct dump *part = &d->parts[d->part_count];
		_cleanup_error_ struct ey_error *bad = open_file(part, fds[taken]);

		if (bad == &ey_error_nomem) {
			err = no_cleanup_ptr(bad);
		} else if (bad) {
			dump_is_incomplete(d, "a part of the split dump cannot be read (%s)",
					   bad->message);
		} else {
			d->part_count++;
			if (part->incomplete)
				dump_is_incomplete(d, "%s", part->incomplete_why);
		}
	}
	for (; taken < count; taken++)
		close(fds[taken]);
	if (err) {
		dump_close(d);
		return err;
	}
	if (d->split)
		dump_settle_parts(d);
	else if (d->part_count)
		dump_is_incomplete(d, "the first of the files is no part of a split dump");
	if (d->incomplete)
		add_count(d);
	name_format(d);
	return NULL;
}

void dump_close(struct dump *d)
{
	for (size_t i = 0; i < d->part_count; i++)
		dump_close(&d->parts[i]);
	free(d->parts);
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
	return d->format == DUMP_NONE ? "dmesg" : d->format_name;
}

void dump_wrapped_in(struct dump *d, const char *what)
{
	size_t len = strlen(d->format_name);

	if (what)
		snprintf(d->format_name + len, sizeof(d->format_name) - len, ", in %s", what);
}

static void name_format(struct dump *d)
{
	const char *name = "kdump-compressed", *form = "";

	if (d->format == DUMP_ELF)
		name = d->live ? "kcore" : "ELF";
	else if (d->split)
		form = ", split";
	else if (d->source.flattened)
		form = ", flattened";
	snprintf(d->format_name, sizeof(d->format_name), "%s%s", name, form);
}

struct ey_error *dump_load_notes(struct dump *d, uint64_t offset, uint64_t size)
{
	if (size > MAX_NOTES_SIZE - d->notes_len)
		return ey_error_create(EY_ERR_INPUT, "%" PRIu64 " bytes of notes: not a sound dump",
				       size);
	// What a file that is cut off has of its notes is worth having.
	if (offset < d->source.size && size > d->source.size - offset) {
		dump_is_incomplete(d, "the file ends within its notes");
		size = d->source.size - offset;
	}
	if (!size)
		return NULL;
	uint8_t *notes = realloc(d->notes, d->notes_len + size);
	if (!notes)
		return &ey_error_nomem;
	d->notes = notes;
	struct ey_error *err = source_read(&d->source, offset, notes + d->notes_len, size);
	if (err)
		return ey_error_prefix(err, "the notes");
	d->notes_len += size;
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

// The part of a split dump that the frame is in; the first where none is here.
static struct dump *part_of(struct dump *d, uint64_t pfn)
{
	for (size_t i = 0; i < d->part_count; i++) {
		if (pfn >= d->parts[i].start_pfn && pfn < d->parts[i].end_pfn)
			return &d->parts[i];
	}
	return d;
}

struct ey_error *dump_read_page(struct dump *d, uint64_t pfn, void *dest)
{
	d->pages_read++;
	struct ey_error *err = d->format == DUMP_ELF
				       ? elfcore_read_page(d, pfn, dest)
				       : diskdump_read_page(part_of(d, pfn), pfn, dest);
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
	return d->format == DUMP_ELF ? elfcore_page_may_be_zero(d, pfn)
				     : diskdump_page_may_be_zero(d, pfn);
}

bool dump_next_page(struct dump *d, uint64_t *pfn)
{
	return d->format == DUMP_ELF ? elfcore_next_page(d, pfn) : diskdump_next_page(d, pfn);
}

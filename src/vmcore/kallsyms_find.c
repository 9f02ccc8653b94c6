// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What scripts/kallsyms.c writes, each part aligned to 8 bytes:
 *
 *     before 6.4   offsets, relative_base, num_syms, names, markers, token_table, token_index
 *     since        num_syms, names, markers, token_table, token_index, offsets, relative_base
 *
 * (6.2 and 6.3 have seqs_of_names behind the markers; their VMCOREINFO names the parts.) Without
 * CONFIG_KALLSYMS_BASE_RELATIVE, and before 4.6, addresses of 8 bytes stand in place of offsets and
 * base. The one part that nothing else in a kernel looks like is token_index: 256 numbers of two
 * bytes that begin with 0 and only grow. From it the others are found going back.
 */
#include "vmcore/kallsyms_find.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/vmcoreinfo.h"

enum {
	TOKENS = 256,
	INDEX_BYTES = TOKENS * 2,
	// No image of a kernel is larger, nor has a hole as large.
	MAX_IMAGE_PAGES = 256 << (20 - DUMP_PAGE_SHIFT),
	MAX_HOLE_PAGES = 32 << (20 - DUMP_PAGE_SHIFT),
	// A block of this size lies within any token_index, however it is placed.
	BLOCK = 256,
	MAX_CANDIDATES = 64,
	// KSYM_NAME_LEN: a token is never longer.
	MAX_TOKEN = 512,
	MAX_TABLE = 8192,
	NAMES_PER_MARKER = 256,
	MAX_MARKERS = 40000,
	// A compressed name with its length.
	MAX_NAME = MAX_TOKEN + 2,
	ALIGN = 8,
};

struct finder {
	struct memory *m;
	uint16_t begins[TOKENS];
	uint64_t token_index, token_table, names, num_syms;
	/** kallsyms_markers: where each 256th name begins. */
	uint64_t markers_at;
	uint32_t *markers;
	size_t marker_count;
	uint32_t count;
};

static uint64_t align_up(uint64_t n)
{
	return (n + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

static bool read_bytes(struct memory *m, uint64_t at, void *buf, size_t len)
{
	_cleanup_error_ struct ey_error *err = memory_read(m, at, buf, len);

	return !err;
}

static bool grows(const uint8_t *bytes, size_t count)
{
	uint16_t previous = 0, value;

	for (size_t i = 0; i < count; i++, previous = value) {
		memcpy(&value, bytes + 2 * i, sizeof(value));
		if (i && (value <= previous || value - previous > MAX_TOKEN))
			return false;
	}
	return true;
}

// Whether an index of tokens has the block at this address in it.
static bool read_index(struct finder *f, uint64_t block)
{
	uint8_t around[INDEX_BYTES + BLOCK + INDEX_BYTES] = {0};
	size_t start = INDEX_BYTES;

	// What is before and behind may not be mapped.
	for (size_t at = 0; at < sizeof(around); at += BLOCK)
		read_bytes(f->m, block - INDEX_BYTES + at, around + at, BLOCK);
	while (start >= 2 && (around[start] || around[start + 1]) && grows(around + start - 2, 2))
		start -= 2;
	if (around[start] || around[start + 1] || !grows(around + start, TOKENS))
		return false;
	memcpy(f->begins, around + start, sizeof(f->begins));
	f->token_index = block - INDEX_BYTES + start;
	return true;
}

// The strings that the index tells of stand before it.
static bool find_token_table(struct finder *f)
{
	const size_t last = f->begins[TOKENS - 1];
	uint8_t table[MAX_TABLE + MAX_TOKEN];

	if (last > MAX_TABLE - MAX_TOKEN)
		return false;
	uint64_t at = (f->token_index - last - 1) & ~(uint64_t)(ALIGN - 1);
	for (int tries = 0; tries <= MAX_TOKEN / ALIGN; tries++, at -= ALIGN) {
		size_t len = (size_t)(f->token_index - at);
		size_t i = 1;

		if (!read_bytes(f->m, at, table, len))
			return false;
		while (i < TOKENS && table[f->begins[i] - 1] == '\0' &&
		       strnlen((const char *)table + f->begins[i - 1], len) ==
			       (size_t)(f->begins[i] - f->begins[i - 1] - 1))
			i++;
		// Behind the last string are only the bytes that fill up to the index.
		size_t end = last + strnlen((const char *)table + last, len - last) + 1;
		if (i == TOKENS && end <= len && align_up(at + end) == f->token_index) {
			f->token_table = at;
			return true;
		}
	}
	return false;
}

// The markers stand before the tokens: numbers that grow from 0, of 4 bytes or, before 4.20, 8.
static bool find_markers(struct finder *f, unsigned int width)
{
	uint64_t at = f->token_table - width;
	uint64_t value = 0, next = UINT64_MAX;
	size_t count = 0;

	// An odd number of 4 bytes is filled up.
	if (width == 4 && memory_u64(f->m, f->token_table - 8, &value) && value >> 32 == 0)
		at -= 4;
	for (uint64_t place = at; count < MAX_MARKERS; place -= width) {
		uint32_t high = 0, low;

		if (!memory_u32(f->m, place, &low) ||
		    (width == 8 && !memory_u32(f->m, place + 4, &high)) || high || low >= next ||
		    (count && next - low > (uint64_t)NAMES_PER_MARKER * MAX_NAME))
			return false;
		next = low;
		count++;
		if (low)
			continue;
		free(f->markers);
		f->markers = calloc(count, sizeof(*f->markers));
		f->markers_at = place;
		f->marker_count = count;
		for (size_t i = 0; f->markers && i < count; i++)
			memory_u32(f->m, place + i * width, &f->markers[i]);
		return f->markers && place % ALIGN == 0;
	}
	return false;
}

// Whether so many names from there on end at the markers and are where these say.
static bool names_fit(struct finder *f, uint64_t names, uint32_t count)
{
	uint64_t room = f->markers_at - names, pos = 0;
	struct range r;
	struct ey_error *err = range_init(&r, f->m, names, room);
	bool fits = !err;

	ey_error_destroy(err);
	for (uint32_t i = 0; fits && i < count; i++) {
		const uint8_t *p = range_get(&r, pos, 2);

		fits = p && p[0] &&
		       (i % NAMES_PER_MARKER || f->markers[i / NAMES_PER_MARKER] == pos);
		// As in kallsyms.c: a length of 128 or more takes two bytes.
		if (fits)
			pos += p[0] & 0x80 ? 2 + ((p[0] & 0x7fULL) | (uint64_t)p[1] << 7)
					   : 1 + (uint64_t)p[0];
	}
	range_deinit(&r);
	return fits && pos <= room && align_up(pos) >= room;
}

// num_syms and the names stand before the markers; how long the names behind the last marker are
// is not known, so each place is tried whose number fits that of the markers.
static bool find_names(struct finder *f)
{
	enum { MAX_REST = NAMES_PER_MARKER * MAX_NAME, MAX_TRIES = 16 };
	const uint32_t last = f->markers[f->marker_count - 1];
	_cleanup_free_ uint8_t *before = malloc(MAX_REST);
	const uint64_t end = (f->markers_at - last) & ~(uint64_t)(ALIGN - 1);
	uint64_t have = 0;
	int tries = 0;

	if (!before || last >= f->markers_at)
		return false;
	// As much as there is: the image may begin here.
	while (have < MAX_REST) {
		// Page by page, from the end of the page that is before.
		size_t n = (size_t)((end - have - 1) % DUMP_PAGE_SIZE + 1);
		n = EY_MIN(n, (size_t)(MAX_REST - have));

		if (!read_bytes(f->m, end - have - n, before + MAX_REST - have - n, n))
			break;
		have += n;
	}
	for (uint64_t back = ALIGN; back <= have && tries < MAX_TRIES; back += ALIGN) {
		uint64_t count;

		memcpy(&count, before + MAX_REST - back, sizeof(count));
		if (count <= (f->marker_count - 1) * NAMES_PER_MARKER ||
		    count > f->marker_count * NAMES_PER_MARKER)
			continue;
		tries++;
		if (!names_fit(f, end - back + ALIGN, (uint32_t)count))
			continue;
		f->num_syms = end - back;
		f->names = end - back + ALIGN;
		f->count = (uint32_t)count;
		return true;
	}
	return false;
}

static bool find_all(struct finder *f, uint64_t block)
{
	static const unsigned int widths[] = {4, 8};

	if (!read_index(f, block) || !find_token_table(f))
		return false;
	for (size_t i = 0; i < EY_ARRAY_SIZE(widths); i++) {
		if (find_markers(f, widths[i]) && find_names(f))
			return true;
	}
	return false;
}

static bool search(struct finder *f, uint64_t start)
{
	uint8_t page[DUMP_PAGE_SIZE];
	unsigned int hole = 0, candidates = 0;

	for (uint64_t i = 0; i < MAX_IMAGE_PAGES && hole < MAX_HOLE_PAGES; i++) {
		uint64_t at = start + i * DUMP_PAGE_SIZE;

		if (at < start)
			return false;
		hole++;
		if (!read_bytes(f->m, at, page, sizeof(page)))
			continue;
		hole = 0;
		for (size_t block = 0; block < sizeof(page); block += BLOCK) {
			if (!grows(page + block, BLOCK / 2))
				continue;
			if (find_all(f, at + block))
				return true;
			if (++candidates == MAX_CANDIDATES)
				return false;
		}
	}
	return false;
}

struct ey_error *kallsyms_find(struct memory *m, struct kallsyms_place ret[KALLSYMS_FIND_MAX],
			       size_t *count_ret)
{
	struct finder f = {.m = m};
	uint64_t start;

	*count_ret = 0;
	if (!vmcoreinfo_symbol(m->dump->vmcoreinfo, "_stext", &start))
		return ey_error_create(EY_ERR_INPUT,
				       "VMCOREINFO says neither where kallsyms is nor where the "
				       "kernel's image begins");
	bool found = search(&f, start & ~(uint64_t)(DUMP_PAGE_SIZE - 1));
	free(f.markers);
	if (!found)
		return ey_error_create(
			EY_ERR_INPUT,
			"VMCOREINFO does not say where kallsyms is (a kernel before "
			"6.0), and it was not found in the kernel's image: not in the "
			"dump, or built without kallsyms");
	const struct kallsyms_place found_place = {.names = f.names,
						   .num_syms = f.num_syms,
						   .token_table = f.token_table,
						   .token_index = f.token_index};
	const uint64_t offsets_size = align_up((uint64_t)f.count * 4);
	const uint64_t behind = align_up(f.token_index + INDEX_BYTES);
	const struct kallsyms_place ways[KALLSYMS_FIND_MAX] = {
		{.offsets = f.num_syms - 8 - offsets_size, .relative_base = f.num_syms - 8},
		{.offsets = f.num_syms - (uint64_t)f.count * 8, .addresses = true},
		{.offsets = behind, .relative_base = behind + offsets_size},
		{.offsets = behind},
	};
	for (size_t i = 0; i < KALLSYMS_FIND_MAX; i++) {
		ret[i] = found_place;
		ret[i].offsets = ways[i].offsets;
		ret[i].relative_base = ways[i].relative_base;
		ret[i].addresses = ways[i].addresses;
	}
	*count_ret = KALLSYMS_FIND_MAX;
	return NULL;
}

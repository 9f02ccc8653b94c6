// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What scripts/kallsyms.c writes, each part aligned to 8 bytes, in 7.x to 4:
 *
 *     before 6.4   offsets, relative_base, num_syms, names, markers, token_table, token_index
 *     since        num_syms, names, markers, token_table, token_index, offsets, relative_base
 *
 * 6.2, 6.3 and stable 6.1 have seqs_of_names behind the markers, 3 bytes a symbol. Without
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
	// seqs_of_names of as many symbols as there can be markers for.
	MAX_SEQS = 3 * NAMES_PER_MARKER * 4000,
};

struct finder {
	struct memory *m;
	/** To how many bytes the parts are aligned. */
	unsigned int align;
	uint16_t begins[TOKENS];
	uint64_t token_index, token_table, names, num_syms;
	/** kallsyms_markers: where each 256th name begins. */
	uint64_t markers_at;
	uint32_t *markers;
	size_t marker_count;
	uint32_t count;
};

static uint64_t align_up(const struct finder *f, uint64_t n)
{
	return (n + f->align - 1) & ~((uint64_t)f->align - 1);
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
	uint64_t at = (f->token_index - last - 1) & ~((uint64_t)f->align - 1);
	for (unsigned int tries = 0; tries <= MAX_TOKEN / f->align; tries++, at -= f->align) {
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
		if (i == TOKENS && end <= len && align_up(f, at + end) == f->token_index) {
			f->token_table = at;
			return true;
		}
	}
	return false;
}

// Take the @count markers at @place, of @width bytes each, as those of the table.
static bool take_markers(struct finder *f, uint64_t place, size_t count, unsigned int width)
{
	free(f->markers);
	f->markers = calloc(count, sizeof(*f->markers));
	f->markers_at = place;
	f->marker_count = count;
	for (size_t i = 0; f->markers && i < count; i++)
		memory_u32(f->m, place + i * width, &f->markers[i]);
	return f->markers != NULL;
}

static bool may_follow(uint32_t marker, uint32_t next)
{
	return next > marker && next - marker <= (uint32_t)NAMES_PER_MARKER * MAX_NAME;
}

// The markers stand before the tokens: numbers that grow from 0, of 4 bytes or, before 4.20, 8.
static bool find_markers(struct finder *f, unsigned int width)
{
	uint64_t at = f->token_table - width;
	uint64_t value = 0;
	uint32_t next = UINT32_MAX;
	size_t count = 0;

	// An odd number of 4 bytes is filled up.
	if (width < f->align && memory_u64(f->m, f->token_table - 8, &value) && value >> 32 == 0)
		at -= 4;
	for (uint64_t place = at; count < MAX_MARKERS; place -= width) {
		uint32_t high = 0, low;

		if (!memory_u32(f->m, place, &low) ||
		    (width == 8 && !memory_u32(f->m, place + 4, &high)) || high || low >= next ||
		    (count && !may_follow(low, next)))
			return false;
		next = low;
		count++;
		if (!low)
			return place % f->align == 0 && take_markers(f, place, count, width);
	}
	return false;
}

// Whether seqs_of_names of a table with so many markers fills the room between them and the tokens.
static bool seqs_fit(const struct finder *f, uint64_t place, size_t count)
{
	const uint64_t room = f->token_table - align_up(f, place + count * 4);

	return count > 1 && place % f->align == 0 &&
	       room > 3 * ((uint64_t)count - 1) * NAMES_PER_MARKER &&
	       room <= align_up(f, 3 * (uint64_t)count * NAMES_PER_MARKER);
}

// The same where seqs_of_names stands between the markers and the tokens: how long it is follows
// from how many markers there are.
static bool find_markers_before_seqs(struct finder *f)
{
	uint64_t begin = 0;
	uint32_t last = 0, value;
	size_t count = 0;

	if (f->token_table < MAX_SEQS)
		return false;
	for (uint64_t at = (f->token_table - MAX_SEQS) & ~3ULL; at < f->token_table; at += 4) {
		bool there = memory_u32(f->m, at, &value);

		if (there && count && may_follow(last, value)) {
			last = value;
			count++;
			continue;
		}
		if (count && seqs_fit(f, begin, count))
			return take_markers(f, begin, count, 4);
		begin = at;
		count = there && !value;
		last = 0;
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
	return fits && pos <= room && align_up(f, pos) >= room;
}

// num_syms and the names stand before the markers; how long the names behind the last marker are
// is not known, so each place is tried whose number fits that of the markers.
static bool find_names(struct finder *f)
{
	enum { MAX_REST = NAMES_PER_MARKER * MAX_NAME, MAX_TRIES = 16 };
	const uint32_t last = f->markers[f->marker_count - 1];
	_cleanup_free_ uint8_t *before = malloc(MAX_REST);
	const uint64_t end = (f->markers_at - last) & ~((uint64_t)f->align - 1);
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
	for (uint64_t back = f->align; back <= have && tries < MAX_TRIES; back += f->align) {
		uint64_t count = 0;

		// With what fills it up.
		memcpy(&count, before + MAX_REST - back, f->align);
		if (count <= (f->marker_count - 1) * NAMES_PER_MARKER ||
		    count > f->marker_count * NAMES_PER_MARKER)
			continue;
		tries++;
		if (!names_fit(f, end - back + f->align, (uint32_t)count))
			continue;
		f->num_syms = end - back;
		f->names = end - back + f->align;
		f->count = (uint32_t)count;
		return true;
	}
	return false;
}

static bool find_all(struct finder *f, uint64_t block)
{
	static const unsigned int aligns[] = {8, 4};

	if (!read_index(f, block))
		return false;
	for (size_t i = 0; i < EY_ARRAY_SIZE(aligns); i++) {
		f->align = aligns[i];
		if (!find_token_table(f))
			continue;
		if ((find_markers(f, 4) && find_names(f)) ||
		    (find_markers(f, 8) && find_names(f)) ||
		    (find_markers_before_seqs(f) && find_names(f)))
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
	const uint64_t offsets_size = align_up(&f, (uint64_t)f.count * 4);
	const uint64_t behind = align_up(&f, f.token_index + INDEX_BYTES);
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

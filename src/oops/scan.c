/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/scan.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	BLOCK = 64,
	// Blocks at a time: from few, since the next anchor may be near, up to many.
	BLOCKS_FIRST = 4,
	BLOCKS_MAX = 64,
	AHEAD = OOPS_SCAN_WINDOW - 1,
};

/* An anchor, and where in it the search looks: anchors.py finds out at build time. */
struct anchor {
	const char *text;
	size_t len;
	/* The first byte of the window, and the bucket. */
	size_t at;
	uint8_t bucket;
	bool starts_word;
};

#include "anchors.h"

static_assert(EY_ARRAY_SIZE(headers) + EY_ARRAY_SIZE(continuations) < OOPS_SCAN_ANCHORS_MAX,
	      "room for all anchors");

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static unsigned int hash_window(uint32_t window)
{
	return window * 0x9e3779b1u >> (32 - OOPS_SCAN_HASH_BITS);
}

static bool anchor_among(const struct oops_scanner *s, unsigned int entry, const char *begin,
			 const char *p, const char *end)
{
	for (; entry; entry = s->entries[entry].next) {
		const struct oops_scan_entry *e = &s->entries[entry];

		if ((size_t)(p - begin) < e->at || (size_t)(end - p) + e->at < e->len)
			continue;
		const char *text = p - e->at;
		if (!memcmp(text, e->text, e->len) &&
		    !(e->starts_word && text > begin && is_word(text[-1])))
			return true;
	}
	return false;
}

// What is left of a text for a search by whole blocks: a copy of its last bytes.
struct tail {
	char text[3 * BLOCK];
	size_t blocks;
};

static void tail_init(struct tail *tail, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	memcpy(tail->text, p, n);
	tail->blocks = (n + BLOCK - 1) / BLOCK;
	memset(tail->text + n, 0, tail->blocks * BLOCK + AHEAD - n);
}

static uint64_t count(const uint64_t *bits, size_t place)
{
	uint64_t n = 0;

	for (size_t i = 0; i < place / 64; i++)
		n += (uint64_t)__builtin_popcountll(bits[i]);
	if (place % 64)
		n += (uint64_t)__builtin_popcountll(bits[place / 64] << (64 - place % 64));
	return n;
}

/*
 * The first anchor between @p p and @p end, NULL for none; the newlines before it, or all, are
 * added to *@p lines. Most blocks have no place that passes the tables, and most of those places
 * are none: which ones is as good as random, so that all is written down without asking, and only
 * the end of the list moves on by what there was.
 */
static const char *find(const struct oops_scanner *s, const char *p, const char *end,
			uint64_t *lines)
{
	uint64_t places[BLOCKS_MAX], newlines[BLOCKS_MAX];
	uint16_t maybe[BLOCKS_MAX * BLOCK];
	uint8_t busy[BLOCKS_MAX];
	const char *begin = p;
	size_t most = BLOCKS_FIRST;

	while (p < end) {
		size_t blocks = (size_t)(end - p) < BLOCK + AHEAD
					? 0
					: EY_MIN(((size_t)(end - p) - AHEAD) / BLOCK, most);
		size_t busy_count = 0, maybe_count = 0;
		const char *text = p;
		struct tail tail;

		if (!blocks) {
			tail_init(&tail, p, end);
			text = tail.text;
			blocks = tail.blocks;
		}
		size_t all = s->fill(s, text, blocks, places, newlines);
		for (size_t i = 0; i < blocks; i++) {
			busy[busy_count] = (uint8_t)i;
			busy_count += places[i] != 0;
		}
		for (size_t i = 0; i < busy_count; i++) {
			for (uint64_t left = places[busy[i]]; left; left &= left - 1) {
				size_t at = busy[i] * (size_t)BLOCK + (size_t)__builtin_ctzll(left);
				uint32_t window;

				memcpy(&window, text + at, sizeof(window));
				window = le32toh(window);
				maybe[maybe_count] = (uint16_t)at;
				maybe_count += (s->first[hash_window(window)] |
						s->first[hash_window(window & 0xffffff)]) != 0;
			}
		}
		for (size_t i = 0; i < maybe_count; i++) {
			uint32_t window;

			// The analyzer does not see that maybe_count of them are set.
			// NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
			memcpy(&window, text + maybe[i], sizeof(window));
			window = le32toh(window);
			if (!anchor_among(s, s->first[hash_window(window)], begin, p + maybe[i],
					  end) &&
			    !anchor_among(s, s->first[hash_window(window & 0xffffff)], begin,
					  p + maybe[i], end))
				continue;
			*lines += count(newlines, maybe[i]);
			return p + maybe[i];
		}
		*lines += all;
		if (text == tail.text)
			break;
		p += blocks * BLOCK;
		most = EY_MIN(most * 4, (size_t)BLOCKS_MAX);
	}
	return NULL;
}

static void add_anchor(struct oops_scanner *s, const struct anchor *anchor)
{
	const char *window = anchor->text + anchor->at;
	size_t n = EY_MIN(anchor->len - anchor->at, (size_t)OOPS_SCAN_WINDOW);
	struct oops_scan_entry *e = &s->entries[++s->count];
	uint8_t bit = (uint8_t)(1u << anchor->bucket);
	uint32_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes |= (uint32_t)(unsigned char)window[i] << 8 * i;
	uint8_t *first = &s->first[hash_window(bytes)];
	*e = (struct oops_scan_entry){
		.text = anchor->text,
		.len = anchor->len,
		.at = anchor->at,
		.starts_word = anchor->starts_word,
		.next = *first,
	};
	*first = (uint8_t)s->count;
	for (size_t i = 0; i < OOPS_SCAN_WINDOW; i++) {
		// Behind a short anchor anything may follow.
		for (unsigned int half = 0; i >= n && half < 16; half++) {
			s->low[i][half] |= bit;
			s->high[i][half] |= bit;
		}
		if (i < n) {
			s->low[i][(unsigned char)window[i] & 15] |= bit;
			s->high[i][(unsigned char)window[i] >> 4] |= bit;
		}
	}
}

void oops_scanner_init(struct oops_scanner *scanner, enum oops_scan_for what,
		       enum oops_scan_with with)
{
	*scanner = (struct oops_scanner){0};
	for (size_t i = 0; i < EY_ARRAY_SIZE(headers); i++)
		add_anchor(scanner, &headers[i]);
	for (size_t i = 0; what == OOPS_SCAN_REPORT && i < EY_ARRAY_SIZE(continuations); i++)
		add_anchor(scanner, &continuations[i]);
	// Bytes from 128 on fit nothing, as PSHUFB has it.
	for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
		for (unsigned int c = 0; c < 128; c++)
			scanner->fits[i][c] =
				scanner->low[i][c & 15] &
				(oops_scan_both_halves(i) ? scanner->high[i][c >> 4] : 0xff);
	}
	oops_scanner_choose(scanner, with);
}

const char *oops_scan(const struct oops_scanner *scanner, const char *p, const char *end,
		      uint64_t *lines)
{
	const char *hit = find(scanner, p, end, lines);
	// The line that the hit is in, or the last one, which may go on in the next chunk.
	const char *before = hit ? hit : end;
	const char *newline = before > p ? memrchr(p, '\n', (size_t)(before - p)) : NULL;

	return newline ? newline + 1 : p;
}

bool oops_scan_line(const struct oops_scanner *scanner, const char *line, size_t len)
{
	uint64_t lines = 0;

	return find(scanner, line, line + len, &lines) != NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/scan.h"

#include <endian.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* An anchor, and where in it the search looks: anchors.py finds out at build time. */
struct anchor {
	const char *text;
	size_t len;
	/* The first of the bytes that the tables tell, and their bucket. */
	size_t at;
	uint8_t bucket;
	/* No letter, digit or '_' stands before it. */
	bool starts_word;
};

#include "anchors.h"

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static unsigned int hash_window(uint32_t window)
{
	return window * 0x9e3779b1u >> (32 - OOPS_SCAN_HASH_BITS);
}

// Whether the bytes at @p p may be those of a window: what passes the tables by chance ends here,
// without a loop.
static bool is_window(const struct oops_scanner *s, const char *p)
{
	uint32_t window;

	memcpy(&window, p, sizeof(window));
	return s->windows[hash_window(le32toh(window))] |
	       s->windows[hash_window(le32toh(window) & 0xffffff)];
}

// Whether an anchor of one of @p buckets is at @p p, between @p begin and @p end.
static bool anchor_at(const struct oops_scanner *s, const char *begin, const char *p,
		      const char *end, unsigned int buckets)
{
	size_t left = (size_t)(end - p);
	uint64_t word = 0;

	if (left >= sizeof(word))
		memcpy(&word, p, sizeof(word));
	else
		memcpy(&word, p, left);
	for (; buckets; buckets &= buckets - 1) {
		int bucket = __builtin_ctz(buckets);

		for (unsigned int i = 0; i < s->counts[bucket]; i++) {
			const struct oops_scan_entry *e = &s->entries[bucket][i];
			const char *text = p - e->at;

			if (((word ^ e->word) & e->mask) || (size_t)(p - begin) < e->at ||
			    (size_t)(end - text) < e->len || memcmp(text, e->text, e->len) ||
			    (e->starts_word && text > begin && is_word(text[-1])))
				continue;
			return true;
		}
	}
	return false;
}

static unsigned int buckets_at(const struct oops_scanner *s, const char *p)
{
	return s->fits[0][(unsigned char)p[0]] & s->fits[1][(unsigned char)p[1]] &
	       s->fits[2][(unsigned char)p[2]] & s->fits[3][(unsigned char)p[3]];
}

// Each byte by itself: short ends, and processors without PSHUFB.
static const char *find_plain_from(const struct oops_scanner *s, const char *begin, const char *p,
				   const char *end, uint64_t *lines)
{
	uint64_t newlines = 0;

	for (; end - p >= OOPS_SCAN_WINDOW; p++) {
		unsigned int set = buckets_at(s, p);

		if (set && is_window(s, p) && anchor_at(s, begin, p, end, set)) {
			*lines += newlines;
			return p;
		}
		newlines += *p == '\n';
	}
	for (; p < end; p++)
		newlines += *p == '\n';
	*lines += newlines;
	return NULL;
}

static const char *find_plain(const struct oops_scanner *s, const char *p, const char *end,
			      uint64_t *lines)
{
	return find_plain_from(s, p, p, end, lines);
}

#if defined(__x86_64__)
// Which of 64 places is an anchor's, out of those whose first bytes fit; 64 for none.
static unsigned int first_anchor(const struct oops_scanner *s, const char *begin, const char *p,
				 const char *end, uint64_t places)
{
	for (; places; places &= places - 1) {
		unsigned int at = (unsigned int)__builtin_ctzll(places);

		if (is_window(s, p + at) && anchor_at(s, begin, p + at, end, buckets_at(s, p + at)))
			return at;
	}
	return 64;
}

/*
 * The two vector searches take 64 bytes a round. PSHUFB takes the low half of a byte for its index
 * by itself, and answers 0 to bytes from 0x80 on, which no anchor has.
 */
__attribute__((target("ssse3,popcnt"), always_inline)) static inline uint64_t places_ssse3(
	const __m128i *low, const __m128i *high, const char *p, uint64_t *newlines)
{
	const __m128i half = _mm_set1_epi8(15), newline = _mm_set1_epi8('\n');
	uint64_t places = 0, ends = 0;

#pragma GCC unroll 4
	for (int part = 0; part < 64; part += 16) {
		__m128i first = _mm_loadu_si128((const __m128i *)(p + part));
		__m128i set = _mm_set1_epi8(-1);

#pragma GCC unroll 4
		for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
			__m128i v = _mm_loadu_si128((const __m128i *)(p + part + i));

			set = _mm_and_si128(set, _mm_shuffle_epi8(low[i], v));
			if (!oops_scan_both_halves(i))
				continue;
			v = _mm_and_si128(_mm_srli_epi16(v, 4), half);
			set = _mm_and_si128(set, _mm_shuffle_epi8(high[i], v));
		}
		set = _mm_cmpeq_epi8(set, _mm_setzero_si128());
		first = _mm_cmpeq_epi8(first, newline);
		places |= (uint64_t)(~(unsigned int)_mm_movemask_epi8(set) & 0xffff) << part;
		ends |= (uint64_t)(unsigned int)_mm_movemask_epi8(first) << part;
	}
	*newlines = ends;
	return places;
}

__attribute__((target("avx2,popcnt,bmi"), always_inline)) static inline uint64_t places_avx2(
	const __m256i *low, const __m256i *high, const char *p, uint64_t *newlines)
{
	const __m256i half = _mm256_set1_epi8(15), newline = _mm256_set1_epi8('\n');
	__m256i set[2], end[2];

#pragma GCC unroll 4
	for (int part = 0; part < 2; part++) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(p + 32 * part));

		end[part] = _mm256_cmpeq_epi8(v, newline);
		set[part] = _mm256_set1_epi8(-1);
#pragma GCC unroll 4
		for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
			v = _mm256_loadu_si256((const __m256i *)(p + 32 * part + i));

			set[part] = _mm256_and_si256(set[part], _mm256_shuffle_epi8(low[i], v));
			if (!oops_scan_both_halves(i))
				continue;
			v = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
			set[part] = _mm256_and_si256(set[part], _mm256_shuffle_epi8(high[i], v));
		}
	}
	*newlines = (uint64_t)(uint32_t)_mm256_movemask_epi8(end[1]) << 32 |
		    (uint32_t)_mm256_movemask_epi8(end[0]);
	__m256i any = _mm256_or_si256(set[0], set[1]);
	if (_mm256_testz_si256(any, any))
		return 0;
#pragma GCC unroll 4
	for (int part = 0; part < 2; part++)
		set[part] = _mm256_cmpeq_epi8(set[part], _mm256_setzero_si256());
	return ~((uint64_t)(uint32_t)_mm256_movemask_epi8(set[1]) << 32 |
		 (uint32_t)_mm256_movemask_epi8(set[0]));
}

// The last of the 64 places looks ahead.
enum { ROUND = 64 + OOPS_SCAN_WINDOW - 1 };

__attribute__((target("ssse3,popcnt"))) static const char *find_ssse3(const struct oops_scanner *s,
								      const char *p,
								      const char *end,
								      uint64_t *lines)
{
	__m128i low[OOPS_SCAN_WINDOW], high[OOPS_SCAN_WINDOW];
	const char *begin = p;
	uint64_t ends;

#pragma GCC unroll 4
	for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
		low[i] = _mm_loadu_si128((const __m128i *)s->low[i]);
		high[i] = _mm_loadu_si128((const __m128i *)s->high[i]);
	}
	for (; end - p >= ROUND; p += 64) {
		uint64_t places = places_ssse3(low, high, p, &ends);
		unsigned int at = places ? first_anchor(s, begin, p, end, places) : 64;

		if (at < 64) {
			ends &= ((uint64_t)1 << at) - 1;
			*lines += (uint64_t)__builtin_popcountll(ends);
			return p + at;
		}
		*lines += (uint64_t)__builtin_popcountll(ends);
	}
	return find_plain_from(s, begin, p, end, lines);
}

__attribute__((target("avx2,popcnt,bmi"))) static const char *find_avx2(
	const struct oops_scanner *s, const char *p, const char *end, uint64_t *lines)
{
	__m256i low[OOPS_SCAN_WINDOW], high[OOPS_SCAN_WINDOW];
	const char *begin = p;
	uint64_t ends;

#pragma GCC unroll 4
	for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
		low[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->low[i]));
		high[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->high[i]));
	}
	for (; end - p >= ROUND; p += 64) {
		uint64_t places = places_avx2(low, high, p, &ends);
		unsigned int at = places ? first_anchor(s, begin, p, end, places) : 64;

		if (at < 64) {
			ends &= ((uint64_t)1 << at) - 1;
			*lines += (uint64_t)__builtin_popcountll(ends);
			return p + at;
		}
		*lines += (uint64_t)__builtin_popcountll(ends);
	}
	return find_plain_from(s, begin, p, end, lines);
}
#endif

static void add_anchor(struct oops_scanner *s, const struct anchor *anchor)
{
	const char *window = anchor->text + anchor->at;
	size_t n = anchor->len - anchor->at, head = n < 8 ? n : 8;
	struct oops_scan_entry *e = &s->entries[anchor->bucket][s->counts[anchor->bucket]++];
	uint8_t bit = (uint8_t)(1u << anchor->bucket);

	memcpy(&e->word, window, head);
	memset(&e->mask, 0xff, head);
	e->text = anchor->text;
	e->len = anchor->len;
	e->at = anchor->at;
	e->starts_word = anchor->starts_word;
	// A short anchor's window is its three bytes and nothing.
	uint32_t bytes = 0;
	for (size_t i = 0; i < OOPS_SCAN_WINDOW && i < n; i++)
		bytes |= (uint32_t)(unsigned char)window[i] << 8 * i;
	s->windows[hash_window(bytes)] = 1;
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

// The same, looked up by the whole byte.
static void fill_fits(struct oops_scanner *s)
{
#pragma GCC unroll 4
	for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
		for (unsigned int c = 0; c < 128; c++)
			s->fits[i][c] = s->low[i][c & 15] &
					(oops_scan_both_halves(i) ? s->high[i][c >> 4] : 0xff);
	}
}

void oops_scanner_init(struct oops_scanner *scanner, enum oops_scan_for what,
		       enum oops_scan_with with)
{
	*scanner = (struct oops_scanner){.find = find_plain};
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		add_anchor(scanner, &headers[i]);
	for (size_t i = 0;
	     what == OOPS_SCAN_REPORT && i < sizeof(continuations) / sizeof(*continuations); i++)
		add_anchor(scanner, &continuations[i]);
	fill_fits(scanner);
#if defined(__x86_64__)
	if ((with == OOPS_SCAN_BEST || with == OOPS_SCAN_AVX2) && __builtin_cpu_supports("avx2") &&
	    __builtin_cpu_supports("bmi"))
		scanner->find = find_avx2;
	else if ((with == OOPS_SCAN_BEST || with == OOPS_SCAN_SSSE3) &&
		 __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt"))
		scanner->find = find_ssse3;
#endif
}

const char *oops_scan(const struct oops_scanner *scanner, const char *p, const char *end,
		      uint64_t *lines)
{
	const char *hit = scanner->find(scanner, p, end, lines);
	// The line that the hit is in, or the last one, which may go on in the next chunk.
	const char *before = hit ? hit : end;
	const char *newline = before > p ? memrchr(p, '\n', (size_t)(before - p)) : NULL;

	return newline ? newline + 1 : p;
}

bool oops_scan_line(const struct oops_scanner *scanner, const char *line, size_t len)
{
	uint64_t lines = 0;

	// Whole rounds, and what the last place looks ahead at.
	len = ((len + 63) & ~(size_t)63) + OOPS_SCAN_WINDOW - 1;
	return scanner->find(scanner, line, line + len, &lines) != NULL;
}

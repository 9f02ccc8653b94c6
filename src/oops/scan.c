/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/scan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/*
 * The anchors. A fragment begins where three bytes in a row are rare in ordinary logs, not where
 * its word begins. The bucket groups fragments whose first bytes differ little, so that the
 * product of their halves lets little else through.
 */
static const struct anchor {
	const char *text;
	uint8_t bucket;
} anchors[] = {
	{"BUG", 0}, // BUG:, kernel BUG at, BUG kmalloc-64 (...)
	{"UBSAN: ", 0},
	{"EDAC ", 0},
	{"WARNING: ", 1},
	{"VFS: ", 1},
	{"INFO: ", 2},
	{"NMI: ", 2},
	{"KUP", 2}, // hard LOCKUP
	{"NULL pointer d", 2},
	{"[#1", 3}, // Oops: 0000 [#1]
	{"[#2", 3},
	{"[#3", 3},
	{"[#4", 3},
	{"[#5", 3},
	{"[#6", 3},
	{"[#7", 3},
	{"[#8", 3},
	{"[#9", 3},
	{"- not syncing", 4},
	{"y: Kill", 4},	  // Out of memory: Kill
	{"o handle ", 4}, // unable to handle
	{"Machine ", 5},
	{"Fatal)", 5}, // PCIe Bus Error: severity=Uncorrected (Fatal)
	{"Alignment trap", 5},
	{"Uhhuh", 5},
	{"ral protection fault", 6},
	{"uble fault", 6},
	{"mperature reached", 6},
	{"tdevice: waiting", 6},
	{"severity: ", 6},
	{"nhandled fault", 7},
	{"nreferenced object", 7},
	{"st_add", 7},
	{"st_del", 7},
	{"rcopy: ", 7},	  // usercopy:
	{"rflow in ", 7}, // detected buffer overflow in
};

static bool anchor_at(const char *p, const char *end, unsigned int buckets)
{
	for (size_t i = 0; i < sizeof(anchors) / sizeof(*anchors); i++) {
		if (!(buckets & 1u << anchors[i].bucket) || *p != anchors[i].text[0])
			continue;
		size_t n = strlen(anchors[i].text);
		if ((size_t)(end - p) >= n && !memcmp(p, anchors[i].text, n))
			return true;
	}
	return false;
}

static unsigned int buckets_at(const struct oops_scanner *s, const char *p)
{
	unsigned int set = 0xff;

	for (int i = 0; i < 3; i++) {
		unsigned char c = (unsigned char)p[i];
		set &= s->low[i][c & 15] & s->high[i][c >> 4];
	}
	return set;
}

// Each byte by itself: short ends, and processors without PSHUFB.
static const char *find_plain(const struct oops_scanner *s, const char *p, const char *end,
			      uint64_t *lines)
{
	for (; p < end; p++) {
		if (*p == '\n') {
			++*lines;
			continue;
		}
		unsigned int set = end - p >= 3 ? buckets_at(s, p) : 0;
		if (set && anchor_at(p, end, set))
			return p;
	}
	return NULL;
}

#if defined(__x86_64__)
__attribute__((target("ssse3,popcnt"))) static const char *find_ssse3(const struct oops_scanner *s,
								      const char *p,
								      const char *end,
								      uint64_t *lines)
{
	const __m128i nibble = _mm_set1_epi8(15), newline = _mm_set1_epi8('\n');
	__m128i low[3], high[3];

	for (int i = 0; i < 3; i++) {
		low[i] = _mm_loadu_si128((const __m128i *)s->low[i]);
		high[i] = _mm_loadu_si128((const __m128i *)s->high[i]);
	}
	for (; end - p >= 16 + 2; p += 16) {
		__m128i first = _mm_loadu_si128((const __m128i *)p), set = _mm_set1_epi8(-1);

		for (int i = 0; i < 3; i++) {
			__m128i v = i ? _mm_loadu_si128((const __m128i *)(p + i)) : first;
			set = _mm_and_si128(set,
					    _mm_shuffle_epi8(low[i], _mm_and_si128(v, nibble)));
			v = _mm_and_si128(_mm_srli_epi16(v, 4), nibble);
			set = _mm_and_si128(set, _mm_shuffle_epi8(high[i], v));
		}
		unsigned int ends = (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(first, newline));
		unsigned int hits =
			~(unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(set, _mm_setzero_si128())) &
			0xffff;
		for (; hits; hits &= hits - 1) {
			int at = __builtin_ctz(hits);
			if (anchor_at(p + at, end, buckets_at(s, p + at))) {
				*lines += (uint64_t)__builtin_popcount(ends & ((1u << at) - 1));
				return p + at;
			}
		}
		*lines += (uint64_t)__builtin_popcount(ends);
	}
	return find_plain(s, p, end, lines);
}

__attribute__((target("avx2,popcnt,bmi"))) static const char *find_avx2(
	const struct oops_scanner *s, const char *p, const char *end, uint64_t *lines)
{
	const __m256i nibble = _mm256_set1_epi8(15), newline = _mm256_set1_epi8('\n');
	__m256i low[3], high[3];

	for (int i = 0; i < 3; i++) {
		low[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->low[i]));
		high[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->high[i]));
	}
	for (; end - p >= 32 + 2; p += 32) {
		__m256i first = _mm256_loadu_si256((const __m256i *)p), set = _mm256_set1_epi8(-1);

		for (int i = 0; i < 3; i++) {
			__m256i v = i ? _mm256_loadu_si256((const __m256i *)(p + i)) : first;
			set = _mm256_and_si256(
				set, _mm256_shuffle_epi8(low[i], _mm256_and_si256(v, nibble)));
			v = _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble);
			set = _mm256_and_si256(set, _mm256_shuffle_epi8(high[i], v));
		}
		unsigned int ends =
			(unsigned int)_mm256_movemask_epi8(_mm256_cmpeq_epi8(first, newline));
		unsigned int hits = ~(unsigned int)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(set, _mm256_setzero_si256()));
		for (; hits; hits &= hits - 1) {
			int at = __builtin_ctz(hits);
			if (anchor_at(p + at, end, buckets_at(s, p + at))) {
				*lines += (uint64_t)__builtin_popcount(ends & ((1u << at) - 1));
				return p + at;
			}
		}
		*lines += (uint64_t)__builtin_popcount(ends);
	}
	return find_plain(s, p, end, lines);
}
#endif

void oops_scanner_init(struct oops_scanner *scanner, enum oops_scan_with with)
{
	*scanner = (struct oops_scanner){.find = find_plain};
	for (size_t i = 0; i < sizeof(anchors) / sizeof(*anchors); i++) {
		uint8_t bit = (uint8_t)(1u << anchors[i].bucket);

		for (int j = 0; j < 3; j++) {
			unsigned char c = (unsigned char)anchors[i].text[j];
			scanner->low[j][c & 15] |= bit;
			scanner->high[j][c >> 4] |= bit;
		}
	}
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

	return scanner->find(scanner, line, line + len, &lines) != NULL;
}

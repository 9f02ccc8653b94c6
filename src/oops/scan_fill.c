/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inner loops of the search, one for each kind of processor. The table lookups take the low
 * half of a byte for their index and answer 0 to bytes from 0x80 on, which no anchor has.
 */
#include "oops/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// Any processor: byte by byte.
static size_t fill_plain(const struct oops_scanner *s, const char *p, size_t blocks,
			 uint64_t *places, uint64_t *newlines)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t lines = 0;

	for (size_t i = 0; i < blocks; i++, u += 64) {
		uint64_t fit = 0, ends = 0;

		for (unsigned int at = 0; at < 64; at++) {
			unsigned int set = s->fits[0][u[at]] & s->fits[1][u[at + 1]] &
					   s->fits[2][u[at + 2]] & s->fits[3][u[at + 3]];

			fit |= (uint64_t)(set != 0) << at;
			ends |= (uint64_t)(u[at] == '\n') << at;
			lines += u[at] == '\n';
		}
		places[i] = fit;
		newlines[i] = ends;
	}
	return lines;
}

#if defined(__x86_64__)
__attribute__((target("ssse3,popcnt"))) static size_t fill_ssse3(const struct oops_scanner *s,
								 const char *p, size_t blocks,
								 uint64_t *places,
								 uint64_t *newlines)
{
	const __m128i half = _mm_set1_epi8(15), newline = _mm_set1_epi8('\n');
	__m128i low[OOPS_SCAN_WINDOW], high[OOPS_SCAN_WINDOW];
	size_t lines = 0;

	for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
		low[i] = _mm_loadu_si128((const __m128i *)s->low[i]);
		high[i] = _mm_loadu_si128((const __m128i *)s->high[i]);
	}
	for (size_t block = 0; block < blocks; block++) {
		uint64_t none = 0, ends = 0;

		for (int part = 0; part < 64; part += 16, p += 16) {
			__m128i set = _mm_set1_epi8(-1), v = _mm_loadu_si128((const __m128i *)p);
			unsigned int end =
				(unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(v, newline));

#pragma GCC unroll 4
			for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
				v = _mm_loadu_si128((const __m128i *)(p + i));
				set = _mm_and_si128(set, _mm_shuffle_epi8(low[i], v));
				if (!oops_scan_both_halves(i))
					continue;
				v = _mm_and_si128(_mm_srli_epi16(v, 4), half);
				set = _mm_and_si128(set, _mm_shuffle_epi8(high[i], v));
			}
			set = _mm_cmpeq_epi8(set, _mm_setzero_si128());
			none |= (uint64_t)(unsigned int)_mm_movemask_epi8(set) << part;
			ends |= (uint64_t)end << part;
		}
		places[block] = ~none;
		newlines[block] = ends;
		lines += (size_t)__builtin_popcountll(ends);
	}
	return lines;
}

__attribute__((target("avx2,popcnt"))) static size_t fill_avx2(const struct oops_scanner *s,
							       const char *p, size_t blocks,
							       uint64_t *places, uint64_t *newlines)
{
	const __m256i half = _mm256_set1_epi8(15), newline = _mm256_set1_epi8('\n');
	__m256i low[OOPS_SCAN_WINDOW], high[OOPS_SCAN_WINDOW];
	size_t lines = 0;

	for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
		low[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->low[i]));
		high[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->high[i]));
	}
	for (size_t block = 0; block < blocks; block++) {
		uint32_t none[2], ends[2];

#pragma GCC unroll 2
		for (int part = 0; part < 2; part++, p += 32) {
			__m256i set = _mm256_set1_epi8(-1);
			__m256i v = _mm256_loadu_si256((const __m256i *)p);

			ends[part] = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, newline));
#pragma GCC unroll 4
			for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
				v = _mm256_loadu_si256((const __m256i *)(p + i));
				set = _mm256_and_si256(set, _mm256_shuffle_epi8(low[i], v));
				if (!oops_scan_both_halves(i))
					continue;
				v = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
				set = _mm256_and_si256(set, _mm256_shuffle_epi8(high[i], v));
			}
			set = _mm256_cmpeq_epi8(set, _mm256_setzero_si256());
			none[part] = (uint32_t)_mm256_movemask_epi8(set);
		}
		places[block] = ~((uint64_t)none[1] << 32 | none[0]);
		newlines[block] = (uint64_t)ends[1] << 32 | ends[0];
		lines += (size_t)__builtin_popcountll(newlines[block]);
	}
	return lines;
}
#elif defined(__aarch64__)
// A bit for each of 16 bytes that are 0xff or 0.
static uint64_t bits_of(uint8x16_t bytes)
{
	static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128,
					    1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t v = vandq_u8(bytes, vld1q_u8(weights));

	return (uint64_t)vaddv_u8(vget_low_u8(v)) | (uint64_t)vaddv_u8(vget_high_u8(v)) << 8;
}

static size_t fill_neon(const struct oops_scanner *s, const char *p, size_t blocks,
			uint64_t *places, uint64_t *newlines)
{
	const uint8_t *u = (const uint8_t *)p;
	uint8x16_t low[OOPS_SCAN_WINDOW], high[OOPS_SCAN_WINDOW];
	size_t lines = 0;

	for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
		low[i] = vld1q_u8(s->low[i]);
		high[i] = vld1q_u8(s->high[i]);
	}
	for (size_t block = 0; block < blocks; block++) {
		uint64_t fit = 0, ends = 0;

		for (int part = 0; part < 64; part += 16, u += 16) {
			uint8x16_t set = vdupq_n_u8(0xff);

			ends |= bits_of(vceqq_u8(vld1q_u8(u), vdupq_n_u8('\n'))) << part;
#pragma GCC unroll 4
			for (int i = 0; i < OOPS_SCAN_WINDOW; i++) {
				uint8x16_t v = vld1q_u8(u + i);

				// TBL answers 0 to an index from 16 on: the top bit stays in it.
				set = vandq_u8(set,
					       vqtbl1q_u8(low[i], vandq_u8(v, vdupq_n_u8(0x8f))));
				if (oops_scan_both_halves(i))
					set = vandq_u8(set, vqtbl1q_u8(high[i], vshrq_n_u8(v, 4)));
			}
			fit |= bits_of(vtstq_u8(set, set)) << part;
		}
		places[block] = fit;
		newlines[block] = ends;
		lines += (size_t)__builtin_popcountll(ends);
	}
	return lines;
}
#endif

void oops_scanner_choose(struct oops_scanner *scanner, enum oops_scan_with with)
{
	scanner->fill = fill_plain;
#if defined(__x86_64__)
	if ((with == OOPS_SCAN_BEST || with == OOPS_SCAN_AVX2) && __builtin_cpu_supports("avx2") &&
	    __builtin_cpu_supports("popcnt"))
		scanner->fill = fill_avx2;
	else if ((with == OOPS_SCAN_BEST || with == OOPS_SCAN_SSSE3) &&
		 __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt"))
		scanner->fill = fill_ssse3;
#elif defined(__aarch64__)
	if (with == OOPS_SCAN_BEST || with == OOPS_SCAN_NEON)
		scanner->fill = fill_neon;
#endif
}

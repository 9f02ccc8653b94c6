/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/scan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

struct anchor {
	const char *text;
	uint8_t bucket;
};

/*
 * The anchors. A fragment begins where three bytes in a row are rare in ordinary logs, not where
 * its word begins, and its bucket holds fragments whose first bytes differ little, so that the
 * product of their halves lets little else through (about four places in a kilobyte). Both were
 * found by a search over ordinary log lines; they make the scan fast and change no answer.
 */
static const struct anchor headers[] = {
	{"BUG", 2},  // BUG:, kernel BUG at, BUG kmalloc-64 (...)
	{"AN: ", 5}, // UBSAN:, KASAN:
	{"DAC ", 0}, // EDAC
	{"NG: ", 4}, // WARNING:
	{"VFS: ", 3},
	{"FO:", 5},		  // INFO:
	{"MI: ", 5},		  // NMI:
	{"KUP", 4},		  // hard LOCKUP
	{"ULL pointer deref", 0}, // NULL pointer dereference
	{"[#1", 3},		  // Oops: 0000 [#1]
	{"[#2", 3},
	{"[#3", 3},
	{"[#4", 3},
	{"[#5", 3},
	{"[#6", 3},
	{"[#7", 3},
	{"[#8", 3},
	{"[#9", 3},
	{"c - not syncing", 7}, // Kernel panic - not syncing
	{"Kill", 6},		// Out of memory: Killed process
	{"o handle ", 7},	// unable to handle
	{"Machine ", 6},	// Machine check events logged, Machine Check Exception
	{"tal)", 0},		// Uncorrected (Fatal)
	{"lignment trap", 1},
	{"Uhhuh", 6},
	{"ral protection fault", 6},
	{"uble fault", 0},
	{"tical temperature reached", 0},
	{"waiting for ", 6}, // unregister_netdevice: waiting for
	{"ty: ", 5},	     // event severity:
	{"Unhandled fault", 6},
	{"ced object", 2}, // unreferenced object
	{"t_add", 4},	   // list_add corruption
	{"t_del", 5},
	{"py: ", 1},	  // usercopy:
	{"rflow in ", 0}, // detected buffer overflow in
	{"NIC: ", 5},	  // PANIC: early exception
	{"SError", 1},
	{"ad mode in ", 0},
	{"ption on CPU", 1}, // Unhandled 64-bit el1h sync exception on CPU
	{"Unhandled prefetch", 6},
	{"k overflow", 4}, // Kernel stack overflow, do_IRQ: stack overflow
	{"CFI f", 3},
	{"icked at ", 2}, // rust_kernel: panicked at
	{"CSD lock", 3},
	{"b error in ", 1}, // slab error in
	{"b corruption", 1},
	{"che still", 2}, // Slab cache still has objects
	{"gealloc: ", 4}, // pagealloc: memory corruption
	{"machine check (", 0},
	{"ware memory", 7},
	{"very action for", 7}, // Memory failure: 0x1234: recovery action for
	{"RE PROT", 4},		// HARDWARE PROTECTION
	{"body cared", 1},
	{"ation failure", 0}, // page allocation failure
};

// What goes on with a report that is open.
static const struct anchor continuations[] = {
	{"+0x", 7},			      // frames, program counters, places of locks
	{"IP: ", 1},			      // RIP: without a symbol
	{"--[ end", 3},			      // ---[ end trace
	{"race", 0},			      // Call trace
	{"Call Trace", 6},   {"race:", 0},    // backtrace:
	{"race (", 6},	     {"race for", 6}, // NMI backtrace for cpu
	{"mm: ", 1},			      // Comm:
	{"ocated by", 7},    {"ocated:", 7},	{"eed by task", 2},
	{"eed:", 2},	     {"Uninit was", 6}, {"-> #", 3}, // lockdep's chain
	{"eld", 2},					     // locks held
	{"mp:", 1},					     // kthread stack dump:
	{"unction: ", 6},				     // last function:
	{"at:", 5},					     // registered at:
	{"page last ", 4},   {"te:", 4},		     // state:
	{"which became", 6}, {"rying to", 6},
};

static bool anchor_at(const struct oops_scanner *s, const char *p, const char *end,
		      unsigned int buckets)
{
	uint64_t word = 0;
	size_t left = (size_t)(end - p);

	memcpy(&word, p, left < sizeof(word) ? left : sizeof(word));
	for (; buckets; buckets &= buckets - 1) {
		int bucket = __builtin_ctz(buckets);

		for (unsigned int i = 0; i < s->counts[bucket]; i++) {
			const struct oops_scan_entry *e = &s->entries[bucket][i];

			if (!((word ^ e->word) & e->mask) &&
			    (!e->rest_len || (left >= sizeof(word) + e->rest_len &&
					      !memcmp(p + sizeof(word), e->rest, e->rest_len))))
				return true;
		}
	}
	return false;
}

static unsigned int buckets_at(const struct oops_scanner *s, const char *p)
{
	return s->fits[0][(unsigned char)p[0]] & s->fits[1][(unsigned char)p[1]] &
	       s->fits[2][(unsigned char)p[2]];
}

// Each byte by itself: short ends, and processors without PSHUFB.
static const char *find_plain(const struct oops_scanner *s, const char *p, const char *end,
			      uint64_t *lines)
{
	uint64_t newlines = 0;

	for (; end - p >= 3; p++) {
		unsigned int set = buckets_at(s, p);

		if (set && anchor_at(s, p, end, set)) {
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

#if defined(__x86_64__)
// Which of 64 places is an anchor's, out of those whose first bytes fit; 64 for none.
static unsigned int first_anchor(const struct oops_scanner *s, const char *p, const char *end,
				 uint64_t places)
{
	for (; places; places &= places - 1) {
		unsigned int at = (unsigned int)__builtin_ctzll(places);

		if (anchor_at(s, p + at, end, buckets_at(s, p + at)))
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
		for (int i = 0; i < 3; i++) {
			__m128i v = _mm_loadu_si128((const __m128i *)(p + part + i));
			__m128i upper = _mm_and_si128(_mm_srli_epi16(v, 4), half);

			set = _mm_and_si128(set, _mm_and_si128(_mm_shuffle_epi8(low[i], v),
							       _mm_shuffle_epi8(high[i], upper)));
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
		for (int i = 0; i < 3; i++) {
			v = _mm256_loadu_si256((const __m256i *)(p + 32 * part + i));
			__m256i upper = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);

			set[part] = _mm256_and_si256(
				set[part], _mm256_and_si256(_mm256_shuffle_epi8(low[i], v),
							    _mm256_shuffle_epi8(high[i], upper)));
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

// The last of the 64 places looks two bytes ahead.
enum { ROUND = 64 + 2 };

__attribute__((target("ssse3,popcnt"))) static const char *find_ssse3(const struct oops_scanner *s,
								      const char *p,
								      const char *end,
								      uint64_t *lines)
{
	__m128i low[3], high[3];
	uint64_t ends;

#pragma GCC unroll 4
	for (int i = 0; i < 3; i++) {
		low[i] = _mm_loadu_si128((const __m128i *)s->low[i]);
		high[i] = _mm_loadu_si128((const __m128i *)s->high[i]);
	}
	for (; end - p >= ROUND; p += 64) {
		uint64_t places = places_ssse3(low, high, p, &ends);
		unsigned int at = places ? first_anchor(s, p, end, places) : 64;

		if (at < 64) {
			ends &= ((uint64_t)1 << at) - 1;
			*lines += (uint64_t)__builtin_popcountll(ends);
			return p + at;
		}
		*lines += (uint64_t)__builtin_popcountll(ends);
	}
	return find_plain(s, p, end, lines);
}

__attribute__((target("avx2,popcnt,bmi"))) static const char *find_avx2(
	const struct oops_scanner *s, const char *p, const char *end, uint64_t *lines)
{
	__m256i low[3], high[3];
	uint64_t ends;

#pragma GCC unroll 4
	for (int i = 0; i < 3; i++) {
		low[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->low[i]));
		high[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->high[i]));
	}
	for (; end - p >= ROUND; p += 64) {
		uint64_t places = places_avx2(low, high, p, &ends);
		unsigned int at = places ? first_anchor(s, p, end, places) : 64;

		if (at < 64) {
			ends &= ((uint64_t)1 << at) - 1;
			*lines += (uint64_t)__builtin_popcountll(ends);
			return p + at;
		}
		*lines += (uint64_t)__builtin_popcountll(ends);
	}
	return find_plain(s, p, end, lines);
}
#endif

static void add_anchor(struct oops_scanner *s, const struct anchor *anchor)
{
	size_t n = strlen(anchor->text), head = n < 8 ? n : 8;
	struct oops_scan_entry *e = &s->entries[anchor->bucket][s->counts[anchor->bucket]++];

	memcpy(&e->word, anchor->text, head);
	memset(&e->mask, 0xff, head);
	e->rest = anchor->text + head;
	e->rest_len = n - head;
#pragma GCC unroll 4
	for (int i = 0; i < 3; i++) {
		unsigned char c = (unsigned char)anchor->text[i];
		s->low[i][c & 15] |= (uint8_t)(1u << anchor->bucket);
		s->high[i][c >> 4] |= (uint8_t)(1u << anchor->bucket);
	}
}

// The same, looked up by the whole byte.
static void fill_fits(struct oops_scanner *s)
{
#pragma GCC unroll 4
	for (int i = 0; i < 3; i++) {
		for (unsigned int c = 0; c < 128; c++)
			s->fits[i][c] = s->low[i][c & 15] & s->high[i][c >> 4];
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

	// Whole rounds, and the two bytes that the last place looks ahead.
	return scanner->find(scanner, line, line + ((len + 63) & ~(size_t)63) + 2, &lines) != NULL;
}

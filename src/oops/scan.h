/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The fast road past the lines that say nothing: a vectorised search for anchors (anchors.def),
 * words of which every line that can begin a report (rules.re) has one.
 *
 * The search looks at four bytes of each anchor at once, by nibbles: a table lookup (PSHUFB) for
 * each half byte gives the set of anchors that it fits, and what is left after six of them is
 * compared in full. (The idea is Teddy's, of Intel's Hyperscan.)
 */
#ifndef EYRIE_OOPS_SCAN_H
#define EYRIE_OOPS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OOPS_SCAN_BUCKETS = 8,
	OOPS_SCAN_BUCKET_MAX = 32,
	/** Bytes of an anchor that the tables tell. */
	OOPS_SCAN_WINDOW = 4,
	OOPS_SCAN_HASH_BITS = 12,
};

/** Of the outer bytes of a window only the low half is looked at: the rest tells enough. */
static inline bool oops_scan_both_halves(int byte)
{
	return byte == 1 || byte == 2;
}

/** An anchor: the bytes from its window on as one number, and the whole. */
struct oops_scan_entry {
	uint64_t word, mask;
	const char *text;
	size_t len;
	/** Where in it the window is. */
	size_t at;
	bool starts_word;
};

struct oops_scanner {
	/** For each byte of a window: the buckets whose anchors fit its low and its high half. */
	uint8_t low[OOPS_SCAN_WINDOW][16];
	uint8_t high[OOPS_SCAN_WINDOW][16];
	/** The same for the whole byte. */
	uint8_t fits[OOPS_SCAN_WINDOW][256];
	/** By a hash of its bytes: whether there is such a window. */
	uint8_t windows[1 << OOPS_SCAN_HASH_BITS];
	struct oops_scan_entry entries[OOPS_SCAN_BUCKETS][OOPS_SCAN_BUCKET_MAX];
	unsigned int counts[OOPS_SCAN_BUCKETS];
	const char *(*find)(const struct oops_scanner *scanner, const char *p, const char *end,
			    uint64_t *lines);
};

/** What to search with; OOPS_SCAN_BEST is chosen by what the processor has. */
enum oops_scan_with { OOPS_SCAN_BEST, OOPS_SCAN_PLAIN, OOPS_SCAN_SSSE3, OOPS_SCAN_AVX2 };

enum oops_scan_for {
	/** What can begin a report. */
	OOPS_SCAN_HEADERS,
	/** That, and what a report goes on with: frames, traces, CPU lines, its end. */
	OOPS_SCAN_REPORT,
};

/** Build the tables. Falls back to OOPS_SCAN_PLAIN where the processor lacks @p with. */
void oops_scanner_init(struct oops_scanner *scanner, enum oops_scan_for what,
		       enum oops_scan_with with);

/**
 * The beginning of the first line in [p, end) that holds an anchor; where there is none, the
 * beginning of the last line if that has no newline yet, or @p end. @p p is the beginning of a
 * line. Adds the newlines passed to *@p lines.
 */
const char *oops_scan(const struct oops_scanner *scanner, const char *p, const char *end,
		      uint64_t *lines);
enum { OOPS_SCAN_PADDING = 80 };
/**
 * Whether one line (without its newline) holds an anchor. Behind it stand OOPS_SCAN_PADDING
 * readable bytes, all NUL.
 */
bool oops_scan_line(const struct oops_scanner *scanner, const char *line, size_t len);

#endif

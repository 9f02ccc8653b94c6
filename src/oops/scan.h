/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The fast road past the lines that say nothing: a vectorised search for anchors (anchors.def),
 * words of which every line that can begin a report (rules.re) has one.
 *
 * The search looks at four bytes of each anchor at once, its window, by nibbles: a table lookup
 * (PSHUFB, TBL) for each half byte gives the set of anchors that it fits. (The idea is Teddy's, of
 * Intel's Hyperscan.) Where one fits is noted as a bit for each byte of a few kilobytes, without a
 * branch; what is noted passes a hash of all windows, and what is left is compared in full.
 */
#ifndef EYRIE_OOPS_SCAN_H
#define EYRIE_OOPS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/** Bytes of an anchor that the tables tell. */
	OOPS_SCAN_WINDOW = 4,
	OOPS_SCAN_HASH_BITS = 12,
	OOPS_SCAN_ANCHORS_MAX = 160,
};

/** An anchor. */
struct oops_scan_entry {
	const char *text;
	size_t len;
	/** Where in it its window is. */
	size_t at;
	/** No letter, digit or '_' stands before it. */
	bool starts_word;
	/** The next one with the same hash, 0 for none. */
	uint8_t next;
};

struct oops_scanner {
	/** For each byte of a window: the buckets whose anchors fit its low and its high half. */
	uint8_t low[OOPS_SCAN_WINDOW][16];
	uint8_t high[OOPS_SCAN_WINDOW][16];
	/** Both halves together, for processors that have no such lookup. */
	uint8_t fits[OOPS_SCAN_WINDOW][256];
	/** By a hash of a window: the first entry that has it, 0 for none. */
	uint8_t first[1 << OOPS_SCAN_HASH_BITS];
	/** From 1 on. */
	struct oops_scan_entry entries[OOPS_SCAN_ANCHORS_MAX];
	unsigned int count;
	/**
	 * A bit for each of 64 * @p blocks bytes at @p p, block by block: where a window may begin,
	 * and where a newline is. Reads OOPS_SCAN_WINDOW - 1 bytes more. Returns how many newlines.
	 */
	size_t (*fill)(const struct oops_scanner *scanner, const char *p, size_t blocks,
		       uint64_t *places, uint64_t *newlines);
};

/** Of the outer bytes of a window only the low half is looked at: the rest tells enough. */
static inline bool oops_scan_both_halves(int byte)
{
	return byte == 1 || byte == 2;
}

/** What to search with; OOPS_SCAN_BEST is chosen by what the processor has. */
enum oops_scan_with {
	OOPS_SCAN_BEST,
	OOPS_SCAN_PLAIN,
	OOPS_SCAN_SSSE3,
	OOPS_SCAN_AVX2,
	OOPS_SCAN_NEON,
};

enum oops_scan_for {
	/** What can begin a report. */
	OOPS_SCAN_HEADERS,
	/** That, and what a report goes on with: frames, traces, CPU lines, its end. */
	OOPS_SCAN_REPORT,
};

/** Build the tables. Falls back to OOPS_SCAN_PLAIN where the processor lacks @p with. */
void oops_scanner_init(struct oops_scanner *scanner, enum oops_scan_for what,
		       enum oops_scan_with with);
/** Set the scanner's fill() (scan_fill.c). */
void oops_scanner_choose(struct oops_scanner *scanner, enum oops_scan_with with);

/**
 * The beginning of the first line in [p, end) that holds an anchor; where there is none, the
 * beginning of the last line if that has no newline yet, or @p end. @p p is the beginning of a
 * line. Adds the newlines passed to *@p lines.
 */
const char *oops_scan(const struct oops_scanner *scanner, const char *p, const char *end,
		      uint64_t *lines);
/** Whether one line (without its newline) holds an anchor. */
bool oops_scan_line(const struct oops_scanner *scanner, const char *line, size_t len);

#endif

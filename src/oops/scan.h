/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The fast road past the lines that say nothing: a vectorised search for anchors, fragments of
 * which every line that can begin a report (rules.re) has one.
 *
 * The search looks at the first three bytes of each fragment at once, by nibbles: a table lookup
 * (PSHUFB) for each half byte gives the set of fragments that it fits, and what is left after six
 * of them is compared in full. (The idea is Teddy's, of Intel's Hyperscan.)
 */
#ifndef EYRIE_OOPS_SCAN_H
#define EYRIE_OOPS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OOPS_SCAN_BUCKETS = 8,
	OOPS_SCAN_BUCKET_MAX = 16,
};

/** The first bytes of a fragment as one number, and the rest. */
struct oops_scan_entry {
	uint64_t word, mask;
	const char *rest;
	size_t rest_len;
};

struct oops_scanner {
	/** For each of three bytes: the buckets whose fragments fit its low and its high half. */
	uint8_t low[3][16];
	uint8_t high[3][16];
	/** The same for the whole byte. */
	uint8_t fits[3][256];
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

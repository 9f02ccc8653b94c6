/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Open what is compressed around a dump: .gz, .xz, .zst, told by their first bytes, whatever the
 * name. A compressed stream has no way to its middle, so it is decompressed once, to a file without
 * a name in $TMPDIR (else /var/tmp), which is gone with the last process that has it open.
 *
 * A library of its own: eyrie-capture does without.
 */
#ifndef EYRIE_ANALYSIS_UNWRAP_H
#define EYRIE_ANALYSIS_UNWRAP_H

#include "analysis/analysis.h"

enum {
	/** What a file may grow to, times its own size; a small one in any case to UNWRAP_SMALL. */
	UNWRAP_MAX_RATIO = 1000,
	/** Of the file system with the temporary file so much stays free, percent. */
	UNWRAP_KEEP_FREE = 5,
};
#define UNWRAP_SMALL (1ULL << 30)

/**
 * For analysis_options.unwrap. Where @p *fd is compressed, or is no regular file (a pipe), what is
 * in it comes in its place; the old descriptor is closed. The decompression runs in a child that
 * can do nothing else. A stream that ends early or is damaged gives what came before
 * (ret->damage). EY_ERR_INPUT: it would grow beyond all measure, takes too long, or holds nothing;
 * EY_ERR_IO: there is no room for it.
 */
struct ey_error *unwrap_open(int *fd, unsigned int timeout_seconds,
			     struct analysis_unwrapped *ret) EY_MUST_CHECK;

#endif

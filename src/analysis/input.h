/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The files of a dump, opened: one, or the parts of a split dump; decompressed. */
#ifndef EYRIE_ANALYSIS_INPUT_H
#define EYRIE_ANALYSIS_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/analysis.h"
#include "base/error.h"
#include "vmcore/split.h"

struct analysis_input {
	/** The dump, or its parts. */
	int fds[SPLIT_MAX_PARTS + 1];
	size_t count;
	/** Name of the (first) file without its folder; borrowed from the path. */
	const char *name;
	/** Size of all files as they lie there. */
	uint64_t bytes;
	/** What was around it. */
	struct analysis_unwrapped unwrapped;
};

/**
 * Open the dump at @p path and options->parts, or, where @p path is one part of a split dump and
 * no other was named, the parts that lie beside it.
 */
struct ey_error *analysis_input_open(const char *path, const struct analysis_options *options,
				     struct analysis_input *ret) EY_MUST_CHECK;
void analysis_input_close(struct analysis_input *input);

#endif

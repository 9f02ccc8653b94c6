/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Run a function in a child process that can do nothing but read what is open, compute, and
 * write its answer to a pipe.
 */
#ifndef EYRIE_ANALYSIS_SANDBOX_H
#define EYRIE_ANALYSIS_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct sandbox_limits {
	/** Seconds of wall clock, and of CPU, after which the child is killed. */
	unsigned int timeout_seconds;
	/** Address space, bytes. */
	size_t memory;
	/** Longest answer, bytes. */
	size_t output;
	/** The descriptor, beside standard error, that the child keeps; 0 for none. */
	int input_fd;
	/** Further ones, at most SANDBOX_MAX_FDS. */
	const int *more_fds;
	size_t more_count;
	/** A file that the child may write to, up to @c file_size bytes; 0 for none. */
	int file_fd;
	uint64_t file_size;
};

enum { SANDBOX_MAX_FDS = 128 };

/** What runs in the child: fills @p out; an error becomes the caller's. */
typedef struct ey_error *(*sandbox_fn)(void *arg, struct ey_buf *out);

/**
 * Fork; in the child give up all capabilities, take on @p limits and a seccomp filter, and call
 * @p fn. What it wrote comes back in @p ret, what it returned as an error is returned. A child that
 * dies or runs out of time is EY_ERR_INPUT: the input was too much for it.
 */
struct ey_error *sandbox_run(sandbox_fn fn, void *arg, const struct sandbox_limits *limits,
			     struct ey_buf *ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Run a program of others that reads hostile input, unattended: it has no terminal, a limit of time
 * and of what it may write, and nothing that it starts outlives it.
 */
#ifndef EYRIE_ANALYSIS_SUPERVISE_H
#define EYRIE_ANALYSIS_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct supervise_options {
	/** Ended by NULL; argv[0] is a path. */
	const char *const *argv;
	/** The whole environment, "NAME=value", ended by NULL. */
	const char *const *env;
	/** Its working directory. */
	const char *cwd;
	/** Wall clock. */
	unsigned int timeout_seconds;
	/** Bytes of standard output, and of standard error, after which it is stopped. */
	size_t max_output;
	/** Largest file that it may write, bytes. */
	uint64_t max_file;
	/** Address space, bytes; 0: as much as there is. */
	uint64_t memory;
	/**
	 * Beside /tmp the only folder below which it may make, change or remove files, where the
	 * kernel has Landlock; NULL: anywhere.
	 */
	const char *writable;
	/** It needs no network, traces nobody, and changes nothing of the system. */
	bool confined;
};

enum supervise_end {
	/** By itself; the status is its exit code. */
	SUPERVISE_EXITED,
	/** The status is the signal. */
	SUPERVISE_SIGNALLED,
	SUPERVISE_TIMED_OUT,
	SUPERVISE_TOO_MUCH,
};

struct supervise_result {
	struct ey_buf out, err;
	enum supervise_end end;
	int status;
};

/**
 * Run it in a session of its own, with /dev/null as standard input. When it has ended, was stopped,
 * or this process dies, all that it started is killed. What it had written by then is in @p ret in
 * any case. An error only where it could not be started.
 */
struct ey_error *supervise_run(const struct supervise_options *options,
			       struct supervise_result *ret) EY_MUST_CHECK;
void supervise_result_deinit(struct supervise_result *result);
#define _cleanup_supervise_ __attribute__((cleanup(supervise_result_deinit)))

/** Take on the confinement in the child, before exec(2): 0, or -1 with errno. */
int supervise_confine(const struct supervise_options *options);

/** Find program @p name in PATH, or take it as it is where it has a '/'; NULL: there is none. */
char *supervise_find_program(const char *name);

#endif

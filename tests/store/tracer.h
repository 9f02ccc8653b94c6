/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Kill a process at each of its steps, or let each of its steps fail: the steps are the system
 * calls that change files or send, met by ptrace(2), so that the code under test has no seams for
 * it.
 */
#ifndef EYRIE_TESTS_TRACER_H
#define EYRIE_TESTS_TRACER_H

#include <stdbool.h>

enum tracer_action {
	/** SIGKILL before the step is done. */
	TRACER_KILL,
	/** The step is not done and returns an error. */
	TRACER_FAIL,
};

enum {
	/** What tracer_run() returns for a child that was killed. */
	TRACER_KILLED = -1,
	/** ptrace(2) is not allowed here. */
	TRACER_UNABLE = -2,
};

/**
 * Run @p fn in a child and act at its step @p n (from 1). Returns its exit code or one of the
 * above. @p reached_ret: whether there was such a step; a loop over n ends where there is none.
 * With @p execs, @p fn calls exec and counting begins after that.
 */
int tracer_run(int (*fn)(void *arg), void *arg, bool execs, enum tracer_action action, int n,
	       int errnum, bool *reached_ret);

#endif

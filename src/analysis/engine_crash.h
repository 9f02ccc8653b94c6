/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Run the crash utility on a dump, unattended; for this room only. */
#ifndef EYRIE_ANALYSIS_ENGINE_CRASH_H
#define EYRIE_ANALYSIS_ENGINE_CRASH_H

#include "analysis/crash_text.h"
#include "analysis/engine.h"

/**
 * Find crash and the dump's vmlinux, run the commands, read what crash wrote. EY_ERR_NOT_FOUND: no
 * crash or no vmlinux; EY_ERR_INPUT: crash could do nothing with the dump.
 */
struct ey_error *engine_crash_run(const char *path, const struct engine_options *options,
				  struct analysis_result *ret) EY_MUST_CHECK;

/**
 * Crash's output as record and text, read in a child process. @p gaps are those that the run itself
 * left, @p gap_count of them.
 */
struct ey_error *engine_crash_read(const char *output, size_t len, const struct crash_dump *dump,
				   const struct crash_gap *gaps, size_t gap_count,
				   struct analysis_result *ret) EY_MUST_CHECK;

#endif

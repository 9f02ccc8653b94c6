/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Choose who reads a dump: Eyrie itself, the crash utility, or both.
 */
#ifndef EYRIE_ANALYSIS_ENGINE_H
#define EYRIE_ANALYSIS_ENGINE_H

#include "analysis/analysis.h"
#include "base/config.h"

/** Engines, and their names in the same order. */
#define ENGINES(X)          \
	X(AUTO, "auto")     \
	X(NATIVE, "native") \
	X(CRASH, "crash")   \
	X(BOTH, "both")

enum engine {
#define X(id, name) ENGINE_##id,
	ENGINES(X)
#undef X
};

/** False where there is no engine of that name. */
bool engine_parse(const char *name, enum engine *ret);

struct engine_options {
	/**
	 * ENGINE_AUTO: native; where it finds no event, no log or nothing at all, crash, if it and
	 * a fitting vmlinux are on this machine. ENGINE_BOTH: the native record, and in its
	 * "comparison" what crash says otherwise.
	 */
	enum engine engine;
	/** How the native engine reads; its parts of a split dump and its vmlinux are crash's too.
	 */
	const struct analysis_options *native;
	/** The program; NULL: "crash" in PATH. */
	const char *crash;
	/** Its commands, one a line; NULL: crash.commands of the package. */
	const char *commands;
	/** Folders of debuginfo, separated by ':'; NULL: /usr/lib/debug. */
	const char *debug_path;
	/** Download debuginfo where DEBUGINFOD_URLS names servers. */
	bool download;
	const char *cache;
	uint64_t download_bytes;
	/** Wall clock of a run of crash, and what it may write; 0: 600 seconds, 64 MiB. */
	unsigned int crash_seconds;
	uint64_t crash_output;
};

/**
 * Take crash, crash_commands, crash_timeout, crash_output, debug_path, debuginfod,
 * debuginfod_cache and debuginfod_limit of section [analysis]; strings are @p config's. What is set
 * in @p ret already wins.
 */
struct ey_error *engine_configure(struct engine_options *ret,
				  const struct ey_config *config) EY_MUST_CHECK;

/**
 * Analyse the dump at @p path. With the crash utility the text is what crash wrote. The output of
 * crash, saved as a file, may stand in place of a dump: it is read into the same record.
 */
struct ey_error *engine_run(const char *path, const struct engine_options *options,
			    struct analysis_result *ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Run an engine on a dump, in a child process that can hurt nobody, and get its record and text.
 */
#ifndef EYRIE_ANALYSIS_ANALYSIS_H
#define EYRIE_ANALYSIS_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/** What was around a dump. */
struct analysis_unwrapped {
	/** Its compression ("gzip"), NULL where there was none; static. */
	const char *what;
	/** What is wrong with the compressed file, NULL for nothing; static. */
	const char *damage;
};

/**
 * If the file @p fd is compressed or no regular file, put the descriptor of what is in it in its
 * place. @p timeout_seconds as below.
 */
typedef struct ey_error *(*analysis_unwrap_fn)(int *fd, unsigned int timeout_seconds,
					       struct analysis_unwrapped *ret);

struct analysis_options {
	/** Wall-clock seconds after which the child is killed; 0: 120. */
	unsigned int timeout_seconds;
	/** Address space of the child, bytes; 0: 2 GiB. */
	size_t memory_limit;
	/** Further passes (see passes.h), e.g. "un,bt:17"; NULL: those that run by default. */
	const char *with;
	/**
	 * The kernel's vmlinux. With debuginfo for the crash utility, which looks for one where
	 * this is NULL; its symbols and BTF for the native engine, where the dump has none.
	 */
	const char *vmlinux;
	/** System.map, for the symbols where the dump has none; NULL for none. */
	const char *system_map;
	/** File or folder with types for kernels without BTF; NULL: the folders of types.h. */
	const char *types;
	/** Analyse in this process (for debuggers and fuzzers only). */
	bool no_sandbox;
	/** Further parts of a split dump, in any order. */
	const char *const *parts;
	size_t part_count;
	/** Opens what is compressed (unwrap_open() of unwrap.h); NULL: only what is not. */
	analysis_unwrap_fn unwrap;
};

struct analysis_result {
	/** record.json, schema eyrie/crash/1 (docs/record.schema.json); NUL-terminated. */
	char *record;
	size_t record_len;
	/** analysis.txt: sys, bt, bt -a, log, ps as crash users know them; NUL-terminated. */
	char *text;
	size_t text_len;
	/** The record has an event and a log (false: look for them there). */
	bool has_event_and_log;
};

/**
 * Analyse the dump at @p path: a dump, one part of a split dump (those that lie beside it are
 * found), or the text of a kernel log (vmcore-dmesg.txt); "-" is standard input. A dump from which
 * only a part can be read is no error: the record's "gaps" say what is missing. EY_ERR_INPUT: not a
 * dump, or nothing could be read of it.
 */
struct ey_error *analysis_run(const char *path, const struct analysis_options *options,
			      struct analysis_result *ret) EY_MUST_CHECK;
void analysis_result_deinit(struct analysis_result *result);

#endif

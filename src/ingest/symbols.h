/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Debuginfo of kernels at the center, by build id: <root>/.build-id/xx/yyyy.debug, as debuggers
 * look for it. A file is there whole or not at all, and once.
 */
#ifndef EYRIE_INGEST_SYMBOLS_H
#define EYRIE_INGEST_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"

#define SYMBOLS_DEFAULT_PATH "/var/lib/eyrie/symbols"

struct symbols_options {
	/** The configuration's, or the caller's. */
	const char *root;
	/** Largest file, and the most that one add may take, bytes; 0: 4 GiB and 16 GiB. */
	uint64_t max_file;
	uint64_t max_total;
};

/** [symbols] path. */
void symbols_options_load(struct symbols_options *ret, const struct ey_config *config);

struct symbols_added {
	uint64_t added;
	/** Bytes of these. */
	uint64_t bytes;
	/** Were there before. */
	uint64_t known;
	/** Files without build id or debuginfo. */
	uint64_t passed_over;
};

/**
 * Take in what @p path holds: an ELF file with debuginfo, a folder of such files, or a package
 * (.deb, .rpm, or any other archive that libarchive reads). EY_ERR_INPUT: nothing of use in it, or
 * larger than allowed; what was added until then is whole and stays.
 */
struct ey_error *symbols_add(const struct symbols_options *options, const char *path,
			     struct symbols_added *ret) EY_MUST_CHECK;

/** A file of the store. */
struct symbols_file {
	char build_id[132];
	uint64_t bytes;
	int64_t mtime;
	/** Where it came from, "" where not known. */
	char name[256];
};

/** Call @p on_file for each, in the order of build ids; an error ends it. */
struct ey_error *symbols_list(const struct symbols_options *options,
			      struct ey_error *(*on_file)(const struct symbols_file *file,
							  void *arg),
			      void *arg) EY_MUST_CHECK;
/** EY_ERR_NOT_FOUND: it is not there; EY_ERR_INPUT: no build id. */
struct ey_error *symbols_remove(const struct symbols_options *options,
				const char *build_id) EY_MUST_CHECK;
/** Whether there is a file of this build id. */
bool symbols_has(const struct symbols_options *options, const char *build_id);

#endif

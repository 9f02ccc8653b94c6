/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A dump of the repository as a file with a name, plain: unsealed and decompressed. */
#ifndef EYRIE_INGEST_FETCH_DUMP_H
#define EYRIE_INGEST_FETCH_DUMP_H

#include <limits.h>
#include <stdbool.h>

#include "base/config.h"
#include "store/repository.h"

struct fetched_dump {
	char path[PATH_MAX];
	/** It is a copy, which fetched_dump_deinit() removes with its folder. */
	bool copy;
	char folder[PATH_MAX];
	/** It is not what was filed: the error says so. */
	bool damaged;
};

/**
 * Compare the crash's dump with its checksum and give it a plain file: the repository's
 * own where that is one, else a copy in $TMPDIR (else /var/tmp). [repository] seal_secret opens a
 * sealed one. EY_ERR_NOT_FOUND: it has no dump.
 */
struct ey_error *fetch_dump(const struct store_entry *entry, const struct ey_config *config,
			    struct fetched_dump *ret) EY_MUST_CHECK;
void fetched_dump_deinit(struct fetched_dump *dump);
#define _cleanup_fetched_dump_ __attribute__((cleanup(fetched_dump_deinit)))

#endif

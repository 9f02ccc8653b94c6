/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The repository as the center's configuration names it. */
#ifndef EYRIE_INGEST_PLACE_H
#define EYRIE_INGEST_PLACE_H

#include "base/config.h"
#include "base/error.h"
#include "store/repository.h"

/**
 * Flags of store_open() for the center's jobs: STORE_MUST_BE_MOUNTED where [repository]
 * must_be_mounted says so, and nothing is ever created in an empty mount point then.
 */
struct ey_error *place_flags(const struct ey_config *config, unsigned int *ret) EY_MUST_CHECK;
/** Open [repository] path for filing; a root that is missing is made, where none is mounted. */
struct ey_error *place_open(const struct ey_config *config, struct store **ret) EY_MUST_CHECK;
/** Open it as it is, to read what lies there. */
struct ey_error *place_open_to_read(const struct ey_config *config,
				    struct store **ret) EY_MUST_CHECK;
/**
 * Where uploads are received: a folder of the repository's own file system, else (the repository
 * is none) [repository] uploads.
 */
struct ey_error *place_open_uploads(const struct ey_config *config, struct store *store,
				    int *dirfd_ret) EY_MUST_CHECK;

#endif

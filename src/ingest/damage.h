/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Files of the repository that are not what was filed: noted where the scrub notes them, whoever
 * comes upon them.
 */
#ifndef EYRIE_INGEST_DAMAGE_H
#define EYRIE_INGEST_DAMAGE_H

#include "base/error.h"
#include "db/db.h"

/** What is said of a file whose checksum is another one. */
#define DAMAGE_DIFFERS "its checksum differs"

/** Note and log that the file @p name of the crash at @p path is damaged; the file stays. */
struct ey_error *damage_note(struct db *db, const char *path, const char *name,
			     const char *why) EY_MUST_CHECK;

#endif

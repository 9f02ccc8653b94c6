/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The policy document (eyrie/policy/1): which dumps the center still wants. Hosts read it as
 * `root/policy.json` over NFS, or from the API.
 */
#ifndef EYRIE_INGEST_POLICY_H
#define EYRIE_INGEST_POLICY_H

#include "base/buf.h"
#include "base/error.h"
#include "db/db.h"

enum { POLICY_KEEP_DUMPS_DEFAULT = 3 };

/**
 * Append the document to @p buf: {"schema":"eyrie/policy/1","group_version":"g1","keep_dumps":K,
 * "default":"vmcore","reasons":{KEY:{"state":...,"want":"vmcore"|"dmesg","have":N}}}. A reason's
 * dumps are wanted until @p keep_dumps of it are in the repository, and for ever when it came back
 * after its fix ("resolved", "rolled-out"); never when it is broken hardware or will not be fixed.
 */
struct ey_error *policy_write(struct db *db, unsigned int keep_dumps,
			      struct ey_buf *buf) EY_MUST_CHECK;

/** Write it to @p root/policy.json, whole or not at all, and only when it changed. */
struct ey_error *policy_write_file(struct db *db, unsigned int keep_dumps,
				   const char *root) EY_MUST_CHECK;

#endif

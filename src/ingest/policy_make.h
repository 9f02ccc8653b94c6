/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Make the policy document (eyrie/policy/1, store/policy.h) from the database: which dumps the
 * center still wants. Hosts read it as `root/policy.json` over NFS, or from the API.
 */
#ifndef EYRIE_INGEST_POLICY_MAKE_H
#define EYRIE_INGEST_POLICY_MAKE_H

#include "base/buf.h"
#include "base/error.h"
#include "db/db.h"
#include "db/reason.h"
#include "ingest/policy.h"
#include "store/policy.h"

enum {
	/** [repository] keep_dumps where it is not set. */
	POLICY_KEEP_DUMPS_DEFAULT = 3,
	/** Reasons in a document, those seen last; what is not in it is wanted whole. */
	POLICY_MAX_REASONS = 50000,
};

/**
 * What the document says of @p reason: policy_decide() on a crash of the kernel and model that has
 * the reason's dumps, since it has one word a reason. Slots are none of its business.
 */
enum store_want policy_want_of(const struct db_reason *reason, const struct policy_rules *rules);

/** Append the document to @p buf. */
struct ey_error *policy_make(struct db *db, const struct policy_rules *rules,
			     struct ey_buf *buf) EY_MUST_CHECK;

/** Make it and put it into the repository, whole or not at all, and only where it changed. */
struct ey_error *policy_make_publish(struct db *db, const struct policy_rules *rules,
				     struct store *store) EY_MUST_CHECK;

#endif

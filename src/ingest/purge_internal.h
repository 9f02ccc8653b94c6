/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the two ways of removing dumps share. */
#ifndef EYRIE_INGEST_PURGE_INTERNAL_H
#define EYRIE_INGEST_PURGE_INTERNAL_H

#include "ingest/purge.h"
#include "store/repository.h"

struct purge {
	struct db *db;
	struct store *store;
	const struct purge_options *options;
	const struct keep_rules *rules;
	struct purge_result *result;
	int64_t now;
};

/** Remove one dump and note it; @p removed_ret (may be NULL) says whether it is gone. */
struct ey_error *purge_remove(struct purge *run, const struct db_kept *dump,
			      enum db_removal_kind kind, const char *why,
			      bool *removed_ret) EY_MUST_CHECK;
/** Remove what is worth the least until the quotas are met. */
struct ey_error *purge_quotas(struct purge *run) EY_MUST_CHECK;

#endif

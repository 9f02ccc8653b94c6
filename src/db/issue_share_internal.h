/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What export and import of issues share; for this room only. */
#ifndef EYRIE_DB_ISSUE_SHARE_INTERNAL_H
#define EYRIE_DB_ISSUE_SHARE_INTERNAL_H

#include "db/issue_share.h"

enum { ISSUE_DIGEST_SIZE = 65 };

/** What an issue says, in the one order in which it is written and digested. */
struct issue_content {
	struct db_arena arena;
	const char *fields[DB_ISSUE_FIELD_COUNT];
	/** Keys of its reasons, seen here or not; sorted. */
	const char **keys;
	size_t key_count;
	struct db_issue_fix *fixes;
	size_t fix_count;
	struct db_issue_rule *rules;
	size_t rule_count;
};
void issue_content_deinit(struct issue_content *content);
#define _cleanup_content_ __attribute__((cleanup(issue_content_deinit)))

struct ey_error *issue_content_load(struct db *db, int64_t issue_id,
				    struct issue_content *ret) EY_MUST_CHECK;
/** Sort, and remove what is there twice. */
void issue_content_sort(struct issue_content *content);
/** The members of the content, within an object. */
void issue_content_write(struct ey_json *json, const struct issue_content *content);
struct ey_error *issue_content_digest(const struct issue_content *content,
				      char digest[ISSUE_DIGEST_SIZE]) EY_MUST_CHECK;

/** Remember that the issue once said this. */
struct ey_error *issue_digest_add(struct db *db, int64_t issue_id,
				  const char *digest) EY_MUST_CHECK;
struct ey_error *issue_digest_known(struct db *db, int64_t issue_id, const char *digest,
				    bool *ret) EY_MUST_CHECK;

#endif

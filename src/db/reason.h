/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Reasons: what crashes are counted under. A reason gathers exact keys (signatures). */
#ifndef EYRIE_DB_REASON_H
#define EYRIE_DB_REASON_H

#include "db/arena.h"
#include "db/db.h"
#include "db/flag.h"

/** What is known of a reason, and its names in the same order (db_reason_state_name()). */
#define DB_REASON_STATES(X)               \
	X(NEW, "new")                     \
	X(INVESTIGATING, "investigating") \
	X(REPORTED, "reported")           \
	X(FIX_AVAILABLE, "fix-available") \
	X(ROLLED_OUT, "rolled-out")       \
	X(RESOLVED, "resolved")           \
	X(WONT_FIX, "wont-fix")           \
	X(HARDWARE, "hardware")

enum db_reason_state {
#define X(id, name) DB_REASON_##id,
	DB_REASON_STATES(X)
#undef X
};
const char *db_reason_state_name(enum db_reason_state state);
bool db_reason_state_parse(const char *name, enum db_reason_state *ret);

/** The key of crashes whose record holds no event; no rule made it, so it has no version. */
#define DB_REASON_KEY_NO_EVENT "none"

struct db_reason {
	int64_t id;
	/** The group key, "g1:...". */
	const char *key;
	const char *kind;
	/** The function that is blamed; "" where none is. */
	const char *guilty;
	const char *title;
	enum db_reason_state state;
	/** Times of its first and last crash, and when its first row was made. */
	int64_t first_seen;
	int64_t last_seen;
	int64_t received;
	/** The crash that made it known. */
	int64_t first_crash_id;
	/** The issue it belongs to; 0 for none. */
	int64_t issue_id;
	int64_t crashes;
	/** Distinct hosts that had it. */
	int64_t hosts;
	/** Dumps of it in the repository now. */
	int64_t dumps;
	/** The reason that it was merged into, under which its crashes are counted; 0 for none. */
	int64_t merged_into;
};

enum db_reason_order {
	DB_REASONS_BY_LAST_SEEN,
	DB_REASONS_BY_FIRST_SEEN,
	DB_REASONS_BY_CRASHES,
	DB_REASONS_BY_HOSTS,
};

/** Zero and NULL are "any". */
struct db_reason_filter {
	enum db_reason_order order;
	/** Names of DB_REASON_STATES and of the kinds of oops/event.h. */
	const char *state;
	const char *kind;
	/** What is blamed; "ext4_*": what begins so. */
	const char *function;
	/** Module of the crash that made it known. */
	const char *module;
	/** Reasons that crashed this kernel (uname -r). */
	const char *kernel;
	/** Part of the key, the title or the guilty function, in any case. */
	const char *text;
	/** since <= time of the last crash < until, and the same of the first. */
	int64_t seen_since;
	int64_t seen_until;
	int64_t first_seen_since;
	int64_t first_seen_until;
	int64_t min_crashes;
	int64_t min_hosts;
	/** Reasons that this host / this model had. */
	int64_t host_id;
	int64_t model_id;
	/** Reasons of this issue, or (not) of any. */
	int64_t issue_id;
	/** Also those that were merged into others, which have no crashes of their own. */
	bool with_merged;
	enum db_flag has_issue;
};

struct db_reason_list {
	struct db_arena arena;
	struct db_reason *items;
	size_t count;
	/** Cursor of the next page; NULL on the last. */
	const char *next;
	/** The page ended where enough rows had been looked at: there may be more behind `next`. */
	bool bounded;
};

/** The largest first in the chosen order. @p filter and @p page may be NULL. */
struct ey_error *db_reason_list(struct db *db, const struct db_reason_filter *filter,
				const struct db_page *page,
				struct db_reason_list *ret) EY_MUST_CHECK;
struct ey_error *db_reason_get(struct db *db, int64_t id, struct db_reason_list *ret) EY_MUST_CHECK;
struct ey_error *db_reason_get_key(struct db *db, const char *key,
				   struct db_reason_list *ret) EY_MUST_CHECK;
void db_reason_list_deinit(struct db_reason_list *list);
#define _cleanup_reasons_ __attribute__((cleanup(db_reason_list_deinit)))

/** Change what is known of a reason. */
struct ey_error *db_reason_set_state(struct db *db, int64_t id,
				     enum db_reason_state state) EY_MUST_CHECK;

/** An exact key under a reason. */
struct db_signature {
	int64_t id;
	const char *signature;
	int64_t first_seen;
	int64_t last_seen;
	int64_t crashes;
};

struct db_signature_list {
	struct db_arena arena;
	struct db_signature *items;
	size_t count;
};

/** The exact keys of a reason, the most frequent first, at most @p limit (0: 100). */
struct ey_error *db_reason_signatures(struct db *db, int64_t reason_id, unsigned int limit,
				      struct db_signature_list *ret) EY_MUST_CHECK;
void db_signature_list_deinit(struct db_signature_list *list);
#define _cleanup_signatures_ __attribute__((cleanup(db_signature_list_deinit)))

#endif

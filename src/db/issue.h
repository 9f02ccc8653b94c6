/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Known issues: what people know of a bug that makes machines crash. An issue explains one reason
 * or several; a reason has the state of its issue. Every change stays in the issue's history.
 */
#ifndef EYRIE_DB_ISSUE_H
#define EYRIE_DB_ISSUE_H

#include "base/package_version.h"
#include "db/reason.h"

/** The texts of an issue that people change, by the names of their columns. */
#define DB_ISSUE_FIELDS(X)                                                             \
	/* One line. Never empty. */                                                   \
	X(TITLE, "title")                                                              \
	/* A name of DB_REASON_STATES; the reasons follow it. */                       \
	X(STATE, "state")                                                              \
	/* Who works on it. */                                                         \
	X(OWNER, "owner")                                                              \
	/* To whom it was reported, under which number, and where that can be read. */ \
	X(VENDOR, "vendor")                                                            \
	X(CASE, "vendor_case")                                                         \
	X(LINK, "link")                                                                \
	/* The commit that fixes it upstream. */                                       \
	X(UPSTREAM, "upstream")                                                        \
	X(NOTES, "notes")

enum db_issue_field {
#define X(id, name) DB_ISSUE_##id,
	DB_ISSUE_FIELDS(X)
#undef X
		DB_ISSUE_FIELD_COUNT,
};
const char *db_issue_field_name(enum db_issue_field field);

struct db_issue {
	int64_t id;
	/** By enum db_issue_field; "" where not said. */
	const char *fields[DB_ISSUE_FIELD_COUNT];
	enum db_reason_state state;
	/** Grows with each change. */
	int64_t version;
	int64_t created;
	int64_t updated;
	/** Its reasons, and their crashes; the last of these, 0 for none. */
	int64_t reasons;
	int64_t crashes;
	int64_t last_seen;
};

struct db_issue_filter {
	/** A name of DB_REASON_STATES. */
	const char *state;
	const char *owner;
	const char *vendor;
	/** Its number at the vendor. */
	const char *vendor_case;
	/** since <= last change < until. */
	int64_t changed_since;
	int64_t changed_until;
	/** Part of a text of it, in any case. */
	const char *text;
	/** Not resolved, rolled out or given up. */
	bool only_open;
};

struct db_issue_list {
	struct db_arena arena;
	struct db_issue *items;
	size_t count;
	const char *next;
};

/** The latest changed first. */
struct ey_error *db_issue_list(struct db *db, const struct db_issue_filter *filter,
			       const struct db_page *page, struct db_issue_list *ret) EY_MUST_CHECK;
struct ey_error *db_issue_get(struct db *db, int64_t id, struct db_issue_list *ret) EY_MUST_CHECK;
void db_issue_list_deinit(struct db_issue_list *list);
#define _cleanup_issues_ __attribute__((cleanup(db_issue_list_deinit)))

/** Who changes an issue, why, and on the ground of which version of it. */
struct db_issue_edit {
	int64_t issue_id;
	/** 0: whatever it is now. */
	int64_t version;
	const char *who;
	/** May be NULL. */
	const char *why;
	int64_t now;
};

/*
 * All changes below have in common: one transaction, a line of history for what really changed, and
 * a new version. EY_ERR_NOT_FOUND where there is no such issue.
 */

/** Make an issue of @p fields (NULL: empty; the state: "new"). EY_ERR_INPUT without a title. */
struct ey_error *db_issue_create(struct db *db, const char *const fields[DB_ISSUE_FIELD_COUNT],
				 const struct db_issue_edit *edit, int64_t *id_ret) EY_MUST_CHECK;
/**
 * Change what is not NULL in @p fields. @p conflict_ret says that somebody else changed the issue
 * since @p edit's version; then nothing was done.
 */
struct ey_error *db_issue_change(struct db *db, const char *const fields[DB_ISSUE_FIELD_COUNT],
				 const struct db_issue_edit *edit,
				 bool *conflict_ret) EY_MUST_CHECK;
struct ey_error *db_issue_comment(struct db *db, const char *text,
				  const struct db_issue_edit *edit) EY_MUST_CHECK;

/** A reason belongs to the issue from now on, and to no other; or (@p belongs false) to none. */
struct ey_error *db_issue_set_reason(struct db *db, int64_t reason_id, bool belongs,
				     const struct db_issue_edit *edit) EY_MUST_CHECK;

/** The first version of a package that holds the fix. */
struct db_issue_fix {
	int64_t id;
	/** "debian 12"; what people call it. */
	const char *distribution;
	const char *package;
	enum ey_package_format format;
	const char *version;
};

struct db_issue_fix_list {
	struct db_arena arena;
	struct db_issue_fix *items;
	size_t count;
};

struct ey_error *db_issue_fixes(struct db *db, int64_t issue_id,
				struct db_issue_fix_list *ret) EY_MUST_CHECK;
void db_issue_fix_list_deinit(struct db_issue_fix_list *list);
#define _cleanup_fixes_ __attribute__((cleanup(db_issue_fix_list_deinit)))
/** Add one, in place of an earlier one of the same distribution and package. */
struct ey_error *db_issue_add_fix(struct db *db, const struct db_issue_fix *fix,
				  const struct db_issue_edit *edit) EY_MUST_CHECK;
struct ey_error *db_issue_remove_fix(struct db *db, int64_t fix_id,
				     const struct db_issue_edit *edit) EY_MUST_CHECK;

/** Which new reasons belong to an issue by themselves: patterns of fnmatch(3), "" for any. */
struct db_issue_rule {
	int64_t id;
	const char *kind;
	/** The guilty function. */
	const char *function;
	const char *module;
};

struct db_issue_rule_list {
	struct db_arena arena;
	struct db_issue_rule *items;
	size_t count;
};

struct ey_error *db_issue_rules(struct db *db, int64_t issue_id,
				struct db_issue_rule_list *ret) EY_MUST_CHECK;
void db_issue_rule_list_deinit(struct db_issue_rule_list *list);
#define _cleanup_rules_ __attribute__((cleanup(db_issue_rule_list_deinit)))
/** EY_ERR_INPUT for a rule that says nothing: it would take in every crash. */
struct ey_error *db_issue_add_rule(struct db *db, const struct db_issue_rule *rule,
				   const struct db_issue_edit *edit) EY_MUST_CHECK;
struct ey_error *db_issue_remove_rule(struct db *db, int64_t rule_id,
				      const struct db_issue_edit *edit) EY_MUST_CHECK;
/**
 * Give a reason that is new to the issue whose rule it meets; of several, the oldest rule. Called
 * within the transaction that makes the reason.
 */
struct ey_error *db_issue_apply_rules(struct db *db, int64_t reason_id, const char *kind,
				      const char *function, const char *module,
				      int64_t now) EY_MUST_CHECK;

/** A line of an issue's history. */
struct db_issue_event {
	int64_t id;
	int64_t time;
	const char *who;
	/** A field's name, "created", "comment", "reason", "fix" or "rule". */
	const char *what;
	/** "" where there was or is none. */
	const char *old_value;
	const char *new_value;
	const char *why;
};

struct db_issue_history {
	struct db_arena arena;
	struct db_issue_event *items;
	size_t count;
};

/** The latest first, at most @p limit (0: 200). */
struct ey_error *db_issue_history(struct db *db, int64_t issue_id, unsigned int limit,
				  struct db_issue_history *ret) EY_MUST_CHECK;
void db_issue_history_deinit(struct db_issue_history *list);
#define _cleanup_history_ __attribute__((cleanup(db_issue_history_deinit)))

/** What a crash is to those who look at it, and its names in the same order. */
#define DB_VERDICTS(X)                                                   \
	/* Nobody has looked at its reason. */                           \
	X(NEW, "new")                                                    \
	/* Somebody works on it, or decided that nobody will. */         \
	X(INVESTIGATED, "under-investigation")                           \
	/* A fix exists, and the kernel that crashed did not have it. */ \
	X(PATCHED, "already-patched")                                    \
	/* The kernel that crashed had the fix: it does not hold. */     \
	X(REGRESSION, "regression")                                      \
	X(HARDWARE, "hardware")

enum db_verdict {
#define X(id, name) DB_VERDICT_##id,
	DB_VERDICTS(X)
#undef X
};
const char *db_verdict_name(enum db_verdict verdict);

/**
 * The verdict on a crash of a kernel (uname -r and -v; "" where not known) whose reason is in
 * @p state and has @p fixes. A fix speaks of kernels of its own branch only: the same kind of
 * package, the same X.Y and, with rpm, the same distribution's mark (".el9"). Where none speaks of
 * the kernel, the state decides.
 */
enum db_verdict db_verdict_of(enum db_reason_state state, const struct db_issue_fix_list *fixes,
			      const char *release, const char *version);

#endif

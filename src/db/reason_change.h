/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What people do to reasons: merge one into another, split some crashes off, take either back.
 *
 * A change is a rule that holds from the moment it is committed: crashes that come after it are
 * counted under the right reason at once. Those that are there are moved by db/reason_move.h, at
 * once where they are few, by the job "move" where they are many; counters are right after each of
 * its steps. Every change stays in the history, with who made it and why (ADR 0016).
 */
#ifndef EYRIE_DB_REASON_CHANGE_H
#define EYRIE_DB_REASON_CHANGE_H

#include "db/reason.h"
#include "db/reason_rules.h"

/** Who changes a reason, and why (may be NULL). */
struct db_reason_edit {
	const char *who;
	const char *why;
	int64_t now;
};

/** All crashes of a reason are to be counted under another. */
struct db_reason_merge {
	int64_t from_id;
	int64_t into_id;
	/** The issue that the result is to belong to, where the two have different ones. */
	int64_t issue_id;
};

/** Crashes of a reason with a value in a field are to be counted under a reason of their own. */
struct db_reason_split {
	int64_t from_id;
	enum db_split_field field;
	const char *value;
	/** What the new reason is called; NULL: as the old one, with the value. */
	const char *title;
};

/** What a change would do. */
struct db_reason_preview {
	int64_t crashes;
	int64_t hosts;
	int64_t dumps;
	/** How many of the reason's latest crashes these numbers are of; all of them, if it can be.
	 */
	int64_t looked_at;
	/** The issue that the result belongs to; 0: none. */
	int64_t issue_id;
};

/**
 * EY_ERR_NOT_FOUND: no such reason; EY_ERR_INPUT: it cannot be done, with a sentence why: a reason
 * that is merged already, the same twice, two issues of which none was chosen.
 */
struct ey_error *db_reason_merge(struct db *db, const struct db_reason_merge *merge,
				 const struct db_reason_edit *edit,
				 int64_t *change_ret) EY_MUST_CHECK;
/** @p reason_ret is the new reason. EY_ERR_INPUT: no crash of the reason has that value. */
struct ey_error *db_reason_split(struct db *db, const struct db_reason_split *split,
				 const struct db_reason_edit *edit, int64_t *change_ret,
				 int64_t *reason_ret) EY_MUST_CHECK;
/** Take a change back, whatever came after it. EY_ERR_INPUT: that was done already. */
struct ey_error *db_reason_undo(struct db *db, int64_t change_id,
				const struct db_reason_edit *edit) EY_MUST_CHECK;

/** What the same would do, with the same errors; nothing is changed. */
struct ey_error *db_reason_merge_preview(struct db *db, const struct db_reason_merge *merge,
					 struct db_reason_preview *ret) EY_MUST_CHECK;
struct ey_error *db_reason_split_preview(struct db *db, const struct db_reason_split *split,
					 struct db_reason_preview *ret) EY_MUST_CHECK;

/** A change of reasons. */
struct db_reason_change {
	int64_t id;
	/** "merge", "split" or "regroup". */
	const char *what;
	int64_t from_id;
	const char *from_key;
	const char *from_title;
	int64_t to_id;
	const char *to_key;
	const char *to_title;
	/** Of a split: the name of a field, and its value; else "". */
	const char *field;
	const char *value;
	int64_t time;
	const char *who;
	const char *why;
	/** 0: in force. */
	int64_t undone;
	const char *undone_by;
	const char *undone_why;
	/** Crashes that are there are still being moved. */
	bool moving;
};

struct db_reason_change_list {
	struct db_arena arena;
	struct db_reason_change *items;
	size_t count;
};

/** The changes that a reason has part in, the latest first, at most @p limit (0: 200). */
struct ey_error *db_reason_history(struct db *db, int64_t reason_id, unsigned int limit,
				   struct db_reason_change_list *ret) EY_MUST_CHECK;
struct ey_error *db_reason_change_get(struct db *db, int64_t change_id,
				      struct db_reason_change_list *ret) EY_MUST_CHECK;
void db_reason_change_list_deinit(struct db_reason_change_list *list);
#define _cleanup_changes_ __attribute__((cleanup(db_reason_change_list_deinit)))

/** The values that a reason's latest crashes have in a field, and how many have each. */
struct db_reason_value {
	const char *value;
	int64_t crashes;
	int64_t hosts;
};

struct db_reason_value_list {
	struct db_arena arena;
	struct db_reason_value *items;
	size_t count;
};

/** How many crashes previews and values look at. */
enum { DB_REASON_SAMPLE = 20000 };

/** The most frequent first, at most @p limit (0: 50). EY_ERR_USAGE for DB_SPLIT_NONE. */
struct ey_error *db_reason_values(struct db *db, int64_t reason_id, enum db_split_field field,
				  unsigned int limit,
				  struct db_reason_value_list *ret) EY_MUST_CHECK;
void db_reason_value_list_deinit(struct db_reason_value_list *list);
#define _cleanup_values_ __attribute__((cleanup(db_reason_value_list_deinit)))

#endif

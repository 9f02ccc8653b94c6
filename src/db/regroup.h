/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Regrouping: what another version of the rules makes of the crashes that are there. First each
 * crash is looked at and its new key noted, which changes nothing and can be stopped and gone on
 * with; then a plan says what becomes of the reasons; then it is done, in batches.
 *
 * A reason whose crashes keep one key goes on under it, with its id, issue and history; its old
 * key still leads to it. Where people led crashes elsewhere, they stay there.
 */
#ifndef EYRIE_DB_REGROUP_H
#define EYRIE_DB_REGROUP_H

#include "db/arena.h"
#include "db/reason_change.h"

struct db_regroup_run {
	int64_t id;
	/** Crashes up to this id were looked at. */
	int64_t after_id;
	/** Crashes looked at, and those whose evidence says no key. */
	int64_t seen;
	int64_t unknown;
	/** Looking is over, the plan was made and is being carried out. */
	bool moving;
};

/** Go on with the unfinished run of @p version ("g2"), or begin one, giving up other ones. */
struct ey_error *db_regroup_begin(struct db *db, const char *version, int64_t now,
				  struct db_regroup_run *ret) EY_MUST_CHECK;

/** A crash to be looked at. */
struct db_regroup_crash {
	int64_t id;
	int64_t home_id;
	const char *home_key;
	const char *signature;
	/** Set by who looks: the key, with or without version; NULL: not known. */
	char *made;
};

struct db_regroup_crash_list {
	struct db_arena arena;
	struct db_regroup_crash *items;
	size_t count;
};

/** The next crashes, at most @p limit; none: all were looked at. */
struct ey_error *db_regroup_next(struct db *db, const struct db_regroup_run *run,
				 unsigned int limit,
				 struct db_regroup_crash_list *ret) EY_MUST_CHECK;
/** Note what was made of them, in one transaction; @p run goes on behind them. */
struct ey_error *db_regroup_note(struct db *db, struct db_regroup_run *run,
				 const struct db_regroup_crash_list *list) EY_MUST_CHECK;
/** Frees `made` of each. */
void db_regroup_crash_list_deinit(struct db_regroup_crash_list *list);
#define _cleanup_regroup_crashes_ __attribute__((cleanup(db_regroup_crash_list_deinit)))

/** What becomes of the crashes of a reason that got a key. */
enum db_regroup_action {
	/** The reason has this key already. */
	DB_REGROUP_KEEP,
	/** The reason takes this key. */
	DB_REGROUP_RENAME,
	/** They go to the reason that has this key. */
	DB_REGROUP_MOVE,
	/** They get a new reason. */
	DB_REGROUP_NEW,
};

struct db_regroup_part {
	int64_t home_id;
	const char *home_key;
	/** Without version. */
	const char *key;
	int64_t crashes;
	enum db_regroup_action action;
	/** Of MOVE: whose key it is; 0: of a reason that is new, too. */
	int64_t target_id;
	/** All of the home's crashes go elsewhere: it joins the target. */
	bool joins;
};

struct db_regroup_plan {
	struct db_arena arena;
	struct db_regroup_part *items;
	size_t count;
	/** Reasons that join others, that lose a part to another or a new one, and new ones. */
	int64_t joined;
	int64_t split;
	int64_t fresh;
	/** Reasons whose key changes, but for its version; crashes counted elsewhere afterwards. */
	int64_t renamed;
	int64_t moves;
};

/** The largest parts first. Nothing is changed. */
struct ey_error *db_regroup_plan(struct db *db, struct db_regroup_plan *ret) EY_MUST_CHECK;
void db_regroup_plan_deinit(struct db_regroup_plan *plan);
#define _cleanup_plan_ __attribute__((cleanup(db_regroup_plan_deinit)))

/** Carry the plan out but for the crashes themselves: keys, new reasons, history. */
struct ey_error *db_regroup_apply(struct db *db, struct db_regroup_run *run, const char *version,
				  const struct db_regroup_plan *plan,
				  const struct db_reason_edit *edit) EY_MUST_CHECK;
/** Move the crashes, a batch a transaction, and end the run. Safe to be killed and called again. */
struct ey_error *db_regroup_move(struct db *db, const struct db_regroup_run *run, int64_t now,
				 int64_t *moved_ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Which reason a crash is counted under, once people have merged and split reasons.
 *
 * A crash has a home, the reason of its own key. The changes in force, in the order in which they
 * were made, each lead crashes on from one reason to another; where the last one leaves a crash,
 * there it is counted. So what a change does never depends on what crashes came before it, and
 * taking one back, in whatever order, is doing without it (ADR 0016).
 */
#ifndef EYRIE_DB_REASON_RULES_H
#define EYRIE_DB_REASON_RULES_H

#include "db/arena.h"
#include "db/db.h"

/** What a split tells crashes apart by, and the names in the same order. */
#define DB_SPLIT_FIELDS(X)         \
	/* A merge: every crash */ \
	X(NONE, "")                \
	X(SIGNATURE, "signature")  \
	X(GUILTY, "guilty")        \
	X(KERNEL, "kernel")

enum db_split_field {
#define X(id, name) DB_SPLIT_##id,
	DB_SPLIT_FIELDS(X)
#undef X
};
const char *db_split_field_name(enum db_split_field field);
bool db_split_field_parse(const char *name, enum db_split_field *ret);

/** Versions of the rules ("g1", "g2", ...) that keys are looked for in. */
enum { DB_REASON_NEWEST_VERSION = 4 };

/** What of a crash rules look at; NULL where not known. */
struct db_reason_facts {
	const char *signature;
	const char *guilty;
	const char *kernel;
};

struct db_reason_rule {
	int64_t id;
	int64_t from_id;
	int64_t to_id;
	enum db_split_field field;
	const char *value;
};

struct db_reason_rules {
	struct db_arena arena;
	struct db_reason_rule *items;
	size_t count;
};

/** All changes in force, in the order in which they were made. */
struct ey_error *db_reason_rules_load(struct db *db, struct db_reason_rules *ret) EY_MUST_CHECK;
void db_reason_rules_deinit(struct db_reason_rules *rules);
#define _cleanup_reason_rules_ __attribute__((cleanup(db_reason_rules_deinit)))

/** Where the rules lead a crash whose home is @p home_id. */
int64_t db_reason_rules_place(const struct db_reason_rules *rules, int64_t home_id,
			      const struct db_reason_facts *facts);

/**
 * The home of crashes with @p key, and the reason under which one with @p facts is counted. A key
 * that only another version of the rules made so far ("g1:X" for "g2:X") leads to the same reason.
 * @p found_ret false: no such key was seen yet.
 */
struct ey_error *db_reason_find(struct db *db, const char *key, const struct db_reason_facts *facts,
				int64_t *home_ret, int64_t *reason_ret,
				bool *found_ret) EY_MUST_CHECK;

/** Set merged_into and has_rules of a reason as the changes in force say. */
struct ey_error *db_reason_rules_note(struct db *db, int64_t reason_id) EY_MUST_CHECK;

#endif

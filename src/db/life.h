/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A host's life (production, maintenance, ...) with its history, and its labels. */
#ifndef EYRIE_DB_LIFE_H
#define EYRIE_DB_LIFE_H

#include "db/arena.h"
#include "db/db.h"

/** What a host is for just now, and its words in the same order. */
enum db_life {
	DB_LIFE_PRODUCTION,
	/** Somebody works on it: its crashes are kept and raise no alert. */
	DB_LIFE_MAINTENANCE,
	DB_LIFE_LAB,
	/** Gone for good: as in maintenance. */
	DB_LIFE_DECOMMISSIONED,
};
const char *db_life_name(enum db_life life);
/** EY_ERR_INPUT: no such word. */
struct ey_error *db_life_parse(const char *word, enum db_life *ret) EY_MUST_CHECK;

/**
 * Set it, and note who did and why. Nothing happens where it is so already (@p changed_ret false).
 * EY_ERR_NOT_FOUND: no such host.
 */
struct ey_error *db_life_set(struct db *db, int64_t host_id, enum db_life life, const char *who,
			     const char *why, int64_t now, bool *changed_ret) EY_MUST_CHECK;

struct db_life_event {
	int64_t time;
	const char *who;
	const char *old_value;
	const char *new_value;
	const char *why;
};
struct db_life_history {
	struct db_arena arena;
	struct db_life_event *items;
	size_t count;
};
/** The changes of a host's life, the latest first, at most 100. */
struct ey_error *db_life_history(struct db *db, int64_t host_id,
				 struct db_life_history *ret) EY_MUST_CHECK;
void db_life_history_deinit(struct db_life_history *list);
#define _cleanup_life_history_ __attribute__((cleanup(db_life_history_deinit)))

/** Who said the label, and the words in the same order. */
enum db_label_source {
	DB_LABEL_HOST,
	DB_LABEL_IMPORT,
};
const char *db_label_source_name(enum db_label_source source);

struct db_label {
	const char *name;
	const char *value;
	/** Set in lists. */
	enum db_label_source source;
};
struct db_label_list {
	struct db_arena arena;
	struct db_label *items;
	size_t count;
};
/** The host's labels by name. */
struct ey_error *db_labels(struct db *db, int64_t host_id, struct db_label_list *ret) EY_MUST_CHECK;
void db_label_list_deinit(struct db_label_list *list);
#define _cleanup_labels_ __attribute__((cleanup(db_label_list_deinit)))

/** Make those of @p source exactly these; nothing is written where they are so already. */
struct ey_error *db_labels_set(struct db *db, int64_t host_id, enum db_label_source source,
			       const struct db_label *labels, size_t count,
			       bool *changed_ret) EY_MUST_CHECK;

#endif

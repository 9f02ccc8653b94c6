/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What was changed in the fleet, as configuration management systems tell. */
#ifndef EYRIE_DB_CHANGE_H
#define EYRIE_DB_CHANGE_H

#include "db/arena.h"
#include "db/db.h"

/** Strings are the caller's; NULL where not said. */
struct db_change_new {
	/** The sender's own id, so that it may send again; NULL: each is a new one. */
	const char *key;
	int64_t time;
	/** NULL: any. */
	const char *site;
	const char *tool;
	const char *what;
	const char *link;
	const char *who;
	/** Whom: hosts by name, those with a label, or all (of the site). */
	const char *const *hosts;
	size_t host_count;
	const char *label_name;
	const char *label_value;
	bool everywhere;
	/** Called for each of @p hosts that is not known; may be NULL. */
	void (*on_unknown)(const char *host, void *arg);
	void *arg;
};

struct db_change {
	int64_t id;
	int64_t time;
	int64_t received;
	/** "" for all. */
	const char *site;
	bool everywhere;
	const char *tool;
	const char *what;
	const char *link;
	const char *who;
	/** Hosts that are named by it; 0 where it is everywhere. */
	int64_t hosts;
};

/** @p already_ret: a change with this key was there; nothing is written. */
struct ey_error *db_change_add(struct db *db, const struct db_change_new *change, int64_t now,
			       struct db_change *ret, bool *already_ret) EY_MUST_CHECK;

/** Zero and NULL are "any". */
struct db_change_filter {
	/** Those of the host, and those of everywhere that were where it is. */
	int64_t host_id;
	const char *site;
	const char *tool;
	int64_t since;
	int64_t until;
};
struct db_change_list {
	struct db_arena arena;
	struct db_change *items;
	size_t count;
	const char *next;
};
/** The latest first. */
struct ey_error *db_change_list(struct db *db, const struct db_change_filter *filter,
				const struct db_page *page,
				struct db_change_list *ret) EY_MUST_CHECK;
void db_change_list_deinit(struct db_change_list *list);
#define _cleanup_change_list_ __attribute__((cleanup(db_change_list_deinit)))

#endif

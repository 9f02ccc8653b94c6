/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The dumps that are there, with what decides how long they stay; and those that were removed.
 * Nothing here reads crashes without a dump: an index of the dumps leads to each.
 */
#ifndef EYRIE_DB_KEPT_H
#define EYRIE_DB_KEPT_H

#include "db/reason.h"

struct db_kept {
	/** Folder below the repository's root. */
	const char *path;
	int64_t crash_id;
	int64_t host_id;
	int64_t reason_id;
	const char *site;
	const char *hostname;
	/** Of the reason, which has its issue's. */
	enum db_reason_state state;
	/** When it was filed; bytes on disk. */
	int64_t time;
	int64_t bytes;
	/** Crashes of its reason with a dump, this one included. */
	int64_t reason_dumps;
	/** The oldest hold on it; 0: none. */
	int64_t hold_id;
	/** When it was compared with its checksums, 0: never; and what was wrong, "" for nothing.
	 */
	int64_t checked;
	const char *damage;
};

struct db_kept_list {
	struct db_arena arena;
	struct db_kept *items;
	size_t count;
};

/** Which dumps; 0 and NULL are any. */
struct db_kept_filter {
	int64_t host_id;
	int64_t crash_id;
	const char *site;
	/** Filed before; 0: any. */
	int64_t before;
	/** Only after this one, by the time of filing and the path; NULL: from the first. */
	const struct db_kept *after;
	/** Only those found damaged. */
	bool damaged;
	/** 0: all. */
	unsigned int limit;
};

/** The oldest first. @p now decides which holds have ended. */
struct ey_error *db_kept_list(struct db *db, const struct db_kept_filter *filter, int64_t now,
			      struct db_kept_list *ret) EY_MUST_CHECK;
/** Those checked before @p before, the longest ago first. */
struct ey_error *db_kept_unchecked(struct db *db, int64_t before, unsigned int limit, int64_t now,
				   struct db_kept_list *ret) EY_MUST_CHECK;
void db_kept_list_deinit(struct db_kept_list *list);
#define _cleanup_dumps_ __attribute__((cleanup(db_kept_list_deinit)))

/** Note that the dump at @p path was compared, and what was wrong ("" for nothing). */
struct ey_error *db_kept_checked(struct db *db, const char *path, const char *damage,
				 int64_t now) EY_MUST_CHECK;

/** Why a dump was removed, and the names in the same order. */
#define DB_REMOVALS(X)                                         \
	X(RETENTION, "retention") /* its time was over */      \
	X(QUOTA, "quota")	  /* others were worth more */ \
	X(GONE, "gone")		  /* not by us: it was not there */

enum db_removal_kind {
#define X(id, name) DB_REMOVAL_##id,
	DB_REMOVALS(X)
#undef X
};

/** The dump of @p dump is gone: it is noted and counted, and why is logged. One transaction. */
struct ey_error *db_kept_removed(struct db *db, const struct db_kept *dump,
				 enum db_removal_kind kind, const char *why, uint64_t bytes,
				 int64_t now) EY_MUST_CHECK;

struct db_removal {
	int64_t crash_id;
	const char *path;
	int64_t time;
	/** A name of DB_REMOVALS. */
	const char *kind;
	const char *why;
	int64_t bytes;
};

struct db_removal_list {
	struct db_arena arena;
	struct db_removal *items;
	size_t count;
};

/** The latest first, of one crash (0: of all), at most @p limit. */
struct ey_error *db_removals(struct db *db, int64_t crash_id, unsigned int limit,
			     struct db_removal_list *ret) EY_MUST_CHECK;
void db_removal_list_deinit(struct db_removal_list *list);
#define _cleanup_removals_ __attribute__((cleanup(db_removal_list_deinit)))

/** By what the space is told. */
enum db_usage_by {
	DB_USAGE_TOTAL,
	DB_USAGE_SITE,
	DB_USAGE_HOST,
	DB_USAGE_STATE,
};

struct db_usage {
	/** Site, host name or state; "" of the total. */
	const char *name;
	/** Of a host, else 0. */
	int64_t id;
	int64_t dumps;
	int64_t bytes;
	/** When the oldest of them was filed. */
	int64_t oldest;
};

struct db_usage_list {
	struct db_arena arena;
	struct db_usage *items;
	size_t count;
};

/** Those with more than @p over bytes (-1: all), the most first, at most @p limit (0: all). */
struct ey_error *db_usage(struct db *db, enum db_usage_by by, int64_t over, unsigned int limit,
			  struct db_usage_list *ret) EY_MUST_CHECK;
void db_usage_list_deinit(struct db_usage_list *list);
#define _cleanup_usage_ __attribute__((cleanup(db_usage_list_deinit)))

#endif

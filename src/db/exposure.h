/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Exposure: for how long hosts were watched, without which crashes are no rate. A boot is a range
 * of time in which its host was up, from its start to its last heartbeat (or its crash): what a
 * heartbeat adds to that range is added up by day and by what the host was (site, model, kernel,
 * firmware, image, life). So there is a row a boot, which is needed anyway, and a row a day and
 * group, never one a host and day. docs/adr/0015.
 */
#ifndef EYRIE_DB_EXPOSURE_H
#define EYRIE_DB_EXPOSURE_H

#include "db/arena.h"
#include "db/db.h"

/**
 * The boot lived until @p until: count what is not yet counted. Nothing happens for a boot without
 * a heartbeat. Inside a transaction.
 */
struct ey_error *db_exposure_extend(struct db *db, int64_t boot_id, int64_t until) EY_MUST_CHECK;

/** What to tell apart. */
enum db_exposure_by {
	DB_EXPOSURE_ALL,
	DB_EXPOSURE_BY_SITE,
	DB_EXPOSURE_BY_MODEL,
	DB_EXPOSURE_BY_KERNEL,
	DB_EXPOSURE_BY_FIRMWARE,
	DB_EXPOSURE_BY_IMAGE,
	DB_EXPOSURE_BY_LIFE,
};
/** The words for it ("all", "site", ...); EY_ERR_INPUT: no such word. */
struct ey_error *db_exposure_by_parse(const char *word, enum db_exposure_by *ret) EY_MUST_CHECK;

/** Zero and NULL are "any". */
struct db_exposure_filter {
	/** Whole days, since 1970: from <= day < to. */
	int64_t from;
	int64_t to;
	const char *site;
	int64_t model_id;
	/** Without hosts in maintenance and gone ones, whose crashes raise no alert. */
	bool only_watched;
};

struct db_exposure_row {
	/** "" for all, and where it is not known; a model as "VENDOR PRODUCT". */
	const char *name;
	/** 0 but for a model. */
	int64_t id;
	int64_t seconds;
};
struct db_exposure_list {
	struct db_arena arena;
	struct db_exposure_row *items;
	size_t count;
};
/** The most first, at most DB_PAGE_MAX. */
struct ey_error *db_exposure(struct db *db, enum db_exposure_by by,
			     const struct db_exposure_filter *filter,
			     struct db_exposure_list *ret) EY_MUST_CHECK;
void db_exposure_list_deinit(struct db_exposure_list *list);
#define _cleanup_exposure_ __attribute__((cleanup(db_exposure_list_deinit)))

#endif

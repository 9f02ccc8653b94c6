/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * On what a reason happens: the kernels, models, firmwares, sites and hosts of its newest crashes.
 * A reason that has a million crashes is read as fast as one that has some thousand, and is
 * described by what runs today.
 */
#ifndef EYRIE_DB_REASON_SPREAD_H
#define EYRIE_DB_REASON_SPREAD_H

#include "db/stats.h"

enum {
	/** Crashes of a reason that are looked at. */
	DB_SPREAD_CRASHES = 1000,
	/** Groups of each kind that are told. */
	DB_SPREAD_GROUPS = 10,
};

/** By what is grouped, in the order of db_spread.by. */
enum db_spread_by {
	DB_SPREAD_KERNEL,
	DB_SPREAD_MODEL,
	DB_SPREAD_FIRMWARE,
	DB_SPREAD_SITE,
	DB_SPREAD_HOST,
	DB_SPREAD_COUNT,
};

struct db_spread {
	struct db_top_list by[DB_SPREAD_COUNT];
	/** How many crashes these groups are made of, and the oldest one's time. */
	int64_t crashes;
	int64_t since;
	/** These are all crashes of the reason. */
	bool complete;
};

/** Caller releases @p ret by db_spread_deinit(). Nothing is found of a reason without crashes. */
struct ey_error *db_reason_spread(struct db *db, int64_t reason_id,
				  struct db_spread *ret) EY_MUST_CHECK;
void db_spread_deinit(struct db_spread *spread);
#define _cleanup_spread_ __attribute__((cleanup(db_spread_deinit)))

#endif

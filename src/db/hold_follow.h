/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Holds of a reason and the changes of reasons (db/reason_change.h): what is held stays held,
 * whatever reason it is counted under. Each works within the transaction of the change.
 */
#ifndef EYRIE_DB_HOLD_FOLLOW_H
#define EYRIE_DB_HOLD_FOLLOW_H

#include "db/db.h"

/**
 * Crashes go from one reason to another by the change @p change_id: the holds on @p from that
 * people released not yet are copied to @p to.
 */
struct ey_error *db_hold_follow(struct db *db, int64_t from, int64_t to,
				int64_t change_id) EY_MUST_CHECK;
/**
 * The change @p change_id from reason @p from to @p to is taken back. The copies that it made hold
 * until the crashes are home (db_hold_settle()); what was held at @p to by people since
 * @p since goes home as well, for good.
 */
struct ey_error *db_hold_unfollow(struct db *db, int64_t from, int64_t to, int64_t change_id,
				  int64_t since) EY_MUST_CHECK;
/** Where nothing of @p change_id is left to be moved: end the copies that it is the end of. */
struct ey_error *db_hold_settle(struct db *db, int64_t change_id, int64_t now) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Which machine a record is of; for this room only. */
#ifndef EYRIE_DB_IDENTITY_H
#define EYRIE_DB_IDENTITY_H

#include "db/intake.h"

struct db_host_match {
	int64_t host_id;
	/** 0 where the record does not say. */
	int64_t model_id;
	/** It was not known before, and is there now. */
	bool created;
	/** 32 lower-case hexadecimal digits (free()), or NULL where the record has no usable id. */
	char *boot_uuid;
};
void db_host_match_deinit(struct db_host_match *match);
#define _cleanup_host_match_ __attribute__((cleanup(db_host_match_deinit)))

/**
 * Find the machine of @p in or make it, and bring what it is up to date. Inside a transaction.
 * The rules are in db/intake.h; two machines with one install id (clones) stay two.
 */
struct ey_error *db_identity_match(struct db *db, const struct db_intake *in,
				   struct db_host_match *ret) EY_MUST_CHECK;

/**
 * @p id as 32 lower-case hexadecimal digits (free()); NULL in @p ret where it is no id: of another
 * length, or one of those that firmware gives to every machine.
 */
struct ey_error *db_identity_normalize(const char *id, char **ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Dumps on their way, and those that hosts were asked for: each takes one of its site's slots until
 * it has come or its time is over.
 */
#ifndef EYRIE_DB_UPLOAD_H
#define EYRIE_DB_UPLOAD_H

#include "db/crash.h"
#include "db/reason.h"

enum {
	/** Digits of an upload's name, and of a SHA-256, with the NUL. */
	DB_UPLOAD_NAME_SIZE = 33,
	DB_UPLOAD_SHA256_SIZE = 65,
	/** Seconds for which who was asked for a dump may begin to send it, and an upload may rest.
	 */
	DB_UPLOAD_OFFER_SECONDS = 600,
	DB_UPLOAD_REST_SECONDS = 86400,
	DB_UPLOAD_SITE_SIZE = 256,
};

struct db_upload {
	char name[DB_UPLOAD_NAME_SIZE];
	int64_t crash_id;
	/** Bytes; -1: asked for, and not begun. */
	int64_t size;
	/** As the host announced it; "" where it did not. */
	char sha256[DB_UPLOAD_SHA256_SIZE];
	char site[DB_UPLOAD_SITE_SIZE];
	int64_t expires;
};

/** What the policy asks of a crash that is in the database. */
struct db_upload_facts {
	enum db_reason_state state;
	bool no_event;
	bool has_dump;
	bool promised;
	/** Dumps here or on their way: of the reason, and of its kernel and model alone. */
	int64_t reason_dumps;
	int64_t dumps;
	/** Crashes of the reason with its kernel and model. */
	int64_t crashes;
	/** Slots of its site that are taken. */
	int64_t slots_taken;
};
/** EY_ERR_NOT_FOUND where there is no such crash. */
struct ey_error *db_upload_facts(struct db *db, int64_t crash_id, int64_t now,
				 struct db_upload_facts *ret) EY_MUST_CHECK;

/** Keep a slot for the dump of a crash (or go on keeping it) until @p now and a while. */
struct ey_error *db_upload_offer(struct db *db, int64_t crash_id, int64_t now) EY_MUST_CHECK;
/**
 * Begin the upload of a crash's dump. One that is under way with the same size and checksum goes
 * on; with others it begins anew, and @p old_ret is the name whose file is of no use any more ("":
 * none).
 */
struct ey_error *db_upload_begin(struct db *db, int64_t crash_id, int64_t size, const char *sha256,
				 int64_t now, struct db_upload *ret, bool *resumed_ret,
				 char old_ret[DB_UPLOAD_NAME_SIZE]) EY_MUST_CHECK;
/** EY_ERR_NOT_FOUND where there is none of the name, or its time is over. */
struct ey_error *db_upload_get(struct db *db, const char *name, int64_t now,
			       struct db_upload *ret) EY_MUST_CHECK;
/** Something came: it may rest again. */
struct ey_error *db_upload_touch(struct db *db, const char *name, int64_t now) EY_MUST_CHECK;
struct ey_error *db_upload_end(struct db *db, const char *name) EY_MUST_CHECK;
/**
 * Forget the uploads whose time is over, @p removed called for the name of each (its file goes
 * first).
 */
struct ey_error *db_upload_expire(struct db *db, int64_t now,
				  void (*removed)(const char *name, void *arg),
				  void *arg) EY_MUST_CHECK;

#endif

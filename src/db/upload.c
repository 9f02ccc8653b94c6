/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/upload.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "db/sql.h"

enum { EXPIRE_AT_ONCE = 100 };

struct ey_error *db_upload_facts(struct db *db, int64_t crash_id, int64_t now,
				 struct db_upload_facts *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	// The table of uploads is never larger than the slots of all sites.
	struct ey_error *err = db_query(
		db, &st,
		"SELECT r.state, r.key, c.dump, coalesce(d.dumps, 0), coalesce(d.crashes, 0), "
		"r.dumps + (SELECT count(*) FROM uploads u WHERE u.reason_id = c.reason_id AND "
		"u.expires > ?2 AND u.crash_id <> c.id), "
		"(SELECT count(*) FROM uploads u JOIN crashes o ON o.id = u.crash_id WHERE "
		"u.reason_id = c.reason_id AND u.expires > ?2 AND u.crash_id <> c.id AND "
		"coalesce(o.kernel, '') = coalesce(c.kernel, '') AND "
		"coalesce(o.model_id, 0) = coalesce(c.model_id, 0)), "
		"(SELECT count(*) FROM uploads u WHERE u.site = c.site AND u.expires > ?2 AND "
		"u.crash_id <> c.id), "
		"(SELECT count(*) FROM uploads u WHERE u.crash_id = c.id AND u.expires > ?2) "
		"FROM crashes c JOIN reasons r ON r.id = c.reason_id LEFT JOIN reason_dumps d ON "
		"d.reason_id = c.reason_id AND d.kernel = coalesce(c.kernel, '') AND "
		"d.model_id = coalesce(c.model_id, 0) WHERE c.id = ?1",
		db_int(crash_id), db_int(now));

	if (!err)
		err = db_step(st, &row);
	if (err)
		return err;
	if (!row)
		return ey_error_create(EY_ERR_NOT_FOUND, "there is no crash %lld",
				       (long long)crash_id);
	*ret = (struct db_upload_facts){
		.no_event = !strcmp(db_column_text(st, 1), DB_REASON_KEY_NO_EVENT),
		.has_dump = !strcmp(db_column_text(st, 2), db_dump_name(DB_DUMP_KEPT)),
		.crashes = db_column_int(st, 4),
		.reason_dumps = db_column_int(st, 5),
		.dumps = db_column_int(st, 3) + db_column_int(st, 6),
		.slots_taken = db_column_int(st, 7),
		.promised = db_column_int(st, 8),
	};
	db_reason_state_parse(db_column_text(st, 0), &ret->state);
	return NULL;
}

static struct ey_error *make_name(char ret[DB_UPLOAD_NAME_SIZE])
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return ey_error_create(EY_ERR_IO, "cannot get random bytes");
	snprintf(ret, DB_UPLOAD_NAME_SIZE, "%016llx%016llx", (unsigned long long)random[0],
		 (unsigned long long)random[1]);
	return NULL;
}

struct ey_error *db_upload_offer(struct db *db, int64_t crash_id, int64_t now)
{
	char name[DB_UPLOAD_NAME_SIZE];
	struct ey_error *err = make_name(name);

	if (err)
		return err;
	return db_run_later(
		db,
		"INSERT INTO uploads (name, crash_id, reason_id, site, created, expires) "
		"SELECT CAST(?2 AS TEXT), id, reason_id, site, CAST(?3 AS BIGINT), "
		"CAST(?4 AS BIGINT) FROM crashes WHERE id = ?1 "
		"ON CONFLICT (crash_id) DO UPDATE SET expires = CASE WHEN uploads.expires > "
		"excluded.expires THEN uploads.expires ELSE excluded.expires END",
		db_int(crash_id), db_text(name), db_int(now),
		db_int(now + DB_UPLOAD_OFFER_SECONDS));
}

static struct ey_error *read_upload(struct db_statement *st, struct db_upload *ret)
{
	bool row = false;
	struct ey_error *err = db_step(st, &row);

	if (err)
		return err;
	if (!row)
		return ey_error_create(
			EY_ERR_NOT_FOUND,
			"there is no such upload, or its time is over; create it anew");
	*ret = (struct db_upload){
		.crash_id = db_column_int(st, 1),
		.size = db_column_int(st, 2),
		.expires = db_column_int(st, 5),
	};
	snprintf(ret->name, sizeof(ret->name), "%s", db_column_text(st, 0));
	snprintf(ret->sha256, sizeof(ret->sha256), "%s", db_column_text(st, 3));
	snprintf(ret->site, sizeof(ret->site), "%s", db_column_text(st, 4));
	return NULL;
}

#define UPLOAD_COLUMNS "SELECT name, crash_id, size, sha256, site, expires FROM uploads "

struct ey_error *db_upload_get(struct db *db, const char *name, int64_t now, struct db_upload *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st, UPLOAD_COLUMNS "WHERE name = ?1 AND size >= 0 AND expires > ?2",
			 db_text(name), db_int(now));

	return err ? err : read_upload(st, ret);
}

static struct ey_error *get_by_crash(struct db *db, int64_t crash_id, struct db_upload *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st, UPLOAD_COLUMNS "WHERE crash_id = ?1", db_int(crash_id));

	return err ? err : read_upload(st, ret);
}

struct ey_error *db_upload_begin(struct db *db, int64_t crash_id, int64_t size, const char *sha256,
				 int64_t now, struct db_upload *ret, bool *resumed_ret,
				 char old_ret[DB_UPLOAD_NAME_SIZE])
{
	_cleanup_txn_ struct db_txn txn = {0};
	char name[DB_UPLOAD_NAME_SIZE];
	struct ey_error *err = db_begin(db, &txn);

	*old_ret = '\0';
	if (!err)
		err = db_upload_offer(db, crash_id, now);
	if (!err)
		err = get_by_crash(db, crash_id, ret);
	if (err)
		return err;
	*resumed_ret = ret->size == size && !strcmp(ret->sha256, sha256);
	if (!*resumed_ret && ret->size >= 0)
		memcpy(old_ret, ret->name, sizeof(ret->name));
	if (!*resumed_ret) {
		err = make_name(name);
		if (!err)
			memcpy(ret->name, name, sizeof(name));
	}
	ret->size = size;
	snprintf(ret->sha256, sizeof(ret->sha256), "%s", sha256);
	ret->expires = now + DB_UPLOAD_REST_SECONDS;
	if (!err)
		err = db_run(db,
			     "UPDATE uploads SET name = ?2, size = ?3, sha256 = ?4, expires = ?5 "
			     "WHERE crash_id = ?1",
			     db_int(crash_id), db_text(ret->name), db_int(size), db_text(sha256),
			     db_int(ret->expires));
	return err ? err : db_commit(&txn);
}

struct ey_error *db_upload_touch(struct db *db, const char *name, int64_t now)
{
	return db_run(db, "UPDATE uploads SET expires = ?2 WHERE name = ?1", db_text(name),
		      db_int(now + DB_UPLOAD_REST_SECONDS));
}

struct ey_error *db_upload_end(struct db *db, const char *name)
{
	return db_run(db, "DELETE FROM uploads WHERE name = ?1", db_text(name));
}

struct ey_error *db_upload_expire(struct db *db, int64_t now,
				  void (*removed)(const char *name, void *arg), void *arg)
{
	char names[EXPIRE_AT_ONCE][DB_UPLOAD_NAME_SIZE];
	size_t count = 0;
	bool row = true;
	struct ey_error *err;

	{
		_cleanup_statement_ struct db_statement *st = NULL;

		err = db_query(
			db, &st,
			"SELECT name FROM uploads WHERE expires <= ?1 ORDER BY expires LIMIT ?2",
			db_int(now), db_int(EXPIRE_AT_ONCE));
		while (!err && !(err = db_step(st, &row)) && row && count < EXPIRE_AT_ONCE) {
			snprintf(names[count], sizeof(names[count]), "%s", db_column_text(st, 0));
			count++;
		}
	}
	for (size_t i = 0; !err && i < count; i++) {
		removed(names[i], arg);
		err = db_run(db, "DELETE FROM uploads WHERE name = ?1 AND expires <= ?2",
			     db_text(names[i]), db_int(now));
	}
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/folder.h"

#include "db/forward.h"
#include "db/sql.h"

struct ey_error *db_folder_get(struct db *db, const char *path, enum db_folder_state *ret,
			       char **stamp_ret)
{
	int64_t crash_id;
	bool taken;
	struct ey_error *err =
		db_scalar(db, &crash_id, &taken, "SELECT crash_id FROM folders WHERE path = ?1",
			  db_text(path));

	*ret = taken ? DB_FOLDER_TAKEN : DB_FOLDER_UNKNOWN;
	if (stamp_ret)
		*stamp_ret = NULL;
	if (err)
		return err;
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	if (!taken) {
		err = db_query(db, &st, "SELECT stamp FROM rejects WHERE path = ?1", db_text(path));
		if (!err)
			err = db_step(st, &row);
		if (err)
			return err;
	}
	if (row)
		*ret = DB_FOLDER_REJECTED;
	if (stamp_ret) {
		*stamp_ret = strdup(row ? db_column_text(st, 0) : "");
		if (!*stamp_ret)
			return &ey_error_nomem;
	}
	return NULL;
}

struct ey_error *db_folder_reject(struct db *db, const char *path, const char *stamp,
				  const char *why, int64_t now)
{
	return db_run(db,
		      "INSERT INTO rejects (path, stamp, why, first_seen, last_seen) "
		      "VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (path) DO UPDATE SET "
		      "stamp = excluded.stamp, why = excluded.why, last_seen = excluded.last_seen",
		      db_text(path), db_text(stamp), db_text(why), db_int(now));
}

struct ey_error *db_folder_rejects_keep(struct db *db, char *const *paths, size_t count,
					int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t rows = 0;
	struct ey_error *err =
		db_scalar_values(db, &rows, NULL, "SELECT count(*) FROM rejects", NULL, 0);

	// Mostly nothing has gone, and nothing needs to be written.
	if (err || rows <= (int64_t)count)
		return err;
	err = db_begin(db, &txn);
	for (size_t i = 0; !err && i < count; i++)
		err = db_run(db,
			     "UPDATE rejects SET last_seen = ?2 WHERE path = ?1 AND last_seen < ?2",
			     db_text(paths[i]), db_int(now));
	if (!err)
		err = db_run(db, "DELETE FROM rejects WHERE last_seen < ?1", db_int(now));
	return err ? err : db_commit(&txn);
}

static void read_folder(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_folder *f = item;

	f->path = db_column_dup(st, 0, arena, failed);
	f->crash_id = db_column_int(st, 1);
	f->time = db_column_int(st, 2);
	f->dump_bytes = db_column_int(st, 3);
	f->why = db_column_dup(st, 4, arena, failed);
}

struct ey_error *db_folder_rejected(struct db *db, unsigned int limit, struct db_folder_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st,
					"SELECT path, 0, first_seen, 0, why FROM rejects ORDER BY "
					"last_seen DESC, path LIMIT ?1",
					db_int(limit ? limit : 100));

	*ret = (struct db_folder_list){0};
	return err ? err : db_list_read(st, read_folder, 0, ret, NULL);
}

struct ey_error *db_folder_dumps_before(struct db *db, int64_t before,
					const struct db_folder *after, unsigned int limit,
					struct db_folder_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT path, crash_id, time, dump_bytes, '' FROM folders "
			 "WHERE has_dump = 1 AND time < ?1 AND (time, path) > (?2, ?3) "
			 "ORDER BY time, path LIMIT ?4",
			 db_int(before), db_int(after ? after->time : INT64_MIN),
			 db_text(after ? after->path : ""), db_int(limit));

	*ret = (struct db_folder_list){0};
	return err ? err : db_list_read(st, read_folder, 0, ret, NULL);
}

struct ey_error *db_folder_purged(struct db *db, const char *path, int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t crash_id = 0, reason_id = 0;
	bool found, last = false;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_scalar(db, &crash_id, &found,
				"UPDATE folders SET has_dump = 0 WHERE path = ?1 AND has_dump = 1 "
				"RETURNING crash_id",
				db_text(path));
	if (err || !found)
		return err;
	err = db_scalar(db, &reason_id, &last,
			"UPDATE crashes SET dump = 'purged', purged = ?2 WHERE id = ?1 AND "
			"dump = 'kept' AND NOT EXISTS (SELECT 1 FROM folders f "
			"WHERE f.crash_id = ?1 AND f.has_dump = 1) RETURNING reason_id",
			db_int(crash_id), db_int(now));
	if (!err && last)
		err = db_run(db, "UPDATE reasons SET dumps = dumps - 1 WHERE id = ?1 AND dumps > 0",
			     db_int(reason_id));
	if (!err && last)
		err = db_forward_note(db, DB_FORWARD_DUMP, crash_id, now, NULL, 0);
	return err ? err : db_commit(&txn);
}

void db_folder_list_deinit(struct db_folder_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_folder_list){0};
}

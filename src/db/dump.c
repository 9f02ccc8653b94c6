/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/dump.h"

#include "db/forward.h"
#include "db/sql.h"

/** The crash as it was before. */
struct before {
	enum db_dump dump;
	int64_t reason_id;
};

static struct ey_error *read_before(struct db *db, int64_t crash_id, struct before *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err = db_query(
		db, &st, "SELECT dump, reason_id FROM crashes WHERE id = ?1", db_int(crash_id));

	if (!err)
		err = db_step(st, &row);
	if (err)
		return err;
	if (!row)
		return ey_error_create(EY_ERR_NOT_FOUND, "there is no crash %lld",
				       (long long)crash_id);
	db_dump_parse(db_column_text(st, 0), &ret->dump);
	ret->reason_id = db_column_int(st, 1);
	return NULL;
}

static struct ey_error *write_arrival(struct db *db, const struct db_dump_arrival *d,
				      const struct before *before)
{
	struct ey_error *err =
		db_run(db,
		       "UPDATE crashes SET dump = 'kept', dump_bytes = ?2, path = ?3, "
		       "dump_format = coalesce(?4, dump_format), dump_complete = CASE WHEN "
		       "CAST(?4 AS TEXT) IS NULL THEN dump_complete ELSE ?5 END, purged = 0 "
		       "WHERE id = ?1",
		       db_int(d->crash_id), db_int(d->bytes), db_text(d->path), db_text(d->format),
		       db_int(d->complete));

	if (!err)
		err = db_run(db,
			     "INSERT INTO folders (path, crash_id, time, has_dump, dump_bytes) "
			     "VALUES (?1, ?2, ?3, 1, ?4) ON CONFLICT (path) DO UPDATE SET "
			     "time = excluded.time, has_dump = 1, dump_bytes = excluded.dump_bytes",
			     db_text(d->path), db_int(d->crash_id), db_int(d->time),
			     db_int(d->bytes));
	if (!err)
		err = db_run(db, "UPDATE reasons SET dumps = dumps + 1 WHERE id = ?1",
			     db_int(before->reason_id));
	// One that was removed and came again was counted among those that ever came.
	if (!err && before->dump != DB_DUMP_PURGED)
		err = db_run(db,
			     "UPDATE reason_dumps SET dumps = dumps + 1 WHERE EXISTS (SELECT 1 "
			     "FROM crashes c WHERE c.id = ?1 AND c.reason_id = "
			     "reason_dumps.reason_id AND coalesce(c.kernel, '') = "
			     "reason_dumps.kernel AND coalesce(c.model_id, 0) = "
			     "reason_dumps.model_id) AND reason_id = ?2",
			     db_int(d->crash_id), db_int(before->reason_id));
	if (!err)
		err = db_forward_note(db, DB_FORWARD_DUMP, d->crash_id, d->time, NULL, 0);
	return err;
}

struct ey_error *db_dump_arrived(struct db *db, const struct db_dump_arrival *dump)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_dump_arrival known = *dump;
	struct before before = {0};
	bool taken = true;
	struct ey_error *err = db_begin(db, &txn);

	if (!err && !known.crash_id)
		err = db_scalar(db, &known.crash_id, &taken,
				"SELECT crash_id FROM folders WHERE path = ?1",
				db_text(dump->path));
	if (!err && taken)
		err = read_before(db, known.crash_id, &before);
	if (!err && taken && before.dump != DB_DUMP_KEPT)
		err = write_arrival(db, &known, &before);
	return err ? err : db_commit(&txn);
}

struct ey_error *db_dump_groups_move(struct db *db, int64_t crash_id, int64_t from, int64_t to)
{
	struct ey_error *err =
		db_run(db,
		       "INSERT INTO reason_dumps (reason_id, kernel, model_id, crashes, dumps) "
		       "SELECT CAST(?2 AS BIGINT), coalesce(kernel, ''), coalesce(model_id, 0), 1, "
		       "CASE WHEN dump IN ('kept', 'purged') THEN 1 ELSE 0 END FROM crashes "
		       "WHERE id = ?1 ON CONFLICT (reason_id, kernel, model_id) DO UPDATE SET "
		       "crashes = reason_dumps.crashes + 1, "
		       "dumps = reason_dumps.dumps + excluded.dumps",
		       db_int(crash_id), db_int(to));

	if (!err)
		err = db_run(
			db,
			"UPDATE reason_dumps SET crashes = crashes - 1, dumps = dumps - (SELECT "
			"CASE WHEN c.dump IN ('kept', 'purged') THEN 1 ELSE 0 END FROM crashes c "
			"WHERE c.id = ?1) WHERE reason_id = ?2 AND "
			"kernel = (SELECT coalesce(c.kernel, '') FROM crashes c WHERE c.id = ?1) "
			"AND model_id = (SELECT coalesce(c.model_id, 0) FROM crashes c "
			"WHERE c.id = ?1)",
			db_int(crash_id), db_int(from));
	if (!err)
		err = db_run(db, "DELETE FROM reason_dumps WHERE reason_id = ?1 AND crashes = 0",
			     db_int(from));
	return err;
}

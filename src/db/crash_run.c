/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/crash_run.h"

#include "db/part.h"
#include "db/sql.h"

#define RUN_COLUMNS                                                                            \
	"SELECT crash_id, state, build_id, message, differences, differs, time, milliseconds " \
	"FROM crash_runs "

static void read_run(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_crash_run *r = item;

	r->crash_id = db_column_int(st, 0);
	if (!db_crash_run_parse(db_column_text(st, 1), &r->state))
		r->state = DB_CRASH_RUN_FAILED;
	r->build_id = db_column_dup(st, 2, arena, failed);
	r->message = db_column_dup(st, 3, arena, failed);
	r->differences = db_column_dup(st, 4, arena, failed);
	r->differs = db_column_int(st, 5);
	r->time = db_column_int(st, 6);
	r->milliseconds = db_column_int(st, 7);
}

static void read_todo(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	*(struct db_crash_run *)item = (struct db_crash_run){.crash_id = db_column_int(st, 0)};
}

struct ey_error *db_crash_run_get(struct db *db, int64_t crash_id, struct db_crash_run_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st, RUN_COLUMNS "WHERE crash_id = ?1", db_int(crash_id));

	*ret = (struct db_crash_run_list){0};
	return err ? err : db_list_read(st, read_run, 0, ret, NULL);
}

struct ey_error *db_crash_run_waiting(struct db *db, struct db_crash_run_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query_values(
		db, &st, RUN_COLUMNS "WHERE state = 'no-symbols' ORDER BY build_id, crash_id", NULL,
		0);

	*ret = (struct db_crash_run_list){0};
	return err ? err : db_list_read(st, read_run, 0, ret, NULL);
}

struct ey_error *db_crash_run_todo(struct db *db, unsigned int limit, struct db_crash_run_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT c.id FROM crashes c WHERE c.dump = 'kept' AND NOT "
			 "EXISTS (SELECT 1 FROM crash_runs r WHERE r.crash_id = c.id) "
			 "ORDER BY c.id DESC LIMIT ?1",
			 db_int(limit));

	*ret = (struct db_crash_run_list){0};
	return err ? err : db_list_read(st, read_todo, 0, ret, NULL);
}

void db_crash_run_list_deinit(struct db_crash_run_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_crash_run_list){0};
}

struct ey_error *db_crash_run_set(struct db *db, const struct db_crash_run *run, const char *text,
				  size_t len)
{
	_cleanup_txn_ struct db_txn txn = {0};
	const struct db_intake_part part = {.data = text, .len = len};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_run(
			db,
			"INSERT INTO crash_runs (crash_id, state, build_id, message, "
			"differences, differs, attempts, time, milliseconds) VALUES (?1, ?2, "
			"?3, ?4, ?5, ?6, 1, ?7, ?8) ON CONFLICT (crash_id) DO UPDATE SET state "
			"= excluded.state, build_id = excluded.build_id, message = "
			"excluded.message, differences = excluded.differences, differs = "
			"excluded.differs, attempts = crash_runs.attempts + 1, time = "
			"excluded.time, milliseconds = excluded.milliseconds",
			db_int(run->crash_id), db_text(db_crash_run_name(run->state)),
			db_text(run->build_id), db_text(run->message), db_text(run->differences),
			db_int(run->differs), db_int(run->time), db_int(run->milliseconds));
	if (!err)
		err = db_run(db, "DELETE FROM crash_parts WHERE crash_id = ?1 AND part = ?2",
			     db_int(run->crash_id), db_text(db_part_name(DB_PART_CRASH)));
	if (!err && text)
		err = db_part_add(db, run->crash_id, DB_PART_CRASH, &part);
	return err ? err : db_commit(&txn);
}

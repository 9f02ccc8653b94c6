/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/job.h"

#include "db/sql.h"

struct ey_error *db_job_start(struct db *db, const char *name, int64_t now, int64_t *id_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_run(db,
			     "UPDATE jobs SET state = 'killed', finished = ?2 "
			     "WHERE name = ?1 AND state = 'running'",
			     db_text(name), db_int(now));
	if (!err)
		err = db_scalar(
			db, id_ret, NULL,
			"INSERT INTO jobs (name, state, started) VALUES (?1, 'running', ?2) "
			"RETURNING id",
			db_text(name), db_int(now));
	return err ? err : db_commit(&txn);
}

struct ey_error *db_job_finish(struct db *db, int64_t id, const struct ey_error *outcome,
			       const char *summary, int64_t now)
{
	return db_run(db, "UPDATE jobs SET state = ?2, finished = ?3, summary = ?4 WHERE id = ?1",
		      db_int(id), db_text(db_job_state_name(outcome ? DB_JOB_FAILED : DB_JOB_DONE)),
		      db_int(now),
		      db_text(outcome	? outcome->message
			      : summary ? summary
					: ""));
}

static void read_job(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_job *j = item;

	j->id = db_column_int(st, 0);
	j->name = db_column_dup(st, 1, arena, failed);
	if (!db_job_state_parse(db_column_text(st, 2), &j->state))
		j->state = DB_JOB_KILLED;
	j->started = db_column_int(st, 3);
	j->finished = db_column_int(st, 4);
	j->summary = db_column_dup(st, 5, arena, failed);
}

struct ey_error *db_job_list(struct db *db, const char *name, unsigned int limit,
			     struct db_job_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT id, name, state, started, finished, summary FROM jobs "
			 "WHERE ?1 = '' OR name = ?1 ORDER BY id DESC LIMIT ?2",
			 db_text(name ? name : ""), db_int(limit ? limit : 50));

	*ret = (struct db_job_list){0};
	return err ? err : db_list_read(st, read_job, 0, ret, NULL);
}

void db_job_list_deinit(struct db_job_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_job_list){0};
}

struct ey_error *db_job_lead(struct db *db, const char *name, bool *ret)
{
	int64_t leads = 1;
	struct ey_error *err = NULL;

	if (db->backend->lead_sql)
		err = db_scalar(db, &leads, NULL, db->backend->lead_sql, db_text(name));
	*ret = !err && leads;
	return err;
}

struct ey_error *db_state_get(struct db *db, const char *key, int64_t fallback, int64_t *ret)
{
	*ret = fallback;
	return db_scalar(db, ret, NULL, "SELECT value FROM job_state WHERE key = ?1", db_text(key));
}

struct ey_error *db_state_set(struct db *db, const char *key, int64_t value)
{
	return db_run(db,
		      "INSERT INTO job_state (key, value) VALUES (?1, ?2) "
		      "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		      db_text(key), db_int(value));
}

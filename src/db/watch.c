/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/watch.h"

#include "db/sql.h"

static const char *const subject_columns[] = {
	[DB_ALERT_HOST] = "host_id",
	[DB_ALERT_MODEL] = "model_id",
	[DB_ALERT_REASON] = "reason_id",
};

// Somebody works on the host, or it is gone: its crashes are kept and alert nobody.
#define WATCHED(host_id)                                          \
	"NOT EXISTS (SELECT 1 FROM hosts h WHERE h.id = " host_id \
	" AND h.life IN ('maintenance', 'decommissioned'))"

struct ey_error *db_watch_newest(struct db *db, int64_t *ret)
{
	*ret = 0;
	return db_scalar_values(db, ret, NULL, "SELECT coalesce(max(id), 0) FROM crashes", NULL, 0);
}

static void read_subject(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_watch_subject *s = item;

	s->id = db_column_int(st, 0);
	s->first = db_column_int(st, 1);
	s->last = db_column_int(st, 2);
}

static struct ey_error *read_subjects(struct db *db, struct db_sql *sql,
				      struct db_watch_subject_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_sql_query(db, sql, &st);

	*ret = (struct db_watch_subject_list){0};
	return err ? err : db_list_read(st, read_subject, 0, ret, NULL);
}

struct ey_error *db_watch_subjects(struct db *db, enum db_alert_scope scope, int64_t after,
				   int64_t newest, int64_t since, struct db_watch_subject_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};

	db_sql_add(&sql, "SELECT ");
	db_sql_add(&sql, subject_columns[scope]);
	db_sql_add(&sql, ", min(time), max(time) FROM crashes");
	db_sql_where(&sql, "id > ?", db_int(after));
	db_sql_where(&sql, "id <= ?", db_int(newest));
	db_sql_where(&sql, "time >= ?", db_int(since));
	db_sql_add(&sql, " AND ");
	db_sql_add(&sql, subject_columns[scope]);
	db_sql_add(&sql, " IS NOT NULL AND " WATCHED("crashes.host_id") " GROUP BY 1 "
									"ORDER BY 1");
	return read_subjects(db, &sql, ret);
}

struct ey_error *db_watch_new_reasons(struct db *db, int64_t after, int64_t newest, int64_t since,
				      struct db_watch_subject_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};

	db_sql_add(&sql, "SELECT reason_id, time, time FROM crashes");
	db_sql_where(&sql, "id > ?", db_int(after));
	db_sql_where(&sql, "id <= ?", db_int(newest));
	db_sql_where(&sql, "time >= ?", db_int(since));
	db_sql_add(&sql, " AND is_new = 1 ORDER BY 1");
	return read_subjects(db, &sql, ret);
}

void db_watch_subject_list_deinit(struct db_watch_subject_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_watch_subject_list){0};
}

static void read_crash(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_watch_crash *c = item;

	c->id = db_column_int(st, 0);
	c->time = db_column_int(st, 1);
	c->host_id = db_column_int(st, 2);
	c->reason_id = db_column_int(st, 3);
}

struct ey_error *db_watch_crashes(struct db *db, enum db_alert_scope scope, int64_t subject_id,
				  int64_t from, int64_t to, struct db_watch_crash_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;

	db_sql_add(&sql, "SELECT c.id, c.time, c.host_id, c.reason_id FROM crashes c WHERE c.");
	db_sql_add(&sql, subject_columns[scope]);
	sql.has_where = true;
	db_sql_bind(&sql, " = ?", db_int(subject_id));
	db_sql_where(&sql, "c.time > ?", db_int(from));
	db_sql_where(&sql, "c.time <= ?", db_int(to));
	db_sql_where(&sql,
		     "NOT EXISTS (SELECT 1 FROM alert_crashes ac JOIN alerts a "
		     "ON a.id = ac.alert_id WHERE ac.crash_id = c.id AND a.resolved > 0 AND "
		     "a.subject_id = ?",
		     db_int(subject_id));
	db_sql_bind(&sql, " AND a.scope = ?)", db_text(db_alert_scope_name(scope)));
	db_sql_add(&sql, " AND " WATCHED("c.host_id") " ORDER BY c.time, c.id");
	struct ey_error *err = db_sql_query(db, &sql, &st);
	*ret = (struct db_watch_crash_list){0};
	return err ? err : db_list_read(st, read_crash, 0, ret, NULL);
}

void db_watch_crash_list_deinit(struct db_watch_crash_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_watch_crash_list){0};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/alert.h"

#include <inttypes.h>

#include "db/event.h"
#include "db/outbox.h"
#include "db/sql.h"

#define ALERT_COLUMNS                                                                          \
	"SELECT a.id, a.scope, a.subject_id, a.subject, a.summary, a.hint, a.state, a.since, " \
	"a.updated, a.resolved, a.acknowledged, a.who, a.count, a.threshold, "                 \
	"a.window_seconds, a.crashes, a.hosts, a.reasons FROM alerts a"

static void read_alert(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_alert *a = item;
	int i = 0;

	a->id = db_column_int(st, i++);
	if (!db_alert_scope_parse(db_column_text(st, i++), &a->scope))
		a->scope = DB_ALERT_HOST;
	a->subject_id = db_column_int(st, i++);
	a->subject = db_column_dup(st, i++, arena, failed);
	a->summary = db_column_dup(st, i++, arena, failed);
	a->hint = db_column_dup(st, i++, arena, failed);
	if (!db_alert_state_parse(db_column_text(st, i++), &a->state))
		a->state = DB_ALERT_FIRING;
	a->since = db_column_int(st, i++);
	a->updated = db_column_int(st, i++);
	a->resolved = db_column_int(st, i++);
	a->acknowledged = db_column_int(st, i++);
	a->who = db_column_dup(st, i++, arena, failed);
	a->count = db_column_int(st, i++);
	a->threshold = db_column_int(st, i++);
	a->window = db_column_int(st, i++);
	a->crashes = db_column_int(st, i++);
	a->hosts = db_column_int(st, i++);
	a->reasons = db_column_int(st, i++);
}

static struct ey_error *run_list(struct db *db, struct db_sql *sql, unsigned int limit,
				 struct db_alert_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_alerts_ struct db_alert_list list = {0};
	bool more, failed = false;
	struct ey_error *err = db_sql_query(db, sql, &st);

	if (!err)
		err = db_list_read(st, read_alert, limit, &list, &more);
	if (!err && more) {
		const struct db_alert *last = &list.items[list.count - 1];

		list.next = db_cursor_make(&list.arena, last->since, last->id, &failed);
	}
	if (err || failed)
		return err ? err : &ey_error_nomem;
	*ret = list;
	list = (struct db_alert_list){0};
	return NULL;
}

struct ey_error *db_alert_list(struct db *db, const struct db_alert_filter *f,
			       const struct db_page *page, struct db_alert_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	unsigned int limit;

	*ret = (struct db_alert_list){0};
	db_sql_add(&sql, ALERT_COLUMNS);
	if (f) {
		if (f->only_active)
			db_sql_where(&sql, "a.resolved = ?", db_int(0));
		db_sql_where_text(&sql, "a.state = ?", f->state);
		db_sql_where_text(&sql, "a.scope = ?", f->scope);
		db_sql_where_int(&sql, "a.subject_id = ?", f->subject_id);
		if (f->acknowledged)
			db_sql_where(&sql, "CASE WHEN a.acknowledged > 0 THEN 1 ELSE 0 END = ?",
				     db_int(f->acknowledged == DB_FLAG_YES));
		db_sql_where_text(&sql, "a.who = ?", f->who);
		db_sql_where_int(&sql, "a.since >= ?", f->since);
		db_sql_where_int(&sql, "a.since < ?", f->until);
	}
	struct ey_error *err = db_sql_page(&sql, page, "a.since", "a.id", &limit);
	return err ? err : run_list(db, &sql, limit, ret);
}

struct ey_error *db_alert_get(struct db *db, int64_t id, struct db_alert_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_alert_list){0};
	db_sql_add(&sql, ALERT_COLUMNS);
	db_sql_where(&sql, "a.id = ?", db_int(id));
	struct ey_error *err = run_list(db, &sql, 1, ret);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no alert %" PRId64, id);
	return err;
}

void db_alert_list_deinit(struct db_alert_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_alert_list){0};
}

// Who was told that it began is told that somebody takes it on.
static struct ey_error *tell_acknowledged(struct db *db, int64_t id, int64_t now)
{
	bool told, added;
	struct ey_error *err = db_outbox_has(db, DB_MAIL_ALERT_FIRING, id, &told);

	if (err || !told)
		return err;
	return db_outbox_add(db, DB_MAIL_ALERT_ACKNOWLEDGED, id, now, &added);
}

struct ey_error *db_alert_acknowledge(struct db *db, int64_t id, const char *who, int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_alerts_ struct db_alert_list list = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_alert_get(db, id, &list);
	if (err)
		return err;
	if (list.items[0].state == DB_ALERT_RESOLVED)
		return ey_error_create(EY_ERR_INPUT, "alert %" PRId64 " is resolved already", id);
	if (list.items[0].state == DB_ALERT_FIRING)
		err = db_run(db,
			     "UPDATE alerts SET state = 'acknowledged', acknowledged = ?2, "
			     "who = ?3 WHERE id = ?1",
			     db_int(id), db_int(now), db_text(who ? who : ""));
	if (!err && list.items[0].state == DB_ALERT_FIRING)
		err = tell_acknowledged(db, id, now);
	if (!err && list.items[0].state == DB_ALERT_FIRING)
		err = db_event_add(db, DB_EVENT_ALERT_ACKNOWLEDGED, id, list.items[0].summary);
	return err ? err : db_commit(&txn);
}

static struct ey_error *link_crashes(struct db *db, int64_t id, const struct db_alert_finding *f)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < f->crash_count; i++)
		err = db_run(db,
			     "INSERT INTO alert_crashes (alert_id, crash_id) VALUES (?1, ?2) "
			     "ON CONFLICT (alert_id, crash_id) DO NOTHING",
			     db_int(id), db_int(f->crash_ids[i]));
	if (err)
		return err;
	return db_run(
		db,
		"UPDATE alerts SET (crashes, hosts, reasons) = (SELECT count(*), "
		"count(DISTINCT c.host_id), count(DISTINCT c.reason_id) FROM alert_crashes ac "
		"JOIN crashes c ON c.id = ac.crash_id WHERE ac.alert_id = ?1) WHERE id = ?1",
		db_int(id));
}

struct ey_error *db_alert_raise(struct db *db, const struct db_alert_finding *f, int64_t now,
				int64_t *id_ret, bool *raised_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);
	int64_t id = 0;
	bool found = false;

	if (!err)
		err = db_scalar(
			db, &id, &found,
			"UPDATE alerts SET updated = ?3, subject = ?4, summary = ?5, "
			"hint = ?6, threshold = ?8, window_seconds = ?9, "
			"count = CASE WHEN count < ?7 THEN ?7 ELSE count END "
			"WHERE scope = ?1 AND subject_id = ?2 AND resolved = 0 RETURNING id",
			db_text(db_alert_scope_name(f->scope)), db_int(f->subject_id), db_int(now),
			db_text(f->subject), db_text(f->summary), db_text(f->hint ? f->hint : ""),
			db_int(f->count), db_int(f->threshold), db_int(f->window));
	if (!err && !found)
		err = db_scalar(db, &id, NULL,
				"INSERT INTO alerts (scope, subject_id, subject, summary, hint, "
				"state, since, updated, count, threshold, window_seconds) "
				"VALUES (?1, ?2, ?3, ?4, ?5, 'firing', ?6, ?6, ?7, ?8, ?9) "
				"RETURNING id",
				db_text(db_alert_scope_name(f->scope)), db_int(f->subject_id),
				db_text(f->subject), db_text(f->summary),
				db_text(f->hint ? f->hint : ""), db_int(now), db_int(f->count),
				db_int(f->threshold), db_int(f->window));
	if (!err && !found)
		err = db_event_add(db, DB_EVENT_ALERT_FIRED, id, f->summary);
	if (!err)
		err = link_crashes(db, id, f);
	if (!err)
		err = db_commit(&txn);
	*id_ret = id;
	*raised_ret = !found;
	return err;
}

struct ey_error *db_alert_resolve(struct db *db, int64_t id, int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t resolved = 0;
	bool found = false;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_scalar(db, &resolved, &found,
				"UPDATE alerts SET state = 'resolved', resolved = ?2 "
				"WHERE id = ?1 AND resolved = 0 RETURNING id",
				db_int(id), db_int(now));
	if (!err && found)
		err = db_event_add(db, DB_EVENT_ALERT_RESOLVED, id, "");
	return err ? err : db_commit(&txn);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/event.h"

#include "base/clock.h"
#include "db/sql.h"

const char *db_event_name(enum db_event_kind kind)
{
#define X(id, name) name,
	static const char *const names[] = {DB_EVENTS(X)};
#undef X

	return names[kind];
}

struct ey_error *db_event_add(struct db *db, enum db_event_kind kind, int64_t subject_id,
			      const char *text)
{
	return db_run_later(
		db, "INSERT INTO events (time, kind, subject_id, text) VALUES (?1, ?2, ?3, ?4)",
		db_int(ey_time_now()), db_text(db_event_name(kind)), db_int(subject_id),
		db_text(text ? text : ""));
}

static void read_event(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_event *e = item;

	e->id = db_column_int(st, 0);
	e->time = db_column_int(st, 1);
	e->kind = db_column_dup(st, 2, arena, failed);
	e->subject_id = db_column_int(st, 3);
	e->text = db_column_dup(st, 4, arena, failed);
}

struct ey_error *db_event_list(struct db *db, int64_t id, unsigned int limit,
			       struct db_event_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st,
					"SELECT id, time, kind, subject_id, text FROM events WHERE "
					"id > ?1 ORDER BY id LIMIT ?2",
					db_int(id), db_int(limit));

	*ret = (struct db_event_list){0};
	return err ? err : db_list_read(st, read_event, 0, ret, NULL);
}

void db_event_list_deinit(struct db_event_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_event_list){0};
}

struct ey_error *db_event_last(struct db *db, int64_t *ret)
{
	*ret = 0;
	return db_scalar_values(db, ret, NULL, "SELECT coalesce(max(id), 0) FROM events", NULL, 0);
}

struct ey_error *db_event_expire(struct db *db, int64_t now)
{
	return db_run(db,
		      "DELETE FROM events WHERE time < ?1 AND id < (SELECT max(id) FROM events)",
		      db_int(now - DB_EVENT_KEEP));
}

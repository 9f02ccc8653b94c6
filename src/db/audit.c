/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/audit.h"

#include "db/sql.h"

enum { DETAIL_MAX = 500 };

static struct db_value text_of(const char *s)
{
	return db_text(s ? s : "");
}

struct ey_error *db_audit_add(struct db *db, const struct db_audit_row *row)
{
	const char *detail = row->detail ? row->detail : "";
	size_t len = strlen(detail);

	if (len > DETAIL_MAX) {
		len = DETAIL_MAX;
		// Not in the middle of a character.
		while (len && ((unsigned char)detail[len] & 0xc0) == 0x80)
			len--;
	}
	_cleanup_free_ char *cut = strndup(detail, len);
	if (!cut)
		return &ey_error_nomem;
	return db_run(db,
		      "INSERT INTO audit (time, kind, who, address, action, object, detail) "
		      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		      db_int(row->time), text_of(row->kind), text_of(row->who),
		      text_of(row->address), text_of(row->action), text_of(row->object),
		      db_text(cut));
}

static void read_audit(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_audit_row *row = item;

	row->id = db_column_int(st, 0);
	row->time = db_column_int(st, 1);
	row->kind = db_column_dup(st, 2, arena, failed);
	row->who = db_column_dup(st, 3, arena, failed);
	row->address = db_column_dup(st, 4, arena, failed);
	row->action = db_column_dup(st, 5, arena, failed);
	row->object = db_column_dup(st, 6, arena, failed);
	row->detail = db_column_dup(st, 7, arena, failed);
}

struct ey_error *db_audit_list(struct db *db, const struct db_audit_filter *f,
			       const struct db_page *page, struct db_audit_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_sql_ struct db_sql sql = {0};
	struct db_audit_list list = {0};
	const char *action = f ? f->action : NULL;
	bool more, failed = false;
	unsigned int limit;

	*ret = (struct db_audit_list){0};
	db_sql_add(&sql, "SELECT id, time, kind, who, address, action, object, detail FROM audit");
	if (f) {
		db_sql_where_text(&sql, "who = ?", f->who);
		db_sql_where_text(&sql, "object = ?", f->object);
		db_sql_where_int(&sql, "time >= ?", f->since);
		db_sql_where_int(&sql, "time < ?", f->until);
	}
	size_t len = action ? strlen(action) : 0;
	if (len && action[len - 1] == '.')
		db_sql_where_text(&sql, "substr(action, 1, length(CAST(? AS TEXT))) = ?", action);
	else
		db_sql_where_text(&sql, "action = ?", action);
	struct ey_error *err = db_sql_page(&sql, page, "time", "id", &limit);
	if (!err)
		err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_list_read(st, read_audit, limit, &list, &more);
	if (err)
		return err;
	if (more) {
		const struct db_audit_row *last = &list.items[list.count - 1];

		list.next = db_cursor_make(&list.arena, last->time, last->id, &failed);
	}
	if (failed) {
		db_audit_list_deinit(&list);
		return &ey_error_nomem;
	}
	*ret = list;
	return NULL;
}

void db_audit_list_deinit(struct db_audit_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_audit_list){0};
}

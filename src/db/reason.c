/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/reason.h"

#include <inttypes.h>

#include "db/sql.h"

#define REASON_COLUMNS                                                                        \
	"SELECT r.id, r.key, r.kind, r.guilty, r.title, r.state, r.first_seen, r.last_seen, " \
	"r.received, r.first_crash_id, r.crashes, r.hosts, r.dumps FROM reasons r"

static const struct {
	const char *column;
	const char *after;
	const char *order;
} orders[] = {
#define ORDER(column)                                                    \
	{                                                                \
		column, "(r." column ", r.id) < (?, ",                   \
			" ORDER BY r." column " DESC, r.id DESC LIMIT ?" \
	}
	[DB_REASONS_BY_LAST_SEEN] = ORDER("last_seen"),
	[DB_REASONS_BY_FIRST_SEEN] = ORDER("first_seen"),
	[DB_REASONS_BY_CRASHES] = ORDER("crashes"),
	[DB_REASONS_BY_HOSTS] = ORDER("hosts"),
#undef ORDER
};

static int64_t order_value(const struct db_reason *r, enum db_reason_order order)
{
	switch (order) {
	case DB_REASONS_BY_LAST_SEEN:
		return r->last_seen;
	case DB_REASONS_BY_FIRST_SEEN:
		return r->first_seen;
	case DB_REASONS_BY_CRASHES:
		return r->crashes;
	case DB_REASONS_BY_HOSTS:
		return r->hosts;
	}
	return 0;
}

static void read_reason(struct db_statement *st, struct db_arena *arena, struct db_reason *r,
			bool *failed)
{
	int i = 0;

	r->id = db_column_int(st, i++);
	r->key = db_column_dup(st, i++, arena, failed);
	r->kind = db_column_dup(st, i++, arena, failed);
	r->guilty = db_column_dup(st, i++, arena, failed);
	r->title = db_column_dup(st, i++, arena, failed);
	if (!db_reason_state_parse(db_column_text(st, i++), &r->state))
		r->state = DB_REASON_NEW;
	r->first_seen = db_column_int(st, i++);
	r->last_seen = db_column_int(st, i++);
	r->received = db_column_int(st, i++);
	r->first_crash_id = db_column_int(st, i++);
	r->crashes = db_column_int(st, i++);
	r->hosts = db_column_int(st, i++);
	r->dumps = db_column_int(st, i++);
}

static struct ey_error *run_list(struct db *db, struct db_sql *sql, enum db_reason_order order,
				 unsigned int limit, struct db_reason_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct db_reason_list list = {0};
	struct ey_error *err = db_sql_query(db, sql, &st);
	bool row = true, failed = false;

	while (!err && !(err = db_step(st, &row)) && row) {
		if (list.count == limit) {
			const struct db_reason *last = &list.items[list.count - 1];

			list.next = db_cursor_make(&list.arena, order_value(last, order), last->id,
						   &failed);
			break;
		}
		struct db_reason *r = db_list_add(&list);
		if (r)
			read_reason(st, &list.arena, r, &failed);
		if (!r || failed)
			err = &ey_error_nomem;
	}
	if (!err && failed)
		err = &ey_error_nomem;
	if (err) {
		db_reason_list_deinit(&list);
		return err;
	}
	*ret = list;
	return NULL;
}

struct ey_error *db_reason_list(struct db *db, const struct db_reason_filter *f,
				const struct db_page *page, struct db_reason_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	enum db_reason_order order = f ? f->order : DB_REASONS_BY_LAST_SEEN;
	unsigned int limit = db_page_limit(page, DB_PAGE_DEFAULT);
	int64_t value, id;
	bool after;
	struct ey_error *err = db_cursor_read(page, &value, &id, &after);

	*ret = (struct db_reason_list){0};
	if (err)
		return err;
	db_sql_add(&sql, REASON_COLUMNS);
	if (f) {
		db_sql_where_text(&sql, "r.state = ?", f->state);
		db_sql_where_text(&sql, "r.kind = ?", f->kind);
		db_sql_where_int(&sql, "r.last_seen >= ?", f->seen_since);
		db_sql_where_int(&sql, "r.first_seen >= ?", f->first_seen_since);
		db_sql_where_int(&sql,
				 "r.id IN (SELECT rh.reason_id FROM reason_hosts rh "
				 "WHERE rh.host_id = ?)",
				 f->host_id);
		db_sql_where_int(&sql,
				 "r.id IN (SELECT c.reason_id FROM crashes c WHERE c.model_id = ?)",
				 f->model_id);
		db_sql_where_like(&sql,
				  "(lower(r.key) LIKE ? ESCAPE '!' OR lower(r.title) LIKE ? "
				  "ESCAPE '!' OR lower(r.guilty) LIKE ? ESCAPE '!')",
				  f->text);
	}
	if (after) {
		db_sql_where(&sql, orders[order].after, db_int(value));
		db_sql_bind(&sql, "?)", db_int(id));
	}
	db_sql_bind(&sql, orders[order].order, db_int((int64_t)limit + 1));
	return run_list(db, &sql, order, limit, ret);
}

struct ey_error *db_reason_get(struct db *db, int64_t id, struct db_reason_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_reason_list){0};
	db_sql_add(&sql, REASON_COLUMNS);
	db_sql_where(&sql, "r.id = ?", db_int(id));
	struct ey_error *err = run_list(db, &sql, DB_REASONS_BY_LAST_SEEN, 1, ret);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no reason %" PRId64, id);
	return err;
}

struct ey_error *db_reason_get_key(struct db *db, const char *key, struct db_reason_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_reason_list){0};
	db_sql_add(&sql, REASON_COLUMNS);
	db_sql_where(&sql, "r.key = ?", db_text(key));
	struct ey_error *err = run_list(db, &sql, DB_REASONS_BY_LAST_SEEN, 1, ret);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no reason \"%s\"", key);
	return err;
}

void db_reason_list_deinit(struct db_reason_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_reason_list){0};
}

struct ey_error *db_reason_set_state(struct db *db, int64_t id, enum db_reason_state state)
{
	int64_t found_id;
	bool found;
	struct ey_error *err = db_scalar(db, &found_id, &found,
					 "UPDATE reasons SET state = ?2 WHERE id = ?1 RETURNING id",
					 db_int(id), db_text(db_reason_state_name(state)));

	if (!err && !found)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no reason %" PRId64, id);
	return err;
}

struct ey_error *db_reason_signatures(struct db *db, int64_t reason_id, unsigned int limit,
				      struct db_signature_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct db_signature_list list = {0};
	bool row = true, failed = false;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT id, signature, first_seen, last_seen, crashes FROM signatures "
			 "WHERE reason_id = ?1 ORDER BY crashes DESC, id LIMIT ?2",
			 db_int(reason_id), db_int(limit ? limit : 100));

	*ret = list;
	while (!err && !(err = db_step(st, &row)) && row) {
		struct db_signature *s = db_list_add(&list);

		if (!s) {
			err = &ey_error_nomem;
			break;
		}
		s->id = db_column_int(st, 0);
		s->signature = db_column_dup(st, 1, &list.arena, &failed);
		s->first_seen = db_column_int(st, 2);
		s->last_seen = db_column_int(st, 3);
		s->crashes = db_column_int(st, 4);
		if (failed)
			err = &ey_error_nomem;
	}
	if (err)
		db_signature_list_deinit(&list);
	*ret = list;
	return err;
}

void db_signature_list_deinit(struct db_signature_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_signature_list){0};
}

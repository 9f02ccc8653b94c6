/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/reason.h"

#include <inttypes.h>
#include <stddef.h>

#include "db/scan.h"

#define REASON_COLUMNS                                                                          \
	"SELECT r.id, r.key, r.kind, r.guilty, r.title, r.state, r.first_seen, r.last_seen, "   \
	"r.received, r.first_crash_id, r.issue_id, r.crashes, r.hosts, r.dumps, r.merged_into " \
	"FROM reasons r"

static const char *const order_columns[] = {
	[DB_REASONS_BY_LAST_SEEN] = "r.last_seen",
	[DB_REASONS_BY_FIRST_SEEN] = "r.first_seen",
	[DB_REASONS_BY_CRASHES] = "r.crashes",
	[DB_REASONS_BY_HOSTS] = "r.hosts",
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

static void read_reason(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_reason *r = item;
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
	r->issue_id = db_column_int(st, i++);
	r->crashes = db_column_int(st, i++);
	r->hosts = db_column_int(st, i++);
	r->dumps = db_column_int(st, i++);
	r->merged_into = db_column_int(st, i++);
}

static struct ey_error *run_list(struct db *db, struct db_sql *sql, enum db_reason_order order,
				 unsigned int limit, struct db_reason_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_reasons_ struct db_reason_list list = {0};
	bool more, failed = false;
	struct ey_error *err = db_sql_query(db, sql, &st);

	if (!err)
		err = db_list_read(st, read_reason, limit, &list, &more);
	if (!err && more) {
		const struct db_reason *last = &list.items[list.count - 1];

		list.next =
			db_cursor_make(&list.arena, order_value(last, order), last->id, &failed);
	}
	if (err || failed)
		return err ? err : &ey_error_nomem;
	*ret = list;
	list = (struct db_reason_list){0};
	return NULL;
}

#define TEXT(member)   DB_FILTER_TEXT, offsetof(struct db_reason_filter, member)
#define INT(member)    DB_FILTER_INT, offsetof(struct db_reason_filter, member)
#define RANGE(member)  DB_FILTER_RANGE, offsetof(struct db_reason_filter, member)
#define LIKE(member)   DB_FILTER_LIKE, offsetof(struct db_reason_filter, member)
#define PREFIX(member) DB_FILTER_PREFIX, offsetof(struct db_reason_filter, member)
#define FLAG(member)   DB_FILTER_FLAG, offsetof(struct db_reason_filter, member)

static const struct db_filter_column columns[] = {
	{INT(issue_id), "r.issue_id = ?", "r.issue_id + 0 = ?",
	 "SELECT count(*) FROM reasons WHERE issue_id = ?1"},
	{INT(host_id), "r.id IN (SELECT rh.reason_id FROM reason_hosts rh WHERE rh.host_id = ?)",
	 "EXISTS (SELECT 1 FROM reason_hosts rh WHERE rh.reason_id = r.id AND rh.host_id = ?)",
	 "SELECT reasons FROM hosts WHERE id = ?1"},
	{TEXT(state), "r.state = ?", "r.state || '' = ?", .orders = 1U << DB_REASONS_BY_LAST_SEEN},
	{RANGE(seen_since), "r.last_seen >= ?", .orders = 1U << DB_REASONS_BY_LAST_SEEN},
	{RANGE(seen_until), "r.last_seen < ?", .orders = 1U << DB_REASONS_BY_LAST_SEEN},
	{RANGE(first_seen_since), "r.first_seen >= ?", .orders = 1U << DB_REASONS_BY_FIRST_SEEN},
	{RANGE(first_seen_until), "r.first_seen < ?", .orders = 1U << DB_REASONS_BY_FIRST_SEEN},
	{RANGE(min_crashes), "r.crashes >= ?", .orders = 1U << DB_REASONS_BY_CRASHES},
	{RANGE(min_hosts), "r.hosts >= ?", .orders = 1U << DB_REASONS_BY_HOSTS},
	{TEXT(kind), "r.kind = ?"},
	{PREFIX(function), "r.guilty = ?", .column = "r.guilty"},
	{TEXT(module), "EXISTS (SELECT 1 FROM crashes fc WHERE fc.id = r.first_crash_id AND "
		       "fc.module || '' = ?)"},
	{TEXT(kernel),
	 "EXISTS (SELECT 1 FROM reason_dumps rd WHERE rd.reason_id = r.id AND rd.kernel = ? AND "
	 "rd.crashes > 0)"},
	{INT(model_id),
	 "EXISTS (SELECT 1 FROM reason_dumps rd WHERE rd.reason_id = r.id AND rd.model_id = ? AND "
	 "rd.crashes > 0)"},
	{FLAG(has_issue), "(CASE WHEN r.issue_id IS NULL THEN 0 ELSE 1 END) = ?"},
	{LIKE(text), "(lower(r.key) LIKE ? ESCAPE '!' OR lower(r.title) LIKE ? ESCAPE '!' OR "
		     "lower(r.guilty) LIKE ? ESCAPE '!')"},
};

struct ey_error *db_reason_list(struct db *db, const struct db_reason_filter *f,
				const struct db_page *page, struct db_reason_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	enum db_reason_order order = f ? f->order : DB_REASONS_BY_LAST_SEEN;
	struct db_plan plan;
	unsigned int limit;
	struct ey_error *err = db_plan_make(db, columns, EY_ARRAY_SIZE(columns), f, "reasons r",
					    order_columns[order], "r.id", order, page, &plan);

	*ret = (struct db_reason_list){0};
	if (err)
		return err;
	db_sql_add(&sql, REASON_COLUMNS);
	db_plan_where(&plan, &sql);
	if (!f || !f->with_merged) {
		db_sql_add(&sql, sql.has_where ? " AND " : " WHERE ");
		db_sql_add(&sql, "r.merged_into IS NULL");
		sql.has_where = true;
	}
	err = db_sql_page(&sql, page, order_columns[order], "r.id", &limit);
	if (!err)
		err = run_list(db, &sql, order, limit, ret);
	return err ? err : db_plan_end(&plan, &ret->arena, &ret->next, &ret->bounded);
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

static void read_signature(struct db_statement *st, struct db_arena *arena, void *item,
			   bool *failed)
{
	struct db_signature *s = item;

	s->id = db_column_int(st, 0);
	s->signature = db_column_dup(st, 1, arena, failed);
	s->first_seen = db_column_int(st, 2);
	s->last_seen = db_column_int(st, 3);
	s->crashes = db_column_int(st, 4);
}

struct ey_error *db_reason_signatures(struct db *db, int64_t reason_id, unsigned int limit,
				      struct db_signature_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT id, signature, first_seen, last_seen, crashes FROM signatures "
			 "WHERE reason_id = ?1 ORDER BY crashes DESC, id LIMIT ?2",
			 db_int(reason_id), db_int(limit ? limit : 100));

	*ret = (struct db_signature_list){0};
	return err ? err : db_list_read(st, read_signature, 0, ret, NULL);
}

void db_signature_list_deinit(struct db_signature_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_signature_list){0};
}

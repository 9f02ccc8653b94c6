/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/scan.h"

static const char *text_at(const struct db_plan *plan, size_t i)
{
	const char *s;

	memcpy(&s, (const char *)plan->filter + plan->columns[i].offset, sizeof(s));
	return s && *s ? s : NULL;
}

static int64_t int_at(const struct db_plan *plan, size_t i)
{
	int64_t v;

	memcpy(&v, (const char *)plan->filter + plan->columns[i].offset, sizeof(v));
	return v;
}

static enum db_flag flag_at(const struct db_plan *plan, size_t i)
{
	enum db_flag flag;

	memcpy(&flag, (const char *)plan->filter + plan->columns[i].offset, sizeof(flag));
	return flag;
}

static bool is_set(const struct db_plan *plan, size_t i)
{
	switch (plan->columns[i].type) {
	case DB_FILTER_TEXT:
	case DB_FILTER_LIKE:
	case DB_FILTER_PREFIX:
		return text_at(plan, i) != NULL;
	case DB_FILTER_INT:
	case DB_FILTER_RANGE:
		return int_at(plan, i) != 0;
	case DB_FILTER_FLAG:
		return flag_at(plan, i) != DB_FLAG_ANY;
	}
	return false;
}

// Whether it is a part of the index that the order goes along.
static bool is_range(const struct db_plan *plan, size_t i)
{
	const struct db_filter_column *c = &plan->columns[i];

	return c->type == DB_FILTER_RANGE && (!c->orders || c->orders & 1U << plan->order);
}

static bool is_prefix(const struct db_plan *plan, size_t i)
{
	const char *s = plan->columns[i].type == DB_FILTER_PREFIX ? text_at(plan, i) : NULL;

	return s && s[strlen(s) - 1] == '*';
}

static struct db_value value_at(const struct db_plan *plan, size_t i)
{
	switch (plan->columns[i].type) {
	case DB_FILTER_INT:
	case DB_FILTER_RANGE:
		return db_int(int_at(plan, i));
	case DB_FILTER_FLAG:
		return db_int(flag_at(plan, i) == DB_FLAG_YES);
	default:
		return db_text(text_at(plan, i));
	}
}

static void where(const struct db_plan *plan, struct db_sql *sql, size_t i, bool drives)
{
	const struct db_filter_column *c = &plan->columns[i];
	const char *condition = drives || !c->aside ? c->where : c->aside;

	if (c->type == DB_FILTER_LIKE) {
		db_sql_where_like(sql, condition, text_at(plan, i));
	} else if (is_prefix(plan, i)) {
		db_sql_where_begin(sql, c->column, text_at(plan, i));
	} else if (c->type == DB_FILTER_FLAG && drives) {
		db_sql_add(sql, sql->has_where ? " AND " : " WHERE ");
		sql->has_where = true;
		db_sql_add(sql, condition);
	} else {
		db_sql_where(sql, condition, value_at(plan, i));
	}
}

static void where_all(const struct db_plan *plan, struct db_sql *sql, bool rest)
{
	for (size_t i = 0; i < plan->count; i++) {
		bool drives = (int)i == plan->driver || is_range(plan, i);

		if (is_set(plan, i) && (drives || rest))
			where(plan, sql, i, drives);
	}
}

static struct ey_error *may_drive(struct db *db, const struct db_plan *plan, size_t i, bool *ret)
{
	const struct db_filter_column *c = &plan->columns[i];
	int64_t rows = 0;

	*ret = false;
	if (!c->aside || is_prefix(plan, i) || (c->orders && !(c->orders & 1U << plan->order)) ||
	    (c->type == DB_FILTER_FLAG && flag_at(plan, i) == DB_FLAG_NO))
		return NULL;
	if (c->count) {
		struct ey_error *err = db_scalar(db, &rows, NULL, c->count, value_at(plan, i));

		if (err)
			return err;
	}
	*ret = rows <= DB_SCAN_MAX;
	return NULL;
}

// The row at which the page must end at the latest, if there are so many.
static struct ey_error *find_bound(struct db *db, const char *table, const struct db_page *page,
				   struct db_plan *plan)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	int64_t most = DB_SCAN_MAX;
	bool row = false;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->columns[i].type == DB_FILTER_LIKE && is_set(plan, i))
			most = DB_SCAN_MAX * 2 / 5;
	}
	db_sql_add(&sql, "SELECT ");
	db_sql_add(&sql, plan->value);
	db_sql_add(&sql, ", ");
	db_sql_add(&sql, plan->id);
	db_sql_add(&sql, " FROM ");
	db_sql_add(&sql, table);
	where_all(plan, &sql, false);
	struct ey_error *err = db_sql_after(&sql, page, plan->value, plan->id);
	if (err)
		return err;
	db_sql_add(&sql, " ORDER BY ");
	db_sql_add(&sql, plan->value);
	db_sql_add(&sql, " DESC, ");
	db_sql_add(&sql, plan->id);
	db_sql_bind(&sql, " DESC LIMIT 1 OFFSET ?", db_int(most - 1));
	err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_step(st, &row);
	if (!err && row) {
		plan->bounded = true;
		plan->bound_value = db_column_int(st, 0);
		plan->bound_id = db_column_int(st, 1);
	}
	return err;
}

struct ey_error *db_plan_make(struct db *db, const struct db_filter_column *columns, size_t count,
			      const void *filter, const char *table, const char *value,
			      const char *id, unsigned int order, const struct db_page *page,
			      struct db_plan *ret)
{
	struct db_plan plan = {.columns = columns,
			       .count = filter ? count : 0,
			       .filter = filter,
			       .value = value,
			       .id = id,
			       .order = order,
			       .driver = -1};

	for (size_t i = 0; i < plan.count; i++) {
		bool drives = false;

		if (!is_set(&plan, i) || is_range(&plan, i))
			continue;
		if (plan.driver < 0) {
			struct ey_error *err = may_drive(db, &plan, i, &drives);

			if (err)
				return err;
		}
		if (drives)
			plan.driver = (int)i;
		else
			plan.rest = true;
	}
	struct ey_error *err = plan.rest ? find_bound(db, table, page, &plan) : NULL;
	*ret = plan;
	return err;
}

void db_plan_where(const struct db_plan *plan, struct db_sql *sql)
{
	where_all(plan, sql, true);
	if (!plan->bounded)
		return;
	// Twice: not every planner sees in the pair that the first column has an end.
	db_sql_add(sql, sql->has_where ? " AND " : " WHERE ");
	sql->has_where = true;
	db_sql_add(sql, plan->value);
	db_sql_bind(sql, " >= ?", db_int(plan->bound_value));
	db_sql_add(sql, " AND (");
	db_sql_add(sql, plan->value);
	db_sql_add(sql, ", ");
	db_sql_add(sql, plan->id);
	db_sql_bind(sql, ") >= (?, ", db_int(plan->bound_value));
	db_sql_bind(sql, "?)", db_int(plan->bound_id));
}

struct ey_error *db_plan_end(const struct db_plan *plan, struct db_arena *arena,
			     const char **next_ret, bool *bounded_ret)
{
	bool failed = false;

	if (*next_ret || !plan->bounded)
		return NULL;
	*next_ret = db_cursor_make(arena, plan->bound_value, plan->bound_id, &failed);
	*bounded_ret = true;
	// The list, half made, is still the caller's to release.
	return failed ? &ey_error_nomem : NULL;
}

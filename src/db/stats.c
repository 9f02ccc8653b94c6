/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/stats.h"

#include "db/sql.h"

enum { DAY = 86400, MAX_DAYS = 3660 };

static void add_filter(struct db_sql *sql, const struct db_stats_filter *f)
{
	if (!f)
		return;
	db_sql_where_int(sql, "c.time >= ?", f->since);
	db_sql_where_int(sql, "c.time < ?", f->until);
	db_sql_where_int(sql, "c.host_id = ?", f->host_id);
	db_sql_where_int(sql, "c.model_id = ?", f->model_id);
	db_sql_where_int(sql, "c.reason_id = ?", f->reason_id);
	db_sql_where_int(sql,
			 "c.id IN (SELECT ac.crash_id FROM alert_crashes ac WHERE ac.alert_id = ?)",
			 f->alert_id);
	db_sql_where_text(sql, "c.site = ?", f->site);
	db_sql_where_text(sql, "c.kernel = ?", f->kernel);
}

static struct ey_error *median_uptime(struct db *db, const struct db_stats_filter *filter,
				      struct db_totals *totals)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;

	if (!totals->uptime_known)
		return NULL;
	db_sql_add(&sql, "SELECT c.uptime FROM crashes c");
	add_filter(&sql, filter);
	db_sql_where(&sql, "c.uptime >= ?", db_int(0));
	db_sql_bind(&sql, " ORDER BY c.uptime LIMIT 1 OFFSET ?",
		    db_int((totals->uptime_known - 1) / 2));
	struct ey_error *err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_step(st, &row);
	if (!err && row)
		totals->uptime_median = db_column_int(st, 0);
	return err;
}

struct ey_error *db_stats_totals(struct db *db, const struct db_stats_filter *filter,
				 struct db_totals *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;

	*ret = (struct db_totals){0};
	db_sql_add(&sql, "SELECT count(*), count(DISTINCT c.host_id), count(DISTINCT c.reason_id), "
			 "coalesce(sum(c.is_new), 0), "
			 "coalesce(sum(CASE WHEN c.uptime >= 0 THEN 1 ELSE 0 END), 0), "
			 "coalesce(sum(CASE WHEN c.uptime >= 0 THEN c.uptime ELSE 0 END), 0), "
			 "coalesce(min(CASE WHEN c.uptime >= 0 THEN c.uptime END), 0), "
			 "coalesce(max(c.uptime), 0) FROM crashes c");
	add_filter(&sql, filter);
	struct ey_error *err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	ret->crashes = db_column_int(st, 0);
	ret->hosts = db_column_int(st, 1);
	ret->reasons = db_column_int(st, 2);
	ret->new_reasons = db_column_int(st, 3);
	ret->uptime_known = db_column_int(st, 4);
	ret->uptime_sum = db_column_int(st, 5);
	ret->uptime_min = db_column_int(st, 6);
	ret->uptime_max = ret->uptime_known ? db_column_int(st, 7) : 0;
	return median_uptime(db, filter, ret);
}

struct number {
	const char *sql;
	int64_t *to;
};

static struct ey_error *read_numbers(struct db *db, const struct number *numbers, size_t count)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < count; i++)
		err = db_scalar_values(db, numbers[i].to, NULL, numbers[i].sql, NULL, 0);
	return err;
}

struct ey_error *db_stats_now(struct db *db, struct db_stats_now *ret)
{
	const struct number numbers[] = {
		// From the counters: counting a long history takes seconds.
		{"SELECT coalesce(sum(crashes), 0) FROM reasons", &ret->crashes},
		{"SELECT count(*) FROM reasons", &ret->reasons},
		{"SELECT count(*) FROM models", &ret->models},
		{"SELECT count(*) FROM reasons WHERE state = 'new'", &ret->reasons_unseen},
		{"SELECT count(*) FROM alerts WHERE resolved = 0 AND state = 'firing'",
		 &ret->alerts_firing},
		{"SELECT count(*) FROM alerts WHERE resolved = 0 AND state = 'acknowledged'",
		 &ret->alerts_acknowledged},
		{"SELECT coalesce(max(time), 0) FROM crashes", &ret->last_crash},
		{"SELECT received FROM crashes ORDER BY id DESC LIMIT 1", &ret->last_received},
		{"SELECT count(*) FROM rejects", &ret->rejected},
		{"SELECT count(*) FROM outbox WHERE sent = 0 AND given_up = 0",
		 &ret->mails_waiting},
	};

	*ret = (struct db_stats_now){0};
	return read_numbers(db, numbers, EY_ARRAY_SIZE(numbers));
}

struct ey_error *db_stats_sums(struct db *db, int64_t now, struct db_stats_sums *ret)
{
	const struct number numbers[] = {
		{"SELECT count(*) FROM hosts", &ret->hosts},
		{"SELECT count(*) FROM folders WHERE has_dump = 1", &ret->dumps},
		{"SELECT coalesce(sum(dump_bytes), 0) FROM folders WHERE has_dump = 1",
		 &ret->dump_bytes},
	};

	*ret = (struct db_stats_sums){0};
	struct ey_error *err = read_numbers(db, numbers, EY_ARRAY_SIZE(numbers));
	// Up to and with this second: a crash of just now is in it.
	if (!err)
		err = db_stats_totals(
			db, &(struct db_stats_filter){.since = now - DAY, .until = now + 1},
			&ret->day);
	if (!err)
		err = db_stats_totals(
			db, &(struct db_stats_filter){.since = now - 2 * DAY, .until = now - DAY},
			&ret->day_before);
	if (!err)
		err = db_stats_totals(
			db, &(struct db_stats_filter){.since = now - 7 * DAY, .until = now + 1},
			&ret->week);
	return err;
}

struct ey_error *db_stats_days(struct db *db, const struct db_stats_filter *filter,
			       struct db_day_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	struct db_day_list list = {0};
	bool row = true;

	*ret = list;
	if (!filter || filter->since < 0 || filter->until <= filter->since)
		return ey_error_create(EY_ERR_USAGE, "counting by day needs a begin and an end");
	int64_t first = filter->since / DAY, last = (filter->until - 1) / DAY;
	if (last - first >= MAX_DAYS)
		return ey_error_create(EY_ERR_USAGE, "more than %d days", MAX_DAYS);
	size_t count = (size_t)(last - first + 1);
	list.items = db_arena_alloc(&list.arena, count * sizeof(*list.items));
	if (!list.items)
		return &ey_error_nomem;
	list.count = count;
	for (size_t i = 0; i < count; i++)
		list.items[i].day = (first + (int64_t)i) * DAY;
	db_sql_add(&sql, "SELECT c.time / 86400, count(*), count(DISTINCT c.host_id), "
			 "sum(c.is_new) FROM crashes c");
	add_filter(&sql, filter);
	db_sql_add(&sql, " GROUP BY 1");
	struct ey_error *err = db_sql_query(db, &sql, &st);
	while (!err && !(err = db_step(st, &row)) && row) {
		int64_t day = db_column_int(st, 0);

		if (day < first || day > last)
			continue;
		struct db_day *d = &list.items[day - first];
		d->crashes = db_column_int(st, 1);
		d->hosts = db_column_int(st, 2);
		d->new_reasons = db_column_int(st, 3);
	}
	if (err)
		db_day_list_deinit(&list);
	*ret = list;
	return err;
}

void db_day_list_deinit(struct db_day_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_day_list){0};
}

/* How to group by a dimension, and what to call the groups. */
static const struct {
	const char *key;
	const char *id;
	const char *label;
	const char *detail;
	const char *join;
} dimensions[] = {
	[DB_BY_REASON] = {"c.reason_id", "g.k", "s.title", "s.key",
			  " JOIN reasons s ON s.id = g.k"},
	[DB_BY_HOST] = {"c.host_id", "g.k", "s.hostname", "s.site", " JOIN hosts s ON s.id = g.k"},
	[DB_BY_MODEL] = {"coalesce(c.model_id, 0)", "g.k",
			 "trim(coalesce(s.vendor, '') || ' ' || coalesce(s.product, ''))", "''",
			 " LEFT JOIN models s ON s.id = g.k"},
	[DB_BY_KERNEL] = {"coalesce(c.kernel, '')", "0", "g.k", "''", ""},
	[DB_BY_SITE] = {"c.site", "0", "g.k", "''", ""},
	[DB_BY_KIND] = {"c.kind", "0", "g.k", "''", ""},
	[DB_BY_FIRMWARE] = {"coalesce(c.firmware, '')", "0", "g.k", "''", ""},
	[DB_BY_MODULE] = {"coalesce(c.module, '')", "0", "g.k", "''", ""},
};

static struct ey_error *count_groups(struct db *db, enum db_dimension dimension,
				     const struct db_stats_filter *filter, int64_t *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;

	db_sql_add(&sql, "SELECT count(DISTINCT ");
	db_sql_add(&sql, dimensions[dimension].key);
	db_sql_add(&sql, ") FROM crashes c");
	add_filter(&sql, filter);
	struct ey_error *err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_step(st, &row);
	*ret = !err && row ? db_column_int(st, 0) : 0;
	return err;
}

static void read_top(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_top *t = item;

	t->id = db_column_int(st, 0);
	t->label = db_column_dup(st, 1, arena, failed);
	t->detail = db_column_dup(st, 2, arena, failed);
	t->crashes = db_column_int(st, 3);
	t->hosts = db_column_int(st, 4);
	t->reasons = db_column_int(st, 5);
	t->new_reasons = db_column_int(st, 6);
	t->first_seen = db_column_int(st, 7);
	t->last_seen = db_column_int(st, 8);
}

struct ey_error *db_stats_top(struct db *db, enum db_dimension dimension,
			      const struct db_stats_filter *filter, unsigned int limit,
			      struct db_top_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	struct db_top_list list = {0};

	*ret = list;
	db_sql_add(&sql, "SELECT ");
	db_sql_add(&sql, dimensions[dimension].id);
	db_sql_add(&sql, ", ");
	db_sql_add(&sql, dimensions[dimension].label);
	db_sql_add(&sql, ", ");
	db_sql_add(&sql, dimensions[dimension].detail);
	db_sql_add(&sql, ", g.crashes, g.hosts, g.reasons, g.fresh, g.first, g.last FROM (SELECT ");
	db_sql_add(&sql, dimensions[dimension].key);
	db_sql_add(&sql, " AS k, count(*) AS crashes, count(DISTINCT c.host_id) AS hosts, "
			 "count(DISTINCT c.reason_id) AS reasons, sum(c.is_new) AS fresh, "
			 "min(c.time) AS first, max(c.time) AS last FROM crashes c");
	add_filter(&sql, filter);
	db_sql_bind(&sql, " GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT ?) g",
		    db_int(limit ? limit : 20));
	db_sql_add(&sql, dimensions[dimension].join);
	db_sql_add(&sql, " ORDER BY g.crashes DESC, g.hosts DESC, g.k");
	struct ey_error *err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_list_read(st, read_top, 0, &list, NULL);
	if (!err)
		err = count_groups(db, dimension, filter, &list.more);
	if (err)
		db_top_list_deinit(&list);
	else
		list.more -= (int64_t)list.count;
	*ret = list;
	return err;
}

void db_top_list_deinit(struct db_top_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_top_list){0};
}

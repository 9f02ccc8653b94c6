/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/month.h"

#include "db/sql.h"

enum { DAY = 86400 };

static const struct {
	int64_t bound;
	const char *name;
} classes[] = {
#define X(bound, name) {bound, name},
	DB_UPTIME_CLASSES(X)
#undef X
};

int64_t db_uptime_class_bound(unsigned int index)
{
	return classes[index].bound;
}

const char *db_uptime_class_name(unsigned int index)
{
	return classes[index].name;
}

struct ey_error *db_snapshot_begin(struct db *db, struct db_snapshot *ret)
{
	*ret = (struct db_snapshot){0};
	// Within a transaction all reads see one state already.
	if (db->depth)
		return NULL;
	struct ey_error *err = db_exec(db, "BEGIN");
	if (!err) {
		db->depth++;
		ret->db = db;
	}
	return err;
}

void db_snapshot_deinit(struct db_snapshot *snapshot)
{
	if (!snapshot->db)
		return;
	snapshot->db->depth--;
	// Nothing was written, so nothing can be lost by whatever goes wrong here.
	ey_error_destroy(db_exec(snapshot->db, "COMMIT"));
	snapshot->db = NULL;
}

static struct ey_error *count_new(struct db *db, int64_t since, int64_t until,
				  struct db_month_counts *counts)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = true;
	struct ey_error *err =
		db_scalar(db, &counts->new_reasons, NULL,
			  "SELECT count(*) FROM reasons WHERE first_seen >= ?1 AND first_seen < ?2",
			  db_int(since), db_int(until));

	if (!err)
		err = db_query(db, &st,
			       "SELECT (c.time - ?1) / 86400, count(*) FROM crashes c "
			       "JOIN reasons r ON r.id = c.reason_id "
			       "WHERE r.first_seen >= ?1 AND r.first_seen < ?2 "
			       "AND c.time >= ?1 AND c.time < ?2 GROUP BY 1",
			       db_int(since), db_int(until));
	while (!err && !(err = db_step(st, &row)) && row) {
		int64_t day = db_column_int(st, 0), n = db_column_int(st, 1);

		if (day < 0 || day >= DB_MONTH_DAYS)
			continue;
		counts->new_by_day[day] = n;
		counts->new_reason_crashes += n;
	}
	return err;
}

static struct ey_error *count_uptimes(struct db *db, int64_t since, int64_t until,
				      struct db_month_counts *counts)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = true;

	db_sql_add(&sql, "SELECT CASE");
	for (unsigned int i = 0; i < DB_UPTIME_CLASS_COUNT - 1; i++) {
		db_sql_bind(&sql, " WHEN c.uptime < ?", db_int(classes[i].bound));
		db_sql_bind(&sql, " THEN ?", db_int(i));
	}
	db_sql_bind(&sql, " ELSE ? END, count(*) FROM crashes c",
		    db_int(DB_UPTIME_CLASS_COUNT - 1));
	db_sql_where(&sql, "c.time >= ?", db_int(since));
	db_sql_where(&sql, "c.time < ?", db_int(until));
	db_sql_where(&sql, "c.uptime >= ?", db_int(0));
	db_sql_add(&sql, " GROUP BY 1");
	struct ey_error *err = db_sql_query(db, &sql, &st);
	while (!err && !(err = db_step(st, &row)) && row) {
		int64_t i = db_column_int(st, 0);

		if (i >= 0 && i < DB_UPTIME_CLASS_COUNT)
			counts->uptime_classes[i] = db_column_int(st, 1);
	}
	return err;
}

static struct ey_error *count_states(struct db *db, int64_t since, int64_t until,
				     struct db_month_counts *counts)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = true;
	struct ey_error *err = db_query(
		db, &st,
		"SELECT r.state, count(*) FROM reasons r WHERE r.id IN (SELECT c.reason_id "
		"FROM crashes c WHERE c.time >= ?1 AND c.time < ?2) GROUP BY 1",
		db_int(since), db_int(until));

	while (!err && !(err = db_step(st, &row)) && row) {
		enum db_reason_state state;

		if (db_reason_state_parse(db_column_text(st, 0), &state))
			counts->reasons_by_state[state] = db_column_int(st, 1);
	}
	return err;
}

struct ey_error *db_month_counts(struct db *db, int64_t since, int64_t until,
				 struct db_month_counts *ret)
{
	*ret = (struct db_month_counts){0};
	if (until <= since || until - since > (int64_t)DB_MONTH_DAYS * DAY)
		return ey_error_create(EY_ERR_USAGE, "a month has 1 to %d days", DB_MONTH_DAYS);
	struct ey_error *err = count_new(db, since, until, ret);
	if (!err)
		err = count_uptimes(db, since, until, ret);
	if (!err)
		err = count_states(db, since, until, ret);
	return err;
}

struct ey_error *db_month_crashes(struct db *db, int64_t since, int64_t until, int64_t *crashes_ret,
				  int64_t *hosts_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err = db_query(db, &st,
					"SELECT count(*), count(DISTINCT host_id) FROM crashes "
					"WHERE time >= ?1 AND time < ?2",
					db_int(since), db_int(until));

	if (!err)
		err = db_step(st, &row);
	*crashes_ret = !err && row ? db_column_int(st, 0) : 0;
	*hosts_ret = !err && row ? db_column_int(st, 1) : 0;
	return err;
}

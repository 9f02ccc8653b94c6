/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/kept.h"

#include "db/folder.h"
#include "db/hold.h"
#include "db/sql.h"

// ?1 is the time: holds that ended hold nothing.
#define DUMP_SELECT                                                                          \
	"SELECT f.path, c.id, c.host_id, c.reason_id, c.site, h.hostname, r.state, f.time, " \
	"f.dump_bytes, r.dumps, f.checked, f.damage, coalesce((SELECT min(x.id) FROM holds " \
	"x WHERE x.released = 0 AND (x.ends = 0 OR x.ends > ?1) AND ((x.scope = 'crash' "    \
	"AND x.subject_id = c.id) OR (x.scope = 'reason' AND x.subject_id = c.reason_id) "   \
	"OR (x.scope = 'host' AND x.subject_id = c.host_id) OR (x.scope = 'issue' AND "      \
	"x.subject_id = r.issue_id))), 0) FROM folders f JOIN crashes c ON c.id = "          \
	"f.crash_id JOIN reasons r ON r.id = c.reason_id JOIN hosts h ON h.id = "            \
	"c.host_id WHERE f.has_dump = 1"

static void read_dump(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_kept *d = item;

	d->path = db_column_dup(st, 0, arena, failed);
	d->crash_id = db_column_int(st, 1);
	d->host_id = db_column_int(st, 2);
	d->reason_id = db_column_int(st, 3);
	d->site = db_column_dup(st, 4, arena, failed);
	d->hostname = db_column_dup(st, 5, arena, failed);
	if (!db_reason_state_parse(db_column_text(st, 6), &d->state))
		d->state = DB_REASON_NEW;
	d->time = db_column_int(st, 7);
	d->bytes = db_column_int(st, 8);
	d->reason_dumps = db_column_int(st, 9);
	d->checked = db_column_int(st, 10);
	d->damage = db_column_dup(st, 11, arena, failed);
	d->hold_id = db_column_int(st, 12);
}

struct ey_error *db_kept_list(struct db *db, const struct db_kept_filter *filter, int64_t now,
			      struct db_kept_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_kept_list){0};
	// The time's number is 1, as DUMP_SELECT has it.
	sql.values[sql.count++] = db_int(now);
	db_sql_add(&sql, DUMP_SELECT);
	sql.has_where = true;
	db_sql_where_int(&sql, "c.host_id = ?", filter->host_id);
	db_sql_where_int(&sql, "f.crash_id = ?", filter->crash_id);
	db_sql_where_text(&sql, "c.site = ?", filter->site);
	db_sql_where_int(&sql, "f.time < ?", filter->before);
	if (filter->damaged)
		db_sql_add(&sql, " AND f.damage <> ''");
	if (filter->after) {
		db_sql_bind(&sql, " AND (f.time, f.path) > (?", db_int(filter->after->time));
		db_sql_bind(&sql, ", ?)", db_text(filter->after->path));
	}
	db_sql_add(&sql, " ORDER BY f.time, f.path");
	if (filter->limit)
		db_sql_bind(&sql, " LIMIT ?", db_int(filter->limit));
	struct ey_error *err = db_sql_query(db, &sql, &st);
	return err ? err : db_list_read(st, read_dump, 0, ret, NULL);
}

struct ey_error *db_kept_unchecked(struct db *db, int64_t before, unsigned int limit, int64_t now,
				   struct db_kept_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(
		db, &st, DUMP_SELECT " AND f.checked < ?2 ORDER BY f.checked, f.path LIMIT ?3",
		db_int(now), db_int(before), db_int(limit));

	*ret = (struct db_kept_list){0};
	return err ? err : db_list_read(st, read_dump, 0, ret, NULL);
}

void db_kept_list_deinit(struct db_kept_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_kept_list){0};
}

struct ey_error *db_kept_checked(struct db *db, const char *path, const char *damage, int64_t now)
{
	return db_run(db, "UPDATE folders SET checked = ?2, damage = ?3 WHERE path = ?1",
		      db_text(path), db_int(now), db_text(damage));
}

static const char *const removal_names[] = {
#define X(id, name) name,
	DB_REMOVALS(X)
#undef X
};

struct ey_error *db_kept_removed(struct db *db, const struct db_kept *dump,
				 enum db_removal_kind kind, const char *why, uint64_t bytes,
				 int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t there = 0;
	struct ey_error *err = db_begin(db, &txn);

	// Twice noted (by a run that was killed in between) is once removed.
	if (!err)
		err = db_scalar(db, &there, NULL, "SELECT has_dump FROM folders WHERE path = ?1",
				db_text(dump->path));
	if (!err)
		err = db_folder_purged(db, dump->path, now);
	if (!err && there)
		err = db_run(db,
			     "INSERT INTO removals (crash_id, path, time, kind, why, bytes) "
			     "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			     db_int(dump->crash_id), db_text(dump->path), db_int(now),
			     db_text(removal_names[kind]), db_text(why), db_int((int64_t)bytes));
	return err ? err : db_commit(&txn);
}

static void read_removal(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_removal *r = item;

	r->crash_id = db_column_int(st, 0);
	r->path = db_column_dup(st, 1, arena, failed);
	r->time = db_column_int(st, 2);
	r->kind = db_column_dup(st, 3, arena, failed);
	r->why = db_column_dup(st, 4, arena, failed);
	r->bytes = db_column_int(st, 5);
}

struct ey_error *db_removals(struct db *db, int64_t crash_id, unsigned int limit,
			     struct db_removal_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_removal_list){0};
	db_sql_add(&sql, "SELECT crash_id, path, time, kind, why, bytes FROM removals");
	db_sql_where_int(&sql, "crash_id = ?", crash_id);
	db_sql_bind(&sql, " ORDER BY time DESC, id DESC LIMIT ?", db_int(limit));
	struct ey_error *err = db_sql_query(db, &sql, &st);
	return err ? err : db_list_read(st, read_removal, 0, ret, NULL);
}

void db_removal_list_deinit(struct db_removal_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_removal_list){0};
}

static void read_usage(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_usage *u = item;

	u->name = db_column_dup(st, 0, arena, failed);
	u->id = db_column_int(st, 1);
	u->dumps = db_column_int(st, 2);
	u->bytes = db_column_int(st, 3);
	u->oldest = db_column_int(st, 4);
}

struct ey_error *db_usage(struct db *db, enum db_usage_by by, int64_t over, unsigned int limit,
			  struct db_usage_list *ret)
{
	static const char *const selects[] = {
		[DB_USAGE_TOTAL] =
			"SELECT '', 0, count(*), coalesce(CAST(sum(f.dump_bytes) AS BIGINT), 0) AS "
			"bytes, coalesce(min(f.time), 0) FROM folders f WHERE f.has_dump = 1 "
			"HAVING coalesce(sum(f.dump_bytes), 0) > ?1",
		[DB_USAGE_SITE] =
			"SELECT c.site, 0, count(*), CAST(sum(f.dump_bytes) AS BIGINT) AS bytes, "
			"min(f.time) FROM folders f JOIN crashes c ON c.id = f.crash_id WHERE "
			"f.has_dump = 1 GROUP BY c.site HAVING sum(f.dump_bytes) > ?1",
		[DB_USAGE_HOST] =
			"SELECT h.hostname, h.id, count(*), CAST(sum(f.dump_bytes) AS BIGINT) AS "
			"bytes, min(f.time) FROM folders f JOIN crashes c ON c.id = f.crash_id "
			"JOIN "
			"hosts h ON h.id = c.host_id WHERE f.has_dump = 1 GROUP BY h.id, "
			"h.hostname "
			"HAVING sum(f.dump_bytes) > ?1",
		[DB_USAGE_STATE] =
			"SELECT r.state, 0, count(*), CAST(sum(f.dump_bytes) AS BIGINT) AS bytes, "
			"min(f.time) FROM folders f JOIN crashes c ON c.id = f.crash_id JOIN "
			"reasons r ON r.id = c.reason_id WHERE f.has_dump = 1 GROUP BY r.state "
			"HAVING sum(f.dump_bytes) > ?1",
	};
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_usage_list){0};
	sql.values[sql.count++] = db_int(over);
	db_sql_add(&sql, selects[by]);
	db_sql_add(&sql, " ORDER BY bytes DESC");
	if (limit)
		db_sql_bind(&sql, " LIMIT ?", db_int(limit));
	struct ey_error *err = db_sql_query(db, &sql, &st);
	return err ? err : db_list_read(st, read_usage, 0, ret, NULL);
}

void db_usage_list_deinit(struct db_usage_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_usage_list){0};
}

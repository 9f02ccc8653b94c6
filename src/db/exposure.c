/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/exposure.h"

#include "db/sql.h"

enum { DAY = 86400 };

static const struct {
	const char *word;
	const char *column;
} dimensions[] = {
	[DB_EXPOSURE_ALL] = {"all", "''"},
	[DB_EXPOSURE_BY_SITE] = {"site", "g.site"},
	[DB_EXPOSURE_BY_MODEL] = {"model", "g.model_id"},
	[DB_EXPOSURE_BY_KERNEL] = {"kernel", "g.kernel"},
	[DB_EXPOSURE_BY_FIRMWARE] = {"firmware", "g.firmware"},
	[DB_EXPOSURE_BY_IMAGE] = {"image", "g.image"},
	[DB_EXPOSURE_BY_LIFE] = {"life", "g.life"},
};

struct ey_error *db_exposure_by_parse(const char *word, enum db_exposure_by *ret)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(dimensions); i++) {
		if (strcmp(word, dimensions[i].word) != 0)
			continue;
		*ret = (enum db_exposure_by)i;
		return NULL;
	}
	return ey_error_create(EY_ERR_INPUT,
			       "\"%.40s\" is none of all, site, model, kernel, firmware, image, "
			       "life",
			       word);
}

// The group of a boot, as its host is now.
static struct ey_error *find_group(struct db *db, int64_t boot_id, int64_t *ret)
{
	static const char same[] = "FROM boots b JOIN hosts h ON h.id = b.host_id WHERE b.id = ?1";
	static const char values[] = "h.site, coalesce(b.model_id, 0), coalesce(b.kernel, ''), "
				     "coalesce(b.firmware, ''), coalesce(b.image, ''), h.life";
	_cleanup_buf_ struct ey_buf find = EY_BUF_INIT, add = EY_BUF_INIT;
	bool found = false;

	// Asked first: an insert that meets the same row would use up an id.
	ey_buf_printf(&find,
		      "SELECT g.id FROM exposure_groups g WHERE (g.site, g.model_id, g.kernel, "
		      "g.firmware, g.image, g.life) = (SELECT %s %s)",
		      values, same);
	struct ey_error *err = ey_buf_error(&find);
	if (!err)
		err = db_scalar(db, ret, &found, ey_buf_str(&find), db_int(boot_id));
	if (err || found)
		return err;
	ey_buf_printf(&add,
		      "INSERT INTO exposure_groups (site, model_id, kernel, firmware, image, life) "
		      "SELECT %s %s RETURNING id",
		      values, same);
	err = ey_buf_error(&add);
	return err ? err : db_scalar(db, ret, NULL, ey_buf_str(&add), db_int(boot_id));
}

struct ey_error *db_exposure_extend(struct db *db, int64_t boot_id, int64_t until)
{
	int64_t from = 0, group = 0;
	struct ey_error *err = db_scalar(
		db, &from, NULL, "SELECT counted_until FROM boots WHERE id = ?1", db_int(boot_id));

	if (err || !from || until <= from)
		return err;
	err = find_group(db, boot_id, &group);
	for (int64_t at = from; !err && at < until;) {
		int64_t day = at / DAY, end = EY_MIN(until, (day + 1) * DAY);

		err = db_run_later(
			db,
			"INSERT INTO exposure (day, group_id, seconds) VALUES (?1, ?2, ?3) "
			"ON CONFLICT (day, group_id) DO UPDATE SET "
			"seconds = exposure.seconds + excluded.seconds",
			db_int(day), db_int(group), db_int(end - at));
		at = end;
	}
	return err ? err
		   : db_run_later(db, "UPDATE boots SET counted_until = ?2 WHERE id = ?1",
				  db_int(boot_id), db_int(until));
}

static void read_row(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_exposure_row *r = item;

	r->id = db_column_int(st, 0);
	r->name = db_column_dup(st, 1, arena, failed);
	r->seconds = db_column_int(st, 2);
}

struct ey_error *db_exposure(struct db *db, enum db_exposure_by by,
			     const struct db_exposure_filter *f, struct db_exposure_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_sql_ struct db_sql sql = {0};
	bool model = by == DB_EXPOSURE_BY_MODEL;

	*ret = (struct db_exposure_list){0};
	db_sql_add(&sql, model ? "SELECT s.k, coalesce(m.vendor || ' ' || m.product, ''), s.n FROM "
				 "(SELECT "
			       : "SELECT 0, s.k, s.n FROM (SELECT ");
	db_sql_add(&sql, dimensions[by].column);
	db_sql_add(&sql, " AS k, sum(e.seconds) AS n FROM exposure e "
			 "JOIN exposure_groups g ON g.id = e.group_id");
	db_sql_where_int(&sql, "e.day >= ?", f->from);
	db_sql_where_int(&sql, "e.day < ?", f->to);
	db_sql_where_text(&sql, "g.site = ?", f->site);
	db_sql_where_int(&sql, "g.model_id = ?", f->model_id);
	if (f->only_watched)
		db_sql_where(&sql, "g.life <> 'maintenance' AND g.life <> ?",
			     db_text("decommissioned"));
	db_sql_add(&sql, by == DB_EXPOSURE_ALL ? ") s" : " GROUP BY 1) s");
	if (model)
		db_sql_add(&sql, " LEFT JOIN models m ON m.id = s.k");
	db_sql_bind(&sql, " WHERE s.n IS NOT NULL ORDER BY s.n DESC, s.k LIMIT ?",
		    db_int(DB_PAGE_MAX));
	struct ey_error *err = db_sql_query(db, &sql, &st);
	return err ? err : db_list_read(st, read_row, 0, ret, NULL);
}

void db_exposure_list_deinit(struct db_exposure_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_exposure_list){0};
}

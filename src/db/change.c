/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/change.h"

#include "db/sql.h"

// Hosts of this name, with domain or without, of the site where one is named.
static struct ey_error *add_host(struct db *db, const struct db_change_new *c, int64_t change_id,
				 const char *name, int64_t *count)
{
	int64_t known = 0;
	struct ey_error *err = db_scalar(
		db, &known, NULL,
		"SELECT count(*) FROM hosts h WHERE (h.hostname = ?1 OR (h.folder = ?1 AND "
		"h.site = coalesce(CAST(?2 AS TEXT), h.site))) AND (CAST(?2 AS TEXT) IS NULL OR "
		"h.site = ?2)",
		db_text(name), db_text(c->site));

	if (err)
		return err;
	if (!known && c->on_unknown)
		c->on_unknown(name, c->arg);
	*count += known;
	if (!known)
		return NULL;
	return db_run(db,
		      "INSERT INTO change_hosts (host_id, change_id) SELECT h.id, CAST(?3 AS "
		      "BIGINT) FROM hosts h WHERE (h.hostname = ?1 OR (h.folder = ?1 AND "
		      "h.site = coalesce(CAST(?2 AS TEXT), h.site))) AND (CAST(?2 AS TEXT) IS "
		      "NULL OR h.site = ?2) ON CONFLICT (host_id, change_id) DO NOTHING",
		      db_text(name), db_text(c->site), db_int(change_id));
}

static struct ey_error *add_label(struct db *db, const struct db_change_new *c, int64_t change_id)
{
	if (!c->label_name)
		return NULL;
	return db_run(db,
		      "INSERT INTO change_hosts (host_id, change_id) SELECT DISTINCT h.id, CAST(?4 "
		      "AS BIGINT) FROM host_labels l JOIN hosts h ON h.id = l.host_id WHERE "
		      "l.name = ?1 AND l.value = ?2 AND (CAST(?3 AS TEXT) IS NULL OR h.site = ?3) "
		      "ON CONFLICT (host_id, change_id) DO NOTHING",
		      db_text(c->label_name), db_text(c->label_value ? c->label_value : ""),
		      db_text(c->site), db_int(change_id));
}

static struct ey_error *find_key(struct db *db, const struct db_change_new *c,
				 struct db_change *ret, bool *found_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;

	*found_ret = false;
	if (!c->key)
		return NULL;
	struct ey_error *err =
		db_query(db, &st, "SELECT id, hosts FROM changes WHERE key = ?1", db_text(c->key));
	if (!err)
		err = db_step(st, found_ret);
	if (!err && *found_ret) {
		ret->id = db_column_int(st, 0);
		ret->hosts = db_column_int(st, 1);
	}
	return err;
}

struct ey_error *db_change_add(struct db *db, const struct db_change_new *c, int64_t now,
			       struct db_change *ret, bool *already_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t named = 0;

	*ret = (struct db_change){0};
	struct ey_error *err = db_begin(db, &txn);
	if (!err)
		err = find_key(db, c, ret, already_ret);
	if (err || *already_ret)
		return err ? err : db_commit(&txn);
	err = db_scalar(db, &ret->id, NULL,
			"INSERT INTO changes (key, time, received, site, everywhere, tool, what, "
			"link, who) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
			db_text(c->key), db_int(c->time), db_int(now),
			db_text(c->site ? c->site : ""), db_int(c->everywhere), db_text(c->tool),
			db_text(c->what), db_text(c->link ? c->link : ""),
			db_text(c->who ? c->who : ""));
	for (size_t i = 0; !err && i < c->host_count; i++)
		err = add_host(db, c, ret->id, c->hosts[i], &named);
	if (!err)
		err = add_label(db, c, ret->id);
	// Counted at the end: a host may be named twice, or by name and label.
	if (!err)
		err = db_scalar(db, &ret->hosts, NULL,
				"UPDATE changes SET hosts = (SELECT count(*) FROM change_hosts ch "
				"WHERE ch.change_id = ?1) WHERE id = ?1 RETURNING hosts",
				db_int(ret->id));
	return err ? err : db_commit(&txn);
}

static void read_change(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_change *c = item;

	c->id = db_column_int(st, 0);
	c->time = db_column_int(st, 1);
	c->received = db_column_int(st, 2);
	c->site = db_column_dup(st, 3, arena, failed);
	c->everywhere = db_column_int(st, 4);
	c->tool = db_column_dup(st, 5, arena, failed);
	c->what = db_column_dup(st, 6, arena, failed);
	c->link = db_column_dup(st, 7, arena, failed);
	c->who = db_column_dup(st, 8, arena, failed);
	c->hosts = db_column_int(st, 9);
}

struct ey_error *db_change_list(struct db *db, const struct db_change_filter *f,
				const struct db_page *page, struct db_change_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_change_list_ struct db_change_list list = {0};
	_cleanup_sql_ struct db_sql sql = {0};
	bool more, failed = false;
	unsigned int limit;

	*ret = (struct db_change_list){0};
	db_sql_add(&sql, "SELECT c.id, c.time, c.received, c.site, c.everywhere, c.tool, c.what, "
			 "c.link, c.who, c.hosts FROM changes c");
	if (f->host_id) {
		db_sql_where(&sql,
			     "(EXISTS (SELECT 1 FROM change_hosts ch WHERE ch.change_id = c.id AND "
			     "ch.host_id = ?)",
			     db_int(f->host_id));
		db_sql_bind(&sql,
			    " OR (c.everywhere = 1 AND (c.site = '' OR c.site = (SELECT h.site "
			    "FROM hosts h WHERE h.id = ?))))",
			    db_int(f->host_id));
	}
	db_sql_where_text(&sql, "c.site = ?", f->site);
	db_sql_where_text(&sql, "c.tool = ?", f->tool);
	db_sql_where_int(&sql, "c.time >= ?", f->since);
	db_sql_where_int(&sql, "c.time < ?", f->until);
	struct ey_error *err = db_sql_page(&sql, page, "c.time", "c.id", &limit);
	if (!err)
		err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_list_read(st, read_change, limit, &list, &more);
	if (!err && more) {
		const struct db_change *last = &list.items[list.count - 1];

		list.next = db_cursor_make(&list.arena, last->time, last->id, &failed);
	}
	if (err || failed)
		return err ? err : &ey_error_nomem;
	*ret = list;
	list = (struct db_change_list){0};
	return NULL;
}

void db_change_list_deinit(struct db_change_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_change_list){0};
}

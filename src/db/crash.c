/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/crash.h"

#include "db/sql.h"

/* Columns of a struct db_crash, in the order of read_crash(). */
#define CRASH_COLUMNS                                                                            \
	"c.id, c.time, c.received, c.uptime, c.host_id, c.site, h.hostname, c.boot_id, "         \
	"b.boot_uuid, c.model_id, m.vendor, m.product, c.firmware, c.kernel, c.kernel_version, " \
	"c.machine, c.reason_id, r.key, r.state, r.issue_id, r.crashes, c.is_new, c.kind, "      \
	"c.title, "                                                                              \
	"c.function, c.module, c.guilty, c.signature, c.comm, c.taint, c.cpu, c.pid, "           \
	"c.corrupted, c.engine, c.gaps, c.path, c.dump, c.dump_bytes, c.dump_format, "           \
	"c.dump_complete, c.purged"
#define CRASH_TABLES                                                                         \
	" FROM crashes c JOIN hosts h ON h.id = c.host_id JOIN boots b ON b.id = c.boot_id " \
	"JOIN reasons r ON r.id = c.reason_id LEFT JOIN models m ON m.id = c.model_id"

static void read_crash(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_crash *c = item;
	int i = 0;

	c->id = db_column_int(st, i++);
	c->time = db_column_int(st, i++);
	c->received = db_column_int(st, i++);
	c->uptime = db_column_int(st, i++);
	c->host_id = db_column_int(st, i++);
	c->site = db_column_dup(st, i++, arena, failed);
	c->hostname = db_column_dup(st, i++, arena, failed);
	c->boot_id = db_column_int(st, i++);
	c->boot_uuid = db_column_dup(st, i++, arena, failed);
	c->model_id = db_column_int(st, i++);
	c->vendor = db_column_dup(st, i++, arena, failed);
	c->product = db_column_dup(st, i++, arena, failed);
	c->firmware = db_column_dup(st, i++, arena, failed);
	c->kernel = db_column_dup(st, i++, arena, failed);
	c->kernel_version = db_column_dup(st, i++, arena, failed);
	c->machine = db_column_dup(st, i++, arena, failed);
	c->reason_id = db_column_int(st, i++);
	c->reason_key = db_column_dup(st, i++, arena, failed);
	c->reason_state = db_column_dup(st, i++, arena, failed);
	c->issue_id = db_column_int(st, i++);
	c->reason_crashes = db_column_int(st, i++);
	c->is_new = db_column_int(st, i++) != 0;
	c->kind = db_column_dup(st, i++, arena, failed);
	c->title = db_column_dup(st, i++, arena, failed);
	c->function = db_column_dup(st, i++, arena, failed);
	c->module = db_column_dup(st, i++, arena, failed);
	c->guilty = db_column_dup(st, i++, arena, failed);
	c->signature = db_column_dup(st, i++, arena, failed);
	c->comm = db_column_dup(st, i++, arena, failed);
	c->taint = db_column_dup(st, i++, arena, failed);
	c->cpu = db_column_int(st, i++);
	c->pid = db_column_int(st, i++);
	c->corrupted = db_column_int(st, i++) != 0;
	c->engine = db_column_dup(st, i++, arena, failed);
	c->gaps = db_column_int(st, i++);
	c->path = db_column_dup(st, i++, arena, failed);
	if (!db_dump_parse(db_column_text(st, i++), &c->dump))
		c->dump = DB_DUMP_NONE;
	c->dump_bytes = db_column_int(st, i++);
	c->dump_format = db_column_dup(st, i++, arena, failed);
	c->dump_complete = db_column_int(st, i++) != 0;
	c->purged = db_column_int(st, i++);
}

static void add_filter(struct db_sql *sql, const struct db_crash_filter *f)
{
	if (!f)
		return;
	db_sql_where_int(sql, "c.host_id = ?", f->host_id);
	db_sql_where_int(sql, "c.model_id = ?", f->model_id);
	db_sql_where_int(sql, "c.reason_id = ?", f->reason_id);
	db_sql_where_int(sql,
			 "c.id IN (SELECT ac.crash_id FROM alert_crashes ac WHERE ac.alert_id = ?)",
			 f->alert_id);
	db_sql_where_int(sql, "c.time >= ?", f->since);
	db_sql_where_int(sql, "c.time < ?", f->until);
	// Literals, for the planner to find the partial index.
	if (f->only_new || f->only_known) {
		db_sql_add(sql, sql->has_where ? " AND " : " WHERE ");
		db_sql_add(sql, f->only_new ? "c.is_new = 1" : "c.is_new = 0");
		sql->has_where = true;
	}
	db_sql_where_text(sql, "c.site = ?", f->site);
	db_sql_where_text(sql, "c.kernel = ?", f->kernel);
	db_sql_where_text(sql, "c.firmware = ?", f->firmware);
	db_sql_where_text(sql, "c.kind = ?", f->kind);
	db_sql_where_text(sql, "c.function = ?", f->function);
	db_sql_where_text(sql, "c.module = ?", f->module);
	db_sql_where_text(sql, "c.signature = ?", f->signature);
	db_sql_where_text(sql, "c.dump = ?", f->dump);
	db_sql_where_text(sql, "r.state = ?", f->reason_state);
	db_sql_where_like(sql,
			  "(lower(c.title) LIKE ? ESCAPE '!' OR lower(h.hostname) LIKE ? "
			  "ESCAPE '!' OR lower(coalesce(c.function, '')) LIKE ? ESCAPE '!' OR "
			  "lower(coalesce(c.comm, '')) LIKE ? ESCAPE '!' OR "
			  "lower(coalesce(c.kernel, '')) LIKE ? ESCAPE '!')",
			  f->text);
}

static struct ey_error *run_list(struct db *db, struct db_sql *sql, unsigned int limit,
				 struct db_crash_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_crashes_ struct db_crash_list list = {0};
	bool more, failed = false;
	struct ey_error *err = db_sql_query(db, sql, &st);

	if (!err)
		err = db_list_read(st, read_crash, limit, &list, &more);
	if (!err && more) {
		const struct db_crash *last = &list.items[list.count - 1];

		list.next = db_cursor_make(&list.arena, last->time, last->id, &failed);
	}
	if (err || failed)
		return err ? err : &ey_error_nomem;
	*ret = list;
	list = (struct db_crash_list){0};
	return NULL;
}

struct ey_error *db_crash_list(struct db *db, const struct db_crash_filter *filter,
			       const struct db_page *page, struct db_crash_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	unsigned int limit;

	*ret = (struct db_crash_list){0};
	db_sql_add(&sql, "SELECT " CRASH_COLUMNS CRASH_TABLES);
	add_filter(&sql, filter);
	struct ey_error *err = db_sql_page(&sql, page, "c.time", "c.id", &limit);
	return err ? err : run_list(db, &sql, limit, ret);
}

struct ey_error *db_crash_get(struct db *db, int64_t id, struct db_crash_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_crash_list){0};
	db_sql_add(&sql, "SELECT " CRASH_COLUMNS CRASH_TABLES);
	db_sql_where(&sql, "c.id = ?", db_int(id));
	struct ey_error *err = run_list(db, &sql, 1, ret);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no crash %lld", (long long)id);
	return err;
}

void db_crash_list_deinit(struct db_crash_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_crash_list){0};
}

struct ey_error *db_crash_count(struct db *db, const struct db_crash_filter *filter, int64_t *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row;

	*ret = 0;
	db_sql_add(&sql, "SELECT count(*)" CRASH_TABLES);
	add_filter(&sql, filter);
	struct ey_error *err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_step(st, &row);
	if (!err && row)
		*ret = db_column_int(st, 0);
	return err;
}

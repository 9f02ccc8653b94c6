/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/crash.h"

#include <stddef.h>

#include "db/scan.h"

/* Columns of a struct db_crash, in the order of read_crash(). */
#define CRASH_COLUMNS                                                                            \
	"c.id, c.time, c.received, c.uptime, c.host_id, c.site, h.hostname, c.boot_id, "         \
	"b.boot_uuid, c.model_id, m.vendor, m.product, c.firmware, c.kernel, c.kernel_version, " \
	"c.machine, c.reason_id, r.key, r.state, r.issue_id, r.crashes, c.is_new, c.kind, "      \
	"c.title, "                                                                              \
	"c.function, c.module, c.guilty, c.signature, c.comm, c.taint, c.cpu, c.pid, "           \
	"c.corrupted, c.engine, c.gaps, c.path, c.dump, c.dump_bytes, c.dump_format, "           \
	"c.dump_complete, c.purged"
#define CRASH_JOINS                                                           \
	" JOIN hosts h ON h.id = c.host_id JOIN boots b ON b.id = c.boot_id " \
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

#define TEXT(member)   DB_FILTER_TEXT, offsetof(struct db_crash_filter, member)
#define INT(member)    DB_FILTER_INT, offsetof(struct db_crash_filter, member)
#define RANGE(member)  DB_FILTER_RANGE, offsetof(struct db_crash_filter, member)
#define LIKE(member)   DB_FILTER_LIKE, offsetof(struct db_crash_filter, member)
#define PREFIX(member) DB_FILTER_PREFIX, offsetof(struct db_crash_filter, member)
#define FLAG(member)   DB_FILTER_FLAG, offsetof(struct db_crash_filter, member)

/* What drives stands first where it finds the fewest. */
static const struct db_filter_column columns[] = {
	{INT(host_id), "c.host_id = ?", "c.host_id + 0 = ?"},
	{TEXT(hostname), "c.host_id IN (SELECT fh.id FROM hosts fh WHERE fh.hostname = ?)",
	 "EXISTS (SELECT 1 FROM hosts fh WHERE fh.id = c.host_id AND fh.hostname || '' = ?)",
	 "SELECT coalesce(sum(crashes), 0) FROM hosts WHERE hostname = ?1"},
	{TEXT(signature),
	 "c.signature_id IN (SELECT fs.id FROM signatures fs WHERE fs.signature = ?)",
	 "c.signature = ?",
	 "SELECT coalesce(sum(crashes), 0) FROM signatures WHERE signature = ?1"},
	{INT(alert_id), "c.id IN (SELECT ac.crash_id FROM alert_crashes ac WHERE ac.alert_id = ?)",
	 "EXISTS (SELECT 1 FROM alert_crashes ac WHERE ac.alert_id = ? AND ac.crash_id = c.id)",
	 "SELECT crashes FROM alerts WHERE id = ?1"},
	{INT(reason_id), "c.reason_id = ?", "c.reason_id + 0 = ?"},
	{INT(issue_id), "c.reason_id IN (SELECT fr.id FROM reasons fr WHERE fr.issue_id = ?)",
	 "EXISTS (SELECT 1 FROM reasons fr WHERE fr.id = c.reason_id AND fr.issue_id + 0 = ?)",
	 "SELECT coalesce(sum(crashes), 0) FROM reasons WHERE issue_id = ?1"},
	{PREFIX(function), "c.function = ?", "c.function || '' = ?", .column = "c.function"},
	{TEXT(module), "c.module = ?", "c.module || '' = ?"},
	{TEXT(reason_state), "c.reason_id IN (SELECT fr.id FROM reasons fr WHERE fr.state = ?)",
	 "EXISTS (SELECT 1 FROM reasons fr WHERE fr.id = c.reason_id AND fr.state || '' = ?)",
	 "SELECT coalesce(sum(crashes), 0) FROM reasons WHERE state = ?1"},
	{FLAG(is_new), "c.is_new = 1", "c.is_new = ?"},
	{INT(model_id), "c.model_id = ?", "c.model_id + 0 = ?"},
	{TEXT(kernel), "c.kernel = ?", "c.kernel || '' = ?"},
	{TEXT(site), "c.site = ?", "c.site || '' = ?"},
	{RANGE(since), "c.time >= ?"},
	{RANGE(until), "c.time < ?"},
	{TEXT(firmware), "c.firmware = ?"},
	{TEXT(machine), "c.machine = ?"},
	{TEXT(kind), "c.kind = ?"},
	{TEXT(comm), "c.comm = ?"},
	{TEXT(engine), "c.engine = ?"},
	{TEXT(dump), "c.dump = ?"},
	{FLAG(corrupted), "c.corrupted = ?"},
	{PREFIX(guilty), "c.guilty = ?", .column = "c.guilty"},
	{TEXT(vendor),
	 "EXISTS (SELECT 1 FROM models fm WHERE fm.id = c.model_id AND fm.vendor = ?)"},
	{TEXT(product),
	 "EXISTS (SELECT 1 FROM models fm WHERE fm.id = c.model_id AND fm.product = ?)"},
	{LIKE(taint), "lower(coalesce(c.taint, '')) LIKE ? ESCAPE '!'"},
	{LIKE(kernel_version), "lower(coalesce(c.kernel_version, '')) LIKE ? ESCAPE '!'"},
	{LIKE(text),
	 "(lower(c.title) LIKE ? ESCAPE '!' OR lower(coalesce(c.function, '')) LIKE ? ESCAPE '!' "
	 "OR lower(coalesce(c.comm, '')) LIKE ? ESCAPE '!' OR lower(coalesce(c.kernel, '')) LIKE ? "
	 "ESCAPE '!' OR EXISTS (SELECT 1 FROM hosts fh WHERE fh.id = c.host_id AND "
	 "lower(fh.hostname) LIKE ? ESCAPE '!'))"},
};

static struct ey_error *make_plan(struct db *db, const struct db_crash_filter *filter,
				  const struct db_page *page, struct db_plan *ret)
{
	return db_plan_make(db, columns, EY_ARRAY_SIZE(columns), filter, "crashes c", "c.time",
			    "c.id", 0, page, ret);
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
	struct db_plan plan;
	unsigned int limit;
	struct ey_error *err = make_plan(db, filter, page, &plan);

	*ret = (struct db_crash_list){0};
	if (err)
		return err;
	// The page is found first and joined then: no planner begins at the other tables.
	db_sql_add(&sql, "SELECT " CRASH_COLUMNS " FROM (SELECT c.id FROM crashes c");
	db_plan_where(&plan, &sql);
	err = db_sql_page(&sql, page, "c.time", "c.id", &limit);
	db_sql_add(&sql, ") k JOIN crashes c ON c.id = k.id" CRASH_JOINS
			 " ORDER BY c.time DESC, c.id DESC");
	if (!err)
		err = run_list(db, &sql, limit, ret);
	return err ? err : db_plan_end(&plan, &ret->arena, &ret->next, &ret->bounded);
}

struct ey_error *db_crash_get(struct db *db, int64_t id, struct db_crash_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_crash_list){0};
	db_sql_add(&sql, "SELECT " CRASH_COLUMNS " FROM crashes c" CRASH_JOINS);
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

// The counters of what drives alone, where there are such.
static struct ey_error *count_by_counter(struct db *db, const struct db_crash_filter *f,
					 const struct db_plan *plan, int64_t *ret, bool *done)
{
	*done = !plan->rest && (!f || (!f->since && !f->until));
	if (!*done)
		return NULL;
	if (plan->driver < 0)
		return db_scalar_values(db, ret, NULL,
					"SELECT coalesce(sum(crashes), 0) FROM reasons", NULL, 0);
	if (f && f->host_id)
		return db_scalar(db, ret, NULL, "SELECT crashes FROM hosts WHERE id = ?1",
				 db_int(f->host_id));
	if (f && f->reason_id)
		return db_scalar(db, ret, NULL, "SELECT crashes FROM reasons WHERE id = ?1",
				 db_int(f->reason_id));
	*done = false;
	return NULL;
}

struct ey_error *db_crash_count(struct db *db, const struct db_crash_filter *filter, int64_t *ret,
				bool *exact_ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	struct db_plan plan;
	bool row = false, done;
	struct ey_error *err = make_plan(db, filter, NULL, &plan);

	*ret = 0;
	if (exact_ret)
		*exact_ret = true;
	if (!err)
		err = count_by_counter(db, filter, &plan, ret, &done);
	if (err || done)
		return err;
	db_sql_add(&sql, "SELECT count(*) FROM (SELECT 1 FROM crashes c");
	db_plan_where(&plan, &sql);
	db_sql_bind(&sql, " LIMIT ?) k", db_int(DB_COUNT_MAX + 1));
	err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	int64_t found = db_column_int(st, 0);
	*ret = EY_MIN(found, (int64_t)DB_COUNT_MAX);
	if (exact_ret)
		*exact_ret = found <= DB_COUNT_MAX && !plan.bounded;
	return NULL;
}

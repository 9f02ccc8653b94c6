/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/host.h"

#include <inttypes.h>
#include <stddef.h>

#include "db/scan.h"

#define HOST_COLUMNS                                                                          \
	"SELECT h.id, h.site, h.folder, h.hostname, h.machine_id, h.dmi_uuid, h.dmi_serial, " \
	"h.model_id, m.vendor, m.product, h.firmware, h.kernel, h.image, h.life, "            \
	"h.last_beat, h.first_seen, h.last_seen, "                                            \
	"h.crashes, h.reasons, (SELECT a.id FROM alerts a WHERE a.scope = 'host' AND "        \
	"a.subject_id = h.id AND a.resolved = 0) FROM hosts h "                               \
	"LEFT JOIN models m ON m.id = h.model_id"

static void read_host(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_host *h = item;
	int i = 0;

	h->id = db_column_int(st, i++);
	h->site = db_column_dup(st, i++, arena, failed);
	h->folder = db_column_dup(st, i++, arena, failed);
	h->hostname = db_column_dup(st, i++, arena, failed);
	h->machine_id = db_column_dup(st, i++, arena, failed);
	h->dmi_uuid = db_column_dup(st, i++, arena, failed);
	h->dmi_serial = db_column_dup(st, i++, arena, failed);
	h->model_id = db_column_int(st, i++);
	h->vendor = db_column_dup(st, i++, arena, failed);
	h->product = db_column_dup(st, i++, arena, failed);
	h->firmware = db_column_dup(st, i++, arena, failed);
	h->kernel = db_column_dup(st, i++, arena, failed);
	h->image = db_column_dup(st, i++, arena, failed);
	h->life = db_column_dup(st, i++, arena, failed);
	h->last_beat = db_column_int(st, i++);
	h->first_seen = db_column_int(st, i++);
	h->last_seen = db_column_int(st, i++);
	h->crashes = db_column_int(st, i++);
	h->reasons = db_column_int(st, i++);
	h->alert_id = db_column_int(st, i++);
}

static struct ey_error *run_list(struct db *db, struct db_sql *sql, enum db_host_order order,
				 unsigned int limit, struct db_host_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_hosts_ struct db_host_list list = {0};
	bool more, failed = false;
	struct ey_error *err = db_sql_query(db, sql, &st);

	if (!err)
		err = db_list_read(st, read_host, limit, &list, &more);
	if (!err && more) {
		const struct db_host *last = &list.items[list.count - 1];

		list.next = db_cursor_make(
			&list.arena, order == DB_HOSTS_BY_CRASHES ? last->crashes : last->last_seen,
			last->id, &failed);
	}
	if (err || failed)
		return err ? err : &ey_error_nomem;
	*ret = list;
	list = (struct db_host_list){0};
	return NULL;
}

#define TEXT(member)   DB_FILTER_TEXT, offsetof(struct db_host_filter, member)
#define INT(member)    DB_FILTER_INT, offsetof(struct db_host_filter, member)
#define RANGE(member)  DB_FILTER_RANGE, offsetof(struct db_host_filter, member)
#define LIKE(member)   DB_FILTER_LIKE, offsetof(struct db_host_filter, member)
#define PREFIX(member) DB_FILTER_PREFIX, offsetof(struct db_host_filter, member)

static const struct db_filter_column columns[] = {
	{PREFIX(hostname), "h.hostname = ?", "h.hostname || '' = ?",
	 "SELECT count(*) FROM hosts WHERE hostname = ?1", .column = "h.hostname"},
	{INT(reason_id), "h.id IN (SELECT rh.host_id FROM reason_hosts rh WHERE rh.reason_id = ?)",
	 "EXISTS (SELECT 1 FROM reason_hosts rh WHERE rh.reason_id = ? AND rh.host_id = h.id)",
	 "SELECT hosts FROM reasons WHERE id = ?1"},
	{INT(model_id), "h.model_id = ?", "h.model_id + 0 = ?",
	 .orders = 1U << DB_HOSTS_BY_LAST_SEEN},
	{TEXT(site), "h.site = ?", "h.site || '' = ?", .orders = 1U << DB_HOSTS_BY_LAST_SEEN},
	{RANGE(seen_since), "h.last_seen >= ?", .orders = 1U << DB_HOSTS_BY_LAST_SEEN},
	{RANGE(seen_until), "h.last_seen < ?", .orders = 1U << DB_HOSTS_BY_LAST_SEEN},
	{RANGE(min_crashes), "h.crashes >= ?", .orders = 1U << DB_HOSTS_BY_CRASHES},
	{TEXT(firmware), "h.firmware = ?"},
	{TEXT(life), "h.life = ?"},
	{TEXT(kernel), "h.kernel = ?"},
	{TEXT(vendor),
	 "EXISTS (SELECT 1 FROM models fm WHERE fm.id = h.model_id AND fm.vendor = ?)"},
	{TEXT(product),
	 "EXISTS (SELECT 1 FROM models fm WHERE fm.id = h.model_id AND fm.product = ?)"},
	{LIKE(text),
	 "(lower(h.hostname) LIKE ? ESCAPE '!' OR lower(h.folder) LIKE ? ESCAPE '!' OR EXISTS "
	 "(SELECT 1 FROM models fm WHERE fm.id = h.model_id AND lower(fm.vendor || ' ' || "
	 "fm.product) LIKE ? ESCAPE '!') OR EXISTS (SELECT 1 FROM host_aliases ha WHERE "
	 "ha.host_id = h.id AND lower(ha.value) LIKE ? ESCAPE '!'))"},
};

struct ey_error *db_host_list(struct db *db, const struct db_host_filter *f,
			      const struct db_page *page, struct db_host_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	enum db_host_order order = f ? f->order : DB_HOSTS_BY_LAST_SEEN;
	const char *value = order == DB_HOSTS_BY_CRASHES ? "h.crashes" : "h.last_seen";
	struct db_plan plan;
	unsigned int limit;
	struct ey_error *err = db_plan_make(db, columns, EY_ARRAY_SIZE(columns), f, "hosts h",
					    value, "h.id", order, page, &plan);

	*ret = (struct db_host_list){0};
	if (err)
		return err;
	db_sql_add(&sql, HOST_COLUMNS);
	db_plan_where(&plan, &sql);
	err = db_sql_page(&sql, page, value, "h.id", &limit);
	if (!err)
		err = run_list(db, &sql, order, limit, ret);
	return err ? err : db_plan_end(&plan, &ret->arena, &ret->next, &ret->bounded);
}

struct ey_error *db_host_get(struct db *db, int64_t id, struct db_host_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_host_list){0};
	db_sql_add(&sql, HOST_COLUMNS);
	db_sql_where(&sql, "h.id = ?", db_int(id));
	struct ey_error *err = run_list(db, &sql, DB_HOSTS_BY_LAST_SEEN, 1, ret);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no host %" PRId64, id);
	return err;
}

void db_host_list_deinit(struct db_host_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_host_list){0};
}

struct ey_error *db_host_find(struct db *db, const struct db_host_key *key, int64_t *id_ret,
			      size_t *found_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_sql_ struct db_sql sql = {0};
	bool row = true;

	*id_ret = 0;
	*found_ret = 0;
	db_sql_add(&sql, "SELECT id FROM hosts");
	if (key->dmi_uuid) {
		db_sql_where(&sql, "lower(dmi_uuid) = lower(?)", db_text(key->dmi_uuid));
	} else if (key->dmi_serial) {
		db_sql_where(&sql, "dmi_serial = ?", db_text(key->dmi_serial));
	} else {
		db_sql_where(&sql, "hostname = ?", db_text(key->hostname ? key->hostname : ""));
		db_sql_where_text(&sql, "site = ?", key->site);
	}
	db_sql_add(&sql, " ORDER BY id LIMIT 2");
	struct ey_error *err = db_sql_query(db, &sql, &st);
	while (!err && !(err = db_step(st, &row)) && row) {
		++*found_ret;
		*id_ret = *found_ret == 1 ? db_column_int(st, 0) : 0;
	}
	return err;
}

static void read_model(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_model *m = item;

	m->id = db_column_int(st, 0);
	m->vendor = db_column_dup(st, 1, arena, failed);
	m->product = db_column_dup(st, 2, arena, failed);
	m->hosts = db_column_int(st, 3);
	m->crashes = db_column_int(st, 4);
	m->last_seen = db_column_int(st, 5);
}

/* id 0: all of them. */
static struct ey_error *list_models(struct db *db, int64_t id, struct db_model_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(
		db, &st,
		"SELECT m.id, m.vendor, m.product, count(h.id), coalesce(sum(h.crashes), 0), "
		"coalesce(max(h.last_seen), 0) FROM models m LEFT JOIN hosts h ON h.model_id = "
		"m.id "
		"WHERE CAST(?1 AS BIGINT) = 0 OR m.id = ?1 GROUP BY m.id, m.vendor, m.product "
		"ORDER BY 5 DESC, m.id LIMIT ?2",
		db_int(id), db_int(DB_PAGE_MAX));

	*ret = (struct db_model_list){0};
	return err ? err : db_list_read(st, read_model, 0, ret, NULL);
}

struct ey_error *db_model_list(struct db *db, struct db_model_list *ret)
{
	return list_models(db, 0, ret);
}

struct ey_error *db_model_get(struct db *db, int64_t id, struct db_model_list *ret)
{
	struct ey_error *err = list_models(db, id > 0 ? id : -1, ret);

	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no model %" PRId64, id);
	return err;
}

void db_model_list_deinit(struct db_model_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_model_list){0};
}

static void read_boot(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_boot *b = item;

	b->id = db_column_int(st, 0);
	b->boot_uuid = db_column_dup(st, 1, arena, failed);
	b->kernel = db_column_dup(st, 2, arena, failed);
	b->firmware = db_column_dup(st, 3, arena, failed);
	b->started = db_column_int(st, 4);
	b->last_seen = db_column_int(st, 5);
	b->crash_id = db_column_int(st, 6);
	b->image = db_column_dup(st, 7, arena, failed);
	b->configuration_id = db_column_int(st, 8);
}

struct ey_error *db_host_boots(struct db *db, int64_t host_id, unsigned int limit,
			       struct db_boot_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT b.id, b.boot_uuid, b.kernel, b.firmware, b.started, b.last_seen, "
			 "(SELECT max(c.id) FROM crashes c WHERE c.boot_id = b.id), b.image, "
			 "b.configuration_id FROM boots b "
			 "WHERE b.host_id = ?1 ORDER BY b.last_seen DESC, b.id DESC LIMIT ?2",
			 db_int(host_id), db_int(limit ? limit : 100));

	*ret = (struct db_boot_list){0};
	return err ? err : db_list_read(st, read_boot, 0, ret, NULL);
}

void db_boot_list_deinit(struct db_boot_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_boot_list){0};
}

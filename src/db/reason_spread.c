/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/reason_spread.h"

#include <stdlib.h>

#include "db/sql.h"

struct row {
	int64_t time;
	int64_t is_new;
	int64_t host_id;
	int64_t model_id;
	/** "" where it is not known. */
	const char *kernel;
	const char *firmware;
	const char *site;
};

struct row_list {
	struct db_arena arena;
	struct row *items;
	size_t count;
};

static void row_list_deinit(struct row_list *list)
{
	db_arena_deinit(&list->arena);
}
#define _cleanup_row_list_ __attribute__((cleanup(row_list_deinit)))

static void read_row(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct row *r = item;

	r->time = db_column_int(st, 0);
	r->is_new = db_column_int(st, 1);
	r->host_id = db_column_int(st, 2);
	r->model_id = db_column_int(st, 3);
	r->kernel = db_column_dup(st, 4, arena, failed);
	r->firmware = db_column_dup(st, 5, arena, failed);
	r->site = db_column_dup(st, 6, arena, failed);
}

/** Where a row's group is: an id, or a text. */
static const struct {
	bool is_text;
	size_t offset;
	/** Names the group of id ?1: label and detail. */
	const char *name;
} kinds[DB_SPREAD_COUNT] = {
	[DB_SPREAD_KERNEL] = {true, offsetof(struct row, kernel)},
	[DB_SPREAD_MODEL] = {false, offsetof(struct row, model_id),
			     "SELECT trim(coalesce(vendor, '') || ' ' || coalesce(product, '')), "
			     "'' FROM models WHERE id = ?1"},
	[DB_SPREAD_FIRMWARE] = {true, offsetof(struct row, firmware)},
	[DB_SPREAD_SITE] = {true, offsetof(struct row, site)},
	[DB_SPREAD_HOST] = {false, offsetof(struct row, host_id),
			    "SELECT hostname, site FROM hosts WHERE id = ?1"},
};

static const char *text_of(const struct row *r, enum db_spread_by by)
{
	const char *s;

	memcpy(&s, (const char *)r + kinds[by].offset, sizeof(s));
	return s;
}

static int64_t id_of(const struct row *r, enum db_spread_by by)
{
	int64_t id;

	memcpy(&id, (const char *)r + kinds[by].offset, sizeof(id));
	return id;
}

static int compare_groups(const struct row *a, const struct row *b, enum db_spread_by by)
{
	if (kinds[by].is_text)
		return strcmp(text_of(a, by), text_of(b, by));
	int64_t x = id_of(a, by), y = id_of(b, by);
	return (x > y) - (x < y);
}

// By group, and within it by host: hosts that are the same stand together.
static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct row *x = a, *y = b;
	int order = compare_groups(x, y, *(const enum db_spread_by *)arg);

	return order ? order : (x->host_id > y->host_id) - (x->host_id < y->host_id);
}

// The most crashes first, then the most hosts, then as they were sorted before.
static int compare_tops(const void *a, const void *b)
{
	const struct db_top *x = a, *y = b;

	if (x->crashes != y->crashes)
		return x->crashes < y->crashes ? 1 : -1;
	if (x->hosts != y->hosts)
		return x->hosts < y->hosts ? 1 : -1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return strcmp(x->label, y->label);
}

static struct ey_error *name_groups(struct db *db, enum db_spread_by by, struct db_top_list *list)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < list->count; i++) {
		_cleanup_statement_ struct db_statement *st = NULL;
		struct db_top *t = &list->items[i];
		bool row = false, failed = false;

		if (kinds[by].is_text) {
			t->label = db_arena_strdup(&list->arena, t->label);
			failed = !t->label;
		} else {
			err = db_query(db, &st, kinds[by].name, db_int(t->id));
			if (!err)
				err = db_step(st, &row);
			if (!err && row) {
				t->label = db_column_dup(st, 0, &list->arena, &failed);
				t->detail = db_column_dup(st, 1, &list->arena, &failed);
			}
		}
		if (!err && failed)
			err = &ey_error_nomem;
	}
	return err;
}

static struct ey_error *group(struct db *db, struct row_list *rows, enum db_spread_by by,
			      struct db_top_list *ret)
{
	_cleanup_free_ struct db_top *tops = calloc(rows->count, sizeof(*tops));
	size_t count = 0;

	if (!tops)
		return &ey_error_nomem;
	qsort_r(rows->items, rows->count, sizeof(*rows->items), compare_rows, &by);
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *r = &rows->items[i], *before = i ? r - 1 : NULL;
		bool same = before && compare_groups(before, r, by) == 0;
		struct db_top *t = same ? &tops[count - 1] : &tops[count++];

		if (!same)
			*t = (struct db_top){.id = kinds[by].is_text ? 0 : id_of(r, by),
					     .label = kinds[by].is_text ? text_of(r, by) : "",
					     .detail = "",
					     .reasons = 1,
					     .first_seen = r->time,
					     .last_seen = r->time};
		t->crashes++;
		t->hosts += !same || before->host_id != r->host_id;
		t->new_reasons += r->is_new;
		t->first_seen = EY_MIN(t->first_seen, r->time);
		t->last_seen = EY_MAX(t->last_seen, r->time);
	}
	qsort(tops, count, sizeof(*tops), compare_tops);
	ret->count = EY_MIN(count, (size_t)DB_SPREAD_GROUPS);
	ret->more = (int64_t)(count - ret->count);
	ret->items = db_arena_alloc(&ret->arena, ret->count * sizeof(*ret->items));
	if (!ret->items)
		return &ey_error_nomem;
	memcpy(ret->items, tops, ret->count * sizeof(*ret->items));
	return name_groups(db, by, ret);
}

static struct ey_error *read_newest(struct db *db, int64_t reason_id, struct row_list *rows,
				    struct db_spread *spread)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT time, is_new, host_id, coalesce(model_id, 0), kernel, firmware, "
			 "site FROM crashes WHERE reason_id = ?1 ORDER BY time DESC, id DESC "
			 "LIMIT ?2",
			 db_int(reason_id), db_int(DB_SPREAD_CRASHES + 1));

	if (!err)
		err = db_list_read(st, read_row, DB_SPREAD_CRASHES, rows, &spread->complete);
	if (err)
		return err;
	spread->complete = !spread->complete;
	spread->crashes = (int64_t)rows->count;
	spread->since = rows->count ? rows->items[rows->count - 1].time : 0;
	return NULL;
}

struct ey_error *db_reason_spread(struct db *db, int64_t reason_id, struct db_spread *ret)
{
	_cleanup_row_list_ struct row_list rows = {0};
	_cleanup_spread_ struct db_spread spread = {0};
	struct ey_error *err = read_newest(db, reason_id, &rows, &spread);

	*ret = (struct db_spread){0};
	for (enum db_spread_by by = 0; !err && rows.count && by < DB_SPREAD_COUNT; by++)
		err = group(db, &rows, by, &spread.by[by]);
	if (err)
		return err;
	*ret = spread;
	spread = (struct db_spread){0};
	return NULL;
}

void db_spread_deinit(struct db_spread *spread)
{
	for (size_t i = 0; i < DB_SPREAD_COUNT; i++)
		db_top_list_deinit(&spread->by[i]);
	*spread = (struct db_spread){0};
}

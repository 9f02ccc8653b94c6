/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was done to reasons, and by what one can be split. */
#include <inttypes.h>

#include "db/reason_change.h"
#include "db/sql.h"

#define CHANGE_COLUMNS                                                                          \
	"SELECT c.id, c.what, c.from_id, f.key, f.title, c.to_id, t.key, t.title, c.field, "    \
	"c.value, c.time, c.who, c.why, c.undone, c.undone_by, c.undone_why, (SELECT count(*) " \
	"FROM reason_sweeps s WHERE s.change_id = c.id) FROM reason_changes c JOIN reasons f "  \
	"ON f.id = c.from_id JOIN reasons t ON t.id = c.to_id "

static void read_change(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_reason_change *c = item;
	int i = 0;

	c->id = db_column_int(st, i++);
	c->what = db_column_dup(st, i++, arena, failed);
	c->from_id = db_column_int(st, i++);
	c->from_key = db_column_dup(st, i++, arena, failed);
	c->from_title = db_column_dup(st, i++, arena, failed);
	c->to_id = db_column_int(st, i++);
	c->to_key = db_column_dup(st, i++, arena, failed);
	c->to_title = db_column_dup(st, i++, arena, failed);
	c->field = db_column_dup(st, i++, arena, failed);
	c->value = db_column_dup(st, i++, arena, failed);
	c->time = db_column_int(st, i++);
	c->who = db_column_dup(st, i++, arena, failed);
	c->why = db_column_dup(st, i++, arena, failed);
	c->undone = db_column_int(st, i++);
	c->undone_by = db_column_dup(st, i++, arena, failed);
	c->undone_why = db_column_dup(st, i++, arena, failed);
	c->moving = db_column_int(st, i++) != 0;
}

struct ey_error *db_reason_history(struct db *db, int64_t reason_id, unsigned int limit,
				   struct db_reason_change_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st,
					CHANGE_COLUMNS "WHERE c.from_id = ?1 OR c.to_id = ?1 "
						       "ORDER BY c.id DESC LIMIT ?2",
					db_int(reason_id), db_int(limit ? limit : 200));

	*ret = (struct db_reason_change_list){0};
	return err ? err : db_list_read(st, read_change, 0, ret, NULL);
}

struct ey_error *db_reason_change_get(struct db *db, int64_t change_id,
				      struct db_reason_change_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st, CHANGE_COLUMNS "WHERE c.id = ?1", db_int(change_id));

	*ret = (struct db_reason_change_list){0};
	if (!err)
		err = db_list_read(st, read_change, 0, ret, NULL);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no change %" PRId64 " of reasons",
				      change_id);
	return err;
}

void db_reason_change_list_deinit(struct db_reason_change_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_reason_change_list){0};
}

static void read_value(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_reason_value *v = item;

	v->value = db_column_dup(st, 0, arena, failed);
	v->crashes = db_column_int(st, 1);
	v->hosts = db_column_int(st, 2);
}

struct ey_error *db_reason_values(struct db *db, int64_t reason_id, enum db_split_field field,
				  unsigned int limit, struct db_reason_value_list *ret)
{
	static const char *const queries[] = {
#define VALUES_OF(column)                                                                       \
	"SELECT v, count(*), count(DISTINCT host_id) FROM (SELECT " column " AS v, host_id "    \
	"FROM crashes WHERE reason_id = ?1 ORDER BY time DESC, id DESC LIMIT ?2) s WHERE v IS " \
	"NOT NULL AND v <> '' GROUP BY v ORDER BY 2 DESC, 1 LIMIT ?3"
		[DB_SPLIT_SIGNATURE] = VALUES_OF("signature"),
		[DB_SPLIT_GUILTY] = VALUES_OF("guilty"),
		[DB_SPLIT_KERNEL] = VALUES_OF("kernel"),
#undef VALUES_OF
	};
	_cleanup_statement_ struct db_statement *st = NULL;

	*ret = (struct db_reason_value_list){0};
	if (field == DB_SPLIT_NONE)
		return ey_error_create(EY_ERR_USAGE, "by signature, guilty or kernel");
	struct ey_error *err = db_query(db, &st, queries[field], db_int(reason_id),
					db_int(DB_REASON_SAMPLE), db_int(limit ? limit : 50));
	return err ? err : db_list_read(st, read_value, 0, ret, NULL);
}

void db_reason_value_list_deinit(struct db_reason_value_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_reason_value_list){0};
}

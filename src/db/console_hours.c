/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/console_hours.h"

#include "db/sql.h"

enum { HOUR = 3600, MAX_HOURS = 1000 };

void db_hour_list_deinit(struct db_hour_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_hour_list){0};
}

struct ey_error *db_console_hours(struct db *db, int64_t since, int64_t until,
				  struct db_hour_list *ret)
{
	_cleanup_hours_ struct db_hour_list list = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = true;

	if (since < 0 || until <= since)
		return ey_error_create(EY_ERR_USAGE, "counting by hour needs a begin and an end");
	int64_t first = since / HOUR, last = (until - 1) / HOUR;
	if (last - first >= MAX_HOURS)
		return ey_error_create(EY_ERR_USAGE, "more than %d hours", MAX_HOURS);
	list.count = (size_t)(last - first + 1);
	list.items = db_arena_alloc(&list.arena, list.count * sizeof(*list.items));
	if (!list.items)
		return &ey_error_nomem;
	for (size_t i = 0; i < list.count; i++)
		list.items[i].hour = (first + (int64_t)i) * HOUR;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT time / 3600, count(*), count(DISTINCT host_id), sum(is_new) "
			 "FROM crashes WHERE time >= ?1 AND time < ?2 GROUP BY 1",
			 db_int(first * HOUR), db_int((last + 1) * HOUR));
	while (!err && !(err = db_step(st, &row)) && row) {
		struct db_hour *h = &list.items[db_column_int(st, 0) - first];

		h->crashes = db_column_int(st, 1);
		h->hosts = db_column_int(st, 2);
		h->new_reasons = db_column_int(st, 3);
	}
	if (err)
		return err;
	*ret = list;
	list = (struct db_hour_list){0};
	return NULL;
}

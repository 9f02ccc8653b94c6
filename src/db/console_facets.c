/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/console_facets.h"

#include "db/sql.h"

enum { MAX_WORDS = 50 };

void db_word_list_deinit(struct db_word_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_word_list){0};
}

struct ey_error *db_console_facet(struct db *db, enum db_facet facet, struct db_word_list *ret)
{
	static const char *const sql[] = {
		[DB_FACET_KIND] = "SELECT 0, kind, sum(crashes) FROM reasons GROUP BY kind "
				  "ORDER BY 3 DESC, 2 LIMIT 50",
		[DB_FACET_KERNEL] = "SELECT 0, kernel, count(*) FROM crashes WHERE kernel IS NOT "
				    "NULL GROUP BY kernel ORDER BY 3 DESC, 2 LIMIT 50",
		[DB_FACET_MODEL] =
			"SELECT m.id, trim(coalesce(m.vendor, '') || ' ' || coalesce(m.product, "
			"'')), "
			"count(*) FROM crashes c JOIN models m ON m.id = c.model_id GROUP BY m.id "
			"ORDER BY 3 DESC, 2 LIMIT 50",
		[DB_FACET_SITE] = "SELECT 0, site, sum(crashes) FROM hosts GROUP BY site "
				  "ORDER BY 3 DESC, 2 LIMIT 50",
	};
	_cleanup_words_ struct db_word_list list = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = true, failed = false;

	list.items = db_arena_alloc(&list.arena, MAX_WORDS * sizeof(*list.items));
	if (!list.items)
		return &ey_error_nomem;
	struct ey_error *err = db_query_values(db, &st, sql[facet], NULL, 0);
	while (!err && list.count < MAX_WORDS && !(err = db_step(st, &row)) && row) {
		struct db_word *w = &list.items[list.count++];

		w->id = db_column_int(st, 0);
		w->label = db_column_dup(st, 1, &list.arena, &failed);
		w->crashes = db_column_int(st, 2);
		if (failed)
			err = &ey_error_nomem;
	}
	if (err)
		return err;
	*ret = list;
	list = (struct db_word_list){0};
	return NULL;
}

struct ey_error *db_console_new_reasons(struct db *db, int64_t since, int64_t *ret)
{
	*ret = 0;
	return db_scalar(db, ret, NULL, "SELECT count(*) FROM reasons WHERE first_seen >= ?1",
			 db_int(since));
}

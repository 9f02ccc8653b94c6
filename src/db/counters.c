/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/counters.h"

#include "db/sql.h"

void db_counters_deinit(struct db_counters *c)
{
	db_arena_deinit(&c->arena);
	*c = (struct db_counters){0};
}

static struct ey_error *read_kind(struct db *db, enum db_counter_kind kind, const char *sql,
				  struct db_counters *c)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st, sql, db_int(DB_COUNTERS_OF_KIND));
	bool row = true, failed = false;
	size_t end = c->count + DB_COUNTERS_OF_KIND;

	while (!err && c->count < end && !(err = db_step(st, &row)) && row) {
		struct db_counter *item = &c->items[c->count++];

		item->kind = kind;
		item->name = db_column_dup(st, 0, &c->arena, &failed);
		item->value = db_column_int(st, 1);
		if (failed)
			err = &ey_error_nomem;
	}
	return err;
}

static struct ey_error *read_all(struct db *db, struct db_counters *c)
{
	static const char *const lists[] = {
		[DB_COUNT_SITE] = "SELECT site, sum(crashes) FROM hosts GROUP BY site ORDER BY 2 "
				  "DESC, 1 LIMIT ?1",
		[DB_COUNT_KIND] = "SELECT kind, sum(crashes) FROM reasons GROUP BY kind ORDER BY 2 "
				  "DESC, 1 LIMIT ?1",
		[DB_COUNT_STATE] = "SELECT state, count(*) FROM reasons GROUP BY state ORDER BY 2 "
				   "DESC, 1 LIMIT ?1",
		[DB_COUNT_SCOPE] = "SELECT scope, count(*) FROM alerts WHERE resolved = 0 GROUP BY "
				   "scope ORDER BY 2 DESC, 1 LIMIT ?1",
		[DB_COUNT_SITE_WAITING] =
			"SELECT name, queue FROM sites ORDER BY 2 DESC, 1 LIMIT ?1",
		[DB_COUNT_SITE_SEEN] = "SELECT name, last_seen FROM sites ORDER BY 2, 1 LIMIT ?1",
		[DB_COUNT_SITE_REFUSED] =
			"SELECT name, refused FROM sites ORDER BY 2 DESC, 1 LIMIT ?1",
	};
	const struct {
		const char *sql;
		int64_t *to;
	} numbers[] = {
		{"SELECT count(*) FROM hosts", &c->hosts},
		{"SELECT count(*) FROM folders WHERE has_dump = 1", &c->dumps},
		{"SELECT coalesce(sum(dump_bytes), 0) FROM folders WHERE has_dump = 1",
		 &c->dump_bytes},
		{"SELECT count(*) FROM outbox WHERE sent = 0 AND given_up = 0", &c->mails_waiting},
		{"SELECT coalesce(sum(waiting), 0) FROM forward_line", &c->forward_waiting},
		{"SELECT coalesce(sum(refused), 0) FROM forward_line", &c->forward_refused},
		{"SELECT count(*) FROM forward_line WHERE active = 1 AND down_since > 0",
		 &c->forward_down},
	};
	struct ey_error *err = NULL;

	c->items = db_arena_alloc(&c->arena,
				  EY_ARRAY_SIZE(lists) * DB_COUNTERS_OF_KIND * sizeof(*c->items));
	if (!c->items)
		return &ey_error_nomem;
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(lists); i++)
		err = read_kind(db, (enum db_counter_kind)i, lists[i], c);
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(numbers); i++)
		err = db_scalar_values(db, numbers[i].to, NULL, numbers[i].sql, NULL, 0);
	return err;
}

struct ey_error *db_counters_read(struct db *db, struct db_counters *ret)
{
	struct db_counters fresh = {0};
	struct ey_error *err = read_all(db, &fresh);

	if (err) {
		db_counters_deinit(&fresh);
		return err;
	}
	db_counters_deinit(ret);
	*ret = fresh;
	return NULL;
}

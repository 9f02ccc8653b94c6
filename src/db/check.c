/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "db/copy.h"
#include "db/sql.h"

/**
 * Numbers that are kept in the transaction that changes them, and the count that each must equal.
 * Of purged crashes, of late ones and of joined ones alike.
 */
static const struct counter {
	const char *table;
	const char *column;
	/** What it counts, for people. */
	const char *what;
	/** Gives the number for the row that is called "t". */
	const char *count;
} counters[] = {
	{"reasons", "crashes", "the number of crashes is",
	 "(SELECT count(*) FROM crashes c WHERE c.reason_id = t.id)"},
	{"reasons", "hosts", "the number of hosts is",
	 "(SELECT count(DISTINCT c.host_id) FROM crashes c WHERE c.reason_id = t.id)"},
	{"reasons", "dumps", "the number of dumps is",
	 "(SELECT count(*) FROM crashes c WHERE c.reason_id = t.id AND c.dump = 'kept')"},
	{"hosts", "crashes", "the number of crashes is",
	 "(SELECT count(*) FROM crashes c WHERE c.host_id = t.id)"},
	{"hosts", "reasons", "the number of reasons is",
	 "(SELECT count(DISTINCT c.reason_id) FROM crashes c WHERE c.host_id = t.id)"},
	{"signatures", "crashes", "the number of crashes is",
	 "(SELECT count(*) FROM crashes c WHERE c.signature_id = t.id)"},
	{"reason_hosts", "crashes", "the number of crashes is",
	 "(SELECT count(*) FROM crashes c WHERE c.reason_id = t.reason_id AND c.host_id = "
	 "t.host_id)"},
	// A reason that was merged into another keeps its times.
	{"reasons", "first_seen", "the first time is",
	 "coalesce((SELECT min(c.time) FROM crashes c WHERE c.reason_id = t.id), t.first_seen)"},
	{"reasons", "last_seen", "the last time is",
	 "coalesce((SELECT max(c.time) FROM crashes c WHERE c.reason_id = t.id), t.last_seen)"},
	{"signatures", "first_seen", "the first time is",
	 "coalesce((SELECT min(c.time) FROM crashes c WHERE c.signature_id = t.id), t.first_seen)"},
	{"signatures", "last_seen", "the last time is",
	 "coalesce((SELECT max(c.time) FROM crashes c WHERE c.signature_id = t.id), t.last_seen)"},
	{"reason_hosts", "last_seen", "the last time is",
	 "(SELECT max(c.time) FROM crashes c WHERE c.host_id = t.host_id AND c.reason_id + 0 = "
	 "t.reason_id)"},
};

/* What reason_dumps must hold, but for groups that no crash belongs to any more. */
#define DUMP_GROUPS                                                                             \
	"SELECT reason_id, coalesce(kernel, '') AS kernel, coalesce(model_id, 0) AS model_id, " \
	"count(*) AS crashes, sum(CASE WHEN dump IN ('kept', 'purged') THEN 1 ELSE 0 END) "     \
	"AS dumps FROM crashes GROUP BY reason_id, coalesce(kernel, ''), coalesce(model_id, 0)"

static void read_problem(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	*(const char **)item = db_column_dup(st, 0, arena, failed);
}

static struct ey_error *append(struct db_problem_list *list, const char *text)
{
	const char **items = db_arena_alloc(&list->arena, (list->count + 1) * sizeof(*items));
	const char *copy = db_arena_strdup(&list->arena, text);

	if (!items || !copy)
		return &ey_error_nomem;
	if (list->count)
		memcpy(items, list->items, list->count * sizeof(*items));
	items[list->count++] = copy;
	list->items = items;
	return NULL;
}

static struct ey_error *check_counter(struct db *db, const struct counter *c,
				      struct db_problem_list *list)
{
	char sql[640], text[160];
	int64_t wrong = 0;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s t WHERE t.%s <> %s", c->table,
		 c->column, c->count);
	struct ey_error *err = db_scalar_values(db, &wrong, NULL, sql, NULL, 0);
	if (err || !wrong)
		return err;
	snprintf(text, sizeof(text), "%s wrong in %lld row%s of %s", c->what, (long long)wrong,
		 wrong == 1 ? "" : "s", c->table);
	return append(list, text);
}

// What boots say was counted of them, and what stands by day and group.
static struct ey_error *check_exposure(struct db *db, struct db_problem_list *list)
{
	int64_t apart = 0;
	struct ey_error *err = db_scalar_values(
		db, &apart, NULL,
		"SELECT (SELECT coalesce(sum(counted_until - counted_from), 0) FROM boots) - "
		"(SELECT coalesce(sum(seconds), 0) FROM exposure)",
		NULL, 0);

	return err || !apart ? err
			     : append(list, "exposure by day is not the sum of that of boots");
}

static struct ey_error *check_dump_groups(struct db *db, struct db_problem_list *list)
{
	int64_t wrong = 0;
	char text[120];
	struct ey_error *err = db_scalar_values(
		db, &wrong, NULL,
		"SELECT count(*) FROM (" DUMP_GROUPS ") g LEFT JOIN reason_dumps t ON "
		"t.reason_id = g.reason_id AND t.kernel = g.kernel AND t.model_id = g.model_id "
		"WHERE t.reason_id IS NULL OR t.crashes <> g.crashes OR t.dumps <> g.dumps",
		NULL, 0);

	if (err || !wrong)
		return err;
	snprintf(text, sizeof(text),
		 "the number of crashes or dumps is wrong in %lld row%s of "
		 "reason_dumps",
		 (long long)wrong, wrong == 1 ? "" : "s");
	return append(list, text);
}

struct ey_error *db_check(struct db *db, struct db_problem_list *ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_problems_ struct db_problem_list list = {0};
	struct ey_error *err = db_begin(db, &txn);

	*ret = (struct db_problem_list){0};
	if (!err && db->backend->check_sql) {
		_cleanup_statement_ struct db_statement *st = NULL;

		err = db_query_values(db, &st, db->backend->check_sql, NULL, 0);
		if (!err)
			err = db_list_read(st, read_problem, 100, &list, NULL);
	}
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(counters); i++)
		err = check_counter(db, &counters[i], &list);
	if (!err)
		err = check_exposure(db, &list);
	if (!err)
		err = check_dump_groups(db, &list);
	if (err)
		return err;
	*ret = list;
	list = (struct db_problem_list){0};
	return NULL;
}

void db_problem_list_deinit(struct db_problem_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_problem_list){0};
}

struct ey_error *db_rebuild_counters(struct db *db)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	// Who was counted under a reason once and no more (a crash that went to another).
	if (!err)
		err = db_exec(db, "DELETE FROM reason_hosts WHERE NOT EXISTS (SELECT 1 FROM "
				  "crashes c WHERE c.reason_id = reason_hosts.reason_id AND "
				  "c.host_id = reason_hosts.host_id)");
	if (!err)
		err = db_exec(db, "INSERT INTO reason_hosts (reason_id, host_id, crashes, "
				  "last_seen) SELECT c.reason_id, c.host_id, count(*), max(c.time) "
				  "FROM crashes c WHERE NOT EXISTS (SELECT 1 FROM reason_hosts h "
				  "WHERE h.reason_id = c.reason_id AND h.host_id = c.host_id) "
				  "GROUP BY c.reason_id, c.host_id");
	if (!err)
		err = db_exec(db, "DELETE FROM reason_dumps");
	if (!err)
		err = db_exec(db, "INSERT INTO reason_dumps (reason_id, kernel, model_id, crashes, "
				  "dumps) " DUMP_GROUPS);
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(counters); i++) {
		const struct counter *c = &counters[i];
		char sql[640];

		snprintf(sql, sizeof(sql), "UPDATE %s AS t SET %s = %s WHERE t.%s <> %s", c->table,
			 c->column, c->count, c->column, c->count);
		err = db_exec(db, sql);
	}
	return err ? err : db_commit(&txn);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "db/copy.h"
#include "db/sql.h"

/**
 * What is counted from the crashes, of purged ones, of late ones and of joined ones alike: each is
 * one pass over them, into a table of this connection. Those of reasons and hosts go on from the
 * pairs.
 */
static const struct {
	const char *table;
	const char *count;
	const char *key;
} counts[] = {
	{"counted_reason_hosts",
	 "SELECT reason_id, host_id, count(*) AS crashes, max(time) AS last_seen FROM crashes "
	 "GROUP BY reason_id, host_id ORDER BY reason_id, host_id",
	 "reason_id, host_id"},
	{"counted_reasons",
	 "SELECT c.id, c.crashes, p.hosts, c.dumps, c.first_seen, c.last_seen FROM (SELECT "
	 "reason_id AS id, count(*) AS crashes, sum(CASE WHEN dump = 'kept' THEN 1 ELSE 0 END) "
	 "AS dumps, min(time) AS first_seen, max(time) AS last_seen FROM crashes GROUP BY "
	 "reason_id) c JOIN (SELECT reason_id AS id, count(*) AS hosts FROM counted_reason_hosts "
	 "GROUP BY reason_id) p ON p.id = c.id ORDER BY c.id",
	 "id"},
	{"counted_hosts",
	 "SELECT host_id AS id, sum(crashes) AS crashes, count(*) AS reasons FROM "
	 "counted_reason_hosts GROUP BY host_id ORDER BY host_id",
	 "id"},
	{"counted_signatures",
	 "SELECT signature_id AS id, count(*) AS crashes, min(time) AS first_seen, max(time) AS "
	 "last_seen FROM crashes WHERE signature_id IS NOT NULL GROUP BY signature_id ORDER BY "
	 "signature_id",
	 "id"},
	{"counted_reason_dumps",
	 "SELECT reason_id, coalesce(kernel, '') AS kernel, coalesce(model_id, 0) AS model_id, "
	 "count(*) AS crashes, sum(CASE WHEN dump IN ('kept', 'purged') THEN 1 ELSE 0 END) AS "
	 "dumps FROM crashes GROUP BY reason_id, coalesce(kernel, ''), coalesce(model_id, 0) "
	 "ORDER BY 1, 2, 3",
	 "reason_id, kernel, model_id"},
};

#define ON_ID	 "e.id = t.id"
#define ON_PAIR	 "e.reason_id = t.reason_id AND e.host_id = t.host_id"
#define ON_GROUP "e.reason_id = t.reason_id AND e.kernel = t.kernel AND e.model_id = t.model_id"

/** Numbers that are kept in the transaction that changes them, and were counted now. */
static const struct counter {
	const char *table;
	const char *column;
	/** Which row of "counted_" and the table is that of the table's row "t". */
	const char *on;
	/** What it is where nothing was counted. A reason that was merged keeps its times. */
	const char *none;
	/** For people. */
	const char *what;
} counters[] = {
	{"reasons", "crashes", ON_ID, "0", "the number of crashes is"},
	{"reasons", "hosts", ON_ID, "0", "the number of hosts is"},
	{"reasons", "dumps", ON_ID, "0", "the number of dumps is"},
	{"hosts", "crashes", ON_ID, "0", "the number of crashes is"},
	{"hosts", "reasons", ON_ID, "0", "the number of reasons is"},
	{"signatures", "crashes", ON_ID, "0", "the number of crashes is"},
	{"reasons", "first_seen", ON_ID, "t.first_seen", "the first time is"},
	{"reasons", "last_seen", ON_ID, "t.last_seen", "the last time is"},
	{"signatures", "first_seen", ON_ID, "t.first_seen", "the first time is"},
	{"signatures", "last_seen", ON_ID, "t.last_seen", "the last time is"},
	{"reason_hosts", "crashes", ON_PAIR, "0", "the number of crashes is"},
	{"reason_hosts", "last_seen", ON_PAIR, "t.last_seen", "the last time is"},
	{"reason_dumps", "crashes", ON_GROUP, "0", "the number of crashes is"},
	{"reason_dumps", "dumps", ON_GROUP, "0", "the number of dumps is"},
};

/** Tables that have a row for each that was counted, and no others. */
static const struct {
	const char *table;
	const char *columns;
	const char *on;
} kept_rows[] = {
	{"reason_hosts", "reason_id, host_id, crashes, last_seen", ON_PAIR},
	{"reason_dumps", "reason_id, kernel, model_id, crashes, dumps", ON_GROUP},
};

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

static struct ey_error *drop_counts(struct db *db)
{
	struct ey_error *err = NULL;

	for (size_t i = EY_ARRAY_SIZE(counts); !err && i--;) {
		char sql[64];

		snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS %s", counts[i].table);
		err = db_exec(db, sql);
	}
	return err;
}

// In the transaction that compares them: no crash comes in between.
static struct ey_error *count_anew(struct db *db)
{
	struct ey_error *err = drop_counts(db);

	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(counts); i++) {
		const char *table = counts[i].table;
		char sql[1024];

		snprintf(sql, sizeof(sql),
			 "CREATE TEMPORARY TABLE %s AS %s; CREATE UNIQUE INDEX %s_key ON %s (%s); "
			 "ANALYZE %s",
			 table, counts[i].count, table, table, counts[i].key, table);
		err = db_exec(db, sql);
	}
	return err;
}

static struct ey_error *found_wrong(struct db_problem_list *list, const char *what, int64_t rows,
				    const char *verb, const char *table)
{
	char text[160];

	snprintf(text, sizeof(text), "%s %lld row%s %s %s", what, (long long)rows,
		 rows == 1 ? "" : "s", verb, table);
	return append(list, text);
}

static struct ey_error *count_wrong(struct db *db, const struct counter *c, int64_t *ret)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM %s t LEFT JOIN counted_%s e ON %s WHERE t.%s <> "
		 "coalesce(e.%s, %s)",
		 c->table, c->table, c->on, c->column, c->column, c->none);
	return db_scalar_values(db, ret, NULL, sql, NULL, 0);
}

static struct ey_error *check_counter(struct db *db, const struct counter *c,
				      struct db_problem_list *list)
{
	int64_t wrong = 0;
	char what[64];
	struct ey_error *err = count_wrong(db, c, &wrong);

	if (err || !wrong)
		return err;
	snprintf(what, sizeof(what), "%s wrong in", c->what);
	return found_wrong(list, what, wrong, "of", c->table);
}

static struct ey_error *check_rows(struct db *db, size_t i, struct db_problem_list *list)
{
	int64_t missing = 0;
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM counted_%s e LEFT JOIN %s t ON %s WHERE t.reason_id IS NULL",
		 kept_rows[i].table, kept_rows[i].table, kept_rows[i].on);
	struct ey_error *err = db_scalar_values(db, &missing, NULL, sql, NULL, 0);
	return err || !missing ? err
			       : found_wrong(list, "there is no count in", missing,
					     "that belong to", kept_rows[i].table);
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

static struct ey_error *check_all(struct db *db, struct db_problem_list *list)
{
	struct ey_error *err = NULL;

	if (db->backend->check_sql) {
		_cleanup_statement_ struct db_statement *st = NULL;

		err = db_query_values(db, &st, db->backend->check_sql, NULL, 0);
		if (!err)
			err = db_list_read(st, read_problem, 100, list, NULL);
	}
	if (!err)
		err = count_anew(db);
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(counters); i++)
		err = check_counter(db, &counters[i], list);
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(kept_rows); i++)
		err = check_rows(db, i, list);
	if (!err)
		err = check_exposure(db, list);
	return err;
}

struct ey_error *db_check(struct db *db, struct db_problem_list *ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_problems_ struct db_problem_list list = {0};
	struct ey_error *err = db_exec(db, db->backend->large_sql);

	*ret = (struct db_problem_list){0};
	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = check_all(db, &list);
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

static struct ey_error *set_counter(struct db *db, const struct counter *c)
{
	int64_t wrong = 0;
	char sql[640];
	struct ey_error *err = count_wrong(db, c, &wrong);

	// Nearly always: what is right is not written again.
	if (err || !wrong)
		return err;
	snprintf(sql, sizeof(sql),
		 "UPDATE %s AS t SET %s = coalesce((SELECT e.%s FROM counted_%s e WHERE %s), %s)",
		 c->table, c->column, c->column, c->table, c->on, c->none);
	return db_exec(db, sql);
}

static struct ey_error *set_rows(struct db *db, size_t i)
{
	const char *table = kept_rows[i].table, *on = kept_rows[i].on;
	const char *columns = kept_rows[i].columns;
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM %s AS t WHERE NOT EXISTS (SELECT 1 FROM counted_%s e WHERE %s)",
		 table, table, on);
	struct ey_error *err = db_exec(db, sql);
	if (err)
		return err;
	snprintf(sql, sizeof(sql),
		 "INSERT INTO %s (%s) SELECT %s FROM counted_%s e WHERE NOT EXISTS (SELECT 1 FROM "
		 "%s t WHERE %s) ORDER BY 1, 2",
		 table, columns, columns, table, table, on);
	return db_exec(db, sql);
}

struct ey_error *db_rebuild_counters(struct db *db)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_exec(db, db->backend->large_sql);

	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = count_anew(db);
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(kept_rows); i++)
		err = set_rows(db, i);
	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(counters); i++)
		err = set_counter(db, &counters[i]);
	if (!err)
		err = drop_counts(db);
	return err ? err : db_commit(&txn);
}

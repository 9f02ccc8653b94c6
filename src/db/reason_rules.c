/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/reason_rules.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/sql.h"

/** Versions of the rules that keys are looked for in; the newest is oops/keys.h's. */
enum { OLDEST_VERSION = 1 };

static void read_rule(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_reason_rule *r = item;

	r->id = db_column_int(st, 0);
	r->from_id = db_column_int(st, 1);
	r->to_id = db_column_int(st, 2);
	if (!db_split_field_parse(db_column_text(st, 3), &r->field))
		r->field = DB_SPLIT_NONE;
	r->value = db_column_dup(st, 4, arena, failed);
}

struct ey_error *db_reason_rules_load(struct db *db, struct db_reason_rules *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query_values(
		db, &st,
		"SELECT id, from_id, to_id, field, value FROM reason_changes WHERE undone = 0 "
		"AND (what IN ('merge', 'split') OR (what = 'regroup' AND field = '')) ORDER BY id",
		NULL, 0);

	*ret = (struct db_reason_rules){0};
	return err ? err : db_list_read(st, read_rule, 0, ret, NULL);
}

void db_reason_rules_deinit(struct db_reason_rules *rules)
{
	db_arena_deinit(&rules->arena);
	*rules = (struct db_reason_rules){0};
}

static bool meets(enum db_split_field field, const char *value, const struct db_reason_facts *facts)
{
	const char *has = NULL;

	switch (field) {
	case DB_SPLIT_NONE:
		return true;
	case DB_SPLIT_SIGNATURE:
		has = facts->signature;
		break;
	case DB_SPLIT_GUILTY:
		has = facts->guilty;
		break;
	case DB_SPLIT_KERNEL:
		has = facts->kernel;
		break;
	}
	return has && !strcmp(has, value);
}

int64_t db_reason_rules_place(const struct db_reason_rules *rules, int64_t home_id,
			      const struct db_reason_facts *facts)
{
	int64_t at = home_id;

	for (size_t i = 0; i < rules->count; i++) {
		const struct db_reason_rule *r = &rules->items[i];

		if (r->from_id == at && meets(r->field, r->value, facts))
			at = r->to_id;
	}
	return at;
}

// "g1:KIND:function" without the version; NULL: the key has none.
static const char *without_version(const char *key)
{
	const char *p = key + 1;

	if (*key != 'g')
		return NULL;
	while (isdigit((unsigned char)*p))
		p++;
	return p > key + 1 && *p == ':' ? p + 1 : NULL;
}

static struct ey_error *find_key(struct db *db, const char *key, int64_t *home_ret,
				 int64_t *has_rules_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err =
		db_query(db, &st, "SELECT id, has_rules FROM reasons WHERE key = ?1", db_text(key));

	if (!err)
		err = db_step(st, &row);
	if (!err && !row) {
		db_release(st);
		st = NULL;
		err = db_query(db, &st,
			       "SELECT r.id, r.has_rules FROM reason_keys k "
			       "JOIN reasons r ON r.id = k.reason_id WHERE k.key = ?1",
			       db_text(key));
		if (!err)
			err = db_step(st, &row);
	}
	*home_ret = !err && row ? db_column_int(st, 0) : 0;
	*has_rules_ret = !err && row ? db_column_int(st, 1) : 0;
	return err;
}

// The same key of another version of the rules; the newest of them.
static struct ey_error *find_other_version(struct db *db, const char *key, int64_t *home_ret,
					   int64_t *has_rules_ret)
{
	const char *rest = without_version(key);
	struct ey_error *err = NULL;

	for (int v = DB_REASON_NEWEST_VERSION; rest && !err && !*home_ret && v >= OLDEST_VERSION;
	     v--) {
		_cleanup_free_ char *other = NULL;

		if (asprintf(&other, "g%d:%s", v, rest) < 0)
			return &ey_error_nomem;
		err = find_key(db, other, home_ret, has_rules_ret);
	}
	return err;
}

struct ey_error *db_reason_find(struct db *db, const char *key, const struct db_reason_facts *facts,
				int64_t *home_ret, int64_t *reason_ret, bool *found_ret)
{
	_cleanup_reason_rules_ struct db_reason_rules rules = {0};
	int64_t has_rules = 0;
	struct ey_error *err = find_key(db, key, home_ret, &has_rules);

	if (!err && !*home_ret)
		err = find_other_version(db, key, home_ret, &has_rules);
	*reason_ret = *home_ret;
	*found_ret = *home_ret != 0;
	if (err || !has_rules)
		return err;
	err = db_reason_rules_load(db, &rules);
	if (!err)
		*reason_ret = db_reason_rules_place(&rules, *home_ret, facts);
	return err;
}

struct ey_error *db_reason_rules_note(struct db *db, int64_t reason_id)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	int64_t rules = 0, came = 0, into = 0;
	bool row = false;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT id, what, from_id, to_id, undone FROM reason_changes WHERE "
			 "(from_id = ?1 OR to_id = ?1) AND field <> 'key' ORDER BY id",
			 db_int(reason_id));

	while (!err && !(err = db_step(st, &row)) && row) {
		bool merge = strcmp(db_column_text(st, 1), "split") != 0;
		bool from = db_column_int(st, 2) == reason_id;
		int64_t other = db_column_int(st, from ? 3 : 2);

		if (db_column_int(st, 4)) {
			// A split that is undone leaves the reason that it made empty.
			if (!from && !merge && !came)
				into = other;
			continue;
		}
		rules += from;
		if (!from)
			came = other;
		if (!from || merge)
			into = from ? other : 0;
	}
	if (err)
		return err;
	return db_run(db, "UPDATE reasons SET merged_into = ?2, has_rules = ?3 WHERE id = ?1",
		      db_int(reason_id), db_id(into), db_int(rules > 0));
}

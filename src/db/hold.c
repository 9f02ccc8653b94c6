/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/hold.h"

#include "db/sql.h"

static const char *const scope_names[] = {
#define X(id, name) name,
	DB_HOLD_SCOPES(X)
#undef X
};

const char *db_hold_scope_name(enum db_hold_scope scope)
{
	return scope_names[scope];
}

bool db_hold_scope_parse(const char *name, enum db_hold_scope *ret)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(scope_names); i++) {
		if (!strcmp(scope_names[i], name)) {
			*ret = (enum db_hold_scope)i;
			return true;
		}
	}
	return false;
}

#define HOLD_SELECT                                                                         \
	"SELECT x.id, x.scope, x.subject_id, x.who, x.why, x.created, x.ends, x.released, " \
	"x.released_by, x.released_why FROM holds x"

static void read_hold(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_hold *h = item;

	h->id = db_column_int(st, 0);
	if (!db_hold_scope_parse(db_column_text(st, 1), &h->scope))
		h->scope = DB_HOLD_CRASH;
	h->subject_id = db_column_int(st, 2);
	h->who = db_column_dup(st, 3, arena, failed);
	h->why = db_column_dup(st, 4, arena, failed);
	h->created = db_column_int(st, 5);
	h->ends = db_column_int(st, 6);
	h->released = db_column_int(st, 7);
	h->released_by = db_column_dup(st, 8, arena, failed);
	h->released_why = db_column_dup(st, 9, arena, failed);
}

static struct ey_error *check_subject(struct db *db, const struct db_hold *hold)
{
	static const char *const subjects[] = {
		[DB_HOLD_CRASH] = "SELECT id FROM crashes WHERE id = ?1",
		[DB_HOLD_REASON] = "SELECT id FROM reasons WHERE id = ?1",
		[DB_HOLD_HOST] = "SELECT id FROM hosts WHERE id = ?1",
		[DB_HOLD_ISSUE] = "SELECT id FROM issues WHERE id = ?1",
	};
	int64_t id;
	bool found;
	struct ey_error *err =
		db_scalar(db, &id, &found, subjects[hold->scope], db_int(hold->subject_id));

	if (!err && !found)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no %s %lld",
				      db_hold_scope_name(hold->scope), (long long)hold->subject_id);
	return err;
}

// Its crashes are counted under another one, and so will be those that come.
static struct ey_error *check_merged(struct db *db, const struct db_hold *hold)
{
	int64_t into = 0;
	bool found = false;

	if (hold->scope != DB_HOLD_REASON)
		return NULL;
	struct ey_error *err = db_scalar(
		db, &into, &found,
		"SELECT merged_into FROM reasons WHERE id = ?1 AND merged_into IS NOT NULL",
		db_int(hold->subject_id));
	if (!err && found)
		err = ey_error_create(EY_ERR_INPUT,
				      "reason %lld was merged into reason %lld: hold that one",
				      (long long)hold->subject_id, (long long)into);
	return err;
}

struct ey_error *db_hold_add(struct db *db, const struct db_hold *hold, int64_t *id_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = check_subject(db, hold);
	if (!err)
		err = check_merged(db, hold);
	if (!err && hold->ends && hold->ends <= hold->created)
		err = ey_error_create(EY_ERR_INPUT, "the hold would end before it begins");
	if (!err)
		err = db_scalar(db, id_ret, NULL,
				"INSERT INTO holds (scope, subject_id, who, why, created, ends) "
				"VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
				db_text(scope_names[hold->scope]), db_int(hold->subject_id),
				db_text(hold->who), db_text(hold->why), db_int(hold->created),
				db_int(hold->ends));
	return err ? err : db_commit(&txn);
}

struct ey_error *db_hold_release(struct db *db, int64_t id, const char *who, const char *why,
				 int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t released = 0, origin = id;
	bool found;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_scalar(db, &released, &found, "SELECT released FROM holds WHERE id = ?1",
				db_int(id));
	if (!err && found)
		err = db_scalar(db, &origin, NULL,
				"SELECT coalesce(origin_id, id) FROM holds WHERE id = ?1",
				db_int(id));
	if (!err && !found)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no hold %lld", (long long)id);
	if (!err && released)
		err = ey_error_create(EY_ERR_INPUT, "hold %lld was released before", (long long)id);
	if (!err)
		err = db_run(db,
			     "UPDATE holds SET released = ?2, released_by = ?3, released_why = ?4 "
			     "WHERE (id = ?1 OR origin_id = ?1) AND released = 0",
			     db_int(origin), db_int(now), db_text(who), db_text(why ? why : ""));
	return err ? err : db_commit(&txn);
}

struct ey_error *db_hold_list(struct db *db, int64_t now, unsigned int limit,
			      struct db_hold_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		now ? db_query(db, &st,
			       HOLD_SELECT " WHERE x.released = 0 AND (x.ends = 0 OR x.ends > ?1) "
					   "ORDER BY x.id DESC LIMIT ?2",
			       db_int(now), db_int(limit))
		    : db_query(db, &st, HOLD_SELECT " ORDER BY x.id DESC LIMIT ?1", db_int(limit));

	*ret = (struct db_hold_list){0};
	return err ? err : db_list_read(st, read_hold, 0, ret, NULL);
}

struct ey_error *db_hold_of_crash(struct db *db, int64_t crash_id, int64_t now,
				  struct db_hold_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(
		db, &st,
		HOLD_SELECT " JOIN crashes c ON c.id = ?1 JOIN reasons r ON r.id = c.reason_id "
			    "WHERE x.released = 0 AND (x.ends = 0 OR x.ends > ?2) AND "
			    "((x.scope = 'crash' AND x.subject_id = c.id) OR (x.scope = 'reason' "
			    "AND x.subject_id = c.reason_id) OR (x.scope = 'host' AND "
			    "x.subject_id = c.host_id) OR (x.scope = 'issue' AND x.subject_id = "
			    "r.issue_id)) ORDER BY x.id",
		db_int(crash_id), db_int(now));

	*ret = (struct db_hold_list){0};
	return err ? err : db_list_read(st, read_hold, 0, ret, NULL);
}

struct ey_error *db_hold_get(struct db *db, int64_t id, struct db_hold_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st, HOLD_SELECT " WHERE x.id = ?1", db_int(id));

	*ret = (struct db_hold_list){0};
	if (!err)
		err = db_list_read(st, read_hold, 0, ret, NULL);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no hold %lld", (long long)id);
	return err;
}

void db_hold_list_deinit(struct db_hold_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_hold_list){0};
}

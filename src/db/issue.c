/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Issues themselves: the list, their texts, comments, history. */
#include "db/issue.h"

#include <inttypes.h>

#include "db/event.h"
#include "db/issue_internal.h"

#define ISSUE_COLUMNS                                                                        \
	"SELECT i.id, i.version, i.created, i.updated, coalesce(s.reasons, 0), "             \
	"coalesce(s.crashes, 0), coalesce(s.last_seen, 0), i.title, i.state, i.owner, "      \
	"i.vendor, i.vendor_case, i.link, i.upstream, i.notes FROM issues i LEFT JOIN "      \
	"(SELECT issue_id, count(*) AS reasons, sum(crashes) AS crashes, max(last_seen) AS " \
	"last_seen FROM reasons WHERE issue_id IS NOT NULL GROUP BY issue_id) s "            \
	"ON s.issue_id = i.id"

static void read_issue(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_issue *issue = item;
	int i = 0;

	issue->id = db_column_int(st, i++);
	issue->version = db_column_int(st, i++);
	issue->created = db_column_int(st, i++);
	issue->updated = db_column_int(st, i++);
	issue->reasons = db_column_int(st, i++);
	issue->crashes = db_column_int(st, i++);
	issue->last_seen = db_column_int(st, i++);
	for (int f = 0; f < DB_ISSUE_FIELD_COUNT; f++)
		issue->fields[f] = db_column_dup(st, i++, arena, failed);
	if (!db_reason_state_parse(issue->fields[DB_ISSUE_STATE], &issue->state))
		issue->state = DB_REASON_NEW;
}

static struct ey_error *run_list(struct db *db, struct db_sql *sql, unsigned int limit,
				 struct db_issue_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_issues_ struct db_issue_list list = {0};
	bool more, failed = false;
	struct ey_error *err = db_sql_query(db, sql, &st);

	if (!err)
		err = db_list_read(st, read_issue, limit, &list, &more);
	if (!err && more) {
		const struct db_issue *last = &list.items[list.count - 1];

		list.next = db_cursor_make(&list.arena, last->updated, last->id, &failed);
	}
	if (err || failed)
		return err ? err : &ey_error_nomem;
	*ret = list;
	list = (struct db_issue_list){0};
	return NULL;
}

struct ey_error *db_issue_list(struct db *db, const struct db_issue_filter *f,
			       const struct db_page *page, struct db_issue_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};
	unsigned int limit;

	*ret = (struct db_issue_list){0};
	db_sql_add(&sql, ISSUE_COLUMNS);
	if (f) {
		db_sql_where_text(&sql, "i.state = ?", f->state);
		db_sql_where_text(&sql, "i.owner = ?", f->owner);
		db_sql_where_text(&sql, "i.vendor = ?", f->vendor);
		db_sql_where_text(&sql, "i.vendor_case = ?", f->vendor_case);
		db_sql_where_int(&sql, "i.updated >= ?", f->changed_since);
		db_sql_where_int(&sql, "i.updated < ?", f->changed_until);
		if (f->only_open)
			db_sql_where(&sql,
				     "i.state NOT IN ('resolved', 'rolled-out', 'wont-fix', ?)",
				     db_text(db_reason_state_name(DB_REASON_HARDWARE)));
		db_sql_where_like(&sql,
				  "(lower(i.title) LIKE ? ESCAPE '!' OR lower(i.vendor_case) LIKE "
				  "? ESCAPE '!' OR lower(i.upstream) LIKE ? ESCAPE '!' OR "
				  "lower(i.notes) LIKE ? ESCAPE '!')",
				  f->text);
	}
	struct ey_error *err = db_sql_page(&sql, page, "i.updated", "i.id", &limit);
	return err ? err : run_list(db, &sql, limit, ret);
}

struct ey_error *db_issue_get(struct db *db, int64_t id, struct db_issue_list *ret)
{
	_cleanup_sql_ struct db_sql sql = {0};

	*ret = (struct db_issue_list){0};
	db_sql_add(&sql, ISSUE_COLUMNS);
	db_sql_where(&sql, "i.id = ?", db_int(id));
	struct ey_error *err = run_list(db, &sql, 1, ret);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no issue %" PRId64, id);
	return err;
}

void db_issue_list_deinit(struct db_issue_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_issue_list){0};
}

struct ey_error *db_issue_note(struct db *db, const struct db_issue_edit *edit, const char *what,
			       const char *old_value, const char *new_value)
{
	struct ey_error *err = db_run(
		db,
		"INSERT INTO issue_history (issue_id, time, who, what, old_value, new_value, why) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		db_int(edit->issue_id), db_int(edit->now), db_text(edit->who), db_text(what),
		db_text(old_value), db_text(new_value), db_text(edit->why ? edit->why : ""));

	return err ? err : db_event_add(db, DB_EVENT_ISSUE, edit->issue_id, what);
}

struct ey_error *db_issue_touch(struct db *db, const struct db_issue_edit *edit)
{
	int64_t version;
	bool found;
	struct ey_error *err =
		db_scalar(db, &version, &found,
			  "UPDATE issues SET version = version + 1, updated = ?2 WHERE id = ?1 "
			  "RETURNING version",
			  db_int(edit->issue_id), db_int(edit->now));

	if (!err && !found)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no issue %" PRId64,
				      edit->issue_id);
	return err;
}

static struct ey_error *check_fields(const char *const *fields)
{
	enum db_reason_state state;

	if (fields[DB_ISSUE_TITLE] && !*fields[DB_ISSUE_TITLE])
		return ey_error_create(EY_ERR_INPUT, "an issue needs a title");
	if (fields[DB_ISSUE_STATE] && !db_reason_state_parse(fields[DB_ISSUE_STATE], &state))
		return ey_error_create(EY_ERR_INPUT, "there is no state \"%.40s\"",
				       fields[DB_ISSUE_STATE]);
	return NULL;
}

struct ey_error *db_issue_create(struct db *db, const char *const fields[DB_ISSUE_FIELD_COUNT],
				 const struct db_issue_edit *edit, int64_t *id_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_issue_edit first = *edit;
	const char *values[DB_ISSUE_FIELD_COUNT];
	struct ey_error *err = check_fields(fields);

	if (!err && !fields[DB_ISSUE_TITLE])
		err = ey_error_create(EY_ERR_INPUT, "an issue needs a title");
	for (int i = 0; i < DB_ISSUE_FIELD_COUNT; i++)
		values[i] = fields[i] ? fields[i] : "";
	if (!fields[DB_ISSUE_STATE])
		values[DB_ISSUE_STATE] = db_reason_state_name(DB_REASON_NEW);
	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = db_scalar(db, &first.issue_id, NULL,
				"INSERT INTO issues (title, state, owner, vendor, vendor_case, "
				"link, upstream, notes, created, updated) VALUES (?1, ?2, ?3, ?4, "
				"?5, ?6, ?7, ?8, ?9, ?9) RETURNING id",
				db_text(values[DB_ISSUE_TITLE]), db_text(values[DB_ISSUE_STATE]),
				db_text(values[DB_ISSUE_OWNER]), db_text(values[DB_ISSUE_VENDOR]),
				db_text(values[DB_ISSUE_CASE]), db_text(values[DB_ISSUE_LINK]),
				db_text(values[DB_ISSUE_UPSTREAM]), db_text(values[DB_ISSUE_NOTES]),
				db_int(edit->now));
	if (!err)
		err = db_issue_note(db, &first, "created", "", values[DB_ISSUE_TITLE]);
	if (!err)
		err = db_commit(&txn);
	*id_ret = err ? 0 : first.issue_id;
	return err;
}

// One text of an issue, by a statement of its own: which ones change is not known before.
static struct ey_error *change_field(struct db *db, const struct db_issue_edit *edit,
				     enum db_issue_field field, const char *before,
				     const char *after)
{
	_cleanup_sql_ struct db_sql sql = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row;

	db_sql_add(&sql, "UPDATE issues SET ");
	db_sql_add(&sql, db_issue_field_name(field));
	db_sql_bind(&sql, " = ?", db_text(after));
	db_sql_where(&sql, "id = ?", db_int(edit->issue_id));
	struct ey_error *err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_step(st, &row);
	if (!err && field == DB_ISSUE_STATE)
		err = db_run(db, "UPDATE reasons SET state = ?2 WHERE issue_id = ?1",
			     db_int(edit->issue_id), db_text(after));
	return err ? err : db_issue_note(db, edit, db_issue_field_name(field), before, after);
}

struct ey_error *db_issue_change(struct db *db, const char *const fields[DB_ISSUE_FIELD_COUNT],
				 const struct db_issue_edit *edit, bool *conflict_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_issues_ struct db_issue_list list = {0};
	bool changed = false;
	struct ey_error *err = check_fields(fields);

	*conflict_ret = false;
	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = db_issue_get(db, edit->issue_id, &list);
	if (err)
		return err;
	const struct db_issue *issue = list.items;
	if (edit->version && edit->version != issue->version) {
		*conflict_ret = true;
		return db_commit(&txn);
	}
	for (int i = 0; !err && i < DB_ISSUE_FIELD_COUNT; i++) {
		if (!fields[i] || !strcmp(fields[i], issue->fields[i]))
			continue;
		changed = true;
		err = change_field(db, edit, (enum db_issue_field)i, issue->fields[i], fields[i]);
	}
	if (!err && changed)
		err = db_issue_touch(db, edit);
	return err ? err : db_commit(&txn);
}

struct ey_error *db_issue_comment(struct db *db, const char *text, const struct db_issue_edit *edit)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = NULL;

	if (!*text)
		return ey_error_create(EY_ERR_INPUT, "a comment needs a text");
	err = db_begin(db, &txn);
	if (!err)
		err = db_issue_touch(db, edit);
	if (!err)
		err = db_issue_note(db, edit, "comment", "", text);
	return err ? err : db_commit(&txn);
}

static void read_event(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_issue_event *e = item;

	e->id = db_column_int(st, 0);
	e->time = db_column_int(st, 1);
	e->who = db_column_dup(st, 2, arena, failed);
	e->what = db_column_dup(st, 3, arena, failed);
	e->old_value = db_column_dup(st, 4, arena, failed);
	e->new_value = db_column_dup(st, 5, arena, failed);
	e->why = db_column_dup(st, 6, arena, failed);
}

struct ey_error *db_issue_history(struct db *db, int64_t issue_id, unsigned int limit,
				  struct db_issue_history *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT id, time, who, what, old_value, new_value, why FROM issue_history "
			 "WHERE issue_id = ?1 ORDER BY id DESC LIMIT ?2",
			 db_int(issue_id), db_int(limit ? limit : 200));

	*ret = (struct db_issue_history){0};
	return err ? err : db_list_read(st, read_event, 0, ret, NULL);
}

void db_issue_history_deinit(struct db_issue_history *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_issue_history){0};
}

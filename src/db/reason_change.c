/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/reason_change.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/hold_follow.h"
#include "db/issue.h"
#include "db/reason_move.h"
#include "db/sql.h"

/** Longest value and title of a split, bytes. */
enum { VALUE_MAX = 512 };

/** A reason, asked for within the transaction, that has not been merged away. */
static struct ey_error *get_whole(struct db *db, int64_t id, struct db_reason_list *ret)
{
	struct ey_error *err = db_reason_get(db, id, ret);

	if (!err && ret->items->merged_into)
		err = ey_error_create(EY_ERR_INPUT,
				      "the crashes of reason %" PRId64
				      " are counted under reason %" PRId64 ": change that one",
				      id, ret->items->merged_into);
	return err;
}

static struct ey_error *choose_issue(const struct db_reason *from, const struct db_reason *into,
				     int64_t chosen, int64_t *ret)
{
	int64_t a = from->issue_id, b = into->issue_id;

	*ret = b ? b : a;
	if (chosen && chosen != a && chosen != b)
		return ey_error_create(EY_ERR_INPUT,
				       "neither of the two reasons belongs to issue %" PRId64,
				       chosen);
	if (!chosen && a && b && a != b)
		return ey_error_create(EY_ERR_INPUT,
				       "the reasons belong to two issues, %" PRId64 " and %" PRId64
				       ": say which of them the result is to belong to",
				       a, b);
	if (chosen)
		*ret = chosen;
	return NULL;
}

// What both a preview and the merge itself ask first.
static struct ey_error *check_merge(struct db *db, const struct db_reason_merge *m,
				    struct db_reason_list *from, struct db_reason_list *into,
				    int64_t *issue_ret)
{
	struct ey_error *err;

	if (m->from_id == m->into_id)
		return ey_error_create(EY_ERR_INPUT, "a reason cannot be merged into itself");
	err = get_whole(db, m->from_id, from);
	if (!err)
		err = get_whole(db, m->into_id, into);
	return err ? err : choose_issue(from->items, into->items, m->issue_id, issue_ret);
}

static struct ey_error *insert_change(struct db *db, const char *what, int64_t from, int64_t to,
				      const struct db_reason_split *split,
				      const struct db_reason_edit *edit, int64_t *ret)
{
	return db_scalar(db, ret, NULL,
			 "INSERT INTO reason_changes (what, from_id, to_id, field, value, time, "
			 "who, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
			 db_text(what), db_int(from), db_int(to),
			 db_text(db_split_field_name(split ? split->field : DB_SPLIT_NONE)),
			 db_text(split ? split->value : ""), db_int(edit->now), db_text(edit->who),
			 db_text(edit->why ? edit->why : ""));
}

static struct ey_error *set_issue(struct db *db, int64_t reason_id, int64_t issue_id, bool belongs,
				  const struct db_reason_edit *edit)
{
	const struct db_issue_edit issue_edit = {
		.issue_id = issue_id, .who = edit->who, .why = edit->why, .now = edit->now};

	return db_issue_set_reason(db, reason_id, belongs, &issue_edit);
}

// Both before, for the undo; then the target has the issue, and the empty reason none.
static struct ey_error *merge_issues(struct db *db, int64_t change_id, const struct db_reason *from,
				     const struct db_reason *into, int64_t issue_id,
				     const struct db_reason_edit *edit)
{
	bool given = issue_id != into->issue_id;
	struct ey_error *err =
		db_run(db,
		       "UPDATE reason_changes SET from_issue = ?2, from_state = ?3, to_issue = ?4, "
		       "to_state = ?5, set_issue = ?6 WHERE id = ?1",
		       db_int(change_id), db_id(from->issue_id),
		       db_text(db_reason_state_name(from->state)), db_id(into->issue_id),
		       db_text(db_reason_state_name(into->state)), db_id(given ? issue_id : 0));

	if (!err && from->issue_id)
		err = set_issue(db, from->id, from->issue_id, false, edit);
	if (!err && given)
		err = set_issue(db, into->id, issue_id, true, edit);
	return err;
}

static struct ey_error *note_both(struct db *db, int64_t from, int64_t to)
{
	struct ey_error *err = db_reason_rules_note(db, from);

	return err ? err : db_reason_rules_note(db, to);
}

struct ey_error *db_reason_merge(struct db *db, const struct db_reason_merge *m,
				 const struct db_reason_edit *edit, int64_t *change_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_reasons_ struct db_reason_list from = {0}, into = {0};
	int64_t issue_id = 0;
	struct ey_error *err = db_begin(db, &txn);

	*change_ret = 0;
	if (!err)
		err = check_merge(db, m, &from, &into, &issue_id);
	if (!err)
		err = insert_change(db, "merge", m->from_id, m->into_id, NULL, edit, change_ret);
	if (!err)
		err = merge_issues(db, *change_ret, from.items, into.items, issue_id, edit);
	if (!err)
		err = db_reason_sweep_add(db, *change_ret, DB_SWEEP_REASON, m->from_id);
	if (!err)
		err = db_hold_follow(db, m->from_id, m->into_id, *change_ret);
	if (!err)
		err = note_both(db, m->from_id, m->into_id);
	return err ? err : db_commit(&txn);
}

// What to look at for a split, and that there is anything: EY_ERR_INPUT where there is not.
static struct ey_error *find_part(struct db *db, const struct db_reason_split *s,
				  enum db_sweep *walk_ret, int64_t *subject_ret)
{
	static const char *const queries[] = {
		[DB_SPLIT_SIGNATURE] = "SELECT id FROM signatures WHERE reason_id = ?1 AND "
				       "signature = ?2",
		[DB_SPLIT_GUILTY] = "SELECT id FROM crashes WHERE reason_id = ?1 AND guilty = ?2 "
				    "LIMIT 1",
		[DB_SPLIT_KERNEL] = "SELECT id FROM crashes WHERE reason_id = ?1 AND kernel = ?2 "
				    "LIMIT 1",
	};
	int64_t id = 0;
	bool found = false;

	if (s->field == DB_SPLIT_NONE || !s->value || !*s->value || strlen(s->value) > VALUE_MAX ||
	    (s->title && strlen(s->title) > VALUE_MAX))
		return ey_error_create(EY_ERR_INPUT,
				       "a split needs signature, guilty or kernel and its value");
	struct ey_error *err = db_scalar(db, &id, &found, queries[s->field], db_int(s->from_id),
					 db_text(s->value));
	if (!err && !found)
		err = ey_error_create(EY_ERR_INPUT,
				      "no crash of reason %" PRId64 " has the %s \"%.80s\"",
				      s->from_id, db_split_field_name(s->field), s->value);
	*walk_ret = s->field == DB_SPLIT_SIGNATURE ? DB_SWEEP_SIGNATURE : DB_SWEEP_REASON;
	*subject_ret = s->field == DB_SPLIT_SIGNATURE ? id : s->from_id;
	return err;
}

// No rule makes a key with "~" in it: nothing but the split leads to it.
static struct ey_error *make_part(struct db *db, const struct db_reason *from,
				  const struct db_reason_split *s,
				  const struct db_reason_edit *edit, int64_t *ret)
{
	_cleanup_free_ char *key = NULL, *title = NULL;
	int64_t last = 0;
	struct ey_error *err = db_scalar_values(
		db, &last, NULL, "SELECT coalesce(max(id), 0) FROM reason_changes", NULL, 0);

	if (err)
		return err;
	if (asprintf(&key, "%.*s~%" PRId64, (int)strcspn(from->key, "~"), from->key, last + 1) < 0)
		return &ey_error_nomem;
	if (asprintf(&title, s->title && *s->title ? "%s" : "%s (%s %s)",
		     s->title && *s->title ? s->title : from->title, db_split_field_name(s->field),
		     s->value) < 0)
		return &ey_error_nomem;
	return db_scalar(db, ret, NULL,
			 "INSERT INTO reasons (key, kind, guilty, title, first_seen, last_seen, "
			 "received) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
			 db_text(key), db_text(from->kind),
			 db_text(s->field == DB_SPLIT_GUILTY ? s->value : from->guilty),
			 db_text(title), db_int(from->first_seen), db_int(from->last_seen),
			 db_int(edit->now));
}

struct ey_error *db_reason_split(struct db *db, const struct db_reason_split *s,
				 const struct db_reason_edit *edit, int64_t *change_ret,
				 int64_t *reason_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_reasons_ struct db_reason_list from = {0};
	enum db_sweep walk = DB_SWEEP_REASON;
	int64_t subject = 0;
	struct ey_error *err = db_begin(db, &txn);

	*change_ret = *reason_ret = 0;
	if (!err)
		err = get_whole(db, s->from_id, &from);
	if (!err)
		err = find_part(db, s, &walk, &subject);
	if (!err)
		err = make_part(db, from.items, s, edit, reason_ret);
	if (!err)
		err = insert_change(db, "split", s->from_id, *reason_ret, s, edit, change_ret);
	if (!err)
		err = db_reason_sweep_add(db, *change_ret, walk, subject);
	if (!err)
		err = db_hold_follow(db, s->from_id, *reason_ret, *change_ret);
	if (!err)
		err = note_both(db, s->from_id, *reason_ret);
	return err ? err : db_commit(&txn);
}

/** A change as the undo needs it. */
struct undo {
	int64_t id, time;
	bool merge;
	int64_t from_id, to_id;
	int64_t from_issue, to_issue, set_issue;
	char from_state[32], to_state[32];
};

static struct ey_error *read_undo(struct db *db, int64_t id, struct undo *u)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT what, from_id, to_id, from_issue, to_issue, set_issue, "
			 "from_state, to_state, undone, time FROM reason_changes WHERE id = ?1",
			 db_int(id));

	if (!err)
		err = db_step(st, &row);
	if (err)
		return err;
	if (!row)
		return ey_error_create(EY_ERR_NOT_FOUND,
				       "there is no change %" PRId64 " of reasons", id);
	u->id = id;
	u->merge = !strcmp(db_column_text(st, 0), "merge");
	u->from_id = db_column_int(st, 1);
	u->to_id = db_column_int(st, 2);
	u->from_issue = db_column_int(st, 3);
	u->to_issue = db_column_int(st, 4);
	u->set_issue = db_column_int(st, 5);
	snprintf(u->from_state, sizeof(u->from_state), "%s", db_column_text(st, 6));
	snprintf(u->to_state, sizeof(u->to_state), "%s", db_column_text(st, 7));
	u->time = db_column_int(st, 9);
	if (db_column_int(st, 8))
		return ey_error_create(EY_ERR_INPUT, "change %" PRId64 " was taken back already",
				       id);
	if (!u->merge && strcmp(db_column_text(st, 0), "split") != 0)
		return ey_error_create(EY_ERR_INPUT,
				       "change %" PRId64 " was made by the rules' new version; it "
				       "cannot be taken back",
				       id);
	return NULL;
}

// The reason gets back what it had, unless somebody gave it another issue since.
static struct ey_error *restore_issue(struct db *db, int64_t reason_id, int64_t now_has,
				      int64_t had, const char *state,
				      const struct db_reason_edit *edit)
{
	_cleanup_reasons_ struct db_reason_list reason = {0};
	struct ey_error *err = db_reason_get(db, reason_id, &reason);

	if (err || reason.items->issue_id != now_has)
		return err;
	if (had)
		return set_issue(db, reason_id, had, true, edit);
	if (now_has)
		err = set_issue(db, reason_id, now_has, false, edit);
	return err ? err
		   : db_run(db, "UPDATE reasons SET state = ?2 WHERE id = ?1", db_int(reason_id),
			    db_text(state));
}

static struct ey_error *undo_issues(struct db *db, const struct undo *u,
				    const struct db_reason_edit *edit)
{
	struct ey_error *err = NULL;

	if (!u->merge)
		return NULL;
	// Where the target went on into another, that merge remembers what it had.
	if (u->set_issue)
		err = db_run(db,
			     "UPDATE reason_changes SET from_issue = ?2, from_state = ?3 WHERE "
			     "from_id = ?1 AND what = 'merge' AND undone = 0 AND id > ?4 AND "
			     "from_issue = ?5",
			     db_int(u->to_id), db_id(u->to_issue), db_text(u->to_state),
			     db_int(u->id), db_int(u->set_issue));
	if (!err && u->set_issue)
		err = restore_issue(db, u->to_id, u->set_issue, u->to_issue, u->to_state, edit);
	return err ? err : restore_issue(db, u->from_id, 0, u->from_issue, u->from_state, edit);
}

static bool has_id(const int64_t *ids, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

/**
 * Which crashes went through the change: those whose home it is that earlier changes led to it,
 * wherever they are now; and, of these homes, those that later changes led back to.
 */
static struct ey_error *sweep_undone(struct db *db, const struct undo *u)
{
	_cleanup_reason_rules_ struct db_reason_rules rules = {0};
	struct ey_error *err = db_reason_rules_load(db, &rules);

	if (err)
		return err;
	_cleanup_free_ int64_t *homes = calloc(rules.count + 1, sizeof(*homes));
	_cleanup_free_ int64_t *ends = calloc(rules.count + 1, sizeof(*ends));
	if (!homes || !ends)
		return &ey_error_nomem;
	size_t home_count = 0, end_count = 0;
	homes[home_count++] = u->from_id;
	ends[end_count++] = u->to_id;
	for (size_t i = rules.count; i-- > 0;) {
		const struct db_reason_rule *r = &rules.items[i];

		if (r->id < u->id && has_id(homes, home_count, r->to_id) &&
		    !has_id(homes, home_count, r->from_id))
			homes[home_count++] = r->from_id;
	}
	for (size_t i = 0; i < rules.count; i++) {
		const struct db_reason_rule *r = &rules.items[i];

		if (r->id > u->id && has_id(ends, end_count, r->from_id) &&
		    !has_id(ends, end_count, r->to_id))
			ends[end_count++] = r->to_id;
	}
	for (size_t i = 0; !err && i < home_count; i++) {
		err = db_reason_sweep_add(db, u->id, DB_SWEEP_HOME, homes[i]);
		if (!err && has_id(ends, end_count, homes[i]))
			err = db_reason_sweep_add(db, u->id, DB_SWEEP_REASON, homes[i]);
	}
	return err;
}

struct ey_error *db_reason_undo(struct db *db, int64_t change_id, const struct db_reason_edit *edit)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct undo u = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = read_undo(db, change_id, &u);
	if (!err)
		err = sweep_undone(db, &u);
	if (!err)
		err = db_run(db,
			     "UPDATE reason_changes SET undone = ?2, undone_by = ?3, undone_why = "
			     "?4 WHERE id = ?1",
			     db_int(change_id), db_int(edit->now), db_text(edit->who),
			     db_text(edit->why ? edit->why : ""));
	if (!err)
		err = undo_issues(db, &u, edit);
	if (!err)
		err = db_hold_unfollow(db, u.from_id, u.to_id, u.id, u.time);
	if (!err)
		err = note_both(db, u.from_id, u.to_id);
	return err ? err : db_commit(&txn);
}

struct ey_error *db_reason_merge_preview(struct db *db, const struct db_reason_merge *m,
					 struct db_reason_preview *ret)
{
	_cleanup_reasons_ struct db_reason_list from = {0}, into = {0};

	*ret = (struct db_reason_preview){0};
	struct ey_error *err = check_merge(db, m, &from, &into, &ret->issue_id);
	if (err)
		return err;
	ret->crashes = ret->looked_at = from.items->crashes;
	ret->hosts = from.items->hosts;
	ret->dumps = from.items->dumps;
	return NULL;
}

struct ey_error *db_reason_split_preview(struct db *db, const struct db_reason_split *s,
					 struct db_reason_preview *ret)
{
#define SAMPLE(condition)                                                           \
	"SELECT count(*), count(DISTINCT host_id), coalesce(sum(CASE WHEN dump = "  \
	"'kept' THEN 1 ELSE 0 END), 0) FROM (SELECT host_id, dump, guilty, kernel " \
	"FROM crashes WHERE " condition " ORDER BY time DESC, id DESC LIMIT ?3) s "
	static const char *const queries[] = {
		[DB_SPLIT_SIGNATURE] = SAMPLE("signature_id = ?1") "WHERE CAST(?2 AS TEXT) <> ''",
		[DB_SPLIT_GUILTY] = SAMPLE("reason_id = ?1") "WHERE guilty = ?2",
		[DB_SPLIT_KERNEL] = SAMPLE("reason_id = ?1") "WHERE kernel = ?2",
	};
#undef SAMPLE
	_cleanup_reasons_ struct db_reason_list from = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	enum db_sweep walk;
	int64_t subject = 0;
	bool row = false;

	*ret = (struct db_reason_preview){0};
	struct ey_error *err = get_whole(db, s->from_id, &from);
	if (!err)
		err = find_part(db, s, &walk, &subject);
	if (!err)
		err = db_query(db, &st, queries[s->field], db_int(subject), db_text(s->value),
			       db_int(DB_REASON_SAMPLE));
	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	ret->crashes = db_column_int(st, 0);
	ret->hosts = db_column_int(st, 1);
	ret->dumps = db_column_int(st, 2);
	ret->looked_at = EY_MIN(from.items->crashes, (int64_t)DB_REASON_SAMPLE);
	return NULL;
}

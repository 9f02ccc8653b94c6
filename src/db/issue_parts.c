/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What belongs to an issue: its reasons, the packages that fix it, rules for reasons to come. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/issue_internal.h"

struct ey_error *db_issue_set_reason(struct db *db, int64_t reason_id, bool belongs,
				     const struct db_issue_edit *edit)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_reasons_ struct db_reason_list reason = {0};
	_cleanup_issues_ struct db_issue_list issue = {0};
	int64_t before = 0;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_issue_get(db, edit->issue_id, &issue);
	if (!err)
		err = db_reason_get(db, reason_id, &reason);
	if (!err)
		err = db_scalar(db, &before, NULL,
				"SELECT coalesce(issue_id, 0) FROM reasons WHERE id = ?1",
				db_int(reason_id));
	if (err)
		return err;
	// Nothing to do is no failure of a transaction around this one.
	if ((before == edit->issue_id) == belongs)
		return db_commit(&txn);
	const char *key = reason.items->key;
	if (before && belongs) {
		struct db_issue_edit other = *edit;

		other.issue_id = before;
		err = db_issue_note(db, &other, "reason", key, "");
		if (!err)
			err = db_issue_touch(db, &other);
	}
	enum db_reason_state state = belongs ? issue.items->state : DB_REASON_NEW;
	if (!err)
		err = db_run(db, "UPDATE reasons SET issue_id = ?2, state = ?3 WHERE id = ?1",
			     db_int(reason_id), db_id(belongs ? edit->issue_id : 0),
			     db_text(db_reason_state_name(state)));
	if (!err)
		err = db_issue_note(db, edit, "reason", belongs ? "" : key, belongs ? key : "");
	if (!err)
		err = db_issue_touch(db, edit);
	return err ? err : db_commit(&txn);
}

static void read_fix(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_issue_fix *f = item;

	f->id = db_column_int(st, 0);
	f->distribution = db_column_dup(st, 1, arena, failed);
	f->package = db_column_dup(st, 2, arena, failed);
	if (!ey_package_format_parse(db_column_text(st, 3), &f->format))
		f->format = EY_PACKAGE_DPKG;
	f->version = db_column_dup(st, 4, arena, failed);
}

struct ey_error *db_issue_fixes(struct db *db, int64_t issue_id, struct db_issue_fix_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT id, distribution, package, format, version FROM issue_fixes "
			 "WHERE issue_id = ?1 ORDER BY distribution, package",
			 db_int(issue_id));

	*ret = (struct db_issue_fix_list){0};
	return err ? err : db_list_read(st, read_fix, 0, ret, NULL);
}

void db_issue_fix_list_deinit(struct db_issue_fix_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_issue_fix_list){0};
}

static struct ey_error *note_fix(struct db *db, const struct db_issue_edit *edit,
				 const struct db_issue_fix *before,
				 const struct db_issue_fix *after)
{
	_cleanup_free_ char *old = NULL, *new = NULL;

	if ((before && asprintf(&old, "%s %s %s", before->distribution, before->package,
				before->version) < 0) ||
	    (after &&
	     asprintf(&new, "%s %s %s", after->distribution, after->package, after->version) < 0))
		return &ey_error_nomem;
	struct ey_error *err = db_issue_touch(db, edit);
	return err ? err : db_issue_note(db, edit, "fix", old ? old : "", new ? new : "");
}

struct ey_error *db_issue_add_fix(struct db *db, const struct db_issue_fix *fix,
				  const struct db_issue_edit *edit)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_fixes_ struct db_issue_fix_list list = {0};
	const struct db_issue_fix *before = NULL;

	if (!*fix->distribution || !*fix->package || !*fix->version)
		return ey_error_create(EY_ERR_INPUT,
				       "a fix needs a distribution, a package and a version");
	struct ey_error *err = db_begin(db, &txn);
	if (!err)
		err = db_issue_fixes(db, edit->issue_id, &list);
	for (size_t i = 0; !err && i < list.count; i++) {
		if (!strcmp(list.items[i].distribution, fix->distribution) &&
		    !strcmp(list.items[i].package, fix->package))
			before = &list.items[i];
	}
	if (!err && before && before->format == fix->format &&
	    !strcmp(before->version, fix->version))
		return db_commit(&txn);
	// First, since it says whether there is such an issue.
	if (!err)
		err = note_fix(db, edit, before, fix);
	if (!err)
		err = db_run(db,
			     "INSERT INTO issue_fixes (issue_id, distribution, package, format, "
			     "version) VALUES (?1, ?2, ?3, ?4, ?5) "
			     "ON CONFLICT (issue_id, distribution, package) DO UPDATE SET "
			     "format = excluded.format, version = excluded.version",
			     db_int(edit->issue_id), db_text(fix->distribution),
			     db_text(fix->package), db_text(ey_package_format_name(fix->format)),
			     db_text(fix->version));
	return err ? err : db_commit(&txn);
}

struct ey_error *db_issue_remove_fix(struct db *db, int64_t fix_id,
				     const struct db_issue_edit *edit)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_fixes_ struct db_issue_fix_list list = {0};
	const struct db_issue_fix *fix = NULL;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_issue_fixes(db, edit->issue_id, &list);
	for (size_t i = 0; !err && i < list.count; i++) {
		if (list.items[i].id == fix_id)
			fix = &list.items[i];
	}
	if (!err && !fix)
		err = ey_error_create(EY_ERR_NOT_FOUND, "issue %" PRId64 " has no fix %" PRId64,
				      edit->issue_id, fix_id);
	if (!err)
		err = note_fix(db, edit, fix, NULL);
	if (!err)
		err = db_run(db, "DELETE FROM issue_fixes WHERE id = ?1", db_int(fix_id));
	return err ? err : db_commit(&txn);
}

static void read_rule(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_issue_rule *r = item;

	r->id = db_column_int(st, 0);
	r->kind = db_column_dup(st, 1, arena, failed);
	r->function = db_column_dup(st, 2, arena, failed);
	r->module = db_column_dup(st, 3, arena, failed);
}

struct ey_error *db_issue_rules(struct db *db, int64_t issue_id, struct db_issue_rule_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st,
					"SELECT id, kind, function, module FROM issue_rules "
					"WHERE issue_id = ?1 ORDER BY id",
					db_int(issue_id));

	*ret = (struct db_issue_rule_list){0};
	return err ? err : db_list_read(st, read_rule, 0, ret, NULL);
}

void db_issue_rule_list_deinit(struct db_issue_rule_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_issue_rule_list){0};
}

static struct ey_error *note_rule(struct db *db, const struct db_issue_edit *edit,
				  const struct db_issue_rule *rule, bool added)
{
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "kind=%s function=%s module=%s", rule->kind, rule->function,
		     rule->module) < 0)
		return &ey_error_nomem;
	struct ey_error *err = db_issue_touch(db, edit);
	return err ? err : db_issue_note(db, edit, "rule", added ? "" : text, added ? text : "");
}

// Patterns that only "*" makes up meet everything, too.
static bool says_nothing(const char *pattern)
{
	return !pattern[strspn(pattern, "*?")];
}

struct ey_error *db_issue_add_rule(struct db *db, const struct db_issue_rule *rule,
				   const struct db_issue_edit *edit)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t id;
	bool known = false;

	if (says_nothing(rule->function) && says_nothing(rule->module))
		return ey_error_create(EY_ERR_INPUT,
				       "a rule needs a function or a module: by the kind alone, it "
				       "would take in what has nothing to do with the issue");
	struct ey_error *err = db_begin(db, &txn);
	if (!err)
		err = db_scalar(db, &id, &known,
				"SELECT id FROM issue_rules WHERE issue_id = ?1 AND kind = ?2 AND "
				"function = ?3 AND module = ?4",
				db_int(edit->issue_id), db_text(rule->kind),
				db_text(rule->function), db_text(rule->module));
	// First, since it says whether there is such an issue.
	if (!err && !known)
		err = note_rule(db, edit, rule, true);
	if (!err && !known)
		err = db_run(db,
			     "INSERT INTO issue_rules (issue_id, kind, function, module) "
			     "VALUES (?1, ?2, ?3, ?4)",
			     db_int(edit->issue_id), db_text(rule->kind), db_text(rule->function),
			     db_text(rule->module));
	return err ? err : db_commit(&txn);
}

struct ey_error *db_issue_remove_rule(struct db *db, int64_t rule_id,
				      const struct db_issue_edit *edit)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_rules_ struct db_issue_rule_list list = {0};
	const struct db_issue_rule *rule = NULL;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_issue_rules(db, edit->issue_id, &list);
	for (size_t i = 0; !err && i < list.count; i++) {
		if (list.items[i].id == rule_id)
			rule = &list.items[i];
	}
	if (!err && !rule)
		err = ey_error_create(EY_ERR_NOT_FOUND, "issue %" PRId64 " has no rule %" PRId64,
				      edit->issue_id, rule_id);
	if (!err)
		err = note_rule(db, edit, rule, false);
	if (!err)
		err = db_run(db, "DELETE FROM issue_rules WHERE id = ?1", db_int(rule_id));
	return err ? err : db_commit(&txn);
}

static bool meets(const char *pattern, const char *text)
{
	return !*pattern || !fnmatch(pattern, text ? text : "", 0);
}

static struct ey_error *find_rule(struct db *db, const char *kind, const char *function,
				  const char *module, int64_t *issue_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err = db_query_values(
		db, &st, "SELECT issue_id, kind, function, module FROM issue_rules ORDER BY id",
		NULL, 0);

	*issue_ret = 0;
	while (!err && !*issue_ret && !(err = db_step(st, &row)) && row) {
		if (meets(db_column_text(st, 1), kind) && meets(db_column_text(st, 2), function) &&
		    meets(db_column_text(st, 3), module))
			*issue_ret = db_column_int(st, 0);
	}
	return err;
}

struct ey_error *db_issue_apply_rules(struct db *db, int64_t reason_id, const char *kind,
				      const char *function, const char *module, int64_t now)
{
	struct db_issue_edit edit = {.who = "eyrie", .why = "by a rule of the issue", .now = now};
	// A key that another site said belongs to an issue goes before what rules guess.
	struct ey_error *err = db_scalar(db, &edit.issue_id, NULL,
					 "SELECT k.issue_id FROM issue_keys k JOIN reasons r ON "
					 "r.key = k.key WHERE r.id = ?1",
					 db_int(reason_id));

	if (!err && edit.issue_id) {
		edit.why = "as another site said";
		err = db_run(
			db,
			"DELETE FROM issue_keys WHERE key = (SELECT r.key FROM reasons r WHERE "
			"r.id = ?1)",
			db_int(reason_id));
	} else if (!err) {
		err = find_rule(db, kind, function, module, &edit.issue_id);
	}
	if (err || !edit.issue_id)
		return err;
	return db_issue_set_reason(db, reason_id, true, &edit);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/json.h"
#include "db/issue_internal.h"
#include "db/issue_share_internal.h"
#include "db/reason_rules.h"

enum {
	MAX_DEPTH = 8,
	MAX_VALUES = 2000000,
	MAX_ISSUES = 20000,
	MAX_ITEMS = 10000,
	/** Longest line, key of a reason and text, bytes. */
	LINE_MAX_BYTES = 300,
	KEY_MAX_BYTES = 2048,
	TEXT_MAX_BYTES = 16 << 10,
	UID_MAX_BYTES = 64,
	DIGEST_BYTES = ISSUE_DIGEST_SIZE - 1,
};

/** An issue of the document, checked; its texts are the document's. */
struct incoming {
	const char *uid;
	struct issue_content content;
	char digest[ISSUE_DIGEST_SIZE];
	const json_t *known;
	const json_t *comments;
};

static struct ey_error *bad(size_t number, const char *what)
{
	return ey_error_create(EY_ERR_INPUT, "issue %zu of the document: %s", number + 1, what);
}

// One line of text, or several; NULL where it is none.
static const char *text_of(const json_t *object, const char *key, size_t max)
{
	const json_t *value = json_object_get(object, key);
	const char *s = json_string_value(value);

	if (!s || json_string_length(value) > max || strlen(s) != json_string_length(value))
		return NULL;
	for (const char *p = s; *p; p++) {
		if (((unsigned char)*p < 0x20 && !(max >= TEXT_MAX_BYTES && strchr("\n\t", *p))) ||
		    *p == 0x7f)
			return NULL;
	}
	return s;
}

static bool is_word(const char *s, size_t min, size_t max, const char *more)
{
	size_t n = s ? strlen(s) : 0;

	if (n < min || n > max)
		return false;
	for (; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr(more, *s))
			return false;
	}
	return true;
}

// The list at @p key, of at most @p max items; missing: an empty one. False: something else.
static bool list_of(const json_t *object, const char *key, size_t max, const json_t **ret)
{
	*ret = json_object_get(object, key);
	return !*ret || (json_is_array(*ret) && json_array_size(*ret) <= max);
}

static struct ey_error *read_keys(const json_t *object, size_t number, struct issue_content *c)
{
	const json_t *list;

	if (!list_of(object, "reasons", MAX_ITEMS, &list))
		return bad(number, "\"reasons\" is no list of keys");
	c->key_count = json_array_size(list);
	c->keys = db_arena_alloc(&c->arena, (c->key_count + 1) * sizeof(*c->keys));
	if (!c->keys)
		return &ey_error_nomem;
	for (size_t i = 0; i < c->key_count; i++) {
		const char *key = json_string_value(json_array_get(list, i));

		if (!key || !*key || strlen(key) > KEY_MAX_BYTES || strchr(key, '~'))
			return bad(number, "\"reasons\" holds something that is no key");
		for (const char *p = key; *p; p++) {
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				return bad(number, "\"reasons\" holds something that is no key");
		}
		c->keys[i] = key;
	}
	return NULL;
}

static struct ey_error *read_fixes(const json_t *object, size_t number, struct issue_content *c)
{
	const json_t *list;

	if (!list_of(object, "fixes", MAX_ITEMS, &list))
		return bad(number, "\"fixes\" is no list");
	c->fix_count = json_array_size(list);
	c->fixes = db_arena_alloc(&c->arena, (c->fix_count + 1) * sizeof(*c->fixes));
	if (!c->fixes)
		return &ey_error_nomem;
	for (size_t i = 0; i < c->fix_count; i++) {
		const json_t *item = json_array_get(list, i);
		struct db_issue_fix *f = &c->fixes[i];
		const char *format = text_of(item, "format", LINE_MAX_BYTES);

		*f = (struct db_issue_fix){.distribution =
						   text_of(item, "distribution", LINE_MAX_BYTES),
					   .package = text_of(item, "package", LINE_MAX_BYTES),
					   .version = text_of(item, "version", LINE_MAX_BYTES)};
		if (!f->distribution || !*f->distribution || !f->package || !*f->package ||
		    !f->version || !*f->version || !format ||
		    !ey_package_format_parse(format, &f->format))
			return bad(number, "a fix needs distribution, package, version and the "
					   "format \"dpkg\" or \"rpm\"");
	}
	return NULL;
}

static struct ey_error *read_rules(const json_t *object, size_t number, struct issue_content *c)
{
	const json_t *list;

	if (!list_of(object, "rules", MAX_ITEMS, &list))
		return bad(number, "\"rules\" is no list");
	c->rule_count = json_array_size(list);
	c->rules = db_arena_alloc(&c->arena, (c->rule_count + 1) * sizeof(*c->rules));
	if (!c->rules)
		return &ey_error_nomem;
	for (size_t i = 0; i < c->rule_count; i++) {
		const json_t *item = json_array_get(list, i);
		struct db_issue_rule *r = &c->rules[i];

		*r = (struct db_issue_rule){.kind = text_of(item, "kind", LINE_MAX_BYTES),
					    .function = text_of(item, "function", LINE_MAX_BYTES),
					    .module = text_of(item, "module", LINE_MAX_BYTES)};
		if (!r->kind || !r->function || !r->module ||
		    !(r->function[strspn(r->function, "*?")] || r->module[strspn(r->module, "*?")]))
			return bad(number, "a rule needs kind, function and module, and a function "
					   "or a module that is not any");
	}
	return NULL;
}

static struct ey_error *check_lists(const json_t *object, size_t number, struct incoming *in)
{
	if (!list_of(object, "known", MAX_ITEMS, &in->known) ||
	    !list_of(object, "comments", MAX_ITEMS, &in->comments))
		return bad(number, "\"known\" or \"comments\" is no list");
	for (size_t i = 0; i < json_array_size(in->known); i++) {
		if (!is_word(json_string_value(json_array_get(in->known, i)), DIGEST_BYTES,
			     DIGEST_BYTES, ""))
			return bad(number, "\"known\" holds something that is no digest");
	}
	for (size_t i = 0; i < json_array_size(in->comments); i++) {
		const json_t *item = json_array_get(in->comments, i);
		const char *time = text_of(item, "time", LINE_MAX_BYTES);
		int64_t unused;

		if (!time || !ey_time_parse(time, &unused) ||
		    !text_of(item, "who", LINE_MAX_BYTES) || !text_of(item, "text", TEXT_MAX_BYTES))
			return bad(number, "a comment needs time, who and text");
	}
	return NULL;
}

static struct ey_error *read_incoming(const json_t *object, size_t number, struct incoming *in)
{
	enum db_reason_state state;
	struct ey_error *err;

	in->uid = text_of(object, "uid", UID_MAX_BYTES);
	if (!is_word(in->uid, 8, UID_MAX_BYTES, "-"))
		return bad(number, "it has no \"uid\" of 8 to 64 letters and digits");
	for (int i = 0; i < DB_ISSUE_FIELD_COUNT; i++) {
		const char *name = db_issue_field_name((enum db_issue_field)i);
		size_t max = i == DB_ISSUE_NOTES ? TEXT_MAX_BYTES : LINE_MAX_BYTES;

		in->content.fields[i] =
			json_object_get(object, name) ? text_of(object, name, max) : "";
		if (!in->content.fields[i])
			return bad(number, "one of its texts is none, or is too long, or holds "
					   "control characters");
	}
	if (!*in->content.fields[DB_ISSUE_TITLE])
		return bad(number, "it has no \"title\"");
	if (!db_reason_state_parse(in->content.fields[DB_ISSUE_STATE], &state))
		return bad(number, "it has no \"state\" that is known here");
	if ((err = read_keys(object, number, &in->content)) ||
	    (err = read_fixes(object, number, &in->content)) ||
	    (err = read_rules(object, number, &in->content)) ||
	    (err = check_lists(object, number, in)))
		return err;
	issue_content_sort(&in->content);
	return issue_content_digest(&in->content, in->digest);
}

static struct ey_error *parse(const char *text, size_t len, json_t **ret)
{
	json_error_t why;
	struct ey_error *err;

	if (len > DB_ISSUES_MAX_BYTES)
		return ey_error_create(EY_ERR_INPUT, "the document is larger than %d MiB",
				       DB_ISSUES_MAX_BYTES >> 20);
	err = ey_json_check_limits(text, len, MAX_DEPTH, MAX_VALUES);
	if (err)
		return err;
	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!*ret)
		return ey_error_create(EY_ERR_INPUT, "the document is no JSON: %s (line %d)",
				       why.text, why.line);
	const char *schema = json_string_value(json_object_get(*ret, "schema"));
	const json_t *issues = json_object_get(*ret, "issues");
	if (!schema || strcmp(schema, DB_ISSUES_SCHEMA) != 0 || !json_is_array(issues) ||
	    json_array_size(issues) > MAX_ISSUES)
		return ey_error_create(EY_ERR_INPUT,
				       "the document is no list of issues with the schema %s",
				       DB_ISSUES_SCHEMA);
	return NULL;
}

static bool has_key(const struct issue_content *c, const char *key)
{
	for (size_t i = 0; i < c->key_count; i++) {
		if (!strcmp(c->keys[i], key))
			return true;
	}
	return false;
}

// The reason has it now, if it was seen here and nobody gave it to another issue.
static struct ey_error *add_key(struct db *db, const char *key, const struct db_issue_edit *edit,
				int64_t *taken)
{
	const struct db_reason_facts facts = {0};
	int64_t home = 0, reason = 0, issue = 0;
	bool found = false;
	struct ey_error *err = db_reason_find(db, key, &facts, &home, &reason, &found);

	if (!err && !found)
		return db_run(db,
			      "INSERT INTO issue_keys (key, issue_id) VALUES (?1, ?2) ON CONFLICT "
			      "(key) DO UPDATE SET issue_id = excluded.issue_id",
			      db_text(key), db_int(edit->issue_id));
	if (!err)
		err = db_scalar(db, &issue, NULL,
				"SELECT coalesce(issue_id, 0) FROM reasons WHERE id = ?1",
				db_int(reason));
	if (!err && issue && issue != edit->issue_id) {
		++*taken;
		return NULL;
	}
	return err ? err : db_issue_set_reason(db, reason, true, edit);
}

static struct ey_error *remove_key(struct db *db, const char *key, const struct db_issue_edit *edit)
{
	int64_t reason = 0;
	bool found = false;
	struct ey_error *err = db_run(db, "DELETE FROM issue_keys WHERE key = ?1 AND issue_id = ?2",
				      db_text(key), db_int(edit->issue_id));

	if (!err)
		err = db_scalar(db, &reason, &found,
				"SELECT id FROM reasons WHERE key = ?1 AND issue_id = ?2",
				db_text(key), db_int(edit->issue_id));
	return err || !found ? err : db_issue_set_reason(db, reason, false, edit);
}

static struct ey_error *set_keys(struct db *db, const struct issue_content *now,
				 const struct issue_content *in, const struct db_issue_edit *edit,
				 int64_t *taken)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < now->key_count; i++) {
		if (!has_key(in, now->keys[i]))
			err = remove_key(db, now->keys[i], edit);
	}
	for (size_t i = 0; !err && i < in->key_count; i++) {
		if (!has_key(now, in->keys[i]))
			err = add_key(db, in->keys[i], edit, taken);
	}
	return err;
}

static struct ey_error *set_fixes(struct db *db, const struct issue_content *now,
				  const struct issue_content *in, const struct db_issue_edit *edit)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < now->fix_count; i++) {
		bool stays = false;

		for (size_t k = 0; k < in->fix_count; k++)
			stays |= !strcmp(now->fixes[i].distribution, in->fixes[k].distribution) &&
				 !strcmp(now->fixes[i].package, in->fixes[k].package);
		if (!stays)
			err = db_issue_remove_fix(db, now->fixes[i].id, edit);
	}
	for (size_t i = 0; !err && i < in->fix_count; i++)
		err = db_issue_add_fix(db, &in->fixes[i], edit);
	return err;
}

static bool same_rule(const struct db_issue_rule *a, const struct db_issue_rule *b)
{
	return !strcmp(a->kind, b->kind) && !strcmp(a->function, b->function) &&
	       !strcmp(a->module, b->module);
}

static bool has_rule(const struct issue_content *c, const struct db_issue_rule *rule)
{
	for (size_t i = 0; i < c->rule_count; i++) {
		if (same_rule(&c->rules[i], rule))
			return true;
	}
	return false;
}

static struct ey_error *set_rules(struct db *db, const struct issue_content *now,
				  const struct issue_content *in, const struct db_issue_edit *edit)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < now->rule_count; i++) {
		if (!has_rule(in, &now->rules[i]))
			err = db_issue_remove_rule(db, now->rules[i].id, edit);
	}
	for (size_t i = 0; !err && i < in->rule_count; i++) {
		if (!has_rule(now, &in->rules[i]))
			err = db_issue_add_rule(db, &in->rules[i], edit);
	}
	return err;
}

static struct ey_error *take_content(struct db *db, const struct incoming *in,
				     const struct db_issue_edit *edit, int64_t *taken)
{
	_cleanup_content_ struct issue_content now = {0};
	bool conflict;
	struct ey_error *err = issue_content_load(db, edit->issue_id, &now);

	if (!err)
		err = db_issue_change(db, in->content.fields, edit, &conflict);
	if (!err)
		err = set_fixes(db, &now, &in->content, edit);
	if (!err)
		err = set_rules(db, &now, &in->content, edit);
	return err ? err : set_keys(db, &now, &in->content, edit, taken);
}

// What it said before, here and there, so that neither is taken for news again.
static struct ey_error *note_digests(struct db *db, int64_t issue_id, const struct incoming *in,
				     const char *before)
{
	struct ey_error *err = NULL;

	for (size_t i = json_array_size(in->known); !err && i-- > 0;)
		err = issue_digest_add(db, issue_id,
				       json_string_value(json_array_get(in->known, i)));
	if (!err && before)
		err = issue_digest_add(db, issue_id, before);
	return err ? err : issue_digest_add(db, issue_id, in->digest);
}

static struct ey_error *add_comments(struct db *db, const struct incoming *in,
				     const struct db_issue_edit *edit)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < json_array_size(in->comments); i++) {
		const json_t *item = json_array_get(in->comments, i);
		const char *who = json_string_value(json_object_get(item, "who"));
		const char *text = json_string_value(json_object_get(item, "text"));
		struct db_issue_edit comment = {.issue_id = edit->issue_id, .who = who};
		int64_t id;
		bool there = false;

		(void)ey_time_parse(json_string_value(json_object_get(item, "time")), &comment.now);
		err = db_scalar(db, &id, &there,
				"SELECT id FROM issue_history WHERE issue_id = ?1 AND what = "
				"'comment' AND time = ?2 AND who = ?3 AND new_value = ?4 LIMIT 1",
				db_int(edit->issue_id), db_int(comment.now), db_text(who),
				db_text(text));
		if (!err && !there && *text)
			err = db_issue_note(db, &comment, "comment", "", text);
	}
	return err;
}

static bool is_known_there(const struct incoming *in, const char *digest)
{
	for (size_t i = 0; i < json_array_size(in->known); i++) {
		if (!strcmp(json_string_value(json_array_get(in->known, i)), digest))
			return true;
	}
	return false;
}

// Older than what is here, newer, or changed on both sides.
static struct ey_error *compare(struct db *db, int64_t id, const struct incoming *in,
				const struct db_issue_import *o, char here[ISSUE_DIGEST_SIZE],
				enum db_import *ret)
{
	_cleanup_content_ struct issue_content now = {0};
	bool known = false;
	struct ey_error *err = issue_content_load(db, id, &now);

	if (!err)
		err = issue_content_digest(&now, here);
	if (!err)
		err = issue_digest_known(db, id, in->digest, &known);
	if (err)
		return err;
	if (!strcmp(here, in->digest))
		*ret = DB_IMPORT_UNCHANGED;
	else if (is_known_there(in, here))
		*ret = DB_IMPORT_UPDATED;
	else if (known)
		*ret = DB_IMPORT_UNCHANGED;
	else
		*ret = o->theirs ? DB_IMPORT_OVERWRITTEN : DB_IMPORT_CONFLICT;
	return NULL;
}

static struct ey_error *import_one(struct db *db, const struct incoming *in,
				   const struct db_issue_import *o, struct db_imported *ret)
{
	struct db_issue_edit edit = {.who = o->who, .why = o->why, .now = o->now};
	char here[ISSUE_DIGEST_SIZE] = "";
	bool found = false;
	struct ey_error *err = db_scalar(db, &edit.issue_id, &found,
					 "SELECT id FROM issues WHERE uid = ?1", db_text(in->uid));

	ret->result = DB_IMPORT_CREATED;
	if (!err && !found) {
		err = db_issue_create(db, in->content.fields, &edit, &edit.issue_id);
		if (!err)
			err = db_run(db, "UPDATE issues SET uid = ?2 WHERE id = ?1",
				     db_int(edit.issue_id), db_text(in->uid));
	} else if (!err) {
		err = compare(db, edit.issue_id, in, o, here, &ret->result);
	}
	ret->issue_id = edit.issue_id;
	if (!err && ret->result != DB_IMPORT_UNCHANGED && ret->result != DB_IMPORT_CONFLICT)
		err = take_content(db, in, &edit, &ret->taken);
	if (!err && ret->result != DB_IMPORT_CONFLICT)
		err = note_digests(db, edit.issue_id, in, here[0] ? here : NULL);
	return err ? err : add_comments(db, in, &edit);
}

static struct ey_error *import_all(struct db *db, const json_t *issues,
				   const struct db_issue_import *o, struct db_imported_list *list)
{
	_cleanup_txn_ struct db_txn txn = {0};
	size_t count = json_array_size(issues);
	struct ey_error *err = db_begin(db, &txn);

	list->items = db_arena_alloc(&list->arena, (count + 1) * sizeof(*list->items));
	if (!err && !list->items)
		err = &ey_error_nomem;
	for (size_t i = 0; !err && i < count; i++) {
		struct incoming in = {0};
		struct db_imported *item = &list->items[i];

		*item = (struct db_imported){0};
		err = read_incoming(json_array_get(issues, i), i, &in);
		if (!err)
			err = import_one(db, &in, o, item);
		if (!err) {
			item->uid = db_arena_strdup(&list->arena, in.uid);
			item->title =
				db_arena_strdup(&list->arena, in.content.fields[DB_ISSUE_TITLE]);
			list->conflicts += item->result == DB_IMPORT_CONFLICT;
			if (!item->uid || !item->title)
				err = &ey_error_nomem;
		}
		issue_content_deinit(&in.content);
	}
	list->count = count;
	return err ? err : db_commit(&txn);
}

struct ey_error *db_issues_import(struct db *db, const char *json, size_t len,
				  const struct db_issue_import *options,
				  struct db_imported_list *ret)
{
	_cleanup_imported_ struct db_imported_list list = {0};
	json_t *root = NULL;
	struct ey_error *err = parse(json, len, &root);

	*ret = list;
	if (!err)
		err = import_all(db, json_object_get(root, "issues"), options, &list);
	json_decref(root);
	if (err)
		return err;
	*ret = list;
	list = (struct db_imported_list){0};
	return NULL;
}

void db_imported_list_deinit(struct db_imported_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_imported_list){0};
}

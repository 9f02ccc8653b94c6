/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "db/issue_share_internal.h"
#include "db/sql.h"

enum {
	/** Digests a document tells of an issue, the latest. */
	MAX_KNOWN = 200,
	MAX_COMMENTS = 10000,
};

void issue_content_deinit(struct issue_content *content)
{
	db_arena_deinit(&content->arena);
	*content = (struct issue_content){0};
}

static void read_key(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	*(const char **)item = db_column_dup(st, 0, arena, failed);
}

// Each list comes with an arena of its own; the texts are copied into the one of the content.
static const char *keep(struct issue_content *c, const char *text, bool *failed)
{
	const char *copy = db_arena_strdup(&c->arena, text);

	if (!copy)
		*failed = true;
	return copy;
}

static struct ey_error *load_fixes(struct db *db, int64_t id, struct issue_content *c)
{
	_cleanup_fixes_ struct db_issue_fix_list list = {0};
	struct ey_error *err = db_issue_fixes(db, id, &list);
	bool failed = false;

	if (err || !list.count)
		return err;
	c->fixes = db_arena_alloc(&c->arena, list.count * sizeof(*c->fixes));
	for (size_t i = 0; c->fixes && i < list.count; i++) {
		c->fixes[i] = list.items[i];
		c->fixes[i].distribution = keep(c, list.items[i].distribution, &failed);
		c->fixes[i].package = keep(c, list.items[i].package, &failed);
		c->fixes[i].version = keep(c, list.items[i].version, &failed);
	}
	c->fix_count = list.count;
	return failed || !c->fixes ? &ey_error_nomem : NULL;
}

static struct ey_error *load_rules(struct db *db, int64_t id, struct issue_content *c)
{
	_cleanup_rules_ struct db_issue_rule_list list = {0};
	struct ey_error *err = db_issue_rules(db, id, &list);
	bool failed = false;

	if (err || !list.count)
		return err;
	c->rules = db_arena_alloc(&c->arena, list.count * sizeof(*c->rules));
	for (size_t i = 0; c->rules && i < list.count; i++) {
		c->rules[i] = list.items[i];
		c->rules[i].kind = keep(c, list.items[i].kind, &failed);
		c->rules[i].function = keep(c, list.items[i].function, &failed);
		c->rules[i].module = keep(c, list.items[i].module, &failed);
	}
	c->rule_count = list.count;
	return failed || !c->rules ? &ey_error_nomem : NULL;
}

struct ey_error *issue_content_load(struct db *db, int64_t issue_id, struct issue_content *ret)
{
	_cleanup_content_ struct issue_content c = {0};
	_cleanup_issues_ struct db_issue_list list = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	bool failed = false;
	// Parts that were split off have keys that mean nothing elsewhere.
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT key FROM reasons WHERE issue_id = ?1 AND key NOT LIKE '%~%' "
			 "UNION SELECT key FROM issue_keys WHERE issue_id = ?1",
			 db_int(issue_id));

	*ret = c;
	if (!err)
		err = db_rows_read(st, read_key, sizeof(*c.keys), 0, &c.arena, &c.keys,
				   &c.key_count, NULL);
	if (!err)
		err = db_issue_get(db, issue_id, &list);
	for (int i = 0; !err && i < DB_ISSUE_FIELD_COUNT; i++)
		c.fields[i] = keep(&c, list.items->fields[i], &failed);
	if (!err && failed)
		err = &ey_error_nomem;
	if (!err)
		err = load_fixes(db, issue_id, &c);
	if (!err)
		err = load_rules(db, issue_id, &c);
	if (err)
		return err;
	issue_content_sort(&c);
	*ret = c;
	c = (struct issue_content){0};
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_fixes(const void *a, const void *b)
{
	const struct db_issue_fix *x = a, *y = b;
	int order = strcmp(x->distribution, y->distribution);

	return order ? order : strcmp(x->package, y->package);
}

static int compare_rules(const void *a, const void *b)
{
	const struct db_issue_rule *x = a, *y = b;
	int order = strcmp(x->kind, y->kind);

	if (!order)
		order = strcmp(x->function, y->function);
	return order ? order : strcmp(x->module, y->module);
}

static size_t sort_unique(void *items, size_t count, size_t size,
			  int (*compare)(const void *, const void *))
{
	char *at = items;
	size_t n = 0;

	if (count)
		qsort(items, count, size, compare);
	for (size_t i = 0; i < count; i++) {
		if (n && !compare(at + (n - 1) * size, at + i * size))
			continue;
		if (n != i)
			memcpy(at + n * size, at + i * size, size);
		n++;
	}
	return n;
}

void issue_content_sort(struct issue_content *c)
{
	c->key_count = sort_unique(c->keys, c->key_count, sizeof(*c->keys), compare_keys);
	c->fix_count = sort_unique(c->fixes, c->fix_count, sizeof(*c->fixes), compare_fixes);
	c->rule_count = sort_unique(c->rules, c->rule_count, sizeof(*c->rules), compare_rules);
}

void issue_content_write(struct ey_json *json, const struct issue_content *c)
{
	for (int i = 0; i < DB_ISSUE_FIELD_COUNT; i++)
		ey_json_kv_string(json, db_issue_field_name((enum db_issue_field)i), c->fields[i]);
	ey_json_key(json, "reasons");
	ey_json_array_begin(json);
	for (size_t i = 0; i < c->key_count; i++)
		ey_json_string(json, c->keys[i]);
	ey_json_array_end(json);
	ey_json_key(json, "fixes");
	ey_json_array_begin(json);
	for (size_t i = 0; i < c->fix_count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_string(json, "distribution", c->fixes[i].distribution);
		ey_json_kv_string(json, "package", c->fixes[i].package);
		ey_json_kv_string(json, "format", ey_package_format_name(c->fixes[i].format));
		ey_json_kv_string(json, "version", c->fixes[i].version);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	ey_json_key(json, "rules");
	ey_json_array_begin(json);
	for (size_t i = 0; i < c->rule_count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_string(json, "kind", c->rules[i].kind);
		ey_json_kv_string(json, "function", c->rules[i].function);
		ey_json_kv_string(json, "module", c->rules[i].module);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
}

struct ey_error *issue_content_digest(const struct issue_content *c, char digest[ISSUE_DIGEST_SIZE])
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct ey_json json;

	ey_json_init(&json, &text, 0);
	ey_json_object_begin(&json);
	issue_content_write(&json, c);
	ey_json_object_end(&json);
	struct ey_error *err = ey_buf_error(&text);
	if (err)
		return err;
	crypto_hash_sha256(hash, (const unsigned char *)text.data, text.len);
	sodium_bin2hex(digest, ISSUE_DIGEST_SIZE, hash, sizeof(hash));
	return NULL;
}

struct ey_error *issue_digest_add(struct db *db, int64_t issue_id, const char *digest)
{
	return db_run(db,
		      "INSERT INTO issue_digests (issue_id, digest) VALUES (?1, ?2) ON CONFLICT "
		      "(issue_id, digest) DO NOTHING",
		      db_int(issue_id), db_text(digest));
}

struct ey_error *issue_digest_known(struct db *db, int64_t issue_id, const char *digest, bool *ret)
{
	int64_t id;

	return db_scalar(db, &id, ret,
			 "SELECT id FROM issue_digests WHERE issue_id = ?1 AND digest = ?2",
			 db_int(issue_id), db_text(digest));
}

static struct ey_error *write_known(struct db *db, struct ey_json *json, int64_t id)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err = db_query(db, &st,
					"SELECT digest FROM issue_digests WHERE issue_id = ?1 "
					"ORDER BY id DESC LIMIT ?2",
					db_int(id), db_int(MAX_KNOWN));

	ey_json_key(json, "known");
	ey_json_array_begin(json);
	while (!err && !(err = db_step(st, &row)) && row)
		ey_json_string(json, db_column_text(st, 0));
	ey_json_array_end(json);
	return err;
}

static struct ey_error *write_comments(struct db *db, struct ey_json *json, int64_t id)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	char time[EY_TIME_TEXT_SIZE];
	bool row = false;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT time, who, new_value FROM issue_history WHERE issue_id = ?1 AND "
			 "what = 'comment' ORDER BY id LIMIT ?2",
			 db_int(id), db_int(MAX_COMMENTS));

	ey_json_key(json, "comments");
	ey_json_array_begin(json);
	while (!err && !(err = db_step(st, &row)) && row) {
		ey_json_object_begin(json);
		ey_json_kv_string(json, "time", ey_time_format(db_column_int(st, 0), time));
		ey_json_kv_string(json, "who", db_column_text(st, 1));
		ey_json_kv_string(json, "text", db_column_text(st, 2));
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
	return err;
}

// The name that the issue has at every site.
static struct ey_error *uid_of(struct db *db, int64_t id, char **ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	unsigned char bytes[16];
	char made[2 * sizeof(bytes) + 1];
	bool row = false;
	struct ey_error *err = NULL;

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(made, sizeof(made), bytes, sizeof(bytes));
	err = db_run(db, "UPDATE issues SET uid = ?2 WHERE id = ?1 AND uid IS NULL", db_int(id),
		     db_text(made));
	if (!err)
		err = db_query(db, &st, "SELECT uid FROM issues WHERE id = ?1", db_int(id));
	if (!err)
		err = db_step(st, &row);
	if (err)
		return err;
	*ret = strdup(row ? db_column_text(st, 0) : "");
	return *ret ? NULL : &ey_error_nomem;
}

static struct ey_error *write_one(struct db *db, struct ey_json *json, int64_t id, bool comments)
{
	_cleanup_content_ struct issue_content content = {0};
	_cleanup_free_ char *uid = NULL;
	char digest[ISSUE_DIGEST_SIZE];
	struct ey_error *err = uid_of(db, id, &uid);

	if (!err)
		err = issue_content_load(db, id, &content);
	if (!err)
		err = issue_content_digest(&content, digest);
	if (!err)
		err = issue_digest_add(db, id, digest);
	if (err)
		return err;
	ey_json_object_begin(json);
	ey_json_kv_string(json, "uid", uid);
	issue_content_write(json, &content);
	err = write_known(db, json, id);
	if (!err && comments)
		err = write_comments(db, json, id);
	ey_json_object_end(json);
	return err;
}

static void read_id(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	*(int64_t *)item = db_column_int(st, 0);
}

struct ey_error *db_issues_export(struct db *db, const struct db_issue_export *o,
				  struct ey_buf *out)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	struct db_arena arena = {0};
	char now[EY_TIME_TEXT_SIZE];
	int64_t *ids = NULL;
	size_t count = 0;
	struct ey_json json;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_query(db, &st,
			       "SELECT id FROM issues WHERE CAST(?1 AS BIGINT) = 0 OR id = ?1 "
			       "ORDER BY id",
			       db_int(o->issue_id));
	if (!err)
		err = db_rows_read(st, read_id, sizeof(*ids), 0, &arena, &ids, &count, NULL);
	if (!err && o->issue_id && !count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no issue %lld",
				      (long long)o->issue_id);
	ey_json_init(&json, out, 1);
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "schema", DB_ISSUES_SCHEMA);
	ey_json_kv_string(&json, "exported", ey_time_format(o->now, now));
	ey_json_key(&json, "issues");
	ey_json_array_begin(&json);
	for (size_t i = 0; !err && i < count; i++)
		err = write_one(db, &json, ids[i], o->comments);
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	ey_buf_addc(out, '\n');
	db_arena_deinit(&arena);
	if (!err)
		err = ey_buf_error(out);
	return err ? err : db_commit(&txn);
}

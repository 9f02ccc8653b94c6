/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Enrolment keys, and the tokens that hosts get by them. */
#include <inttypes.h>

#include "db/sql.h"
#include "db/token.h"

enum { USED_EVERY = 86400 };

#define HOST_TOKEN_COLUMNS                                                            \
	"id, enroll_key_id, site, hostname, machine_id, dmi_uuid, created, expires, " \
	"last_used, revoked"

void db_enroll_key_list_deinit(struct db_enroll_key_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_enroll_key_list){0};
}

struct ey_error *db_enroll_key_add(struct db *db, const struct db_enroll_key *key, const char *hash,
				   int64_t now, int64_t *id_ret)
{
	return db_scalar(db, id_ret, NULL,
			 "INSERT INTO enroll_keys (hash, name, site, max_uses, created, expires) "
			 "VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
			 db_text(hash), db_text(key->name), db_text(key->site),
			 db_int(key->max_uses), db_int(now), db_int(key->expires));
}

static void read_key(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_enroll_key *k = item;

	k->id = db_column_int(st, 0);
	k->name = db_column_dup(st, 1, arena, failed);
	k->site = db_column_dup(st, 2, arena, failed);
	k->max_uses = db_column_int(st, 3);
	k->uses = db_column_int(st, 4);
	k->created = db_column_int(st, 5);
	k->expires = db_column_int(st, 6);
	k->revoked = db_column_int(st, 7);
}

struct ey_error *db_enroll_key_list(struct db *db, struct db_enroll_key_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query_values(db, &st,
				"SELECT id, name, site, max_uses, uses, created, expires, revoked "
				"FROM enroll_keys ORDER BY id DESC LIMIT 1000",
				NULL, 0);

	*ret = (struct db_enroll_key_list){0};
	return err ? err : db_list_read(st, read_key, 0, ret, NULL);
}

struct ey_error *db_enroll_key_revoke(struct db *db, int64_t id, int64_t now)
{
	int64_t same;
	bool found = false;
	struct ey_error *err = db_scalar(db, &same, &found,
					 "UPDATE enroll_keys SET revoked = ?2 WHERE id = ?1 AND "
					 "revoked = 0 RETURNING id",
					 db_int(id), db_int(now));

	if (!err && !found)
		err = ey_error_create(EY_ERR_NOT_FOUND,
				      "there is no enrolment key %" PRId64 ", or it was revoked",
				      id);
	return err;
}

static void read_host(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_host_token *t = item;

	t->id = db_column_int(st, 0);
	t->enroll_key_id = db_column_int(st, 1);
	t->site = db_column_dup(st, 2, arena, failed);
	t->hostname = db_column_dup(st, 3, arena, failed);
	t->machine_id = db_column_dup(st, 4, arena, failed);
	t->dmi_uuid = db_column_dup(st, 5, arena, failed);
	t->created = db_column_int(st, 6);
	t->expires = db_column_int(st, 7);
	t->last_used = db_column_int(st, 8);
	t->revoked = db_column_int(st, 9);
}

void db_host_token_list_deinit(struct db_host_token_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_host_token_list){0};
}

static struct ey_error *add_host_token(struct db *db, const struct db_host_token *t,
				       const char *hash, int64_t now, int64_t *id_ret)
{
	return db_scalar(db, id_ret, NULL,
			 "INSERT INTO host_tokens (hash, enroll_key_id, site, hostname, "
			 "machine_id, dmi_uuid, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
			 "RETURNING id",
			 db_text(hash), db_int(t->enroll_key_id), db_text(t->site),
			 db_text(t->hostname), db_text(t->machine_id), db_text(t->dmi_uuid),
			 db_int(now));
}

// Machine-ids are copied with disk images: where DMI says that it is another machine, it is.
static struct ey_error *end_earlier(struct db *db, const struct db_host_token *t, int64_t now)
{
	return db_run(db,
		      "UPDATE host_tokens SET revoked = ?4 WHERE revoked = 0 AND site = ?1 AND "
		      "((dmi_uuid <> '' AND dmi_uuid = ?3) OR (machine_id <> '' AND "
		      "machine_id = ?2 AND (dmi_uuid = '' OR CAST(?3 AS TEXT) = '')))",
		      db_text(t->site), db_text(t->machine_id), db_text(t->dmi_uuid), db_int(now));
}

static struct ey_error *use_key(struct db *db, const char *key_hash, int64_t now,
				struct db_host_token *token, struct db_arena *arena,
				const char **name_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false, failed = false;
	// One statement: two hosts cannot both take the last use.
	struct ey_error *err = db_query(
		db, &st,
		"UPDATE enroll_keys SET uses = uses + 1 WHERE hash = ?1 AND revoked = 0 AND "
		"(expires = 0 OR expires > ?2) AND (max_uses = 0 OR uses < max_uses) "
		"RETURNING id, site, name",
		db_text(key_hash), db_int(now));

	if (!err)
		err = db_step(st, &row);
	if (!err && !row)
		err = ey_error_create(EY_ERR_NOT_FOUND,
				      "the enrolment key is unknown, used up, revoked or too old");
	if (err)
		return err;
	token->enroll_key_id = db_column_int(st, 0);
	token->site = db_column_dup(st, 1, arena, &failed);
	*name_ret = db_column_dup(st, 2, arena, &failed);
	return failed ? &ey_error_nomem : NULL;
}

struct ey_error *db_enroll(struct db *db, const char *key_hash, const struct db_host_token *host,
			   const char *hash, int64_t now, struct db_host_token_list *ret,
			   const char **key_name_ret)
{
	_cleanup_host_tokens_ struct db_host_token_list list = {0};
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_host_token *token = db_arena_alloc(&list.arena, sizeof(*token));
	struct ey_error *err = token ? db_begin(db, &txn) : &ey_error_nomem;

	if (err)
		return err;
	*token = *host;
	err = use_key(db, key_hash, now, token, &list.arena, key_name_ret);
	if (!err)
		err = end_earlier(db, token, now);
	if (!err)
		err = add_host_token(db, token, hash, now, &token->id);
	if (!err)
		err = db_commit(&txn);
	if (err)
		return err;
	list.items = token;
	list.count = 1;
	*ret = list;
	list = (struct db_host_token_list){0};
	return NULL;
}

struct ey_error *db_host_token_rotate(struct db *db, int64_t id, const char *hostname,
				      const char *hash, int64_t grace, int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t added;
	bool found = false;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_scalar(
			db, &added, &found,
			"INSERT INTO host_tokens (hash, enroll_key_id, site, hostname, machine_id, "
			"dmi_uuid, created) SELECT CAST(?2 AS TEXT), enroll_key_id, site, "
			"CAST(?3 AS TEXT), machine_id, dmi_uuid, CAST(?4 AS BIGINT) "
			"FROM host_tokens WHERE id = ?1 AND revoked = 0 RETURNING id",
			db_int(id), db_text(hash), db_text(hostname), db_int(now));
	if (!err && !found)
		err = ey_error_create(EY_ERR_NOT_FOUND, "the token was revoked");
	if (!err)
		err = db_run(db,
			     "UPDATE host_tokens SET expires = ?2 WHERE id = ?1 AND "
			     "(expires = 0 OR expires > ?2)",
			     db_int(id), db_int(now + grace));
	return err ? err : db_commit(&txn);
}

struct ey_error *db_host_token_find(struct db *db, const char *hash, bool note, int64_t now,
				    struct db_host_token_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st,
					"SELECT " HOST_TOKEN_COLUMNS
					" FROM host_tokens WHERE hash = ?1 AND revoked = 0 AND "
					"(expires = 0 OR expires > ?2)",
					db_text(hash), db_int(now));

	*ret = (struct db_host_token_list){0};
	if (!err)
		err = db_list_read(st, read_host, 1, ret, NULL);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "no such token is in force");
	if (err || !note || now < ret->items[0].last_used + USED_EVERY)
		return err;
	db_release(st);
	st = NULL;
	err = db_run(db, "UPDATE host_tokens SET last_used = ?2 WHERE id = ?1",
		     db_int(ret->items[0].id), db_int(now));
	if (err)
		db_host_token_list_deinit(ret);
	return err;
}

struct ey_error *db_host_token_list(struct db *db, const char *host, const struct db_page *page,
				    struct db_host_token_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_sql_ struct db_sql sql = {0};
	struct db_host_token_list list = {0};
	bool more, failed = false;
	unsigned int limit;

	*ret = (struct db_host_token_list){0};
	db_sql_add(&sql, "SELECT " HOST_TOKEN_COLUMNS " FROM host_tokens");
	db_sql_where(&sql, "revoked = ?", db_int(0));
	db_sql_where_text(&sql, "? IN (hostname, machine_id)", host);
	struct ey_error *err = db_sql_page(&sql, page, "created", "id", &limit);
	if (!err)
		err = db_sql_query(db, &sql, &st);
	if (!err)
		err = db_list_read(st, read_host, limit, &list, &more);
	if (err)
		return err;
	if (more) {
		const struct db_host_token *last = &list.items[list.count - 1];

		list.next = db_cursor_make(&list.arena, last->created, last->id, &failed);
	}
	if (failed) {
		db_host_token_list_deinit(&list);
		return &ey_error_nomem;
	}
	*ret = list;
	return NULL;
}

struct ey_error *db_host_token_revoke(struct db *db, int64_t id, int64_t now)
{
	int64_t same;
	bool found = false;
	struct ey_error *err = db_scalar(db, &same, &found,
					 "UPDATE host_tokens SET revoked = ?2 WHERE id = ?1 AND "
					 "revoked = 0 RETURNING id",
					 db_int(id), db_int(now));

	if (!err && !found)
		err = ey_error_create(EY_ERR_NOT_FOUND,
				      "there is no host token %" PRId64 ", or it was revoked", id);
	return err;
}

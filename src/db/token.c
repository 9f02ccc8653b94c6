/* SPDX-License-Identifier: GPL-2.0-or-later */
/* People's tokens. */
#include "db/token.h"

#include <inttypes.h>

#include "db/sql.h"

enum { USED_EVERY = 3600 };

void db_token_list_deinit(struct db_token_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_token_list){0};
}

struct ey_error *db_token_add(struct db *db, const struct db_token *token, const char *hash,
			      int64_t now, int64_t *id_ret)
{
	return db_scalar(db, id_ret, NULL,
			 "INSERT INTO tokens (hash, user_id, name, scopes, created, expires) "
			 "VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
			 db_text(hash), db_int(token->user_id), db_text(token->name),
			 db_text(token->scopes), db_int(now), db_int(token->expires));
}

static void read_token(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_token *t = item;

	t->id = db_column_int(st, 0);
	t->user_id = db_column_int(st, 1);
	t->user = db_column_dup(st, 2, arena, failed);
	t->name = db_column_dup(st, 3, arena, failed);
	t->scopes = db_column_dup(st, 4, arena, failed);
	t->created = db_column_int(st, 5);
	t->expires = db_column_int(st, 6);
	t->last_used = db_column_int(st, 7);
	t->revoked = db_column_int(st, 8);
}

struct ey_error *db_token_list(struct db *db, int64_t user_id, struct db_token_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(
		db, &st,
		"SELECT t.id, t.user_id, u.name, t.name, t.scopes, t.created, t.expires, "
		"t.last_used, t.revoked FROM tokens t JOIN users u ON u.id = t.user_id "
		"WHERE CAST(?1 AS BIGINT) = 0 OR t.user_id = ?1 ORDER BY t.id DESC LIMIT 1000",
		db_int(user_id));

	*ret = (struct db_token_list){0};
	return err ? err : db_list_read(st, read_token, 0, ret, NULL);
}

struct ey_error *db_token_name(struct db *db, int64_t id, char **ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err =
		db_query(db, &st, "SELECT name FROM tokens WHERE id = ?1", db_int(id));

	if (!err)
		err = db_step(st, &row);
	if (!err && !row)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no token %" PRId64, id);
	if (err)
		return err;
	*ret = strdup(db_column_text(st, 0));
	return *ret ? NULL : &ey_error_nomem;
}

struct ey_error *db_token_revoke(struct db *db, int64_t id, int64_t user_id, int64_t now)
{
	int64_t same;
	bool found = false;
	struct ey_error *err =
		db_scalar(db, &same, &found,
			  "UPDATE tokens SET revoked = ?3 WHERE id = ?1 AND revoked = 0 AND "
			  "(CAST(?2 AS BIGINT) = 0 OR user_id = ?2) RETURNING id",
			  db_int(id), db_int(user_id), db_int(now));

	if (!err && !found)
		err = ey_error_create(EY_ERR_NOT_FOUND,
				      "there is no token %" PRId64 ", or it was revoked", id);
	return err;
}

static struct ey_error *read_use(struct db_statement *st, struct db_token_use *ret)
{
	struct db_user *u = db_arena_alloc(&ret->user.arena, sizeof(*u));
	bool failed = !u;

	if (u) {
		u->id = db_column_int(st, 2);
		u->name = db_column_dup(st, 3, &ret->user.arena, &failed);
		u->role = db_column_dup(st, 4, &ret->user.arena, &failed);
		u->grants = db_column_dup(st, 5, &ret->user.arena, &failed);
		u->password = "";
		ret->scopes = db_column_dup(st, 1, &ret->user.arena, &failed);
	}
	if (failed) {
		db_user_list_deinit(&ret->user);
		return &ey_error_nomem;
	}
	ret->id = db_column_int(st, 0);
	ret->user.items = u;
	ret->user.count = 1;
	return NULL;
}

struct ey_error *db_token_find(struct db *db, const char *hash, int64_t now,
			       struct db_token_use *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT t.id, t.scopes, u.id, u.name, u.role, u.grants, t.last_used "
			 "FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.hash = ?1 AND "
			 "t.revoked = 0 AND u.disabled = 0 AND (t.expires = 0 OR t.expires > ?2)",
			 db_text(hash), db_int(now));
	bool row = false;

	*ret = (struct db_token_use){0};
	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err ? err : ey_error_create(EY_ERR_NOT_FOUND, "no such token is in force");
	bool used = now < db_column_int(st, 6) + USED_EVERY;
	err = read_use(st, ret);
	if (err || used)
		return err;
	db_release(st);
	st = NULL;
	err = db_run(db, "UPDATE tokens SET last_used = ?2 WHERE id = ?1", db_int(ret->id),
		     db_int(now));
	if (err)
		db_user_list_deinit(&ret->user);
	return err;
}

struct ey_error *db_token_alive(struct db *db, int64_t id, int64_t now, bool *ret)
{
	int64_t one;

	return db_scalar(
		db, &one, ret,
		"SELECT 1 FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.id = ?1 "
		"AND t.revoked = 0 AND u.disabled = 0 AND (t.expires = 0 OR t.expires > ?2)",
		db_int(id), db_int(now));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/user.h"

#include <inttypes.h>

#include "db/sql.h"

#define USER_COLUMNS \
	"u.id, u.name, u.role, u.grants, u.password, u.disabled, u.created, u.last_sign_in"

enum {
	/** Seconds that a session's last request may be wrong by: not each one writes. */
	SEEN_EVERY = 60,
	/** Attempts are forgotten after a day, whatever their window. */
	ATTEMPTS_KEPT = 86400,
};

static void read_user(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_user *u = item;

	u->id = db_column_int(st, 0);
	u->name = db_column_dup(st, 1, arena, failed);
	u->role = db_column_dup(st, 2, arena, failed);
	u->grants = db_column_dup(st, 3, arena, failed);
	u->password = db_column_dup(st, 4, arena, failed);
	u->disabled = db_column_int(st, 5) != 0;
	u->created = db_column_int(st, 6);
	u->last_sign_in = db_column_int(st, 7);
}

void db_user_list_deinit(struct db_user_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_user_list){0};
}

struct ey_error *db_user_any(struct db *db, bool *ret)
{
	int64_t one;

	return db_scalar_values(db, &one, ret, "SELECT 1 FROM users LIMIT 1", NULL, 0);
}

struct ey_error *db_user_list(struct db *db, struct db_user_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query_values(
		db, &st, "SELECT " USER_COLUMNS " FROM users u ORDER BY u.name", NULL, 0);

	*ret = (struct db_user_list){0};
	return err ? err : db_list_read(st, read_user, 0, ret, NULL);
}

struct ey_error *db_user_find(struct db *db, const char *name, struct db_user_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(
		db, &st, "SELECT " USER_COLUMNS " FROM users u WHERE u.name = ?1", db_text(name));

	*ret = (struct db_user_list){0};
	if (!err)
		err = db_list_read(st, read_user, 1, ret, NULL);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no user \"%.64s\"", name);
	return err;
}

struct ey_error *db_user_get(struct db *db, int64_t id, struct db_user_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(
		db, &st, "SELECT " USER_COLUMNS " FROM users u WHERE u.id = ?1", db_int(id));

	*ret = (struct db_user_list){0};
	if (!err)
		err = db_list_read(st, read_user, 1, ret, NULL);
	if (!err && !ret->count)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no user %" PRId64, id);
	return err;
}

struct ey_error *db_user_add(struct db *db, const struct db_user *user, int64_t now,
			     int64_t *id_ret)
{
	bool found;
	struct ey_error *err = db_scalar(
		db, id_ret, &found,
		"INSERT INTO users (name, role, grants, password, created, password_changed) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (name) DO NOTHING RETURNING id",
		db_text(user->name), db_text(user->role), db_text(user->grants),
		db_text(user->password), db_int(now));

	if (!err && !found)
		err = ey_error_create(EY_ERR_INPUT, "there is a user \"%s\" already", user->name);
	return err;
}

// Change a user by a statement that returns the id.
static struct ey_error *found_or(struct ey_error *err, const bool *found, int64_t id)
{
	if (!err && !*found)
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no user %" PRId64, id);
	return err;
}

struct ey_error *db_user_set_role(struct db *db, int64_t id, const char *role, const char *grants)
{
	int64_t same;
	bool found = false;
	struct ey_error *err =
		db_scalar(db, &same, &found,
			  "UPDATE users SET role = ?2, grants = ?3 WHERE id = ?1 RETURNING id",
			  db_int(id), db_text(role), db_text(grants));

	return found_or(err, &found, id);
}

static struct ey_error *end_sessions(struct db *db, int64_t user_id)
{
	return db_run(db, "DELETE FROM sessions WHERE user_id = ?1", db_int(user_id));
}

struct ey_error *db_user_set_password(struct db *db, int64_t id, const char *password, int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t same;
	bool found = false;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = found_or(db_scalar(db, &same, &found,
					 "UPDATE users SET password = ?2, password_changed = ?3 "
					 "WHERE id = ?1 RETURNING id",
					 db_int(id), db_text(password), db_int(now)),
			       &found, id);
	if (!err)
		err = end_sessions(db, id);
	return err ? err : db_commit(&txn);
}

struct ey_error *db_user_set_disabled(struct db *db, int64_t id, bool disabled)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t same;
	bool found = false;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = found_or(
			db_scalar(db, &same, &found,
				  "UPDATE users SET disabled = ?2 WHERE id = ?1 RETURNING id",
				  db_int(id), db_int(disabled)),
			&found, id);
	if (!err && disabled)
		err = end_sessions(db, id);
	return err ? err : db_commit(&txn);
}

struct ey_error *db_session_add(struct db *db, const char *hash, int64_t user_id,
				const char *address, const struct db_session_life *life,
				int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_run(db, "DELETE FROM sessions WHERE created < ?1 OR last_seen < ?2",
			     db_int(now - life->absolute), db_int(now - life->idle));
	if (!err)
		err = db_run(db,
			     "INSERT INTO sessions (hash, user_id, address, created, last_seen) "
			     "VALUES (?1, ?2, ?3, ?4, ?4)",
			     db_text(hash), db_int(user_id), db_text(address), db_int(now));
	if (!err)
		err = db_run(db, "UPDATE users SET last_sign_in = ?2 WHERE id = ?1",
			     db_int(user_id), db_int(now));
	return err ? err : db_commit(&txn);
}

struct ey_error *db_session_find(struct db *db, const char *hash,
				 const struct db_session_life *life, int64_t now,
				 struct db_session *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	int64_t last_seen = 0;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT " USER_COLUMNS ", s.id, s.last_seen FROM sessions s "
			 "JOIN users u ON u.id = s.user_id WHERE s.hash = ?1 AND u.disabled = 0 "
			 "AND s.created > ?2 AND s.last_seen > ?3",
			 db_text(hash), db_int(now - life->absolute), db_int(now - life->idle));
	bool row = false, failed = false;

	*ret = (struct db_session){0};
	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err ? err : ey_error_create(EY_ERR_NOT_FOUND, "the session is over");
	struct db_user *user = db_arena_alloc(&ret->user.arena, sizeof(*user));
	if (user)
		read_user(st, &ret->user.arena, user, &failed);
	if (!user || failed) {
		db_user_list_deinit(&ret->user);
		return &ey_error_nomem;
	}
	ret->user.items = user;
	ret->user.count = 1;
	ret->id = db_column_int(st, 8);
	last_seen = db_column_int(st, 9);
	if (now < last_seen + EY_MIN((int64_t)SEEN_EVERY, life->idle / 4))
		return NULL;
	db_release(st);
	st = NULL;
	err = db_run(db, "UPDATE sessions SET last_seen = ?2 WHERE id = ?1", db_int(ret->id),
		     db_int(now));
	if (err)
		db_user_list_deinit(&ret->user);
	return err;
}

struct ey_error *db_session_alive(struct db *db, int64_t id, const struct db_session_life *life,
				  int64_t now, bool *ret)
{
	int64_t one;

	return db_scalar(db, &one, ret,
			 "SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id WHERE "
			 "s.id = ?1 AND u.disabled = 0 AND s.created > ?2 AND s.last_seen > ?3",
			 db_int(id), db_int(now - life->absolute), db_int(now - life->idle));
}

struct ey_error *db_session_end(struct db *db, int64_t id)
{
	return db_run(db, "DELETE FROM sessions WHERE id = ?1", db_int(id));
}

struct ey_error *db_attempt_count(struct db *db, const char *kind, const char *value,
				  int64_t seconds, int64_t now, int64_t *attempts_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_run(db, "DELETE FROM sign_in_attempts WHERE since < ?1",
			     db_int(now - ATTEMPTS_KEPT));
	// One statement: what two servers count at once is counted twice.
	if (!err)
		err = db_scalar(db, attempts_ret, NULL,
				"INSERT INTO sign_in_attempts (kind, value, since, attempts) "
				"VALUES (?1, ?2, ?3, 1) ON CONFLICT (kind, value) DO UPDATE SET "
				"attempts = CASE WHEN sign_in_attempts.since <= ?4 THEN 1 "
				"ELSE sign_in_attempts.attempts + 1 END, "
				"since = CASE WHEN sign_in_attempts.since <= ?4 THEN ?3 "
				"ELSE sign_in_attempts.since END RETURNING attempts",
				db_text(kind), db_text(value), db_int(now), db_int(now - seconds));
	return err ? err : db_commit(&txn);
}

struct ey_error *db_attempt_forget(struct db *db, const char *kind, const char *value)
{
	return db_run(db, "DELETE FROM sign_in_attempts WHERE kind = ?1 AND value = ?2",
		      db_text(kind), db_text(value));
}

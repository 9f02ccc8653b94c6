/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * People who may sign in, their sessions, and how often somebody tried. What a secret is and how
 * it is hashed is src/server/secret.h's business: here stand hashes only.
 */
#ifndef EYRIE_DB_USER_H
#define EYRIE_DB_USER_H

#include "db/arena.h"
#include "db/db.h"

struct db_user {
	int64_t id;
	/** Never empty. */
	const char *name;
	const char *role;
	/** Names of permissions besides those of the role, blanks between them. */
	const char *grants;
	/** As crypto_pwhash_str() writes it; "": signs in by the proxy only. */
	const char *password;
	bool disabled;
	int64_t created;
	/** 0: never. */
	int64_t last_sign_in;
};

struct db_user_list {
	struct db_arena arena;
	struct db_user *items;
	size_t count;
};
void db_user_list_deinit(struct db_user_list *list);
#define _cleanup_users_ __attribute__((cleanup(db_user_list_deinit)))

/** Whether there is any user at all. */
struct ey_error *db_user_any(struct db *db, bool *ret) EY_MUST_CHECK;
/** All, by name. */
struct ey_error *db_user_list(struct db *db, struct db_user_list *ret) EY_MUST_CHECK;
/** The one of that name; EY_ERR_NOT_FOUND. */
struct ey_error *db_user_find(struct db *db, const char *name,
			      struct db_user_list *ret) EY_MUST_CHECK;
/** The one of that id; EY_ERR_NOT_FOUND. */
struct ey_error *db_user_get(struct db *db, int64_t id, struct db_user_list *ret) EY_MUST_CHECK;
/** Add one (name, role, grants, password of @p user); EY_ERR_INPUT where the name is taken. */
struct ey_error *db_user_add(struct db *db, const struct db_user *user, int64_t now,
			     int64_t *id_ret) EY_MUST_CHECK;
struct ey_error *db_user_set_role(struct db *db, int64_t id, const char *role,
				  const char *grants) EY_MUST_CHECK;
/** Set the password's hash; all sessions of the user end. */
struct ey_error *db_user_set_password(struct db *db, int64_t id, const char *password,
				      int64_t now) EY_MUST_CHECK;
/** Shut out or let in again; shut out, all sessions end, and tokens do not count. */
struct ey_error *db_user_set_disabled(struct db *db, int64_t id, bool disabled) EY_MUST_CHECK;

/** How long a session lives, seconds: without a request, and at most. */
struct db_session_life {
	int64_t idle;
	int64_t absolute;
};

/** A session: `count` 1 in @p user, and the session's id. */
struct db_session {
	int64_t id;
	struct db_user_list user;
};

/** Begin one; notes the sign-in, and forgets sessions of anybody that are over. */
struct ey_error *db_session_add(struct db *db, const char *hash, int64_t user_id,
				const char *address, const struct db_session_life *life,
				int64_t now) EY_MUST_CHECK;
/**
 * The session whose id has that hash, if it is not over and its user not shut out; else
 * EY_ERR_NOT_FOUND. It is noted as seen, at most once a minute.
 */
struct ey_error *db_session_find(struct db *db, const char *hash,
				 const struct db_session_life *life, int64_t now,
				 struct db_session *ret) EY_MUST_CHECK;
/** Whether the session goes on (and its user is not shut out); it is not noted as seen. */
struct ey_error *db_session_alive(struct db *db, int64_t id, const struct db_session_life *life,
				  int64_t now, bool *ret) EY_MUST_CHECK;
struct ey_error *db_session_end(struct db *db, int64_t id) EY_MUST_CHECK;

/**
 * Count an attempt in, before it is tried: so that many at once, also at several eyrieds, cannot be
 * more than allowed. @p attempts_ret: those in the window of @p seconds, with this one.
 */
struct ey_error *db_attempt_count(struct db *db, const char *kind, const char *value,
				  int64_t seconds, int64_t now,
				  int64_t *attempts_ret) EY_MUST_CHECK;
/** It was a good one: forget those of the account. */
struct ey_error *db_attempt_forget(struct db *db, const char *kind,
				   const char *value) EY_MUST_CHECK;

#endif

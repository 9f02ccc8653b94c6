/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Tokens: those of people for scripts, the keys by which hosts enrol, and the hosts' own. A secret
 * is shown once, when it is made; here stands its hash (src/server/secret.h).
 */
#ifndef EYRIE_DB_TOKEN_H
#define EYRIE_DB_TOKEN_H

#include "db/user.h"

/** A person's token. */
struct db_token {
	int64_t id;
	int64_t user_id;
	const char *user;
	/** What it is for. */
	const char *name;
	/** Names of permissions, blanks between them. */
	const char *scopes;
	int64_t created;
	/** 0: never. */
	int64_t expires;
	/** To the hour; 0: never. */
	int64_t last_used;
	int64_t revoked;
};

struct db_token_list {
	struct db_arena arena;
	struct db_token *items;
	size_t count;
};
void db_token_list_deinit(struct db_token_list *list);
#define _cleanup_tokens_ __attribute__((cleanup(db_token_list_deinit)))

/** Add one (user_id, name, scopes, expires of @p token). */
struct ey_error *db_token_add(struct db *db, const struct db_token *token, const char *hash,
			      int64_t now, int64_t *id_ret) EY_MUST_CHECK;
/** Those of a user (0: all), the latest first. */
struct ey_error *db_token_list(struct db *db, int64_t user_id,
			       struct db_token_list *ret) EY_MUST_CHECK;
/** End one, of @p user_id only (0: of anybody). EY_ERR_NOT_FOUND: there is none, or it has ended.
 */
struct ey_error *db_token_revoke(struct db *db, int64_t id, int64_t user_id,
				 int64_t now) EY_MUST_CHECK;

/** The name of a token (free()); EY_ERR_NOT_FOUND. */
struct ey_error *db_token_name(struct db *db, int64_t id, char **ret) EY_MUST_CHECK;

struct db_token_use {
	/** `count` 1: whose it is. */
	struct db_user_list user;
	int64_t id;
	/** In the user's arena. */
	const char *scopes;
};
/** The token in force with that hash; EY_ERR_NOT_FOUND. Notes the use, at most once an hour. */
struct ey_error *db_token_find(struct db *db, const char *hash, int64_t now,
			       struct db_token_use *ret) EY_MUST_CHECK;

/** Whether the token is in force (and its user not shut out); it is not noted as used. */
struct ey_error *db_token_alive(struct db *db, int64_t id, int64_t now, bool *ret) EY_MUST_CHECK;

/** By which hosts of a site enrol. */
struct db_enroll_key {
	int64_t id;
	const char *name;
	const char *site;
	/** 0: as often as wished. */
	int64_t max_uses;
	int64_t uses;
	int64_t created;
	int64_t expires;
	int64_t revoked;
};

struct db_enroll_key_list {
	struct db_arena arena;
	struct db_enroll_key *items;
	size_t count;
};
void db_enroll_key_list_deinit(struct db_enroll_key_list *list);
#define _cleanup_enroll_keys_ __attribute__((cleanup(db_enroll_key_list_deinit)))

struct ey_error *db_enroll_key_add(struct db *db, const struct db_enroll_key *key, const char *hash,
				   int64_t now, int64_t *id_ret) EY_MUST_CHECK;
struct ey_error *db_enroll_key_list(struct db *db, struct db_enroll_key_list *ret) EY_MUST_CHECK;
/** End it; hosts that enrolled with it keep their tokens. */
struct ey_error *db_enroll_key_revoke(struct db *db, int64_t id, int64_t now) EY_MUST_CHECK;

/** A host's own. Texts are "" where not known. */
struct db_host_token {
	int64_t id;
	int64_t enroll_key_id;
	const char *site;
	const char *hostname;
	const char *machine_id;
	const char *dmi_uuid;
	int64_t created;
	/** 0: never; set when it was replaced. */
	int64_t expires;
	/** To the day; 0: never. */
	int64_t last_used;
	int64_t revoked;
};

struct db_host_token_list {
	struct db_arena arena;
	struct db_host_token *items;
	size_t count;
	const char *next;
};
void db_host_token_list_deinit(struct db_host_token_list *list);
#define _cleanup_host_tokens_ __attribute__((cleanup(db_host_token_list_deinit)))

/**
 * Use a key once: give the host @p host (hostname, machine_id, dmi_uuid) the token with that hash.
 * Earlier tokens of the same machine (DMI UUID, or machine-id where that does not say otherwise)
 * end. EY_ERR_NOT_FOUND: no key in force has @p key_hash. @p ret: the token's row and, as its
 * @p key_name_ret (in the list's arena), the key.
 */
struct ey_error *db_enroll(struct db *db, const char *key_hash, const struct db_host_token *host,
			   const char *hash, int64_t now, struct db_host_token_list *ret,
			   const char **key_name_ret) EY_MUST_CHECK;
/** A new token for the machine of token @p id, whose own ends after @p grace seconds. */
struct ey_error *db_host_token_rotate(struct db *db, int64_t id, const char *hostname,
				      const char *hash, int64_t grace, int64_t now) EY_MUST_CHECK;
/**
 * The token in force with that hash; EY_ERR_NOT_FOUND. @p note: note the use, at most once a day
 * (not with each crash of a storm).
 */
struct ey_error *db_host_token_find(struct db *db, const char *hash, bool note, int64_t now,
				    struct db_host_token_list *ret) EY_MUST_CHECK;
/** Those in force, of a host name or machine-id (NULL: all), the latest first. */
struct ey_error *db_host_token_list(struct db *db, const char *host, const struct db_page *page,
				    struct db_host_token_list *ret) EY_MUST_CHECK;
struct ey_error *db_host_token_revoke(struct db *db, int64_t id, int64_t now) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Secrets: made here, shown once, kept as hashes. Long random ones (tokens, keys, session ids) by
 * BLAKE2b, which needs no salt for 256 random bits and is quick; passwords by argon2id, which is
 * slow on purpose.
 */
#ifndef EYRIE_SERVER_SECRET_H
#define EYRIE_SERVER_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/** By which scanners of source trees, and we, know a secret: "eyrie_t_" and so on. */
#define SECRET_API_TOKEN  "eyrie_t_"
#define SECRET_HOST_TOKEN "eyrie_h_"
#define SECRET_ENROLL_KEY "eyrie_k_"
#define SECRET_SESSION	  "eyrie_s_"

enum {
	/** A prefix, 43 characters of base64url, NUL. */
	SECRET_SIZE = 8 + 43 + 1,
	SECRET_HASH_SIZE = 64 + 1,
	SECRET_PASSWORD_HASH_SIZE = 128,
	SECRET_PASSWORD_MIN = 12,
	SECRET_PASSWORD_MAX = 1024,
};

/** A new one. @p prefix is one of those above; @p ret has SECRET_SIZE bytes. */
void secret_make(const char *prefix, char *ret);
/** Whether @p text is @p prefix and 43 characters of base64url. */
bool secret_is(const char *text, const char *prefix);
/** Its hash, in hexadecimal; @p ret has SECRET_HASH_SIZE bytes. */
void secret_hash(const char *text, char *ret);
/**
 * What a session's page must send back with each change (SECRET_HASH_SIZE bytes): made from the
 * session's id, so that only who was given it by us knows it, and it opens nothing by itself.
 */
void secret_csrf(const char *session, char *ret);
/** Whether two texts are equal, in a time that does not tell where they differ. */
bool secret_equal(const char *a, const char *b);

/** EY_ERR_INPUT for a password that is too short or too long. */
struct ey_error *secret_password_check(const char *password) EY_MUST_CHECK;
/** Hash a password; @p ret has SECRET_PASSWORD_HASH_SIZE bytes. Takes 64 MiB for a moment. */
struct ey_error *secret_password_hash(const char *password, char *ret) EY_MUST_CHECK;
/**
 * Whether @p password is the one of @p hash. NULL or "" (nobody of that name, or nobody with a
 * password) takes as long as a wrong password does.
 */
bool secret_password_verify(const char *hash, const char *password);

#endif

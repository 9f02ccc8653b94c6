/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert((int)SECRET_PASSWORD_HASH_SIZE >= (int)crypto_pwhash_STRBYTES, "room for argon2id");

// Of no password: made with the same cost, from bytes that nobody kept.
static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$mRPfyXsZFd7mLhTqgq3YHA$"
			     "Qn0v8pO8yWxq0lUpjZ9pT0bF4Q3o3v6m9lX2dRkqv0w";

void secret_make(const char *prefix, char *ret)
{
	unsigned char bytes[32];
	size_t len = strlen(prefix);

	stpcpy(ret, prefix);
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2base64(ret + len, SECRET_SIZE - len, bytes, sizeof(bytes),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(bytes, sizeof(bytes));
}

bool secret_is(const char *text, const char *prefix)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t len = strlen(prefix);

	return !strncmp(text, prefix, len) && strlen(text) == SECRET_SIZE - 1 &&
	       strspn(text + len, alphabet) == SECRET_SIZE - 1 - len;
}

static void hash_with(const char *key, const char *text, char *ret)
{
	unsigned char hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text),
			   (const unsigned char *)key, strlen(key));
	sodium_bin2hex(ret, SECRET_HASH_SIZE, hash, sizeof(hash));
}

void secret_hash(const char *text, char *ret)
{
	hash_with("eyrie secret, version 1", text, ret);
}

void secret_csrf(const char *session, char *ret)
{
	hash_with("eyrie change by a session's page", session, ret);
}

bool secret_equal(const char *a, const char *b)
{
	size_t len = strlen(a);

	return len == strlen(b) && !sodium_memcmp(a, b, len);
}

struct ey_error *secret_password_check(const char *password)
{
	size_t len = strlen(password);

	if (len >= SECRET_PASSWORD_MIN && len <= SECRET_PASSWORD_MAX)
		return NULL;
	return ey_error_create(EY_ERR_INPUT, "a password has %d to %d bytes", SECRET_PASSWORD_MIN,
			       SECRET_PASSWORD_MAX);
}

struct ey_error *secret_password_hash(const char *password, char *ret)
{
	if (crypto_pwhash_str_alg(
		    ret, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
		    crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) < 0)
		return &ey_error_nomem;
	return NULL;
}

bool secret_password_verify(const char *hash, const char *password)
{
	bool known = hash && *hash;
	bool right = !crypto_pwhash_str_verify(known ? hash : nobody, password, strlen(password));

	return known && right;
}

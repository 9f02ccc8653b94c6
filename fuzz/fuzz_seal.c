/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealed files, and files of keys. The seeds are sealed to the pair whose secret key is 32 times
 * the letter B: `eyrie seal file --to fuzz.pub`, where fuzz.pub is the line in corpus/seal/public.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "store/seal.h"

enum { LIMIT = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What is unsealed is never longer than what held it, and only the key opens it.
static void sealed(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	struct seal_secret secret;
	struct seal_header header;

	memset(secret.secret_key, 'B', sizeof(secret.secret_key));
	crypto_scalarmult_base(secret.public_key, secret.secret_key);
	_cleanup_error_ struct ey_error *err = unseal_memory(data, size, &secret, LIMIT, &out);
	if (out.len > size || (!err && out.len + 16 + 88 + 24 + 57 > size))
		abort();
	_cleanup_error_ struct ey_error *head = seal_header_read(data, size, &header);
	if (!err && (head || !header.count || header.count > SEAL_RECIPIENTS_MAX))
		abort();
	secret.secret_key[0] ^= 8;
	_cleanup_error_ struct ey_error *other = unseal_memory(data, size, &secret, LIMIT, &out);
	if (!other)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seal_recipients keys;
	struct seal_secret secret;

	sealed(data, size);
	_cleanup_error_ struct ey_error *no_keys =
		seal_public_read((const char *)data, size, &keys);
	if (!no_keys && (!keys.count || keys.count > SEAL_RECIPIENTS_MAX))
		abort();
	_cleanup_free_ char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	// Passphrases are slow to try on purpose; without one, all but that is read.
	_cleanup_error_ struct ey_error *no_secret = seal_secret_read(text, size, NULL, &secret);
	return 0;
}

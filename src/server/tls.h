/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Certificate and key of the HTTPS server, read again while it serves. */
#ifndef EYRIE_SERVER_TLS_H
#define EYRIE_SERVER_TLS_H

#include <gnutls/abstract.h>
#include <stdbool.h>

#include "base/error.h"

struct tls_keys;

/**
 * Read the certificate with its chain, and its key, from PEM files; the paths are kept by
 * reference. EY_ERR_IO where one cannot be read, is no PEM file, or they do not belong together.
 */
struct ey_error *tls_keys_create(const char *certificate, const char *key,
				 struct tls_keys **ret) EY_MUST_CHECK;
/**
 * Read the files again: handshakes that begin from now on get what they hold. On an error what was
 * there stays. @p changed_ret: whether they hold anything new.
 */
struct ey_error *tls_keys_reload(struct tls_keys *keys, bool *changed_ret) EY_MUST_CHECK;
/** What GnuTLS presents in a handshake that begins now; it stays ours. Any thread may ask. */
void tls_keys_get(struct tls_keys *keys, gnutls_pcert_st **chain_ret, unsigned int *count_ret,
		  gnutls_privkey_t *key_ret);
void tls_keys_destroy(struct tls_keys *keys);

#endif

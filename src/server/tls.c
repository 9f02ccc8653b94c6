/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/tls.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

enum {
	PEM_MAX = 1 << 20,
	CHAIN_MAX = 16,
};

// What the files held at one time. Earlier ones stay until the end: a handshake may use them.
struct generation {
	struct generation *earlier;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned int count;
	gnutls_privkey_t key;
	unsigned char hash[crypto_generichash_BYTES];
};

struct tls_keys {
	const char *certificate_path;
	const char *key_path;
	pthread_mutex_t lock;
	struct generation *now;
};

static void generation_destroy(struct generation *g)
{
	if (!g)
		return;
	for (unsigned int i = 0; i < g->count; i++)
		gnutls_pcert_deinit(&g->chain[i]);
	if (g->key)
		gnutls_privkey_deinit(g->key);
	free(g);
}

static void generation_destroyp(struct generation **g)
{
	generation_destroy(*g);
}

static void erase_text(char **text)
{
	if (*text)
		sodium_memzero(*text, strlen(*text));
	free(*text);
}

// GnuTLS compares them when it takes them into credentials.
static int belong_together(const gnutls_datum_t *certificate, const gnutls_datum_t *key)
{
	gnutls_certificate_credentials_t both;
	int ret = gnutls_certificate_allocate_credentials(&both);

	if (ret < 0)
		return ret;
	ret = gnutls_certificate_set_x509_key_mem(both, certificate, key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(both);
	return ret;
}

static int import(struct generation *g, const gnutls_datum_t *certificate,
		  const gnutls_datum_t *key)
{
	unsigned int count = CHAIN_MAX;
	int ret = belong_together(certificate, key);

	if (ret < 0)
		return ret;
	ret = gnutls_pcert_list_import_x509_raw(g->chain, &count, certificate, GNUTLS_X509_FMT_PEM,
						GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	if (ret < 0)
		return ret;
	g->count = count;
	ret = gnutls_privkey_init(&g->key);
	if (ret < 0)
		return ret;
	return gnutls_privkey_import_x509_raw(g->key, key, GNUTLS_X509_FMT_PEM, NULL, 0);
}

static struct ey_error *read_files(const struct tls_keys *keys, struct generation **ret)
{
	_cleanup_(generation_destroyp) struct generation *g = calloc(1, sizeof(*g));
	_cleanup_free_ char *certificate = NULL;
	_cleanup_(erase_text) char *key = NULL;
	size_t certificate_len, key_len;
	crypto_generichash_state state;

	if (!g)
		return &ey_error_nomem;
	struct ey_error *err =
		ey_file_read_whole(keys->certificate_path, PEM_MAX, &certificate, &certificate_len);
	if (!err)
		err = ey_file_read_whole(keys->key_path, PEM_MAX, &key, &key_len);
	if (err)
		return ey_error_prefix(err, "[server] tls_certificate, tls_key");
	const gnutls_datum_t c = {(unsigned char *)certificate, (unsigned int)certificate_len};
	const gnutls_datum_t k = {(unsigned char *)key, (unsigned int)key_len};
	int failed = import(g, &c, &k);
	if (failed < 0)
		return ey_error_create(EY_ERR_IO,
				       "[server] tls_certificate %s or tls_key %s is no PEM file, "
				       "or they do not belong together: %s",
				       keys->certificate_path, keys->key_path,
				       gnutls_strerror(failed));
	crypto_generichash_init(&state, NULL, 0, sizeof(g->hash));
	crypto_generichash_update(&state, c.data, c.size);
	crypto_generichash_update(&state, k.data, k.size);
	crypto_generichash_final(&state, g->hash, sizeof(g->hash));
	*ret = no_cleanup_ptr(g);
	return NULL;
}

struct ey_error *tls_keys_reload(struct tls_keys *keys, bool *changed_ret)
{
	_cleanup_(generation_destroyp) struct generation *g = NULL;
	struct ey_error *err = read_files(keys, &g);

	*changed_ret = false;
	if (err || !g)
		return err;
	pthread_mutex_lock(&keys->lock);
	*changed_ret = !keys->now || memcmp(keys->now->hash, g->hash, sizeof(g->hash)) != 0;
	if (*changed_ret) {
		g->earlier = keys->now;
		keys->now = no_cleanup_ptr(g);
	}
	pthread_mutex_unlock(&keys->lock);
	return NULL;
}

struct ey_error *tls_keys_create(const char *certificate, const char *key, struct tls_keys **ret)
{
	struct tls_keys *keys = calloc(1, sizeof(*keys));
	bool changed;

	if (!keys)
		return &ey_error_nomem;
	keys->certificate_path = certificate;
	keys->key_path = key;
	pthread_mutex_init(&keys->lock, NULL);
	struct ey_error *err = tls_keys_reload(keys, &changed);
	if (err)
		tls_keys_destroy(keys);
	else
		*ret = keys;
	return err;
}

void tls_keys_get(struct tls_keys *keys, gnutls_pcert_st **chain_ret, unsigned int *count_ret,
		  gnutls_privkey_t *key_ret)
{
	pthread_mutex_lock(&keys->lock);
	*chain_ret = keys->now->chain;
	*count_ret = keys->now->count;
	*key_ret = keys->now->key;
	pthread_mutex_unlock(&keys->lock);
}

void tls_keys_destroy(struct tls_keys *keys)
{
	if (!keys)
		return;
	while (keys->now) {
		struct generation *g = keys->now;

		keys->now = g->earlier;
		generation_destroy(g);
	}
	pthread_mutex_destroy(&keys->lock);
	free(keys);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The bytes of a sealed file (docs/sealed-format.md), for the two who write and read it. */
#ifndef EYRIE_STORE_SEAL_FORMAT_H
#define EYRIE_STORE_SEAL_FORMAT_H

#include <sodium.h>

#include "store/seal.h"

enum {
	SEAL_VERSION = 1,
	/** Magic, version, recipients, chunk size, all little-endian. */
	SEAL_FIXED = SEAL_MAGIC_BYTES + 2 + 2 + 4,
	SEAL_RECIPIENT = SEAL_ID_BYTES + SEAL_KEY_BYTES + crypto_box_SEALBYTES,
	SEAL_STREAM_HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	SEAL_MORE = crypto_secretstream_xchacha20poly1305_ABYTES,
	/** What this program writes, and what it reads. */
	SEAL_CHUNK = 256 << 10,
	SEAL_CHUNK_MIN = 4 << 10,
	SEAL_CHUNK_MAX = 1 << 20,
	/** The last message: size and digest of the original. */
	SEAL_TRAILER = 8 + SEAL_DIGEST_BYTES,
	SEAL_TRAILER_SEALED = SEAL_TRAILER + SEAL_MORE,
	SEAL_HEADER_DIGEST = 32,
};

_Static_assert((int)SEAL_KEY_BYTES == (int)crypto_box_PUBLICKEYBYTES, "keys of crypto_box");
_Static_assert((int)SEAL_KEY_BYTES == (int)crypto_secretstream_xchacha20poly1305_KEYBYTES,
	       "a key of the stream is as long as those of crypto_box");
_Static_assert((int)SEAL_HEADER_MAX >= (int)SEAL_FIXED + SEAL_RECIPIENTS_MAX * (int)SEAL_RECIPIENT +
					       (int)SEAL_STREAM_HEADER,
	       "the longest header");

extern const unsigned char seal_magic[SEAL_MAGIC_BYTES];

/** The header's bytes as data that each chunk vouches for. */
static inline void seal_header_digest(const unsigned char *header, size_t len,
				      unsigned char ret[SEAL_HEADER_DIGEST])
{
	crypto_generichash(ret, SEAL_HEADER_DIGEST, header, len, NULL, 0);
}

static inline void seal_put(unsigned char *p, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static inline uint64_t seal_get(const unsigned char *p, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

/** The id of a key as it stands in the header. */
static inline void seal_id_bytes(const unsigned char *public_key, unsigned char ret[SEAL_ID_BYTES])
{
	unsigned char digest[crypto_generichash_BYTES_MIN];

	crypto_generichash(digest, sizeof(digest), public_key, SEAL_KEY_BYTES, NULL, 0);
	memcpy(ret, digest, SEAL_ID_BYTES);
}

/** Read until @p len bytes are there or the end is reached. */
struct ey_error *seal_read_full(const struct seal_io *io, unsigned char *buf, size_t len,
				size_t *n_ret) EY_MUST_CHECK;

#endif

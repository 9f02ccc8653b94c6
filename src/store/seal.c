/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/seal.h"

#include <string.h>

#include "base/cleanup.h"
#include "store/seal_format.h"

const unsigned char seal_magic[SEAL_MAGIC_BYTES] = {'E', 'Y', 'R', 'S', 'E', 'A', 'L', '\n'};

bool seal_is_sealed(const void *head, size_t len)
{
	return len >= SEAL_MAGIC_BYTES && !memcmp(head, seal_magic, SEAL_MAGIC_BYTES);
}

struct ey_error *seal_read_full(const struct seal_io *io, unsigned char *buf, size_t len,
				size_t *n_ret)
{
	size_t have = 0;

	while (have < len) {
		size_t n = 0;
		struct ey_error *err = io->read(io->arg, buf + have, len - have, &n);

		if (err)
			return err;
		if (!n)
			break;
		have += n;
	}
	*n_ret = have;
	return NULL;
}

/** A file being sealed. */
struct sealing {
	crypto_secretstream_xchacha20poly1305_state stream;
	crypto_hash_sha256_state sha256;
	unsigned char header_digest[SEAL_HEADER_DIGEST];
	unsigned char key[SEAL_KEY_BYTES];
	uint64_t bytes;
	/** A chunk and what it becomes. */
	unsigned char plain[SEAL_CHUNK];
	unsigned char sealed[SEAL_CHUNK + SEAL_MORE];
};

static void sealing_free(struct sealing **s)
{
	if (*s)
		sodium_memzero(*s, sizeof(**s));
	free(*s);
}

static struct ey_error *write_header(const struct seal_io *io, struct sealing *s,
				     const struct seal_recipients *to, enum seal_purpose purpose)
{
	unsigned char header[SEAL_HEADER_MAX], *p = header + SEAL_FIXED;
	size_t count = 0;

	crypto_secretstream_xchacha20poly1305_keygen(s->key);
	for (size_t i = 0; i < to->count; i++) {
		if (!(to->items[i].purpose & purpose))
			continue;
		seal_id_bytes(to->items[i].key, p);
		// Fails for a key that is no point of use: of small order.
		if (crypto_box_seal(p + SEAL_ID_BYTES, s->key, sizeof(s->key), to->items[i].key))
			return ey_error_create(EY_ERR_INPUT,
					       "public key %zu cannot be sealed to; make a new one "
					       "by 'eyrie seal keygen'",
					       i + 1);
		p += SEAL_RECIPIENT;
		count++;
	}
	if (!count)
		return ey_error_create(EY_ERR_USAGE, "there is no public key to seal to");
	memcpy(header, seal_magic, SEAL_MAGIC_BYTES);
	seal_put(header + SEAL_MAGIC_BYTES, SEAL_VERSION, 2);
	seal_put(header + SEAL_MAGIC_BYTES + 2, count, 2);
	seal_put(header + SEAL_MAGIC_BYTES + 4, SEAL_CHUNK, 4);
	crypto_secretstream_xchacha20poly1305_init_push(&s->stream, p, s->key);
	p += SEAL_STREAM_HEADER;
	seal_header_digest(header, (size_t)(p - header), s->header_digest);
	return io->write(io->arg, header, (size_t)(p - header));
}

static struct ey_error *push(const struct seal_io *io, struct sealing *s, const void *data,
			     size_t len, unsigned char tag)
{
	crypto_secretstream_xchacha20poly1305_push(&s->stream, s->sealed, NULL, data, len,
						   s->header_digest, sizeof(s->header_digest), tag);
	return io->write(io->arg, s->sealed, len + SEAL_MORE);
}

static struct ey_error *write_trailer(const struct seal_io *io, struct sealing *s,
				      struct seal_original *original)
{
	unsigned char trailer[SEAL_TRAILER];

	original->bytes = s->bytes;
	crypto_hash_sha256_final(&s->sha256, original->sha256);
	seal_put(trailer, original->bytes, 8);
	memcpy(trailer + 8, original->sha256, SEAL_DIGEST_BYTES);
	return push(io, s, trailer, sizeof(trailer),
		    crypto_secretstream_xchacha20poly1305_TAG_FINAL);
}

struct ey_error *seal_stream(const struct seal_io *io, const struct seal_recipients *to,
			     enum seal_purpose purpose, struct seal_original *ret)
{
	_cleanup_(sealing_free) struct sealing *s = malloc(sizeof(*s));
	struct seal_original original;
	size_t n = SEAL_CHUNK;

	if (!s)
		return &ey_error_nomem;
	if (sodium_init() < 0)
		return ey_error_create(EY_ERR_IO, "libsodium cannot be used on this machine");
	s->bytes = 0;
	crypto_hash_sha256_init(&s->sha256);
	struct ey_error *err = write_header(io, s, to, purpose);
	while (!err && n == SEAL_CHUNK) {
		err = seal_read_full(io, s->plain, SEAL_CHUNK, &n);
		if (err || !n)
			break;
		crypto_hash_sha256_update(&s->sha256, s->plain, n);
		s->bytes += n;
		err = push(io, s, s->plain, n, 0);
	}
	if (!err)
		err = write_trailer(io, s, &original);
	if (!err && ret)
		*ret = original;
	return err;
}

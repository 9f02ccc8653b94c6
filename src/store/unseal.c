/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/seal_format.h"

// The header of a file that claims to be sealed; *len_ret: its bytes, all of which are in head.
static struct ey_error *parse_header(const unsigned char *head, size_t len, size_t *count_ret,
				     uint32_t *chunk_ret, size_t *len_ret)
{
	if (!seal_is_sealed(head, len))
		return ey_error_create(EY_ERR_INPUT, "not a sealed file");
	if (len < SEAL_FIXED)
		return ey_error_create(EY_ERR_INPUT, "the sealed file ends in its header");
	uint64_t version = seal_get(head + SEAL_MAGIC_BYTES, 2);
	uint64_t count = seal_get(head + SEAL_MAGIC_BYTES + 2, 2);
	uint64_t chunk = seal_get(head + SEAL_MAGIC_BYTES + 4, 4);
	if (version != SEAL_VERSION)
		return ey_error_create(EY_ERR_INPUT,
				       "sealed in version %" PRIu64 " of the format, this program "
				       "reads version %d; use a newer eyrie",
				       version, SEAL_VERSION);
	if (!count || count > SEAL_RECIPIENTS_MAX)
		return ey_error_create(EY_ERR_INPUT, "sealed to %" PRIu64 " keys, not 1 to %d",
				       count, SEAL_RECIPIENTS_MAX);
	if (chunk < SEAL_CHUNK_MIN || chunk > SEAL_CHUNK_MAX)
		return ey_error_create(EY_ERR_INPUT,
				       "sealed in chunks of %" PRIu64 " bytes, not %d to %d", chunk,
				       SEAL_CHUNK_MIN, SEAL_CHUNK_MAX);
	*count_ret = (size_t)count;
	*chunk_ret = (uint32_t)chunk;
	*len_ret = SEAL_FIXED + (size_t)count * SEAL_RECIPIENT + SEAL_STREAM_HEADER;
	return NULL;
}

struct ey_error *seal_header_read(const void *head, size_t len, struct seal_header *ret)
{
	const unsigned char *p = head;
	size_t need;

	*ret = (struct seal_header){0};
	struct ey_error *err = parse_header(p, len, &ret->count, &ret->chunk, &need);
	if (!err && len < need)
		err = ey_error_create(EY_ERR_INPUT, "the sealed file ends in its header");
	for (size_t i = 0; !err && i < ret->count; i++)
		sodium_bin2hex(ret->ids[i], SEAL_ID_TEXT, p + SEAL_FIXED + i * SEAL_RECIPIENT,
			       SEAL_ID_BYTES);
	if (err)
		ret->count = 0;
	return err;
}

/** A file being unsealed. */
struct unsealing {
	crypto_secretstream_xchacha20poly1305_state stream;
	crypto_hash_sha256_state sha256;
	unsigned char header[SEAL_HEADER_MAX];
	unsigned char header_digest[SEAL_HEADER_DIGEST];
	unsigned char key[SEAL_KEY_BYTES];
	uint32_t chunk;
	uint64_t bytes;
	/** A sealed chunk and a trailer, of which `have` bytes are there. */
	size_t have;
	unsigned char sealed[SEAL_CHUNK_MAX + SEAL_MORE + SEAL_TRAILER_SEALED];
	unsigned char plain[SEAL_CHUNK_MAX];
};

static void unsealing_free(struct unsealing **u)
{
	if (*u)
		sodium_memzero(*u, sizeof(**u));
	free(*u);
}

static struct ey_error *damaged(const struct unsealing *u)
{
	return ey_error_create(EY_ERR_INPUT,
			       "the sealed file is damaged or incomplete after %" PRIu64
			       " bytes of the original",
			       u->bytes);
}

static struct ey_error *find_key(struct unsealing *u, size_t count,
				 const struct seal_secret *secret)
{
	char ids[SEAL_RECIPIENTS_MAX * (SEAL_ID_TEXT + 1) + 1] = "";
	unsigned char id[SEAL_ID_BYTES];
	size_t at = 0;

	seal_id_bytes(secret->public_key, id);
	for (size_t i = 0; i < count; i++) {
		const unsigned char *p = u->header + SEAL_FIXED + i * SEAL_RECIPIENT;

		if (!memcmp(p, id, sizeof(id))) {
			if (!crypto_box_seal_open(u->key, p + SEAL_ID_BYTES,
						  SEAL_RECIPIENT - SEAL_ID_BYTES,
						  secret->public_key, secret->secret_key))
				return NULL;
			return ey_error_create(EY_ERR_INPUT,
					       "the sealed file is damaged in its header");
		}
		sodium_bin2hex(ids + at, sizeof(ids) - at, p, SEAL_ID_BYTES);
		at += SEAL_ID_TEXT - 1;
		ids[at++] = i + 1 < count ? ' ' : '\0';
	}
	char own[SEAL_ID_TEXT];
	seal_key_id(secret->public_key, own);
	return ey_error_create(EY_ERR_INPUT,
			       "sealed to key %s, not to %s; use the secret key with that id", ids,
			       own);
}

static struct ey_error *open_stream(const struct seal_io *io, struct unsealing *u,
				    const struct seal_secret *secret)
{
	size_t n, count, len;
	struct ey_error *err = seal_read_full(io, u->header, SEAL_FIXED, &n);

	if (!err)
		err = parse_header(u->header, n, &count, &u->chunk, &len);
	if (!err)
		err = seal_read_full(io, u->header + SEAL_FIXED, len - SEAL_FIXED, &n);
	if (!err && n < len - SEAL_FIXED)
		err = ey_error_create(EY_ERR_INPUT, "the sealed file ends in its header");
	if (!err)
		err = find_key(u, count, secret);
	if (err)
		return err;
	seal_header_digest(u->header, len, u->header_digest);
	if (crypto_secretstream_xchacha20poly1305_init_pull(
		    &u->stream, u->header + len - SEAL_STREAM_HEADER, u->key))
		return ey_error_create(EY_ERR_INPUT, "the sealed file is damaged in its header");
	return NULL;
}

// Open the first len sealed bytes into plain; what follows moves to the front.
static struct ey_error *pull(struct unsealing *u, size_t len, unsigned char want)
{
	unsigned char tag;

	if (len <= SEAL_MORE ||
	    crypto_secretstream_xchacha20poly1305_pull(&u->stream, u->plain, NULL, &tag, u->sealed,
						       len, u->header_digest,
						       sizeof(u->header_digest)) ||
	    tag != want)
		return damaged(u);
	u->have -= len;
	memmove(u->sealed, u->sealed + len, u->have);
	return NULL;
}

static struct ey_error *read_trailer(struct unsealing *u, struct seal_original *ret)
{
	struct ey_error *err =
		pull(u, SEAL_TRAILER_SEALED, crypto_secretstream_xchacha20poly1305_TAG_FINAL);

	if (err)
		return err;
	ret->bytes = u->bytes;
	crypto_hash_sha256_final(&u->sha256, ret->sha256);
	if (seal_get(u->plain, 8) != ret->bytes ||
	    memcmp(u->plain + 8, ret->sha256, SEAL_DIGEST_BYTES) != 0)
		return ey_error_create(EY_ERR_INPUT,
				       "the sealed file holds %" PRIu64
				       " bytes, which are not the original that it names",
				       ret->bytes);
	return NULL;
}

// The next chunk; *more_ret: it was not the last.
static struct ey_error *next_chunk(const struct seal_io *io, struct unsealing *u, bool *more_ret)
{
	size_t full = u->chunk + SEAL_MORE, limit = full + SEAL_TRAILER_SEALED, n;
	struct ey_error *err = seal_read_full(io, u->sealed + u->have, limit - u->have, &n);

	if (err)
		return err;
	u->have += n;
	*more_ret = u->have == limit;
	if (u->have < SEAL_TRAILER_SEALED)
		return damaged(u);
	size_t len = *more_ret ? full : u->have - SEAL_TRAILER_SEALED;
	if (!len)
		return NULL;
	err = pull(u, len, 0);
	if (err)
		return err;
	len -= SEAL_MORE;
	crypto_hash_sha256_update(&u->sha256, u->plain, len);
	u->bytes += len;
	return io->write(io->arg, u->plain, len);
}

struct ey_error *unseal_stream(const struct seal_io *io, const struct seal_secret *secret,
			       struct seal_original *ret)
{
	_cleanup_(unsealing_free) struct unsealing *u = malloc(sizeof(*u));
	struct seal_original original;
	bool more = true;

	if (!u)
		return &ey_error_nomem;
	if (sodium_init() < 0)
		return ey_error_create(EY_ERR_IO, "libsodium cannot be used on this machine");
	u->have = 0;
	u->bytes = 0;
	crypto_hash_sha256_init(&u->sha256);
	struct ey_error *err = open_stream(io, u, secret);
	while (!err && more)
		err = next_chunk(io, u, &more);
	if (!err)
		err = read_trailer(u, &original);
	if (!err && ret)
		*ret = original;
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Sealed files: whoever has the public key can write them, only the secret key reads them.
 *
 * The format is described in docs/sealed-format.md: a header with the stream's key once for each
 * recipient, chunks of libsodium's secretstream, and a last one with the size and the SHA-256 of
 * the original, without which the file is incomplete. Any bit changed, any chunk moved or missing
 * is an error. Both ways take the memory of two chunks, whatever the file's size.
 */
#ifndef EYRIE_STORE_SEAL_H
#define EYRIE_STORE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/** Public keys of the repository, in its root: what is sealed to whom. */
#define SEAL_PUBLIC_FILE "seal.pub"

enum {
	/** Bytes of a file by which seal_is_sealed() knows it. */
	SEAL_MAGIC_BYTES = 8,
	SEAL_KEY_BYTES = 32,
	SEAL_ID_BYTES = 8,
	/** Digits of a key's id as text, and its NUL. */
	SEAL_ID_TEXT = 2 * SEAL_ID_BYTES + 1,
	SEAL_DIGEST_BYTES = 32,
	SEAL_RECIPIENTS_MAX = 16,
	/** Largest file of keys, bytes. */
	SEAL_KEY_FILE_MAX = 16 << 10,
};

/** What a public key is for; bits. The words of the file in the same order. */
enum seal_purpose {
	/** The dump. */
	SEAL_DUMPS = 1,
	/** Record, analysis and log, which the center reads. */
	SEAL_TEXTS = 2,
	SEAL_ALL = SEAL_DUMPS | SEAL_TEXTS,
};

/** To whom is sealed. */
struct seal_recipients {
	struct {
		unsigned char key[SEAL_KEY_BYTES];
		/** Bits of enum seal_purpose. */
		unsigned int purpose;
	} items[SEAL_RECIPIENTS_MAX];
	size_t count;
};

/** A pair of keys; forget it with seal_secret_deinit(). */
struct seal_secret {
	unsigned char public_key[SEAL_KEY_BYTES];
	unsigned char secret_key[SEAL_KEY_BYTES];
};
void seal_secret_deinit(struct seal_secret *secret);
#define _cleanup_seal_secret_ __attribute__((cleanup(seal_secret_deinit)))

/** Make a pair of keys. */
struct ey_error *seal_secret_generate(struct seal_secret *ret) EY_MUST_CHECK;
/** The id of a public key: half of the first digits of its BLAKE2b, for people and for finding. */
void seal_key_id(const unsigned char public_key[SEAL_KEY_BYTES], char ret[SEAL_ID_TEXT]);

/** Append a line of a file of public keys. @p comment may be NULL. */
void seal_public_write(struct ey_buf *buf, unsigned int purpose,
		       const unsigned char public_key[SEAL_KEY_BYTES], const char *comment);
/**
 * Read a file of public keys: lines "dumps|texts|all HEX [COMMENT]", empty ones, and comments after
 * '#'. EY_ERR_INPUT names the line that is none; a file without a key is one, too.
 */
struct ey_error *seal_public_read(const char *text, size_t len,
				  struct seal_recipients *ret) EY_MUST_CHECK;

/** How hard it is made to guess a passphrase. */
struct seal_effort {
	unsigned long long passes;
	size_t memory;
};
/** About a second and 256 MiB. */
extern const struct seal_effort seal_effort_default;

/**
 * Append the text of a secret key's file; with @p passphrase (NULL: none) it is encrypted by a key
 * that argon2id makes of it with @p effort.
 */
struct ey_error *seal_secret_write(struct ey_buf *buf, const struct seal_secret *secret,
				   const char *passphrase,
				   const struct seal_effort *effort) EY_MUST_CHECK;
/** Whether the file's text asks for a passphrase. */
bool seal_secret_is_locked(const char *text);
/** Read it. EY_ERR_INPUT: no such file, or a wrong passphrase. */
struct ey_error *seal_secret_read(const char *text, size_t len, const char *passphrase,
				  struct seal_secret *ret) EY_MUST_CHECK;
/** Read it out of a file which nobody else may read (else EY_ERR_INPUT says so). */
struct ey_error *seal_secret_load(const char *path, const char *passphrase,
				  struct seal_secret *ret) EY_MUST_CHECK;

/** Where bytes come from and go to. */
struct seal_io {
	/** Up to @p len bytes; 0 in @p n_ret only at the end. */
	struct ey_error *(*read)(void *arg, void *buf, size_t len, size_t *n_ret);
	struct ey_error *(*write)(void *arg, const void *data, size_t len);
	void *arg;
};

/** The original. */
struct seal_original {
	uint64_t bytes;
	unsigned char sha256[SEAL_DIGEST_BYTES];
};

/** Bytes of a sealed file with @p bytes in the original, for the most recipients. */
static inline size_t seal_size(size_t bytes)
{
	enum { CHUNK_MIN = 4 << 10, MORE = 17, HEADER = 16 + 16 * 88 + 24, TRAILER = 57 };

	return HEADER + bytes + (bytes / CHUNK_MIN + 1) * MORE + TRAILER;
}

/** Whether @p head, the beginning of a file, is that of a sealed one. */
bool seal_is_sealed(const void *head, size_t len);

/**
 * Seal what @p io reads for the recipients of @p to that have @p purpose (EY_ERR_USAGE where there
 * are none). @p ret may be NULL.
 */
struct ey_error *seal_stream(const struct seal_io *io, const struct seal_recipients *to,
			     enum seal_purpose purpose, struct seal_original *ret) EY_MUST_CHECK;
/**
 * Unseal. EY_ERR_INPUT: not sealed, not for this key, damaged, or incomplete; what was written
 * until then is to be thrown away. @p ret may be NULL.
 */
struct ey_error *unseal_stream(const struct seal_io *io, const struct seal_secret *secret,
			       struct seal_original *ret) EY_MUST_CHECK;

/** The same from and to descriptors, from where they stand. Zeros become holes of a new file. */
struct ey_error *seal_fd(int in, int out, const struct seal_recipients *to,
			 enum seal_purpose purpose, struct seal_original *ret) EY_MUST_CHECK;
struct ey_error *unseal_fd(int in, int out, const struct seal_secret *secret,
			   struct seal_original *ret) EY_MUST_CHECK;
/** The same in memory. @p max: EY_ERR_INPUT where the original is larger. */
struct ey_error *seal_memory(const void *data, size_t len, const struct seal_recipients *to,
			     enum seal_purpose purpose, struct ey_buf *ret) EY_MUST_CHECK;
struct ey_error *unseal_memory(const void *data, size_t len, const struct seal_secret *secret,
			       size_t max, struct ey_buf *ret) EY_MUST_CHECK;

/** The ids of the keys that a sealed file is for, out of its header (its first bytes). */
struct seal_header {
	uint32_t chunk;
	size_t count;
	char ids[SEAL_RECIPIENTS_MAX][SEAL_ID_TEXT];
};
enum { SEAL_HEADER_MAX = 48 + 16 * (SEAL_ID_BYTES + 80) };
struct ey_error *seal_header_read(const void *head, size_t len,
				  struct seal_header *ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of keys: text, so that they can be pasted into a configuration management system. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/seal_format.h"

#define SECRET_WORD "eyrie-seal-secret-1"

enum {
	HEX_KEY = 2 * SEAL_KEY_BYTES,
	/** What a hostile file of a secret key may ask for. */
	PASSES_MAX = 64,
	MEMORY_MAX = 1 << 30,
	FIELD_MAX = 256,
};

const struct seal_effort seal_effort_default = {crypto_pwhash_argon2id_OPSLIMIT_MODERATE,
						crypto_pwhash_argon2id_MEMLIMIT_MODERATE};

static const struct {
	const char *word;
	unsigned int purpose;
} purposes[] = {{"dumps", SEAL_DUMPS}, {"texts", SEAL_TEXTS}, {"all", SEAL_ALL}};

void seal_secret_deinit(struct seal_secret *secret)
{
	sodium_memzero(secret, sizeof(*secret));
}

struct ey_error *seal_secret_generate(struct seal_secret *ret)
{
	if (sodium_init() < 0 || crypto_box_keypair(ret->public_key, ret->secret_key))
		return ey_error_create(EY_ERR_IO, "libsodium cannot be used on this machine");
	return NULL;
}

void seal_key_id(const unsigned char public_key[SEAL_KEY_BYTES], char ret[SEAL_ID_TEXT])
{
	unsigned char id[SEAL_ID_BYTES];

	seal_id_bytes(public_key, id);
	sodium_bin2hex(ret, SEAL_ID_TEXT, id, sizeof(id));
}

void seal_public_write(struct ey_buf *buf, unsigned int purpose,
		       const unsigned char public_key[SEAL_KEY_BYTES], const char *comment)
{
	char hex[HEX_KEY + 1];

	for (size_t i = 0; i < EY_ARRAY_SIZE(purposes); i++) {
		if (purposes[i].purpose == purpose)
			ey_buf_adds(buf, purposes[i].word);
	}
	sodium_bin2hex(hex, sizeof(hex), public_key, SEAL_KEY_BYTES);
	ey_buf_printf(buf, " %s%s%s\n", hex, comment && *comment ? " " : "",
		      comment ? comment : "");
}

// The next word of a line; *at goes behind it. False at the line's end, or where it is too long.
static bool next_word(const char **at, const char *end, char ret[FIELD_MAX])
{
	const char *p = *at;
	size_t n = 0;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && n < FIELD_MAX - 1 && isgraph((unsigned char)*p))
		ret[n++] = *p++;
	ret[n] = '\0';
	*at = p;
	return n && (p == end || *p == ' ' || *p == '\t' || *p == '\r');
}

static bool unhex(const char *hex, unsigned char *ret, size_t bytes)
{
	size_t n;

	return strlen(hex) == 2 * bytes &&
	       !sodium_hex2bin(ret, bytes, hex, 2 * bytes, NULL, &n, NULL) && n == bytes;
}

static bool read_public_line(const char *line, const char *end, struct seal_recipients *ret)
{
	char word[FIELD_MAX], hex[FIELD_MAX];
	unsigned int purpose = 0;

	if (!next_word(&line, end, word) || !next_word(&line, end, hex))
		return false;
	for (size_t i = 0; i < EY_ARRAY_SIZE(purposes); i++) {
		if (!strcmp(purposes[i].word, word))
			purpose = purposes[i].purpose;
	}
	if (!purpose || !unhex(hex, ret->items[ret->count].key, SEAL_KEY_BYTES))
		return false;
	ret->items[ret->count++].purpose = purpose;
	return true;
}

struct ey_error *seal_public_read(const char *text, size_t len, struct seal_recipients *ret)
{
	const char *end = text + len;
	unsigned int number = 0;

	*ret = (struct seal_recipients){0};
	for (const char *line = text; line < end; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *line_end = newline ? newline : end;
		const char *p = line;

		while (p < line_end && isspace((unsigned char)*p))
			p++;
		line = newline ? newline + 1 : end;
		if (p == line_end || *p == '#')
			continue;
		if (ret->count == SEAL_RECIPIENTS_MAX)
			return ey_error_create(EY_ERR_INPUT, "more than %d public keys",
					       SEAL_RECIPIENTS_MAX);
		if (!read_public_line(p, line_end, ret))
			return ey_error_create(EY_ERR_INPUT,
					       "line %u is not \"dumps\", \"texts\" or \"all\" and "
					       "a public key of 64 hexadecimal digits",
					       number + 1);
	}
	if (!ret->count)
		return ey_error_create(EY_ERR_INPUT, "there is no public key in it");
	return NULL;
}

static void add_hex(struct ey_buf *buf, const unsigned char *data, size_t len)
{
	char hex[FIELD_MAX];

	sodium_bin2hex(hex, sizeof(hex), data, len);
	ey_buf_printf(buf, " %s", hex);
	sodium_memzero(hex, sizeof(hex));
}

static struct ey_error *derive(const char *passphrase, const unsigned char *salt,
			       const struct seal_effort *effort,
			       unsigned char ret[crypto_secretbox_KEYBYTES])
{
	if (crypto_pwhash(ret, crypto_secretbox_KEYBYTES, passphrase, strlen(passphrase), salt,
			  effort->passes, effort->memory, crypto_pwhash_ALG_ARGON2ID13))
		return ey_error_create(EY_ERR_IO,
				       "no memory (%zu MiB) to make a key of the passphrase",
				       effort->memory >> 20);
	return NULL;
}

struct ey_error *seal_secret_write(struct ey_buf *buf, const struct seal_secret *secret,
				   const char *passphrase, const struct seal_effort *effort)
{
	unsigned char salt[crypto_pwhash_SALTBYTES], nonce[crypto_secretbox_NONCEBYTES];
	unsigned char key[crypto_secretbox_KEYBYTES];
	unsigned char box[SEAL_KEY_BYTES + crypto_secretbox_MACBYTES];

	ey_buf_adds(buf, "# The secret key that unseals kernel dumps: whoever has it reads them.\n"
			 "# Keep it off the hosts, and keep a copy: without it they are lost.\n");
	if (!passphrase) {
		ey_buf_adds(buf, SECRET_WORD " plain");
		add_hex(buf, secret->secret_key, SEAL_KEY_BYTES);
		ey_buf_addc(buf, '\n');
		return ey_buf_error(buf);
	}
	randombytes_buf(salt, sizeof(salt));
	randombytes_buf(nonce, sizeof(nonce));
	struct ey_error *err = derive(passphrase, salt, effort, key);
	if (err)
		return err;
	crypto_secretbox_easy(box, secret->secret_key, SEAL_KEY_BYTES, nonce, key);
	sodium_memzero(key, sizeof(key));
	ey_buf_printf(buf, SECRET_WORD " argon2id %llu %zu", effort->passes, effort->memory);
	add_hex(buf, salt, sizeof(salt));
	add_hex(buf, nonce, sizeof(nonce));
	add_hex(buf, box, sizeof(box));
	ey_buf_addc(buf, '\n');
	return ey_buf_error(buf);
}

// The line that begins with the word, behind it; NULL where there is none.
static const char *secret_line(const char *text)
{
	const char *p = strstr(text, SECRET_WORD " ");

	return p && (p == text || p[-1] == '\n') ? p + strlen(SECRET_WORD " ") : NULL;
}

bool seal_secret_is_locked(const char *text)
{
	const char *line = secret_line(text);

	return line && !strncmp(line, "argon2id ", strlen("argon2id "));
}

static bool read_number(const char **at, const char *end, unsigned long long max,
			unsigned long long *ret)
{
	char word[FIELD_MAX], *stop;

	if (!next_word(at, end, word) || !isdigit((unsigned char)word[0]))
		return false;
	errno = 0;
	*ret = strtoull(word, &stop, 10);
	return !errno && !*stop && *ret && *ret <= max;
}

static struct ey_error *unlock(const char *at, const char *end, const char *passphrase,
			       unsigned char ret[SEAL_KEY_BYTES])
{
	unsigned char salt[crypto_pwhash_SALTBYTES], nonce[crypto_secretbox_NONCEBYTES];
	unsigned char key[crypto_secretbox_KEYBYTES];
	unsigned char box[SEAL_KEY_BYTES + crypto_secretbox_MACBYTES];
	char hex[3][FIELD_MAX];
	unsigned long long passes, memory;

	if (!read_number(&at, end, PASSES_MAX, &passes) ||
	    !read_number(&at, end, MEMORY_MAX, &memory) || !next_word(&at, end, hex[0]) ||
	    !next_word(&at, end, hex[1]) || !next_word(&at, end, hex[2]) ||
	    !unhex(hex[0], salt, sizeof(salt)) || !unhex(hex[1], nonce, sizeof(nonce)) ||
	    !unhex(hex[2], box, sizeof(box)) || memory < crypto_pwhash_argon2id_MEMLIMIT_MIN)
		return ey_error_create(EY_ERR_INPUT, "the secret key's line is damaged");
	if (!passphrase)
		return ey_error_create(EY_ERR_USAGE, "the secret key asks for its passphrase");
	struct ey_error *err =
		derive(passphrase, salt, &(struct seal_effort){passes, (size_t)memory}, key);
	if (!err && crypto_secretbox_open_easy(ret, box, sizeof(box), nonce, key))
		err = ey_error_create(EY_ERR_INPUT, "not the passphrase of this secret key");
	sodium_memzero(key, sizeof(key));
	return err;
}

struct ey_error *seal_secret_read(const char *text, size_t len, const char *passphrase,
				  struct seal_secret *ret)
{
	const char *at = secret_line(text);
	struct ey_error *err = NULL;
	char word[FIELD_MAX];

	if (sodium_init() < 0)
		return ey_error_create(EY_ERR_IO, "libsodium cannot be used on this machine");
	const char *end = at ? at + strcspn(at, "\n") : NULL;
	if (!at || strlen(text) != len || !next_word(&at, end, word))
		return ey_error_create(EY_ERR_INPUT,
				       "not a secret key as 'eyrie seal keygen' makes it");
	if (!strcmp(word, "argon2id")) {
		err = unlock(at, end, passphrase, ret->secret_key);
	} else if (strcmp(word, "plain") != 0 || !next_word(&at, end, word) ||
		   !unhex(word, ret->secret_key, SEAL_KEY_BYTES)) {
		err = ey_error_create(EY_ERR_INPUT, "the secret key's line is damaged");
	}
	sodium_memzero(word, sizeof(word));
	if (!err)
		crypto_scalarmult_base(ret->public_key, ret->secret_key);
	return err;
}

struct ey_error *seal_secret_load(const char *path, const char *passphrase, struct seal_secret *ret)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len;
	struct ey_error *err = ey_file_read_whole(path, SEAL_KEY_FILE_MAX, &text, &len);

	if (!err && !stat(path, &st) && (st.st_mode & 0027))
		err = ey_error_create(
			EY_ERR_INPUT,
			"others may read or change the secret key %s; run chmod 600 %s", path,
			path);
	if (!err)
		err = ey_error_prefix(seal_secret_read(text, len, passphrase, ret), "%s", path);
	if (text)
		sodium_memzero(text, len);
	return err;
}

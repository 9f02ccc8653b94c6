/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files read piece by piece, and the text of their checksums. */
#include <string.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "store/backend.h"

enum { CHUNK = 256 << 10 };

uint64_t store_reader_size(const struct store_reader *reader)
{
	return reader->size;
}

struct ey_error *store_reader_read(struct store_reader *reader, uint64_t offset, void *buf,
				   size_t len, size_t *ret)
{
	*ret = 0;
	return len ? reader->ops->read(reader, offset, buf, len, ret) : NULL;
}

void store_reader_destroy(struct store_reader *reader)
{
	if (reader)
		reader->ops->destroy(reader);
}

struct ey_error *store_reader_read_whole(struct store_reader *reader, size_t max, char **data_ret,
					 size_t *len_ret)
{
	size_t capacity = 4096, len = 0;

	if (reader->size > max)
		return ey_error_create(EY_ERR_INPUT, "larger than %zu bytes", max);
	// Not by the size, which may be wrong: the file may still grow.
	_cleanup_free_ char *data = malloc(capacity + 1);
	if (!data)
		return &ey_error_nomem;
	for (;;) {
		size_t n;
		struct ey_error *err =
			store_reader_read(reader, len, data + len, capacity - len, &n);

		if (err)
			return err;
		if (!n)
			break;
		len += n;
		if (len > max)
			return ey_error_create(EY_ERR_INPUT, "larger than %zu bytes", max);
		if (len == capacity) {
			char *more = realloc(data, capacity * 2 + 1);

			if (!more)
				return &ey_error_nomem;
			data = more;
			capacity *= 2;
		}
	}
	data[len] = '\0';
	*data_ret = no_cleanup_ptr(data);
	if (len_ret)
		*len_ret = len;
	return NULL;
}

struct ey_error *store_reader_hash(struct store_reader *reader, char hex_ret[STORE_DIGEST_TEXT])
{
	_cleanup_free_ unsigned char *buf = malloc(CHUNK);
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	uint64_t at = 0;

	if (!buf)
		return &ey_error_nomem;
	crypto_hash_sha256_init(&state);
	for (;;) {
		size_t n;
		struct ey_error *err = store_reader_read(reader, at, buf, CHUNK, &n);

		if (err)
			return err;
		if (!n)
			break;
		crypto_hash_sha256_update(&state, buf, n);
		at += n;
	}
	crypto_hash_sha256_final(&state, digest);
	sodium_bin2hex(hex_ret, STORE_DIGEST_TEXT, digest, sizeof(digest));
	return NULL;
}

void store_hash_bytes(const void *data, size_t len, char hex_ret[STORE_DIGEST_TEXT])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, data, len);
	sodium_bin2hex(hex_ret, STORE_DIGEST_TEXT, digest, sizeof(digest));
}

struct ey_error *store_checksums_read(const struct store_entry *entry, char **ret)
{
	struct ey_error *err =
		store_entry_read(entry, STORE_CHECKSUMS, STORE_MAX_CHECKSUMS_BYTES, ret, NULL);

	if (!err || err->code != EY_ERR_NOT_FOUND)
		return err;
	ey_error_destroy(err);
	*ret = strdup("");
	return *ret ? NULL : &ey_error_nomem;
}

// Whether the line at @p line, which ends at @p end, is that of @p name.
static bool is_line_of(const char *line, const char *end, const char *name)
{
	enum { DIGITS = STORE_DIGEST_TEXT - 1 };

	return (size_t)(end - line) == DIGITS + 2 + strlen(name) &&
	       strspn(line, "0123456789abcdef") == DIGITS && line[DIGITS] == ' ' &&
	       !strncmp(line + DIGITS + 2, name, strlen(name));
}

bool store_checksums_find(const char *text, const char *name, char hex_ret[STORE_DIGEST_TEXT])
{
	for (const char *line = text, *end; line && *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (!is_line_of(line, end, name))
			continue;
		memcpy(hex_ret, line, STORE_DIGEST_TEXT - 1);
		hex_ret[STORE_DIGEST_TEXT - 1] = '\0';
		return true;
	}
	return false;
}

void store_checksums_set(struct ey_buf *buf, const char *text, const char *name, const char *hex)
{
	for (const char *line = text, *end; line && *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (!is_line_of(line, end, name)) {
			ey_buf_add(buf, line, (size_t)(end - line));
			ey_buf_addc(buf, '\n');
		}
	}
	ey_buf_printf(buf, "%s  %s\n", hex, name);
}

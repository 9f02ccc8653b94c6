/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/upload_meta.h"

#include <string.h>

#include <sodium.h>

#include "server/query.h"
#include "store/repository.h"

enum {
	METADATA_MAX = 4096,
	/** Longest value that is looked at, decoded. */
	VALUE_MAX = 128,
};

static struct ey_error *bad(const char *what)
{
	return ey_error_create(EY_ERR_INPUT, "%s", what);
}

// Decode the @p len characters at @p text; false where they are no base64 or too long.
static bool decode(const char *text, size_t len, char value[VALUE_MAX + 1])
{
	size_t n;
	const char *end;

	if (sodium_base642bin((unsigned char *)value, VALUE_MAX, text, len, NULL, &n, &end,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    end != text + len || memchr(value, '\0', n))
		return false;
	value[n] = '\0';
	return true;
}

static bool is_sha256(const char *text)
{
	return strlen(text) == DB_UPLOAD_SHA256_SIZE - 1 &&
	       strspn(text, "0123456789abcdef") == DB_UPLOAD_SHA256_SIZE - 1;
}

static struct ey_error *take(const char *key, size_t key_len, const char *value,
			     struct upload_meta *ret)
{
	if (key_len == 5 && !memcmp(key, "crash", 5)) {
		if (!server_int_parse(value, &ret->crash_id) || ret->crash_id <= 0)
			return bad("Upload-Metadata: crash must be the id of a crash");
	} else if (key_len == 8 && !memcmp(key, "filename", 8)) {
		if (strcmp(value, STORE_VMCORE) != 0)
			return bad("Upload-Metadata: filename must be vmcore");
	} else if (key_len == 6 && !memcmp(key, "sha256", 6)) {
		if (!is_sha256(value))
			return bad(
				"Upload-Metadata: sha256 must be 64 lower-case hexadecimal digits");
		memcpy(ret->sha256, value, sizeof(ret->sha256));
	}
	return NULL;
}

struct ey_error *upload_meta_read(const char *length, const char *metadata, struct upload_meta *ret)
{
	char value[VALUE_MAX + 1];

	*ret = (struct upload_meta){0};
	if (!length || !server_int_parse(length, &ret->size) || ret->size < 1)
		return bad("Upload-Length must be the number of bytes of the dump");
	if (!metadata || strlen(metadata) > METADATA_MAX)
		return bad("Upload-Metadata must name the crash");
	for (const char *p = metadata; *p;) {
		size_t key_len, value_len;
		struct ey_error *err;

		p += strspn(p, " ,");
		key_len = strcspn(p, " ,");
		const char *key = p;
		p += key_len;
		p += strspn(p, " ");
		value_len = strcspn(p, " ,");
		if (!key_len)
			break;
		// A value that is too long is of a key that is not known here.
		if (decode(p, value_len, value)) {
			err = take(key, key_len, value, ret);
			if (err)
				return err;
		}
		p += value_len;
	}
	return ret->crash_id ? NULL : bad("Upload-Metadata must name the crash");
}

struct ey_error *upload_checksum_read(const char *text, unsigned char sha256_ret[32], bool *has_ret)
{
	static const char algorithm[] = "sha256 ";
	size_t n = 0;
	const char *end = NULL;

	*has_ret = false;
	if (!text)
		return NULL;
	if (strncmp(text, algorithm, strlen(algorithm)) != 0)
		return bad("Upload-Checksum must be of sha256");
	text += strlen(algorithm);
	if (sodium_base642bin(sha256_ret, 32, text, strlen(text), NULL, &n, &end,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != 32 || *end)
		return bad("Upload-Checksum must be of sha256, 32 bytes in base64");
	*has_ret = true;
	return NULL;
}

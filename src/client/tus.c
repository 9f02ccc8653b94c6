/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resumable uploads: https://tus.io/protocols/resumable-upload, core protocol and checksums. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "client/internal.h"

enum {
	READ_BYTES = 1 << 18,
	/** "Checksum Mismatch" of the checksum extension. */
	STATUS_CHECKSUM = 460,
	/** The offset is not the server's. */
	STATUS_CONFLICT = 409,
	BASE64_SIZE = 48,
};

static const char tus_version[] = "Tus-Resumable: 1.0.0";

static struct ey_error *hash(int fd, uint64_t offset, uint64_t len, unsigned char *ret)
{
	_cleanup_free_ unsigned char *buf = malloc(READ_BYTES);
	crypto_hash_sha256_state state;

	if (!buf)
		return &ey_error_nomem;
	crypto_hash_sha256_init(&state);
	while (len) {
		ssize_t n =
			pread(fd, buf, len < READ_BYTES ? (size_t)len : READ_BYTES, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ey_error_errno(EY_ERR_IO, n < 0 ? errno : ENODATA,
					      "cannot read the file that is uploaded");
		crypto_hash_sha256_update(&state, buf, (unsigned long long)n);
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	crypto_hash_sha256_final(&state, ret);
	return NULL;
}

struct ey_error *client_sha256(int fd, uint64_t offset, uint64_t len,
			       char text_ret[CLIENT_SHA256_TEXT])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	struct ey_error *err = hash(fd, offset, len, digest);

	if (!err)
		sodium_bin2hex(text_ret, CLIENT_SHA256_TEXT, digest, sizeof(digest));
	return err;
}

// "name BASE64,name BASE64"
static struct ey_error *make_metadata(const struct client_meta *meta, size_t count,
				      struct ey_buf *ret)
{
	ey_buf_adds(ret, "Upload-Metadata: ");
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(meta[i].value);
		size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
		_cleanup_free_ char *base64 = malloc(size);

		if (!base64)
			return &ey_error_nomem;
		sodium_bin2base64(base64, size, (const unsigned char *)meta[i].value, len,
				  sodium_base64_VARIANT_ORIGINAL);
		ey_buf_printf(ret, "%s%s %s", i ? "," : "", meta[i].name, base64);
	}
	return ey_buf_error(ret);
}

struct ey_error *client_upload_create(struct client *c, const char *target, uint64_t bytes,
				      const struct client_meta *meta, size_t count,
				      struct client_answer *answer)
{
	_cleanup_buf_ struct ey_buf metadata = EY_BUF_INIT;
	char length[64];
	struct ey_error *err = make_metadata(meta, count, &metadata);

	*answer = (struct client_answer){.retry_after = -1};
	if (err)
		return err;
	snprintf(length, sizeof(length), "Upload-Length: %" PRIu64, bytes);
	const char *const headers[] = {tus_version, length, ey_buf_str(&metadata), NULL};
	err = client_call(
		c, &(struct client_request){.method = "POST", .target = target, .headers = headers},
		answer);
	if (!err && !answer->location)
		err = ey_error_create(EY_ERR_INPUT, "%s takes an upload and does not say where to",
				      c->url);
	return err;
}

// How much of it the server has.
static struct ey_error *ask_offset(struct client *c, const struct client_upload *u,
				   struct client_answer *answer, uint64_t *ret)
{
	const char *const headers[] = {tus_version, NULL};
	struct client_request request = {.method = "HEAD", .target = u->target, .headers = headers};
	struct ey_error *err = client_call(c, &request, answer);

	if (err)
		return err;
	if (answer->upload_offset < 0 || (uint64_t)answer->upload_offset > u->bytes ||
	    (answer->upload_length >= 0 && (uint64_t)answer->upload_length != u->bytes))
		return ey_error_create(EY_ERR_INPUT,
				       "%s speaks of another upload: offset %" PRId64 " of %" PRId64
				       ", the file has %" PRIu64 " bytes",
				       c->url, answer->upload_offset, answer->upload_length,
				       u->bytes);
	*ret = (uint64_t)answer->upload_offset;
	return NULL;
}

static struct ey_error *send_chunk(struct client *c, const struct client_upload *u,
				   uint64_t *offset, struct client_answer *answer)
{
	uint64_t chunk = u->chunk ? u->chunk : CLIENT_CHUNK;
	struct client_body body = {
		.fd = u->fd, .offset = *offset, .len = EY_MIN(u->bytes - *offset, chunk)};
	unsigned char digest[crypto_hash_sha256_BYTES];
	char base64[BASE64_SIZE], at[64], checksum[64 + BASE64_SIZE];
	struct ey_error *err = hash(u->fd, body.offset, body.len, digest);

	if (err)
		return err;
	sodium_bin2base64(base64, sizeof(base64), digest, sizeof(digest),
			  sodium_base64_VARIANT_ORIGINAL);
	snprintf(at, sizeof(at), "Upload-Offset: %" PRIu64, *offset);
	snprintf(checksum, sizeof(checksum), "Upload-Checksum: sha256 %s", base64);
	const char *const headers[] = {tus_version, at, checksum, NULL};
	err = client_call(c,
			  &(struct client_request){
				  .method = "PATCH",
				  .target = u->target,
				  .headers = headers,
				  .content_type = "application/offset+octet-stream",
				  .body = &body,
				  .patient = true,
			  },
			  answer);
	if (err)
		return err;
	if (answer->upload_offset <= (int64_t)*offset || (uint64_t)answer->upload_offset > u->bytes)
		return ey_error_create(EY_ERR_INPUT,
				       "%s took a part of an upload and names no "
				       "sound offset for it",
				       c->url);
	*offset = (uint64_t)answer->upload_offset;
	return NULL;
}

// Whether to ask where we are and go on. Where the center names a time to come back, we do.
static bool is_worth_another(const struct ey_error *err, const struct client_answer *answer)
{
	if (answer->status == STATUS_CHECKSUM || answer->status == STATUS_CONFLICT)
		return true;
	return err->code == EY_ERR_IO && answer->retry_after < 0;
}

static void pause_before(unsigned int failures)
{
	struct timespec wait = {.tv_sec = 1L << failures};

	nanosleep(&wait, NULL);
}

struct ey_error *client_upload(struct client *c, const struct client_upload *u,
			       int64_t *retry_after_ret)
{
	_cleanup_client_answer_ struct client_answer answer = {.retry_after = -1};
	uint64_t offset = 0, before = 0;
	unsigned int failures = 0;
	struct ey_error *err = ask_offset(c, u, &answer, &offset);

	while (err || offset < u->bytes) {
		if (!err) {
			before = offset;
			client_answer_deinit(&answer);
			err = send_chunk(c, u, &offset, &answer);
			if (!err) {
				failures = 0;
				continue;
			}
		}
		if (!is_worth_another(err, &answer) || ++failures >= CLIENT_UPLOAD_ATTEMPTS)
			break;
		ey_error_destroy(err);
		pause_before(failures - 1);
		client_answer_deinit(&answer);
		err = ask_offset(c, u, &answer, &offset);
		// What of a part arrived before the line broke is progress.
		if (!err && offset > before)
			failures = 0;
	}
	*retry_after_ret = err ? answer.retry_after : -1;
	// Refused for its bytes or its place again and again: the line or a disk, not the upload.
	if (err && err != &ey_error_nomem &&
	    (answer.status == STATUS_CHECKSUM || answer.status == STATUS_CONFLICT))
		err->code = EY_ERR_IO;
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A large file of the center, taken up where it was broken off, and compared in the end. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/client.h"

enum {
	/** Longest wait between two attempts, seconds. */
	WAIT_MAX = 60,
	INTERNAL_ERROR = 500,
};

/** An answer's body on its way into the file. */
struct taking {
	const struct client_answer *answer;
	int fd;
	/** Where this answer begins, and how far it has come. */
	uint64_t from;
	uint64_t at;
	uint64_t size;
	/** It is not the part that was asked for, or not of the same file. */
	bool other;
	int errnum;
};

static bool take(const void *data, size_t len, void *arg)
{
	struct taking *t = arg;

	t->other = t->other || t->answer->status != (t->from ? 206 : 200) || len > t->size - t->at;
	for (const char *p = data; !t->other && !t->errnum && len;) {
		ssize_t n = pwrite(t->fd, p, len, (off_t)t->at);

		if (n < 0 && errno != EINTR)
			t->errnum = errno;
		if (n <= 0)
			continue;
		p += n;
		len -= (size_t)n;
		t->at += (uint64_t)n;
	}
	return !t->other && !t->errnum;
}

static bool nothing(const void *data, size_t len, void *arg)
{
	return true;
}

// "sha-256=:BASE64:" of Repr-Digest as hexadecimal text, "" where there is none.
static void read_digest(const char *value, char hex_ret[CLIENT_SHA256_TEXT])
{
	static const char name[] = "sha-256=:";
	unsigned char digest[crypto_hash_sha256_BYTES];
	const char *s = value ? strstr(value, name) : NULL, *end = NULL;
	size_t n = 0;

	*hex_ret = '\0';
	if (!s)
		return;
	s += sizeof(name) - 1;
	if (sodium_base642bin(digest, sizeof(digest), s, strcspn(s, ":"), NULL, &n, &end,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    n != sizeof(digest))
		return;
	sodium_bin2hex(hex_ret, CLIENT_SHA256_TEXT, digest, sizeof(digest));
}

// HEAD has no sentence that says why not; a GET has.
static struct ey_error *refused(struct client *c, const char *target, struct ey_error *head)
{
	_cleanup_error_ struct ey_error *first = head;
	static const char *const headers[] = {"Range: bytes=0-0", NULL};
	_cleanup_client_answer_ struct client_answer answer = {0};
	struct ey_error *err = client_call(
		c,
		&(struct client_request){
			.method = "GET", .target = target, .headers = headers, .sink = nothing},
		&answer);

	if (err && err->code == EY_ERR_IO && answer.status == INTERNAL_ERROR)
		err->code = EY_ERR_INPUT;
	return err ? err : ey_error_create(EY_ERR_IO, "%s; try again", first->message);
}

struct ey_error *client_download_look(struct client *c, const char *target,
				      struct client_download *ret)
{
	_cleanup_client_answer_ struct client_answer answer = {0};

	*ret = (struct client_download){.target = target};
	struct ey_error *err = client_call(
		c, &(struct client_request){.method = "HEAD", .target = target}, &answer);
	if (err)
		return answer.status >= 400 ? refused(c, target, err) : err;
	if (answer.content_length < 0 || !answer.etag || strlen(answer.etag) >= sizeof(ret->etag))
		return ey_error_create(EY_ERR_INPUT,
				       "what %s answers is not of a center; is the address right?",
				       client_url(c));
	ret->size = (uint64_t)answer.content_length;
	snprintf(ret->etag, sizeof(ret->etag), "%s", answer.etag);
	read_digest(answer.digest, ret->sha256);
	return NULL;
}

static struct ey_error *attempt(struct client *c, const struct client_download *d, struct taking *t,
				int64_t *retry_after)
{
	char range[64], if_range[sizeof(d->etag) + 16];
	const char *const headers[] = {range, if_range, NULL};
	_cleanup_client_answer_ struct client_answer answer = {0};

	snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", t->at);
	snprintf(if_range, sizeof(if_range), "If-Range: %s", d->etag);
	t->answer = &answer;
	t->from = t->at;
	struct ey_error *err =
		client_call(c,
			    // From the beginning as a whole: then the center compares it, too.
			    &(struct client_request){.method = "GET",
						     .target = d->target,
						     .headers = t->at ? headers : NULL,
						     .sink = take,
						     .sink_arg = t},
			    &answer);
	*retry_after = answer.retry_after;
	if (err && err->code == EY_ERR_IO && answer.status == INTERNAL_ERROR)
		err->code = EY_ERR_INPUT;
	if (!t->other && !t->errnum)
		return err;
	ey_error_destroy(err);
	return t->errnum ? ey_error_errno(EY_ERR_IO, t->errnum, "cannot write what %s sends",
					  client_url(c))
			 : ey_error_create(EY_ERR_INPUT,
					   "what %s sends is another file than a moment ago; "
					   "begin again",
					   client_url(c));
}

static struct ey_error *check(const struct client_download *d, int fd)
{
	char is[CLIENT_SHA256_TEXT];

	if (!*d->sha256)
		return NULL;
	struct ey_error *err = client_sha256(fd, 0, d->size, is);
	if (!err && strcmp(is, d->sha256) != 0)
		err = ey_error_create(EY_ERR_INPUT,
				      "what arrived is not what the center has: its checksum "
				      "differs; begin again");
	return err;
}

struct ey_error *client_download(struct client *c, const struct client_download *d, int fd)
{
	struct taking t = {.fd = fd, .size = d->size};
	unsigned int failures = 0;
	struct stat st;

	if (fstat(fd, &st) < 0 ||
	    (st.st_size && (uint64_t)st.st_size > d->size && ftruncate(fd, st.st_size = 0) < 0))
		return ey_error_errno(EY_ERR_IO, errno, "cannot use the file to download to");
	t.at = (uint64_t)st.st_size;
	while (t.at < d->size) {
		uint64_t before = t.at;
		int64_t wait;
		struct ey_error *err = attempt(c, d, &t, &wait);

		failures = t.at > before ? 0 : failures + 1;
		if (err &&
		    (err->code != EY_ERR_IO || t.errnum || failures >= CLIENT_DOWNLOAD_ATTEMPTS))
			return err;
		if (!err && t.at < d->size && failures >= CLIENT_DOWNLOAD_ATTEMPTS)
			return ey_error_create(EY_ERR_IO, "%s sends nothing more", client_url(c));
		ey_error_destroy(err);
		if (t.at < d->size)
			sleep((unsigned int)EY_MIN(wait >= 0 ? wait : (int64_t)1 << failures,
						   (int64_t)WAIT_MAX));
	}
	return check(d, fd);
}

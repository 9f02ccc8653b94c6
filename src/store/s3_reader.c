/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An object read piece by piece: one GET from an offset on, paused while nobody reads. A connection
 * that breaks is taken up where it was; another offset is another GET.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "store/s3_store.h"

enum { BUFFER_BYTES = 1 << 20, POLL_MS = 1000, MAX_ERROR_BYTES = 64 << 10 };

struct s3_reader {
	struct store_reader reader;
	struct s3 *s3;
	/** For messages and requests. */
	char *key;
	char *etag;
	CURL *easy;
	struct curl_slist *headers;
	struct s3_transfer transfer;
	char text[CURL_ERROR_SIZE];
	bool running;
	bool paused;
	/** Where the bytes in `data` are in the object; [used, len) of them are unread. */
	uint64_t at;
	unsigned char *data;
	size_t used;
	size_t len;
	/** Where the GET began. */
	uint64_t start;
	/** Content-Range of the answer; -1: none was given. */
	int64_t range_start;
	int64_t range_size;
	int tries;
	struct ey_buf refusal;
};

static long status_of(struct s3_reader *r)
{
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
	struct s3_reader *r = arg;
	size_t n = size * count;
	long status = status_of(r);

	if (status != 206 && status != 200) {
		if (r->refusal.len + n > MAX_ERROR_BYTES)
			return 0;
		ey_buf_add(&r->refusal, data, n);
		return n;
	}
	if (r->used) {
		memmove(r->data, r->data + r->used, r->len - r->used);
		r->at += r->used;
		r->len -= r->used;
		r->used = 0;
	}
	if (n > BUFFER_BYTES - r->len) {
		r->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	memcpy(r->data + r->len, data, n);
	r->len += n;
	return n;
}

static const char *read_number(const char *s, int64_t *ret)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(s, &end, 10);
	*ret = *s < '0' || *s > '9' || errno || n > INT64_MAX ? -1 : (int64_t)n;
	return end;
}

// Content-Range: bytes FIRST-LAST/SIZE
static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	static const char name[] = "content-range: bytes ";
	struct s3_reader *r = arg;
	size_t len = size * count, skip = sizeof(name) - 1;
	int64_t first, last;
	char text[128];

	if (len <= skip || len - skip >= sizeof(text) || strncasecmp(line, name, skip) != 0)
		return len;
	snprintf(text, sizeof(text), "%.*s", (int)(len - skip), line + skip);
	const char *s = read_number(text, &first);
	if (*s == '-')
		s = read_number(s + 1, &last);
	if (*s == '/') {
		read_number(s + 1, &r->range_size);
		r->range_start = first;
	}
	return len;
}

static void stop(struct s3_reader *r)
{
	if (r->running)
		curl_multi_remove_handle(r->s3->multi, r->easy);
	r->running = false;
	curl_slist_free_all(r->headers);
	r->headers = NULL;
	ey_buf_clear(&r->refusal);
}

static struct ey_error *start(struct s3_reader *r, uint64_t offset)
{
	struct s3_call call = {.method = "GET", .key = r->key};
	char range[64];

	stop(r);
	snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)offset);
	call.headers[0] = (struct sigv4_pair){"Range", range};
	// Never the beginning of one object and the end of another.
	if (r->etag)
		call.headers[1] = (struct sigv4_pair){"If-Match", r->etag};
	struct ey_error *err = s3_prepare(r->s3, &call, r->easy, &r->headers);
	if (err)
		return err;
	r->at = r->start = offset;
	r->used = r->len = 0;
	r->paused = false;
	r->range_start = r->range_size = -1;
	r->transfer = (struct s3_transfer){0};
	r->text[0] = '\0';
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, &r->transfer);
	curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->text);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
	if (curl_multi_add_handle(r->s3->multi, r->easy) != CURLM_OK)
		return &ey_error_nomem;
	r->running = true;
	return NULL;
}

// The answer is of the range and the object that were asked for.
static struct ey_error *check_range(const struct s3_reader *r, long status)
{
	bool whole = status == 200 && r->start == 0;
	bool part = status == 206 && r->range_start == (int64_t)r->start &&
		    r->range_size == (int64_t)r->reader.size;

	if (whole || part)
		return NULL;
	return ey_error_create(EY_ERR_IO, "%s answers with another part of the object than asked",
			       r->s3->base);
}

// The transfer is over. *again_ret: it was cut short, and has been begun anew.
static struct ey_error *finished(struct s3_reader *r, bool *again_ret)
{
	struct s3_call call = {.method = "GET", .key = r->key, .status = status_of(r)};
	_cleanup_s3_answer_ struct s3_answer answer = {0};
	uint64_t have = r->at + r->len;
	bool ok = r->transfer.result == CURLE_OK && call.status / 100 == 2;

	*again_ret = false;
	if (ok && have >= r->reader.size)
		return NULL;
	if (!ok && call.status / 100 != 2) {
		struct ey_error *bad =
			s3_xml_read(ey_buf_str(&r->refusal), r->refusal.len, &answer);

		ey_error_destroy(bad);
		snprintf(call.code, sizeof(call.code), "%s", answer.code ? answer.code : "");
	}
	if (r->tries++ < r->s3->retries &&
	    (ok || s3_is_passing(r->transfer.result, call.status, call.code))) {
		ey_log_debug("s3: %s breaks off at %llu", r->key, (unsigned long long)have);
		s3_back_off(r->tries);
		*again_ret = true;
		return start(r, have);
	}
	if (ok)
		return ey_error_create(EY_ERR_IO, "%s breaks off before the end of the object",
				       r->s3->base);
	if (call.status == 412)
		return ey_error_create(EY_ERR_IO, "s3://%s/%s was replaced while it was read",
				       r->s3->bucket, r->key);
	return s3_error(r->s3, &call, r->transfer.result, r->text, &answer);
}

static struct ey_error *fill(struct s3_reader *r)
{
	while (r->used == r->len) {
		bool again;
		struct ey_error *err = NULL;

		if (r->paused) {
			r->paused = false;
			curl_easy_pause(r->easy, CURLPAUSE_CONT);
		}
		if (r->len == r->used && !r->transfer.done)
			err = s3_pump(r->s3, POLL_MS);
		if (err)
			return err;
		if (r->used < r->len) {
			r->tries = 0;
			return check_range(r, status_of(r));
		}
		if (!r->transfer.done)
			continue;
		err = finished(r, &again);
		if (err || !again)
			return err;
	}
	return NULL;
}

static struct ey_error *read_some(struct store_reader *reader, uint64_t offset, void *buf,
				  size_t len, size_t *ret)
{
	struct s3_reader *r = (struct s3_reader *)reader;
	struct ey_error *err = NULL;

	if (offset >= reader->size)
		return NULL;
	// A little further on is read over; anything else is asked for.
	if (!r->running || offset < r->at + r->used || offset > r->at + r->len)
		err = start(r, offset);
	else
		r->used = (size_t)(offset - r->at);
	if (!err)
		err = fill(r);
	if (err)
		return ey_error_prefix(err, "%s", r->key);
	size_t n = EY_MIN(len, r->len - r->used);
	n = (size_t)EY_MIN((uint64_t)n, reader->size - offset);
	memcpy(buf, r->data + r->used, n);
	r->used += n;
	*ret = n;
	return NULL;
}

static void destroy(struct store_reader *reader)
{
	struct s3_reader *r = (struct s3_reader *)reader;

	stop(r);
	if (r->easy)
		curl_easy_cleanup(r->easy);
	ey_buf_deinit(&r->refusal);
	free(r->data);
	free(r->etag);
	free(r->key);
	free(r);
}

static const struct store_reader_ops ops = {read_some, destroy};

struct ey_error *s3_reader_open(struct s3 *s3, const char *key, uint64_t size, const char *etag,
				struct store_reader **ret)
{
	struct s3_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return &ey_error_nomem;
	_cleanup_store_reader_ struct store_reader *reader = &r->reader;
	r->reader = (struct store_reader){&ops, size};
	r->s3 = s3;
	r->key = strdup(key);
	r->etag = etag && *etag ? strdup(etag) : NULL;
	r->data = malloc(BUFFER_BYTES);
	r->easy = curl_easy_init();
	if (!r->key || !r->data || !r->easy || (etag && *etag && !r->etag))
		return &ey_error_nomem;
	*ret = no_cleanup_ptr(reader);
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request by libcurl: signed, sent, and sent again. */
#include "store/s3_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/log.h"

enum { HASH_CHUNK = 256 << 10, BACK_OFF_MS = 200, BACK_OFF_MAX_MS = 10000, POLL_MS = 1000 };

/** The body while it is sent. */
struct body {
	const struct s3_call *call;
	uint64_t at;
};

void s3_call_deinit(struct s3_call *call)
{
	ey_buf_deinit(&call->answer);
}

static size_t pairs(const struct sigv4_pair *from, size_t max, struct sigv4_pair *to)
{
	size_t n = 0;

	for (size_t i = 0; i < max; i++) {
		if (from[i].name)
			to[n++] = from[i];
	}
	return n;
}

static struct ey_error *add_path(const struct s3 *s3, const struct s3_call *call,
				 struct ey_buf *buf)
{
	ey_buf_addc(buf, '/');
	if (s3->by_path)
		ey_buf_printf(buf, "%s%s", s3->bucket, call->key ? "/" : "");
	if (call->key)
		ey_buf_adds(buf, call->key);
	return ey_buf_error(buf);
}

static struct ey_error *hash_body(const struct s3_call *call, char ret[SIGV4_HEX_SIZE])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;

	if (!call->from_file) {
		sigv4_hash(call->data ? call->data : "", call->data ? call->len : 0, ret);
		return NULL;
	}
	_cleanup_free_ unsigned char *buf = malloc(HASH_CHUNK);
	if (!buf)
		return &ey_error_nomem;
	crypto_hash_sha256_init(&state);
	for (uint64_t at = 0; at < call->len;) {
		ssize_t n = pread(call->fd, buf, EY_MIN(call->len - at, (uint64_t)HASH_CHUNK),
				  (off_t)(call->offset + at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot read the dump");
		if (!n)
			return ey_error_create(EY_ERR_IO, "the dump changes while it is copied");
		crypto_hash_sha256_update(&state, buf, (unsigned long long)n);
		at += (uint64_t)n;
	}
	crypto_hash_sha256_final(&state, digest);
	sodium_bin2hex(ret, SIGV4_HEX_SIZE, digest, sizeof(digest));
	return NULL;
}

static size_t on_read(char *buf, size_t size, size_t count, void *arg)
{
	struct body *b = arg;
	const struct s3_call *call = b->call;
	size_t want = EY_MIN(call->len - b->at, (uint64_t)size * count);

	if (!call->from_file) {
		if (want)
			memcpy(buf, (const char *)call->data + b->at, want);
	} else {
		ssize_t n;

		do {
			n = pread(call->fd, buf, want, (off_t)(call->offset + b->at));
		} while (n < 0 && errno == EINTR);
		if (n < 0 || (!n && want))
			return CURL_READFUNC_ABORT;
		want = (size_t)n;
	}
	b->at += want;
	return want;
}

// libcurl sends again where a connection that it kept was closed meanwhile.
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct body *b = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > b->call->len)
		return CURL_SEEKFUNC_FAIL;
	b->at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t on_answer(char *data, size_t size, size_t count, void *arg)
{
	struct s3_call *call = arg;

	if (call->answer.len + size * count > (call->max ? call->max : S3_XML_MAX_BYTES))
		return 0;
	ey_buf_add(&call->answer, data, size * count);
	return call->answer.failed ? 0 : size * count;
}

static bool header_value(const char *line, size_t len, const char *name, char *ret, size_t size)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	line += n + 1;
	len -= n + 1;
	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (len && (unsigned char)line[len - 1] <= ' ')
		len--;
	snprintf(ret, size, "%.*s", (int)len, line);
	return true;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct s3_call *call = arg;
	char date[64];

	header_value(data, size * count, "ETag", call->etag, sizeof(call->etag));
	if (header_value(data, size * count, "Date", date, sizeof(date))) {
		time_t t = curl_getdate(date, NULL);

		call->date = t > 0 ? t : 0;
	}
	return size * count;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value,
				     bool *failed)
{
	_cleanup_free_ char *line = NULL;

	if (asprintf(&line, *value ? "%s: %s" : "%s;", name, value) < 0) {
		line = NULL;
		*failed = true;
		return list;
	}
	struct curl_slist *more = curl_slist_append(list, line);
	*failed |= !more;
	return more ? more : list;
}

static struct ey_error *sign(const struct s3 *s3, const struct s3_call *call, const char *path,
			     struct curl_slist **headers_ret)
{
	const struct sigv4_key key = {s3->access, s3->secret, s3->region, "s3"};
	struct sigv4_pair headers[S3_CALL_MAX_HEADERS + 4], query[S3_CALL_MAX_QUERY];
	_cleanup_buf_ struct ey_buf authorization = EY_BUF_INIT;
	char hash[SIGV4_HEX_SIZE], now[SIGV4_TIME_SIZE];
	struct curl_slist *list = NULL;
	int64_t t = time(NULL);
	bool failed = false;
	struct ey_error *err = hash_body(call, hash);

	if (err)
		return err;
	sigv4_time(t, now);
	size_t n = pairs(call->headers, S3_CALL_MAX_HEADERS, headers);
	headers[n++] = (struct sigv4_pair){"Host", s3->host};
	headers[n++] = (struct sigv4_pair){"x-amz-content-sha256", hash};
	headers[n++] = (struct sigv4_pair){"x-amz-date", now};
	if (s3->token)
		headers[n++] = (struct sigv4_pair){"x-amz-security-token", s3->token};
	struct sigv4_request request = {
		.method = call->method,
		.path = path,
		.query = query,
		.query_count = pairs(call->query, S3_CALL_MAX_QUERY, query),
		.headers = headers,
		.header_count = n,
		.payload = hash,
		.time = t,
	};
	sigv4_authorization(&authorization, &request, &key);
	for (size_t i = 0; i < n; i++)
		list = add_header(list, headers[i].name, headers[i].value, &failed);
	list = add_header(list, "Authorization", ey_buf_str(&authorization), &failed);
	// Without these libcurl would ask first, and say what it is sending.
	list = curl_slist_append(list, "Expect:");
	list = curl_slist_append(list, "Content-Type:");
	*headers_ret = list;
	return failed || authorization.failed ? &ey_error_nomem : NULL;
}

struct ey_error *s3_prepare(struct s3 *s3, const struct s3_call *call, CURL *easy,
			    struct curl_slist **headers_ret)
{
	_cleanup_buf_ struct ey_buf path = EY_BUF_INIT, url = EY_BUF_INIT;
	struct sigv4_pair query[S3_CALL_MAX_QUERY];
	size_t n = pairs(call->query, S3_CALL_MAX_QUERY, query);
	struct ey_error *err = add_path(s3, call, &path);

	if (!err)
		err = sign(s3, call, ey_buf_str(&path), headers_ret);
	if (err)
		return err;
	ey_buf_adds(&url, s3->base);
	sigv4_encode(&url, ey_buf_str(&path), true);
	if (n)
		ey_buf_addc(&url, '?');
	sigv4_query(&url, query, n);
	err = ey_buf_error(&url);
	if (err)
		return err;
	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_URL, ey_buf_str(&url));
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers_ret);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "eyrie/" EYRIE_VERSION);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)EY_MIN(s3->timeout, (int64_t)15));
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)s3->timeout);
	if (s3->ca)
		curl_easy_setopt(easy, CURLOPT_CAINFO, s3->ca);
	return NULL;
}

struct ey_error *s3_pump(struct s3 *s3, int ms)
{
	int running, left;
	CURLMcode code = curl_multi_perform(s3->multi, &running);

	for (CURLMsg *m; (m = curl_multi_info_read(s3->multi, &left));) {
		struct s3_transfer *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		if (t)
			*t = (struct s3_transfer){true, m->data.result};
		ms = 0;
	}
	if (code == CURLM_OK && ms)
		code = curl_multi_poll(s3->multi, NULL, 0, ms, NULL);
	if (code == CURLM_OK)
		return NULL;
	return ey_error_create(EY_ERR_IO, "cannot send requests: %s", curl_multi_strerror(code));
}

static struct ey_error *perform(struct s3 *s3, struct s3_call *call, CURLcode *code_ret, char *text)
{
	struct s3_transfer transfer = {0};
	struct curl_slist *headers = NULL;
	struct body body = {.call = call};
	struct ey_error *err = s3_prepare(s3, call, s3->easy, &headers);
	CURL *easy = s3->easy;

	*text = '\0';
	if (!err) {
		curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, text);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
		if (!strcmp(call->method, "PUT") || !strcmp(call->method, "POST")) {
			curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
			curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->len);
			curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
			curl_easy_setopt(easy, CURLOPT_READDATA, &body);
			curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
			curl_easy_setopt(easy, CURLOPT_SEEKDATA, &body);
		}
		if (!strcmp(call->method, "HEAD"))
			curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		if (curl_multi_add_handle(s3->multi, easy) != CURLM_OK)
			err = &ey_error_nomem;
		while (!err && !transfer.done)
			err = s3_pump(s3, POLL_MS);
		*code_ret = transfer.result;
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &call->status);
		curl_multi_remove_handle(s3->multi, easy);
	}
	curl_slist_free_all(headers);
	return err;
}

void s3_back_off(int n)
{
	uint32_t random = 0;
	int64_t ms = BACK_OFF_MS;

	for (int i = 1; i < n && ms < BACK_OFF_MAX_MS; i++)
		ms *= 2;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = 0;
	ms = ms / 2 + (int64_t)(random % (uint32_t)(ms / 2 + 1));
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

// What the store says went wrong; an <Error> may also come with 200, long after the headers.
static bool read_failure(struct s3_call *call, struct s3_answer *answer)
{
	static const char error[] = "<Error";

	call->code[0] = '\0';
	if (call->status / 100 == 2 &&
	    (strcmp(call->method, "POST") != 0 ||
	     !memmem(ey_buf_str(&call->answer), call->answer.len, error, strlen(error))))
		return false;
	struct ey_error *err = s3_xml_read(ey_buf_str(&call->answer), call->answer.len, answer);
	if (!err && answer->code)
		snprintf(call->code, sizeof(call->code), "%s", answer->code);
	ey_error_destroy(err);
	return true;
}

struct ey_error *s3_do(struct s3 *s3, struct s3_call *call)
{
	char text[CURL_ERROR_SIZE];

	for (int try = 1;; try++) {
		_cleanup_s3_answer_ struct s3_answer answer = {0};
		CURLcode code = CURLE_OK;

		ey_buf_clear(&call->answer);
		call->status = 0;
		call->etag[0] = '\0';
		struct ey_error *err = perform(s3, call, &code, text);
		if (err)
			return err;
		if (code == CURLE_OK && !read_failure(call, &answer))
			return NULL;
		if (try <= s3->retries && s3_is_passing(code, call->status, call->code)) {
			ey_log_debug("s3: %s again after %ld %s %s", call->method, call->status,
				     call->code, curl_easy_strerror(code));
			s3_back_off(try);
			continue;
		}
		return s3_error(s3, call, code, text, &answer);
	}
}

struct ey_error *s3_ask(struct s3 *s3, struct s3_call *call, struct s3_answer *ret)
{
	struct ey_error *err = s3_do(s3, call);

	if (err)
		return err;
	// Broken where a proxy, or something that is no S3 store, answers.
	return ey_error_prefix(s3_xml_read(ey_buf_str(&call->answer), call->answer.len, ret),
			       "%s does not answer as an S3 store does", s3->base);
}

struct ey_error *s3_presign(const struct s3 *s3, const struct s3_call *call, unsigned int seconds,
			    char **ret)
{
	const struct sigv4_key key = {s3->access, s3->secret, s3->region, "s3"};
	_cleanup_buf_ struct ey_buf path = EY_BUF_INIT, url = EY_BUF_INIT;
	const struct sigv4_pair host = {"host", s3->host};
	struct sigv4_pair query[S3_CALL_MAX_QUERY];
	struct ey_error *err = add_path(s3, call, &path);

	if (err)
		return err;
	if (!seconds || seconds > SIGV4_MAX_EXPIRES)
		return ey_error_create(EY_ERR_INPUT, "a URL is valid for 1 second to 7 days");
	struct sigv4_request request = {
		.method = call->method,
		.path = ey_buf_str(&path),
		.query = query,
		.query_count = pairs(call->query, S3_CALL_MAX_QUERY, query),
		.headers = &host,
		.header_count = 1,
		.payload = SIGV4_UNSIGNED,
		.time = time(NULL),
	};
	ey_buf_adds(&url, s3->base);
	sigv4_encode(&url, ey_buf_str(&path), true);
	ey_buf_addc(&url, '?');
	sigv4_presign(&url, &request, &key, s3->token, seconds);
	*ret = ey_buf_steal(&url, NULL);
	return *ret ? NULL : &ey_error_nomem;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/internal.h"

enum {
	/** Bytes a second below which a transfer counts as stalled. */
	STALL_BYTES = 1,
	/** A patient call waits so many times the stall time-out. */
	PATIENCE = 10,
	/** Bytes of all headers of an answer. */
	HEADERS_MAX = 64 << 10,
};

/** One call: what is sent, and where the answer goes. */
struct call {
	struct client *client;
	const struct client_request *request;
	struct client_answer *answer;
	size_t header_bytes;
	/** Our own failure, which libcurl only knows as "aborted". */
	struct ey_error *err;
};

/** A reader of a body, as libcurl wants one. */
struct reader {
	const struct client_body *body;
	uint64_t done;
	int errnum;
};

static void curl_slistp(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}
static void curl_urlp(CURLU **url)
{
	curl_url_cleanup(*url);
}
static void curl_freep(char **s)
{
	curl_free(*s);
}
static void curl_mimep(curl_mime **mime)
{
	curl_mime_free(*mime);
}

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool is_this_machine(const char *host)
{
	struct in_addr address;

	// Not by its first letters: "127.example.com" is a name.
	if (inet_pton(AF_INET, host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
	return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]");
}

// "scheme://host:port" of a URL; NULL in *ret where it is none that can be used.
static struct ey_error *origin_of(const char *text, char **ret)
{
	_cleanup_(curl_urlp) CURLU *url = curl_url();
	_cleanup_(curl_freep) char *scheme = NULL;
	_cleanup_(curl_freep) char *host = NULL;
	_cleanup_(curl_freep) char *port = NULL;
	_cleanup_(curl_freep) char *user = NULL;

	*ret = NULL;
	if (!url)
		return &ey_error_nomem;
	if (curl_url_set(url, CURLUPART_URL, text, 0) ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
	    !curl_url_get(url, CURLUPART_USER, &user, 0))
		return NULL;
	if (strcmp(scheme, "https") != 0 && (strcmp(scheme, "http") != 0 || !is_this_machine(host)))
		return NULL;
	for (char *p = host; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
	if (asprintf(ret, "%s://%s:%s", scheme, host, port) < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

static struct ey_error *take_address(struct client *c, const char *text)
{
	if (!text || !*text)
		return ey_error_create(EY_ERR_USAGE, "no center is named: an address like "
						     "https://crash.example.com");
	struct ey_error *err = origin_of(text, &c->origin);
	if (err)
		return err;
	if (!c->origin || strpbrk(text, "?#"))
		return ey_error_create(
			EY_ERR_USAGE,
			"\"%.200s\" is no address of a center: it must be "
			"https://NAME[:PORT][/PATH] (http:// for this machine itself "
			"only)",
			text);
	c->url = strdup(text);
	if (!c->url)
		return &ey_error_nomem;
	for (size_t n = strlen(c->url); n && c->url[n - 1] == '/'; n--)
		c->url[n - 1] = '\0';
	return NULL;
}

struct ey_error *client_create(const struct client_options *options, struct client **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_client_ struct client *c = calloc(1, sizeof(*c));

	pthread_once(&once, init_curl);
	if (!c)
		return &ey_error_nomem;
	c->connect_timeout =
		options->connect_timeout ? options->connect_timeout : CLIENT_CONNECT_SECONDS;
	c->stall_timeout = options->stall_timeout ? options->stall_timeout : CLIENT_STALL_SECONDS;
	c->answer_max = options->answer_max ? options->answer_max : CLIENT_ANSWER_MAX;
	struct ey_error *err = take_address(c, options->url);
	if (!err && options->token)
		err = client_use_token(options->token, &c->authorization);
	else if (!err && options->token_file)
		err = client_read_token(options->token_file, &c->authorization);
	if (!err && options->ca_file) {
		c->ca_file = strdup(options->ca_file);
		if (!c->ca_file)
			err = &ey_error_nomem;
		else if (access(c->ca_file, R_OK) < 0)
			err = ey_error_errno(EY_ERR_USAGE, errno, "cannot read the CA file %s",
					     c->ca_file);
	}
	if (err)
		return err;
	c->curl = curl_easy_init();
	if (!c->curl)
		return &ey_error_nomem;
	*ret = no_cleanup_ptr(c);
	return NULL;
}

void client_destroy(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	client_wipe(&c->authorization);
	free(c->url);
	free(c->origin);
	free(c->ca_file);
	free(c);
}

const char *client_url(const struct client *client)
{
	return client->url;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct call *call = arg;
	size_t len = size * count;

	call->header_bytes += len;
	// A new answer begins (after "100 Continue"): what stood before does not count.
	if (len > 5 && !memcmp(data, "HTTP/", 5)) {
		client_answer_deinit(call->answer);
		call->answer->retry_after = -1;
		call->answer->upload_offset = call->answer->upload_length = -1;
		call->answer->content_length = -1;
		long status = 0;
		curl_easy_getinfo(call->client->curl, CURLINFO_RESPONSE_CODE, &status);
		call->answer->status = (unsigned int)status;
	}
	if (!call->err && call->header_bytes > HEADERS_MAX)
		call->err = ey_error_create(EY_ERR_INPUT,
					    "%s answers with headers of more than "
					    "%d bytes",
					    call->client->url, HEADERS_MAX);
	if (!call->err)
		call->err = client_take_header(call->answer, data, len);
	return call->err ? 0 : len;
}

static size_t on_write(char *data, size_t size, size_t count, void *arg)
{
	struct call *call = arg;
	struct ey_buf *body = &call->answer->body;
	size_t len = size * count;
	long status = 0;

	curl_easy_getinfo(call->client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (call->request->sink && status >= 200 && status < 300) {
		if (!call->request->sink(data, len, call->request->sink_arg))
			call->err = ey_error_create(EY_ERR_IO, "what %s answered was not taken",
						    call->client->url);
		return call->err ? 0 : len;
	}
	if (len > call->client->answer_max - body->len)
		call->err = ey_error_create(EY_ERR_INPUT, "%s answers with more than %zu bytes",
					    call->client->url, call->client->answer_max);
	else
		ey_buf_add(body, data, len);
	if (!call->err)
		call->err = ey_buf_error(body);
	return call->err ? 0 : len;
}

static size_t on_read(char *buf, size_t size, size_t count, void *arg)
{
	struct reader *r = arg;
	uint64_t left = r->body->len - r->done;
	size_t n = left < size * count ? (size_t)left : size * count;

	if (!n)
		return 0;
	if (r->body->data) {
		memcpy(buf, (const char *)r->body->data + r->done, n);
	} else {
		ssize_t got = pread(r->body->fd, buf, n, (off_t)(r->body->offset + r->done));

		if (got <= 0) {
			r->errnum = got < 0 ? errno : ENODATA;
			return CURL_READFUNC_ABORT;
		}
		n = (size_t)got;
	}
	r->done += n;
	return n;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct reader *r = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > r->body->len)
		return CURL_SEEKFUNC_CANTSEEK;
	r->done = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static struct ey_error *add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		return &ey_error_nomem;
	*list = longer;
	return NULL;
}

// The whole URL, and whether it is the center's own.
static struct ey_error *url_of(const struct client *c, const char *target, char **ret, bool *own)
{
	_cleanup_free_ char *origin = NULL;

	*own = *target == '/';
	if (*own) {
		if (asprintf(ret, "%s%s", c->url, target) < 0) {
			*ret = NULL;
			return &ey_error_nomem;
		}
		return NULL;
	}
	struct ey_error *err = origin_of(target, &origin);
	if (err)
		return err;
	if (!origin)
		return ey_error_create(EY_ERR_INPUT,
				       "the center at %s names an address that is not safe to use",
				       c->url);
	*own = !strcmp(origin, c->origin);
	*ret = strdup(target);
	return *ret ? NULL : &ey_error_nomem;
}

static struct ey_error *headers_of(const struct client *c, const struct client_request *request,
				   bool own, struct curl_slist **ret)
{
	_cleanup_free_ char *type = NULL;
	// Neither is ours to send: a wait for "100 Continue", and libcurl's form encoding.
	struct ey_error *err = add_header(ret, "Expect:");

	if (!err && request->content_type &&
	    asprintf(&type, "Content-Type: %s", request->content_type) < 0) {
		type = NULL;
		err = &ey_error_nomem;
	}
	if (!err && !request->part_count)
		err = add_header(ret, type ? type : "Content-Type:");
	if (!err && own && c->authorization)
		err = add_header(ret, c->authorization);
	for (size_t i = 0; !err && request->headers && request->headers[i]; i++)
		err = add_header(ret, request->headers[i]);
	return err;
}

static struct ey_error *make_parts(struct client *c, const struct client_request *request,
				   struct reader *readers, curl_mime **ret)
{
	curl_mime *mime = curl_mime_init(c->curl);

	*ret = mime;
	for (size_t i = 0; i < request->part_count; i++) {
		const struct client_part *p = &request->parts[i];
		curl_mimepart *part = mime ? curl_mime_addpart(mime) : NULL;

		readers[i] = (struct reader){.body = &p->body};
		if (!part || curl_mime_name(part, p->name) ||
		    (p->filename && curl_mime_filename(part, p->filename)) ||
		    (p->content_type && curl_mime_type(part, p->content_type)) ||
		    curl_mime_data_cb(part, (curl_off_t)p->body.len, on_read, on_seek, NULL,
				      &readers[i]))
			return &ey_error_nomem;
	}
	return mime ? NULL : &ey_error_nomem;
}

#define SET(option, value)                                                          \
	do {                                                                        \
		CURLcode rc_ = curl_easy_setopt(call->client->curl, option, value); \
		if (rc_)                                                            \
			return rc_;                                                 \
	} while (0)

static CURLcode set_transfer(struct call *call, const char *url, struct curl_slist *headers)
{
	const struct client *c = call->client;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_USERAGENT, "eyrie/" EYRIE_VERSION);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long)c->connect_timeout);
	if (!call->request->endless) {
		SET(CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
		SET(CURLOPT_LOW_SPEED_TIME,
		    (long)c->stall_timeout * (call->request->patient ? PATIENCE : 1));
	}
	// What the server compresses arrives as it was; on_write() counts the bytes that come out.
	if (!call->request->sink)
		SET(CURLOPT_ACCEPT_ENCODING, "");
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, call);
	SET(CURLOPT_WRITEFUNCTION, on_write);
	SET(CURLOPT_WRITEDATA, call);
	if (c->ca_file) {
		SET(CURLOPT_CAINFO, c->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	return CURLE_OK;
}

static CURLcode set_body(struct call *call, struct reader *reader, curl_mime *mime)
{
	const struct client_request *request = call->request;

	if (!strcmp(request->method, "HEAD")) {
		SET(CURLOPT_NOBODY, 1L);
	} else if (mime) {
		SET(CURLOPT_MIMEPOST, mime);
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	} else if (request->body) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body->len);
		SET(CURLOPT_READFUNCTION, on_read);
		SET(CURLOPT_READDATA, reader);
		SET(CURLOPT_SEEKFUNCTION, on_seek);
		SET(CURLOPT_SEEKDATA, reader);
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	} else if (!strcmp(request->method, "POST")) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE, 0L);
		SET(CURLOPT_POSTFIELDS, "");
	} else {
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	}
	return CURLE_OK;
}

// libcurl's failure as a sentence. What is said of TLS and names is for the administrator to mend.
static struct ey_error *failure(const struct call *call, CURLcode rc, const char *what,
				const char *detail)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	if (rc == CURLE_OUT_OF_MEMORY)
		return &ey_error_nomem;
	const char *why = *detail ? detail : curl_easy_strerror(rc);
	client_add_clean(&text, why, strlen(why), 300);
	if (ey_buf_error(&text))
		return &ey_error_nomem;
	return ey_error_create(EY_ERR_IO, "%s failed: %s", what, ey_buf_str(&text));
}

static struct ey_error *perform(struct call *call, const char *what, const struct reader *reader)
{
	struct client *c = call->client;
	char detail[CURL_ERROR_SIZE] = "";
	long status = 0;

	CURLcode rc = curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, detail);
	if (!rc)
		rc = curl_easy_perform(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	call->answer->status = (unsigned int)status;
	if (call->err)
		return call->err;
	if (reader->errnum)
		return ey_error_errno(EY_ERR_IO, reader->errnum, "%s: cannot read what is sent",
				      what);
	bool refused = status >= 300 && status != 304;
	// A server may refuse a long body and hang up: then its answer says more than the broken
	// pipe.
	if (rc && !(refused && (rc == CURLE_SEND_ERROR || rc == CURLE_RECV_ERROR))) {
		call->answer->status = 0;
		return failure(call, rc, what, detail);
	}
	return refused ? client_refusal(call->answer, what) : NULL;
}

struct ey_error *client_call(struct client *c, const struct client_request *request,
			     struct client_answer *ret)
{
	_cleanup_(curl_slistp) struct curl_slist *headers = NULL;
	_cleanup_(curl_mimep) curl_mime *mime = NULL;
	_cleanup_free_ char *url = NULL, *what = NULL;
	_cleanup_free_ struct reader *readers = NULL;
	struct reader reader = {.body = request->body};
	struct call call = {.client = c, .request = request, .answer = ret};
	bool own;

	*ret = (struct client_answer){
		.retry_after = -1, .upload_offset = -1, .upload_length = -1, .content_length = -1};
	struct ey_error *err = url_of(c, request->target, &url, &own);
	// A signed address of elsewhere is a secret, so messages name its origin only.
	if (!err &&
	    asprintf(&what, "%s %s", request->method, own ? url : "(the dump's store)") < 0) {
		what = NULL;
		err = &ey_error_nomem;
	}
	if (!err)
		err = headers_of(c, request, own, &headers);
	if (!err && request->part_count) {
		readers = calloc(request->part_count, sizeof(*readers));
		err = readers ? make_parts(c, request, readers, &mime) : &ey_error_nomem;
	}
	if (err)
		return err;
	// All options anew each time; the connection stays.
	curl_easy_reset(c->curl);
	CURLcode rc = set_transfer(&call, url, headers);
	if (!rc)
		rc = set_body(&call, &reader, mime);
	if (rc)
		return failure(&call, rc, what, "");
	err = perform(&call, what, &reader);
	for (size_t i = 0; i < request->part_count && err; i++) {
		if (!readers[i].errnum)
			continue;
		ey_error_destroy(err);
		err = ey_error_errno(EY_ERR_IO, readers[i].errnum, "%s: cannot read part \"%s\"",
				     what, request->parts[i].name);
		break;
	}
	// Nothing of this call may be looked at by the next one.
	curl_easy_reset(c->curl);
	return err;
}

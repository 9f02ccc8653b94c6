/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/http_response.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "server/connections.h"

enum {
	// Smaller bodies fit one packet anyway.
	COMPRESS_MIN = 1024,
	ETAG_BYTES = 12,
	ETAG_TEXT_SIZE = ETAG_BYTES * 2 + 6,
	// What a source is asked for at once.
	STREAM_BLOCK = 16 << 10,
	SIZED_BLOCK = 128 << 10,
};

// The console's own files and nothing else: no inline script, no foreign frame around it.
static const char *const console_csp =
	"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
	"form-action 'self'; frame-ancestors 'self'";

static void add_headers(struct MHD_Response *r, const struct server_response *response)
{
	static const char *const fixed[][2] = {
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "SAMEORIGIN"},
		{"Referrer-Policy", "same-origin"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
		{"Vary", "Accept-Encoding"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(fixed); i++)
		MHD_add_response_header(r, fixed[i][0], fixed[i][1]);
	MHD_add_response_header(r, "Content-Security-Policy",
				response->csp ? response->csp : console_csp);
	MHD_add_response_header(r, "Cache-Control",
				response->cache_control ? response->cache_control : "no-cache");
	if (response->content_type)
		MHD_add_response_header(r, "Content-Type", response->content_type);
	bool retry_after = false;
	for (size_t i = 0; i < response->header_count; i++) {
		MHD_add_response_header(r, response->headers[i].name, response->headers[i].value);
		retry_after |= !strcmp(response->headers[i].name, "Retry-After");
	}
	if (response->status == 503 && !retry_after)
		MHD_add_response_header(r, "Retry-After", "5");
	if (response->download_name) {
		_cleanup_free_ char *value = NULL;

		// The name passed ey_name_is_safe(): no quotes, no line breaks.
		if (asprintf(&value, "attachment; filename=\"%s\"", response->download_name) < 0)
			value = NULL;
		if (value)
			MHD_add_response_header(r, "Content-Disposition", value);
	}
}

static void make_etag(const struct server_response *response, char *buf)
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	char hex[sizeof(hash) * 2 + 1];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)ey_buf_str(&response->body),
			   response->body.len, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	// Weak: the same content may travel in several codings.
	snprintf(buf, ETAG_TEXT_SIZE, "W/\"%.*s\"", ETAG_BYTES * 2, hex);
}

static bool etag_matches(const char *if_none_match, const char *etag)
{
	const char *opaque = !strncmp(etag, "W/", 2) ? etag + 2 : etag;

	return if_none_match &&
	       (!strcmp(if_none_match, "*") || strstr(if_none_match, opaque) != NULL);
}

// Replace the body by its compressed form; on any failure it stays as it is.
static bool compress_zstd(struct ey_buf *body)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;

	if (!ey_buf_reserve(&out, ZSTD_compressBound(body->len)))
		return false;
	size_t n = ZSTD_compress(out.data, out.capacity, body->data, body->len, 3);
	if (ZSTD_isError(n))
		return false;
	out.len = n;
	struct ey_buf old = *body;
	*body = out;
	out = old;
	return true;
}

static bool compress_gzip(struct ey_buf *body)
{
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	z_stream z = {0};

	if (deflateInit2(&z, 4, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	uLong bound = deflateBound(&z, body->len);
	bool done = false;
	if (body->len < UINT32_MAX / 2 && ey_buf_reserve(&out, bound)) {
		z.next_in = (Bytef *)body->data;
		z.avail_in = (uInt)body->len;
		z.next_out = (Bytef *)out.data;
		z.avail_out = (uInt)bound;
		done = deflate(&z, Z_FINISH) == Z_STREAM_END;
		out.len = z.total_out;
	}
	deflateEnd(&z);
	if (!done)
		return false;
	struct ey_buf old = *body;
	*body = out;
	out = old;
	return true;
}

static struct MHD_Response *make_fixed(struct MHD_Connection *c,
				       const struct server_response *response)
{
	const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept-Encoding");
	bool gzip = response->fixed_gzip && server_accepts(accept, "gzip");
	const unsigned char *data = gzip ? response->fixed_gzip : response->fixed;
	struct MHD_Response *r = MHD_create_response_from_buffer(
		gzip ? response->fixed_gzip_len : response->fixed_len, (void *)(uintptr_t)data,
		MHD_RESPMEM_PERSISTENT);

	if (r && gzip)
		MHD_add_response_header(r, "Content-Encoding", "gzip");
	return r;
}

static struct MHD_Response *make_dynamic(struct MHD_Connection *c, struct server_response *response)
{
	const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept-Encoding");
	const char *coding = NULL;
	size_t len;

	if (response->body.len >= COMPRESS_MIN) {
		int zstd = server_accepts(accept, "zstd"), gzip = server_accepts(accept, "gzip");

		// What the client likes best; of equals, zstd is smaller and quicker.
		if (zstd && zstd >= gzip && compress_zstd(&response->body))
			coding = "zstd";
		else if (gzip && compress_gzip(&response->body))
			coding = "gzip";
	}
	char *data = ey_buf_steal(&response->body, &len);
	if (!data)
		return NULL;
	struct MHD_Response *r = MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
	if (!r)
		free(data);
	else if (coding)
		MHD_add_response_header(r, "Content-Encoding", coding);
	return r;
}

/** A stream on its way: who gives the bytes, and the connection that takes them. */
struct stream {
	struct MHD_Connection *connection;
	struct server_source source;
};

static void stream_sleep(void *client)
{
	struct stream *s = client;

	MHD_suspend_connection(s->connection);
}

void server_source_wake(void *client)
{
	struct stream *s = client;

	MHD_resume_connection(s->connection);
}

static ssize_t stream_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = arg;
	ssize_t n = s->source.read(s->source.arg, buf, max, stream_sleep, s);

	if (n >= 0)
		return n;
	return n == SERVER_SOURCE_BROKEN ? MHD_CONTENT_READER_END_WITH_ERROR
					 : MHD_CONTENT_READER_END_OF_STREAM;
}

static void stream_free(void *arg)
{
	struct stream *s = arg;

	s->source.close(s->source.arg);
	free(s);
}

static struct MHD_Response *make_stream(struct MHD_Connection *c, struct server_response *response)
{
	struct stream *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct stream){.connection = c, .source = response->source};
	struct MHD_Response *r = MHD_create_response_from_callback(
		s->source.sized ? s->source.size : MHD_SIZE_UNKNOWN,
		s->source.sized ? SIZED_BLOCK : STREAM_BLOCK, stream_read, s, stream_free);
	if (r)
		response->source = (struct server_source){0};
	else
		free(s);
	return r;
}

static void add_allow(struct MHD_Response *r, unsigned int allow)
{
	static const struct {
		enum server_method method;
		const char *text;
	} names[] = {
		{SERVER_GET, ", GET, HEAD"},   {SERVER_POST, ", POST"},
		{SERVER_PATCH, ", PATCH"},     {SERVER_DELETE, ", DELETE"},
		{SERVER_OPTIONS, ", OPTIONS"},
	};
	char text[64] = "", *end = text;

	for (size_t i = 0; i < EY_ARRAY_SIZE(names); i++) {
		if (allow & names[i].method)
			end = stpcpy(end, names[i].text);
	}
	MHD_add_response_header(r, "Allow", text + strlen(", "));
}

static void add_hsts(struct MHD_Connection *c, struct MHD_Response *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	int64_t seconds = connection_hsts(info ? info->socket_context : NULL);
	char text[48];

	if (!seconds)
		return;
	snprintf(text, sizeof(text), "max-age=%lld", (long long)seconds);
	MHD_add_response_header(r, "Strict-Transport-Security", text);
}

enum MHD_Result http_respond(struct MHD_Connection *c, struct server_response *response,
			     unsigned int allow)
{
	const char *if_none_match =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, "If-None-Match");
	char own_etag[ETAG_TEXT_SIZE] = "";
	const char *etag = response->fixed ? response->fixed_etag : own_etag;
	struct MHD_Response *r;

	if (!response->fixed && !response->source.read && response->status == 200)
		make_etag(response, own_etag);
	if (response->status == 304 ||
	    (*etag && response->status == 200 && etag_matches(if_none_match, etag))) {
		response->status = 304;
		response->content_type = NULL;
		r = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "",
						    MHD_RESPMEM_PERSISTENT);
	} else if (response->source.read) {
		r = make_stream(c, response);
	} else if (response->fixed) {
		r = make_fixed(c, response);
	} else {
		r = make_dynamic(c, response);
	}
	if (!r)
		return MHD_NO;
	add_headers(r, response);
	add_hsts(c, r);
	if (*etag)
		MHD_add_response_header(r, "ETag", etag);
	if (allow)
		add_allow(r, allow);
	enum MHD_Result result = MHD_queue_response(c, response->status, r);
	MHD_destroy_response(r);
	return result;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A request as the API sees it, and the response it makes: no sockets, no HTTP library. */
#ifndef EYRIE_SERVER_MESSAGE_H
#define EYRIE_SERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "server/auth.h"
#include "server/query.h"

/** Methods that routes know; a bit each. HEAD is answered wherever GET is. */
enum server_method {
	SERVER_GET = 1,
	SERVER_POST = 2,
	SERVER_PATCH = 4,
	SERVER_DELETE = 8,
	SERVER_OPTIONS = 16,
};

/** "GET", "POST", ... */
const char *server_method_name(enum server_method method);

/** How the body of a request comes to its route. */
enum server_body {
	/** application/json of at most HTTP_BODY_MAX bytes, in server_request.body. */
	SERVER_BODY_JSON,
	/** Of any type, at most HTTP_DELIVERY_MAX bytes, in server_request.body. */
	SERVER_BODY_DELIVERY,
	/** Of any type and size, handed on as it comes: server_request.stream. */
	SERVER_BODY_STREAM,
};

/** Where the body of a SERVER_BODY_STREAM goes; set before its first byte. */
struct server_stream {
	/** Take some bytes. After an error no more come, and the error is the answer. */
	struct ey_error *(*write)(void *arg, const char *data, size_t len);
	/** Release @p arg; called once, after the answer or when the client went away. */
	void (*close)(void *arg);
	void *arg;
};

struct server_later;
struct server_request {
	enum server_method method;
	/** Who asks; found before `begin` of a route. */
	struct auth_principal who;
	/** Numeric address of the other end of the connection. */
	char peer[AUTH_ADDRESS_SIZE];
	struct server_target target;
	/** What stands in the route's "{id}", else NULL; points into @p id_text. */
	const char *id;
	char id_text[64];
	/** Which route it is, as struct http_handler's begin() found it. */
	const void *route;
	enum server_body body_kind;
	/** The body; NUL-terminated, "" while there is none. */
	const char *body;
	size_t body_len;
	/** HEAD: the answer as to GET, without its body. */
	bool head;
	struct server_stream stream;
	/** The connection's own, for server_header() and server_later_take(). */
	const char *(*header)(const struct server_request *request, const char *name);
	struct server_later *(*later)(const struct server_request *request);
	void *connection;
};

/** The value of a header of the request, NULL where it was not sent. */
const char *server_header(const struct server_request *request, const char *name);

/** A header of a response; the name is static. */
struct server_response_header {
	const char *name;
	char *value;
};

enum { SERVER_RESPONSE_HEADERS_MAX = 8 };

/** Of a source: no bytes any more, and not all those that were announced. */
enum { SERVER_SOURCE_END = -1, SERVER_SOURCE_BROKEN = -2 };

/** An answer that goes on: its bytes are asked for as the client takes them. */
struct server_source {
	/**
	 * Put at most @p max bytes into @p buf and return how many, or SERVER_SOURCE_END, or
	 * SERVER_SOURCE_BROKEN, at which the connection is closed. Where there are none now, call
	 * @p sleep with @p client, return 0, and when there are some, call
	 * server_source_wake(client), which may happen before this returned.
	 */
	ssize_t (*read)(void *arg, char *buf, size_t max, void (*sleep)(void *client),
			void *client);
	/** Release @p arg; no wake after it. */
	void (*close)(void *arg);
	void *arg;
	/** Where `sized`: how many bytes will come, as Content-Length. */
	bool sized;
	uint64_t size;
};
void server_source_wake(void *client);

struct server_response {
	unsigned int status;
	const char *content_type;
	/** Content-Security-Policy where it is not the console's own; NULL: that one. */
	const char *csp;
	/** NULL: "no-cache" (ask again each time, ETag answers cheaply). */
	const char *cache_control;
	/** Content-Disposition file name; NULL: shown, not saved. */
	char *download_name;
	struct server_response_header headers[SERVER_RESPONSE_HEADERS_MAX];
	size_t header_count;
	/** Nothing was changed (a preview): no row in the audit log. */
	bool unchanged;
	/** What else the audit log says of it, one line, static or of the request; may be NULL. */
	const char *audit;
	/** What it was done to, in place of what stands in the route's "{id}"; "": that. */
	char audit_object[AUTH_NAME_SIZE];
	struct ey_buf body;
	/** In place of @p body. */
	struct server_source source;
	/** Bytes that outlive the response, in place of @p body: an embedded file. */
	const unsigned char *fixed;
	size_t fixed_len;
	/** The same bytes in gzip, or NULL. */
	const unsigned char *fixed_gzip;
	size_t fixed_gzip_len;
	/** ETag of @p fixed, with quotes. */
	const char *fixed_etag;
};

void server_response_deinit(struct server_response *response);

/**
 * Add a header to @p response; @p name is static and not yet there. What does not fit or is no
 * header's text (line breaks) is left out.
 */
void server_response_header(struct server_response *response, const char *name, const char *format,
			    ...) __attribute__((format(printf, 3, 4)));

/** Begin a JSON body in @p response with status 200. */
void server_response_json(struct server_response *response, struct ey_json *json);

/** The HTTP status that stands for a kind of error. */
unsigned int server_status_of(const struct ey_error *err);

/** Replace what @p response holds by {"error":{"status":…,"message":…}}. */
void server_response_error(struct server_response *response, unsigned int status,
			   const char *message);

/**
 * Answer @p request later, from any thread: the route returns without an answer, and its thread
 * serves others meanwhile. The request, its body included, lives until server_later_done().
 */
struct server_later *server_later_take(const struct server_request *request);
/**
 * Give the answer; exactly once. @p response is taken over and emptied; where @p err (released
 * here) is set, it is the answer.
 */
void server_later_done(struct server_later *later, struct server_response *response,
		       struct ey_error *err);

#endif

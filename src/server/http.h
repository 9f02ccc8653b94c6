/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * HTTP: listening, limits, headers, compression. What to answer is somebody else's business
 * (struct http_handler); how it travels is decided here.
 */
#ifndef EYRIE_SERVER_HTTP_H
#define EYRIE_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "server/connections.h"
#include "server/message.h"
#include "server/tls.h"

enum {
	/** Largest body of a SERVER_BODY_JSON and of a SERVER_BODY_DELIVERY, bytes. */
	HTTP_BODY_MAX = 64 << 10,
	HTTP_DELIVERY_MAX = 40 << 20,
	/** Bodies of all requests together that are held in memory, bytes; beyond: 503. */
	HTTP_BUFFERED_MAX = 96 << 20,
	/** Memory for the header of one connection, bytes; a larger header is refused. */
	HTTP_HEADER_MEMORY = 32 << 10,
	/** Seconds without a byte after which a connection is closed. */
	HTTP_IDLE_SECONDS = 30,
	HTTP_CONNECTIONS_MAX = 1000,
};

struct http_handler {
	/** Methods that @p path has (bits of enum server_method); 0: there is no such path. */
	unsigned int (*methods)(void *arg, const char *path);
	/**
	 * The headers of @p request are there and its body is not: find its route, say how the body
	 * comes and, for SERVER_BODY_STREAM, where it goes. An answer in @p response (zeroed; its
	 * status set) or an error is the answer at once.
	 */
	struct ey_error *(*begin)(void *arg, struct server_request *request,
				  struct server_response *response);
	/**
	 * Answer @p request into @p response (zeroed); an error becomes a JSON error. Called from
	 * several threads at once.
	 */
	struct ey_error *(*handle)(void *arg, struct server_request *request,
				   struct server_response *response);
	/** @p request was answered with @p status, @p seconds after it began; may be NULL. */
	void (*done)(void *arg, const struct server_request *request, unsigned int status,
		     double seconds);
	void *arg;
};

struct http_options {
	/** Numeric address, e.g. "127.0.0.1" or "::1". */
	const char *address;
	/** 0: any free port. */
	uint16_t port;
	unsigned int threads;
	/**
	 * Names under which browsers may reach this server besides "localhost" and numeric
	 * addresses, separated by blanks; NULL: none. A foreign name in Host is refused, or any web
	 * site could point its own name here and read (DNS rebinding).
	 */
	const char *host_names;
	/** NULL: no TLS. Outlives the server. */
	struct tls_keys *tls;
	struct connections_options connections;
	struct http_handler handler;
};

struct http_server;

/** Listen and serve in threads of its own. EY_ERR_IO where the address is taken or not ours. */
struct ey_error *http_server_create(const struct http_options *options,
				    struct http_server **ret) EY_MUST_CHECK;
/** The port listened on. */
uint16_t http_server_port(const struct http_server *server);
/** Answer requests that begin from now on with 503 and Retry-After; those that began go on. */
void http_server_quiesce(struct http_server *server);
/**
 * Stop accepting, finish what is being answered, and release everything. Whoever took a
 * server_later has given its answer by now.
 */
void http_server_destroy(struct http_server *server);

/** Whether a Host header is one of ours: numeric, "localhost", or in @p names. */
bool http_host_is_ours(const char *host, const char *names);
/**
 * Whether a request that changes something comes from a page of ours or from no page at all: by
 * Sec-Fetch-Site where the browser sends it, else by Origin against Host.
 */
bool http_is_same_origin(const char *sec_fetch_site, const char *origin, const char *host);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A request as the API sees it, and the response it makes: no sockets, no HTTP library. */
#ifndef EYRIE_SERVER_MESSAGE_H
#define EYRIE_SERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "server/query.h"

/** Methods that routes know; a bit each. HEAD is answered wherever GET is. */
enum server_method {
	SERVER_GET = 1,
	SERVER_POST = 2,
};

struct server_request {
	enum server_method method;
	struct server_target target;
	/** What stands in the route's "{id}", else NULL. */
	const char *id;
	/** The body of a POST; NUL-terminated, "" while there is none. */
	const char *body;
	size_t body_len;
};

struct server_response {
	unsigned int status;
	const char *content_type;
	/** Content-Security-Policy where it is not the console's own; NULL: that one. */
	const char *csp;
	/** NULL: "no-cache" (ask again each time, ETag answers cheaply). */
	const char *cache_control;
	/** Content-Disposition file name; NULL: shown, not saved. */
	char *download_name;
	struct ey_buf body;
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

/** Begin a JSON body in @p response with status 200. */
void server_response_json(struct server_response *response, struct ey_json *json);

/** The HTTP status that stands for a kind of error. */
unsigned int server_status_of(const struct ey_error *err);

/** Replace what @p response holds by {"error":{"status":…,"message":…}}. */
void server_response_error(struct server_response *response, unsigned int status,
			   const char *message);

#endif

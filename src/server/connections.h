/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The open connections of the HTTP server: how many an address has, and how long each takes for
 * what it sends. Who drips a byte from time to time is never idle, and is cut off here.
 */
#ifndef EYRIE_SERVER_CONNECTIONS_H
#define EYRIE_SERVER_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

enum {
	/** Bytes of a body for which one more body_seconds are given. */
	CONNECTIONS_BODY_STEP = 64 << 10,
	/** Seconds in which an answer must be taken, unless it is a stream. */
	CONNECTIONS_ANSWER_SECONDS = 600,
};

struct connections_options {
	/** Most that one address (of IPv6: its /64) may have open; 0: no limit. */
	uint64_t per_address;
	/** Numeric addresses and networks without that limit, such as those of proxies; or NULL. */
	const char *unlimited;
	/** Seconds for the handshake and a request's header, and for a body and each step of it; 0:
	 * for ever. */
	int64_t header_seconds;
	int64_t body_seconds;
	/** Answers carry Strict-Transport-Security for so many seconds; 0: none. */
	int64_t hsts_seconds;
};

enum connection_phase {
	CONNECTION_HEADER,
	CONNECTION_BODY,
	CONNECTION_ANSWER,
	CONNECTION_STREAM,
};

struct connections;
struct connection;
struct tls_keys;

/** Starts a thread that looks at the clock. @p options are copied, the texts by reference. */
struct ey_error *connections_create(const struct connections_options *options,
				    struct connections **ret) EY_MUST_CHECK;
/** All connections must be closed. */
void connections_destroy(struct connections *connections);

/** Write a numeric address, IPv4 as such also where it came by IPv6; "" and false: none. */
bool connections_address(const struct sockaddr *address, char *ret, size_t size);

/** Whether another connection from there is taken. */
bool connections_may_open(struct connections *connections, const struct sockaddr *address);
/** @p fd was opened; NULL when out of memory: it is not watched then. */
struct connection *connections_open(struct connections *connections, int fd,
				    const struct sockaddr *address, struct tls_keys *tls);
/** What it was opened with. */
struct tls_keys *connection_tls(const struct connection *c);
/** connections_options.hsts_seconds; @p c may be NULL. */
int64_t connection_hsts(const struct connection *c);
/** It is about to be closed; @p c may be NULL. */
void connections_close(struct connections *connections, struct connection *c);

/** A request's part begins now; @p c may be NULL. */
void connection_phase(struct connections *connections, struct connection *c,
		      enum connection_phase phase);
/** @p n more bytes of the body have come. */
void connection_took(struct connections *connections, struct connection *c, size_t n);

#endif

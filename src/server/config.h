/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Section [server] of eyrie.conf, and where the server listens. */
#ifndef EYRIE_SERVER_CONFIG_H
#define EYRIE_SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "server/connections.h"

enum { SERVER_ADDRESS_SIZE = 64 };

struct server_config {
	/** Numeric, without brackets. */
	char address[SERVER_ADDRESS_SIZE];
	uint16_t port;
	bool loopback;
	unsigned int threads;
	/** Owned by the ey_config; NULL: none. */
	const char *host_names;
	/** PEM files; NULL: no TLS. */
	const char *tls_certificate;
	const char *tls_key;
	/** Browsers come by https: by our own TLS, or that of a proxy ([server] url). */
	bool secure;
	struct connections_options connections;
	/** Crashes from which on sums are kept (server/summary.h). */
	int64_t summaries_from;
	/** Seconds between two runs of each job; 0: off. */
	int64_t populate_interval;
	int64_t monitor_interval;
	int64_t mail_interval;
	int64_t purge_interval;
	int64_t scrub_interval;
	int64_t report_interval;
	int64_t move_interval;
	int64_t crash_interval;
};

/**
 * Read [server]. EY_ERR_USAGE for a bad value, and for an address that is not a loopback one
 * without TLS while allow_remote is not set: passwords and kernel logs would travel in the clear.
 */
struct ey_error *server_config_read(const struct ey_config *config,
				    struct server_config *ret) EY_MUST_CHECK;

/** Take "127.0.0.1:8420", "[::1]:8420" apart; @p address has SERVER_ADDRESS_SIZE bytes. */
struct ey_error *server_listen_parse(const char *text, char *address,
				     uint16_t *port_ret) EY_MUST_CHECK;

/** Whether a numeric address is 127.0.0.0/8 or ::1. */
bool server_address_is_loopback(const char *address);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/config.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cleanup.h"
#include "server/query.h"

#define DEFAULT_LISTEN "127.0.0.1:8420"
#define LOOPBACK       "127.0.0.0/8 ::1"

enum {
	CONNECTIONS_PER_ADDRESS = 200,
	// More than a connection may be idle, so that none is cut off as its next request begins.
	HEADER_SECONDS = 40,
	BODY_SECONDS = 60,
	HSTS_SECONDS = 365 * 86400,
};

bool server_address_is_loopback(const char *address)
{
	struct in6_addr a6;
	struct in_addr a4;

	if (inet_pton(AF_INET, address, &a4) == 1)
		return (ntohl(a4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, address, &a6) == 1 && IN6_IS_ADDR_LOOPBACK(&a6);
}

struct ey_error *server_listen_parse(const char *text, char *address, uint16_t *port_ret)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	const char *start = brackets ? text + 1 : text;
	struct in6_addr a6;
	struct in_addr a4;
	int64_t port;

	if (brackets)
		len -= 2;
	if (colon && len < SERVER_ADDRESS_SIZE && server_int_parse(colon + 1, &port) && port >= 0 &&
	    port <= UINT16_MAX) {
		memcpy(address, start, len);
		address[len] = '\0';
		*port_ret = (uint16_t)port;
		if (brackets ? inet_pton(AF_INET6, address, &a6) == 1
			     : inet_pton(AF_INET, address, &a4) == 1)
			return NULL;
	}
	return ey_error_create(EY_ERR_USAGE,
			       "\"%s\" is not ADDRESS:PORT, such as 127.0.0.1:8420 or [::1]:8420",
			       text);
}

static struct ey_error *read_connections(const struct ey_config *config, bool secure,
					 struct connections_options *ret)
{
	// Whoever is on this machine, such as a proxy, is not limited unless the key says so.
	bool set = ey_config_string(config, "server", "connections_per_address", NULL);
	struct ey_error *err = ey_config_uint(config, "server", "connections_per_address",
					      CONNECTIONS_PER_ADDRESS, &ret->per_address);

	ret->unlimited = set ? ey_config_string(config, "auth", "proxy_addresses", NULL)
			     : ey_config_string(config, "auth", "proxy_addresses", LOOPBACK);
	if (!err)
		err = ey_config_duration(config, "server", "header_timeout", HEADER_SECONDS,
					 &ret->header_seconds);
	if (!err)
		err = ey_config_duration(config, "server", "body_timeout", BODY_SECONDS,
					 &ret->body_seconds);
	if (!err)
		err = ey_config_duration(config, "server", "hsts", secure ? HSTS_SECONDS : 0,
					 &ret->hsts_seconds);
	if (!err && (ret->header_seconds < 1 || ret->body_seconds < 1))
		return ey_error_create(EY_ERR_USAGE, "[server] header_timeout and body_timeout are "
						     "at least 1s");
	if (!secure)
		ret->hsts_seconds = 0;
	return err;
}

struct ey_error *server_config_read(const struct ey_config *config, struct server_config *ret)
{
	const struct {
		const char *key;
		int64_t fallback;
		int64_t *value;
	} intervals[] = {
		{"populate_interval", 30, &ret->populate_interval},
		{"monitor_interval", 60, &ret->monitor_interval},
		{"mail_interval", 60, &ret->mail_interval},
		{"purge_interval", 3600, &ret->purge_interval},
		{"scrub_interval", 600, &ret->scrub_interval},
		{"report_interval", 3600, &ret->report_interval},
		{"move_interval", 10, &ret->move_interval},
		{"crash_interval", 0, &ret->crash_interval},
	};
	bool allow_remote;
	uint64_t threads, summaries_from;

	*ret = (struct server_config){0};
	struct ey_error *err =
		server_listen_parse(ey_config_string(config, "server", "listen", DEFAULT_LISTEN),
				    ret->address, &ret->port);
	if (err)
		return ey_error_prefix(err, "[server] listen");
	err = ey_config_bool(config, "server", "allow_remote", false, &allow_remote);
	if (err)
		return err;
	ret->loopback = server_address_is_loopback(ret->address);
	ret->tls_certificate = ey_config_string(config, "server", "tls_certificate", NULL);
	ret->tls_key = ey_config_string(config, "server", "tls_key", NULL);
	if (!ret->tls_certificate != !ret->tls_key)
		return ey_error_create(EY_ERR_USAGE,
				       "[server] tls_certificate and tls_key go together");
	ret->secure = ret->tls_key ||
		      !strncmp(ey_config_string(config, "server", "url", ""), "https://", 8);
	if (!ret->loopback && !ret->tls_key && !allow_remote)
		return ey_error_create(
			EY_ERR_USAGE,
			"refusing to listen on %s without TLS: passwords and kernel logs would "
			"travel in the clear; set tls_certificate and tls_key, put a proxy before "
			"127.0.0.1, or set allow_remote = yes in section [server] if the network "
			"is trusted",
			ret->address);
	err = read_connections(config, ret->secure, &ret->connections);
	if (err)
		return err;
	err = ey_config_uint(config, "server", "threads", 4, &threads);
	if (err)
		return err;
	if (threads < 1 || threads > 64)
		return ey_error_create(EY_ERR_USAGE, "[server] threads: %llu is not 1 to 64",
				       (unsigned long long)threads);
	ret->threads = (unsigned int)threads;
	err = ey_config_uint(config, "server", "summaries_from", 100000, &summaries_from);
	if (err)
		return err;
	ret->summaries_from = (int64_t)EY_MIN(summaries_from, (uint64_t)INT64_MAX);
	ret->host_names = ey_config_string(config, "server", "host_names", NULL);
	for (size_t i = 0; i < EY_ARRAY_SIZE(intervals); i++) {
		err = ey_config_duration(config, "server", intervals[i].key, intervals[i].fallback,
					 intervals[i].value);
		if (err)
			return err;
	}
	return NULL;
}

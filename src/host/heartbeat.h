/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What a living host says of itself: eyrie/heartbeat/1. */
#ifndef EYRIE_HOST_HEARTBEAT_H
#define EYRIE_HOST_HEARTBEAT_H

#include "base/buf.h"
#include "base/config.h"
#include "host/identity.h"

/** Nothing in it is owned. */
struct host_heartbeat_options {
	/** Prefix of /etc, /proc, /sys and /var; "" but in tests. */
	const char *sysroot;
	const struct host_identity *identity;
	/** NULL: the center knows by the token. */
	const char *site;
	/** NULL: as /etc/os-release says. */
	const char *image;
	/** Its section [labels]; may be NULL. */
	const struct ey_config *config;
	int64_t now;
};

/** The boot id (free()); EY_ERR_IO where there is none. */
struct ey_error *host_boot_id(const char *sysroot, char **ret) EY_MUST_CHECK;

/** Append the document. What cannot be read is left out. */
struct ey_error *host_heartbeat_make(const struct host_heartbeat_options *options,
				     struct ey_buf *ret) EY_MUST_CHECK;

#endif

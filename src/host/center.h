/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Filing a crash at a center over HTTP. */
#ifndef EYRIE_HOST_CENTER_H
#define EYRIE_HOST_CENTER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"
#include "host/finder.h"
#include "host/spool.h"
#include "store/policy.h"

/** Nothing in it is owned. */
struct host_center_crash {
	const struct host_evidence *evidence;
	/** record_crash_id() of it. */
	const char *id;
	/** NULL: the center knows by the token. */
	const char *site;
	/** NULL: there is no dump (any more). */
	const char *crash_dir;
	const struct host_dump *dump;
};

struct host_center_filed {
	/** Where the center put it, clean for terminals; free() it. */
	char *path;
	/** It was there before. */
	bool already;
	enum store_want want;
	/** The dump is there: sent now, or before. */
	bool uploaded;
	/** The center takes no dump of this size, ever. */
	bool too_large;
	/** Seconds after which the center is to be asked again (the dump is wanted, later; or it is
	 * overloaded); -1: not at all, or soon. Set on errors too. */
	int64_t later;
	/** There was no answer: the next crash would wait for it in vain as well. */
	bool unreachable;
};

/**
 * Send the evidence, and the dump where the center wants it. May be done again at any time and as
 * often as one likes: the center knows the crash again, and an upload goes on where it was. Done
 * when it returns NULL with `later` -1.
 */
struct ey_error *host_center_file(struct client *client, const struct host_center_crash *crash,
				  struct host_center_filed *ret) EY_MUST_CHECK;
void host_center_filed_deinit(struct host_center_filed *filed);
#define _cleanup_center_filed_ __attribute__((cleanup(host_center_filed_deinit)))

#endif

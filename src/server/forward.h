/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The sender of a site: what was queued goes to the center of [forward] in order, and leaves the
 * queue when that center has it (ADR 0019). Runs in a thread of its own.
 */
#ifndef EYRIE_SERVER_FORWARD_H
#define EYRIE_SERVER_FORWARD_H

#include "base/buf.h"
#include "base/config.h"
#include "db/forward.h"
#include "server/jobs.h"

struct api;
struct forwarder;

/**
 * Read [forward] and switch the queue on or off as it says. EY_ERR_USAGE for a setting that cannot
 * be used.
 */
struct ey_error *forwarder_create(const struct api *api, struct forwarder **ret) EY_MUST_CHECK;
void forwarder_destroy(struct forwarder *f);
/** The row for the scheduler; its interval is 0 where nothing is forwarded. */
struct server_job forwarder_job(struct forwarder *f);

/** Where [forward] leads to, and as which site; NULL: nothing is forwarded. */
const char *forward_url(const struct ey_config *config);
const char *forward_site(const struct ey_config *config);

/** What a batch says of its site and of the line. */
struct forward_head {
	const char *site;
	/** The site's own console; NULL: none. */
	const char *url;
	const struct db_forward_line *line;
};

/**
 * Write a batch: the head and as many of @p items as fit, at least one; what can no longer be read
 * (it is gone from the database) is left out. @p sequence_ret: the last one that is dealt with.
 */
struct ey_error *forward_body_write(struct db *db, const struct forward_head *head,
				    const struct db_forward_list *items, struct ey_buf *out,
				    int64_t *sequence_ret) EY_MUST_CHECK;

#endif

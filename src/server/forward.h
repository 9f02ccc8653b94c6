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

/** A batch. */
struct forward_body {
	struct ey_buf data;
	/** The last record that is in it, and of one that could not be read the number (0: none).
	 */
	int64_t last;
	int64_t failed;
};
void forward_body_deinit(struct forward_body *body);
#define _cleanup_forward_body_ __attribute__((cleanup(forward_body_deinit)))

/**
 * Write a batch: the head and as many of @p items as fit, at least one. What is damaged or gone
 * from the database, and the first one where @p gone says why that is given up, goes as a number
 * that was given up. EY_ERR_IO where the first could not be read; where a later one could not, the
 * batch ends before it.
 */
struct ey_error *forward_body_write(struct db *db, const struct forward_head *head,
				    const struct db_forward_list *items, const char *gone,
				    struct forward_body *ret) EY_MUST_CHECK;

#endif

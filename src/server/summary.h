/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Sums over a long history, worked out once for all who ask. A small database is asked each time,
 * and answers what it holds at that moment. From so many crashes on, a sum that was worked out is
 * given for some seconds (five, or twenty times what it took); after that it is given still while a
 * thread at the back works out the next one, so that nobody waits for it. What nobody asked for in
 * ten minutes is worked out while the first who asks waits.
 */
#ifndef EYRIE_SERVER_SUMMARY_H
#define EYRIE_SERVER_SUMMARY_H

#include "base/buf.h"
#include "base/error.h"
#include "server/db_pool.h"

struct server_summaries;

/** Works out a sum and appends it to @p out; @p arg as it was asked for. Runs in any thread. */
typedef struct ey_error *server_summary_fn(struct db *db, int64_t arg, struct ey_buf *out);

/** Keep sums in a database of @p from crashes (that were ever taken in) and more. */
struct ey_error *server_summaries_create(struct server_db_pool *pool, int64_t from,
					 struct server_summaries **ret) EY_MUST_CHECK;
/** Wait for the thread at the back and release everything; NULL is nothing to do. */
void server_summaries_destroy(struct server_summaries *s);

/** Have it worked out at the back, for who will ask, if the database is large. */
void server_summary_prepare(struct server_summaries *s, server_summary_fn *fn, int64_t arg);
/** Append to @p out what @p fn says of @p arg now, or said lately. Over @p db where it must. */
struct ey_error *server_summary(struct server_summaries *s, struct db *db, server_summary_fn *fn,
				int64_t arg, struct ey_buf *out) EY_MUST_CHECK;

#endif

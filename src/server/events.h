/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Those who follow what happens: one thread asks the database for new events while anybody does,
 * and hands each to all clients; no client costs a thread or a connection to the database.
 */
#ifndef EYRIE_SERVER_EVENTS_H
#define EYRIE_SERVER_EVENTS_H

#include "server/auth_request.h"
#include "server/db_pool.h"
#include "server/message.h"

enum {
	/** Who comes after so many is asked to come later. */
	EVENTS_CLIENTS_MAX = 200,
	/** Events kept in memory: a client that falls behind by more is let go, and comes again. */
	EVENTS_RING = 1024,
	/** Events that a client missed are sent again, up to so many; else it is told to reload. */
	EVENTS_REPLAY_MAX = 1000,
	/** Seconds between two questions to the database, and between two signs of life. */
	EVENTS_POLL_SECONDS = 1,
	EVENTS_ALIVE_SECONDS = 15,
	/** Seconds between two looks at whether clients may still follow. */
	EVENTS_CHECK_SECONDS = 5,
	/** Seconds to wait for the commit of an event whose id is smaller than one seen. */
	EVENTS_GAP_SECONDS = 5,
};

struct server_events;

struct ey_error *server_events_create(struct server_db_pool *pool, struct auth *auth,
				      struct server_events **ret) EY_MUST_CHECK;
/** End all streams; call it before the HTTP server goes. */
void server_events_stop(struct server_events *events);
void server_events_destroy(struct server_events *events);

/**
 * Make @p response a stream of what happens after event @p last_id (-1: from now on). It ends soon
 * after what let @p who in: session, token, account. EY_ERR_IO where there are too many clients.
 */
struct ey_error *server_events_follow(struct server_events *events, struct db *db,
				      const struct auth_principal *who, int64_t last_id,
				      struct server_response *response) EY_MUST_CHECK;

#endif

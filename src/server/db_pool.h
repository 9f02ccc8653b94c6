/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Database connections for the threads that answer requests: a connection belongs to one thread
 * at a time, opening one costs more than a query, so they are kept and lent.
 */
#ifndef EYRIE_SERVER_DB_POOL_H
#define EYRIE_SERVER_DB_POOL_H

#include "base/config.h"
#include "base/error.h"
#include "db/db.h"

struct server_db_pool;

/** An empty pool that opens connections as [database] of @p config says, at most @p max kept. */
struct ey_error *server_db_pool_create(const struct ey_config *config, unsigned int max,
				       struct server_db_pool **ret) EY_MUST_CHECK;
void server_db_pool_destroy(struct server_db_pool *pool);

/** Lend a connection, opening one if none lies ready. */
struct ey_error *server_db_pool_take(struct server_db_pool *pool, struct db **ret) EY_MUST_CHECK;
/** Give it back; @p broken: it is closed, the next one is opened anew. */
void server_db_pool_give(struct server_db_pool *pool, struct db *db, bool broken);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/db_pool.h"

#include <pthread.h>
#include <stdlib.h>

struct server_db_pool {
	const struct ey_config *config;
	pthread_mutex_t lock;
	unsigned int max;
	unsigned int count;
	struct db *idle[];
};

struct ey_error *server_db_pool_create(const struct ey_config *config, unsigned int max,
				       struct server_db_pool **ret)
{
	struct server_db_pool *pool = calloc(1, sizeof(*pool) + max * sizeof(pool->idle[0]));

	if (!pool)
		return &ey_error_nomem;
	pool->config = config;
	pool->max = max;
	pthread_mutex_init(&pool->lock, NULL);
	*ret = pool;
	return NULL;
}

void server_db_pool_destroy(struct server_db_pool *pool)
{
	if (!pool)
		return;
	while (pool->count)
		db_close(pool->idle[--pool->count]);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

struct ey_error *server_db_pool_take(struct server_db_pool *pool, struct db **ret)
{
	struct db *db = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->count)
		db = pool->idle[--pool->count];
	pthread_mutex_unlock(&pool->lock);
	if (!db) {
		struct ey_error *err = db_open_config(pool->config, DB_OPEN_WRITE, ret);

		// Damaged, or of a newer Eyrie: our fault in any case, and not the request's.
		if (err && err != &ey_error_nomem)
			err->code = EY_ERR_IO;
		return err;
	}
	*ret = db;
	return NULL;
}

void server_db_pool_give(struct server_db_pool *pool, struct db *db, bool broken)
{
	if (!broken) {
		pthread_mutex_lock(&pool->lock);
		if (pool->count < pool->max) {
			pool->idle[pool->count++] = db;
			db = NULL;
		}
		pthread_mutex_unlock(&pool->lock);
	}
	if (db)
		db_close(db);
}

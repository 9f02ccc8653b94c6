/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bare insert loop that intake is compared with: the same bytes, nothing understood. */
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "db/sql.h"
#include "storm_bodies.h"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct ey_error *insert(struct db *db, const struct storm_body *b)
{
	return db_run(db, "INSERT INTO bare (record, whole, analysis) VALUES (?1, ?2, ?3)",
		      db_blob(b->parts[0].data, b->parts[0].len),
		      db_blob(b->parts[1].data, b->parts[1].len),
		      db_blob(b->parts[2].data, b->parts[2].len));
}

static struct ey_error *insert_some(struct db *db, const struct storm_body *bodies, size_t count,
				    size_t first, unsigned int batch)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	for (unsigned int i = 0; !err && i < batch; i++)
		err = insert(db, &bodies[(first + i) % count]);
	return err ? err : db_commit(&txn);
}

struct ey_error *storm_bare(const char *where, const struct storm_body *bodies, size_t count,
			    unsigned int batch, double seconds, double *rows_per_second_ret)
{
	_cleanup_db_ struct db *db = NULL;
	struct ey_error *err = db_open(where, DB_OPEN_WRITE, &db);
	char create[128];
	size_t rows = 0;

	if (!err)
		err = db_exec(db, "DROP TABLE IF EXISTS bare");
	if (!err) {
		snprintf(create, sizeof(create),
			 "CREATE TABLE bare (record %s, whole %s, analysis %s)",
			 db->backend->blob_type, db->backend->blob_type, db->backend->blob_type);
		err = db_exec(db, create);
	}
	double start = now(), end = start;
	while (!err && (end = now()) - start < seconds) {
		err = insert_some(db, bodies, count, rows, batch);
		rows += batch;
	}
	if (!err)
		err = db_exec(db, "DROP TABLE bare");
	*rows_per_second_ret = (double)rows / (end - start);
	return err;
}

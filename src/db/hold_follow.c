/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/hold_follow.h"

#include "db/sql.h"

/*
 * Copies of the holds x on reason ?1 for reason ?2, made by the change ?3 (NULL: by undoing one),
 * but where the same is there.
 */
#define COPY                                                                                     \
	"INSERT INTO holds (scope, subject_id, who, why, created, ends, parent_id, origin_id, "  \
	"change_id) SELECT x.scope, CAST(?2 AS BIGINT), x.who, x.why, x.created, x.ends, x.id, " \
	"coalesce(x.origin_id, x.id), CAST(?3 AS BIGINT) FROM holds x WHERE x.scope = 'reason' " \
	"AND x.subject_id = ?1 AND x.released = 0 AND x.undone_change IS NULL AND NOT EXISTS "   \
	"(SELECT 1 FROM holds y WHERE y.scope = 'reason' AND y.subject_id = ?2 AND "             \
	"y.released = 0 AND y.undone_change IS NULL AND coalesce(y.origin_id, y.id) = "          \
	"coalesce(x.origin_id, x.id))"

struct ey_error *db_hold_follow(struct db *db, int64_t from, int64_t to, int64_t change_id)
{
	return db_run(db, COPY, db_int(from), db_int(to), db_id(change_id));
}

// The copies of the change, the copies of these, and so on.
static struct ey_error *mark(struct db *db, int64_t change_id)
{
	int64_t before = -1, marked = 0;
	struct ey_error *err =
		db_run(db,
		       "UPDATE holds SET undone_change = ?1 WHERE change_id = ?1 AND released = 0 "
		       "AND undone_change IS NULL",
		       db_int(change_id));

	while (!err && marked != before) {
		before = marked;
		err = db_run(db,
			     "UPDATE holds SET undone_change = ?1 WHERE released = 0 AND "
			     "undone_change IS NULL AND change_id IS NOT NULL AND parent_id IN "
			     "(SELECT p.id FROM holds p WHERE p.undone_change = ?1)",
			     db_int(change_id));
		if (!err)
			err = db_scalar(db, &marked, NULL,
					"SELECT count(*) FROM holds WHERE undone_change = ?1",
					db_int(change_id));
	}
	return err;
}

struct ey_error *db_hold_unfollow(struct db *db, int64_t from, int64_t to, int64_t change_id,
				  int64_t since)
{
	struct ey_error *err = mark(db, change_id);

	return err ? err
		   : db_run(db, COPY " AND x.created >= ?4", db_int(to), db_int(from), db_id(0),
			    db_int(since));
}

struct ey_error *db_hold_settle(struct db *db, int64_t change_id, int64_t now)
{
	return db_run(db,
		      "UPDATE holds SET released = ?2, released_why = 'the merge or split that "
		      "brought it here was taken back' WHERE undone_change = ?1 AND released = 0 "
		      "AND NOT EXISTS (SELECT 1 FROM reason_sweeps s WHERE s.change_id = ?1)",
		      db_int(change_id), db_int(now));
}

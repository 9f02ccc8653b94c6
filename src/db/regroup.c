/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at crashes for another version of the rules, and moving them. */
#include "db/regroup.h"

#include <stdlib.h>

#include "db/reason_move.h"
#include "db/regroup_internal.h"
#include "db/sql.h"

const char *db_regroup_rest(const char *key)
{
	size_t digits = key[0] == 'g' ? strspn(key + 1, "0123456789") : 0;

	return digits && key[1 + digits] == ':' ? key + 2 + digits : key;
}

static struct ey_error *find_run(struct db *db, const char *version, struct db_regroup_run *run,
				 bool *found_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st,
					"SELECT id, after_id, seen, unknown, state FROM "
					"regroup_runs WHERE version = ?1 AND state <> 'done' "
					"ORDER BY id DESC LIMIT 1",
					db_text(version));

	if (!err)
		err = db_step(st, found_ret);
	if (err || !*found_ret)
		return err;
	run->id = db_column_int(st, 0);
	run->after_id = db_column_int(st, 1);
	run->seen = db_column_int(st, 2);
	run->unknown = db_column_int(st, 3);
	run->moving = !strcmp(db_column_text(st, 4), "moving");
	return NULL;
}

struct ey_error *db_regroup_begin(struct db *db, const char *version, int64_t now,
				  struct db_regroup_run *ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t moving = 0;
	bool found = false;
	struct ey_error *err = db_begin(db, &txn);

	*ret = (struct db_regroup_run){0};
	if (!err)
		err = find_run(db, version, ret, &found);
	if (err || found)
		return err ? err : db_commit(&txn);
	err = db_scalar_values(db, &moving, NULL,
			       "SELECT count(*) FROM regroup_runs WHERE state = 'moving'", NULL, 0);
	if (!err && moving)
		return ey_error_create(EY_ERR_INPUT, "a regrouping to another version is under "
						     "way; let the program of that version end it");
	if (!err)
		err = db_exec(db, "DELETE FROM regroup_moves; DELETE FROM regroup_counts; DELETE "
				  "FROM regroup_runs WHERE state = 'looking'");
	if (!err)
		err = db_scalar(db, &ret->id, NULL,
				"INSERT INTO regroup_runs (version, state, after_id, started) "
				"VALUES (?1, 'looking', 0, ?2) RETURNING id",
				db_text(version), db_int(now));
	return err ? err : db_commit(&txn);
}

static void read_crash(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_regroup_crash *c = item;

	c->id = db_column_int(st, 0);
	c->home_id = db_column_int(st, 1);
	c->home_key = db_column_dup(st, 2, arena, failed);
	c->signature = db_column_dup(st, 3, arena, failed);
	c->made = NULL;
}

struct ey_error *db_regroup_next(struct db *db, const struct db_regroup_run *run,
				 unsigned int limit, struct db_regroup_crash_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT c.id, r.id, r.key, c.signature FROM crashes c JOIN reasons r ON "
			 "r.id = coalesce(c.home_id, c.reason_id) WHERE c.id > ?1 ORDER BY c.id "
			 "LIMIT ?2",
			 db_int(run->after_id), db_int(limit));

	*ret = (struct db_regroup_crash_list){0};
	return err ? err : db_list_read(st, read_crash, 0, ret, NULL);
}

static struct ey_error *note_one(struct db *db, const struct db_regroup_crash *c)
{
	const char *key = db_regroup_rest(c->made);
	struct ey_error *err =
		db_run(db,
		       "INSERT INTO regroup_counts (home_id, key, crashes) VALUES (?1, ?2, 1) ON "
		       "CONFLICT (home_id, key) DO UPDATE SET crashes = regroup_counts.crashes + 1",
		       db_int(c->home_id), db_text(key));

	if (err || !strcmp(key, db_regroup_rest(c->home_key)))
		return err;
	return db_run(db,
		      "INSERT INTO regroup_moves (crash_id, home_id, key) VALUES (?1, ?2, ?3) "
		      "ON CONFLICT (crash_id) DO NOTHING",
		      db_int(c->id), db_int(c->home_id), db_text(key));
}

struct ey_error *db_regroup_note(struct db *db, struct db_regroup_run *run,
				 const struct db_regroup_crash_list *list)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_regroup_run after = *run;
	struct ey_error *err = list->count ? db_begin(db, &txn) : NULL;

	if (!list->count)
		return NULL;
	for (size_t i = 0; !err && i < list->count; i++) {
		if (list->items[i].made)
			err = note_one(db, &list->items[i]);
		else
			after.unknown++;
	}
	after.seen += (int64_t)list->count;
	after.after_id = list->items[list->count - 1].id;
	if (!err)
		err = db_run(db,
			     "UPDATE regroup_runs SET after_id = ?2, seen = ?3, unknown = ?4 "
			     "WHERE id = ?1",
			     db_int(run->id), db_int(after.after_id), db_int(after.seen),
			     db_int(after.unknown));
	if (!err)
		err = db_commit(&txn);
	if (!err)
		*run = after;
	return err;
}

void db_regroup_crash_list_deinit(struct db_regroup_crash_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].made);
	db_arena_deinit(&list->arena);
	*list = (struct db_regroup_crash_list){0};
}

struct move {
	int64_t crash_id;
	int64_t target_id;
	/** People led it elsewhere, or it is gone from that home since: it stays. */
	bool stays;
};

struct move_list {
	struct db_arena arena;
	struct move *items;
	size_t count;
};

static void move_list_deinit(struct move_list *list)
{
	db_arena_deinit(&list->arena);
}

static void read_move(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct move *m = item;

	m->crash_id = db_column_int(st, 0);
	m->target_id = db_column_int(st, 1);
	m->stays = db_column_int(st, 2) != 0 || !m->target_id;
}

static struct ey_error *move_batch(struct db *db, int64_t *moved, bool *done)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	__attribute__((cleanup(move_list_deinit))) struct move_list list = {0};
	struct ey_error *err = db_begin(db, &txn);

	// A home that joins another leads its crashes there by a rule of its own, so that those
	// which were moved by that rule already have a home, too, and are not people's.
	if (!err)
		err = db_query(
			db, &st,
			"SELECT m.crash_id, m.target_id, CASE WHEN (c.home_id IS NULL AND "
			"c.reason_id = m.home_id) OR EXISTS (SELECT 1 FROM reason_changes x "
			"WHERE x.what = 'regroup' AND x.field = '' AND x.from_id = m.home_id "
			"AND x.to_id = c.reason_id AND c.home_id = m.home_id) THEN 0 ELSE 1 "
			"END FROM regroup_moves m JOIN crashes c ON c.id = m.crash_id ORDER "
			"BY m.crash_id LIMIT ?1",
			db_int(DB_MOVE_BATCH));
	if (!err)
		err = db_list_read(st, read_move, 0, &list, NULL);
	for (size_t i = 0; !err && i < list.count; i++) {
		const struct move *m = &list.items[i];
		int64_t n = 0;

		if (!m->stays)
			err = db_reason_move_crashes(db, &m->crash_id, 1, m->target_id, &n);
		if (!err)
			err = db_run(db, "DELETE FROM regroup_moves WHERE crash_id = ?1",
				     db_int(m->crash_id));
		*moved += n;
	}
	*done = !list.count;
	return err ? err : db_commit(&txn);
}

struct ey_error *db_regroup_move(struct db *db, const struct db_regroup_run *run, int64_t now,
				 int64_t *moved_ret)
{
	struct db_move_result swept;
	struct ey_error *err = NULL;
	bool done = false;

	*moved_ret = 0;
	while (!err && !done)
		err = move_batch(db, moved_ret, &done);
	// Crashes that say no key follow their reason.
	if (!err)
		err = db_reason_move_run(db, 0, &swept);
	if (!err)
		err = db_run(db,
			     "UPDATE regroup_runs SET state = 'done', finished = ?2 WHERE id = ?1",
			     db_int(run->id), db_int(now));
	if (!err)
		*moved_ret += swept.moved;
	return err ? err : db_exec(db, "DELETE FROM regroup_counts");
}

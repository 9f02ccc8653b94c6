/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/reason_move.h"

#include <stdlib.h>

#include "base/clock.h"
#include "db/dump.h"
#include "db/hold_follow.h"
#include "db/reason_rules.h"
#include "db/sql.h"

#define CRASH_COLUMNS                                                                        \
	"SELECT c.id, c.host_id, c.reason_id, c.home_id, c.signature_id, c.time, "           \
	"CASE WHEN c.dump = 'kept' THEN 1 ELSE 0 END, c.signature, c.guilty, c.kernel FROM " \
	"crashes c WHERE "

/** What of a crash is asked to move it. */
struct crash {
	int64_t id;
	int64_t host_id;
	int64_t reason_id;
	int64_t home_id;
	int64_t signature_id;
	int64_t time;
	int64_t kept;
	struct db_reason_facts facts;
};

struct crash_list {
	struct db_arena arena;
	struct crash *items;
	size_t count;
};

static void crash_list_deinit(struct crash_list *list)
{
	db_arena_deinit(&list->arena);
}
#define _cleanup_crash_list_ __attribute__((cleanup(crash_list_deinit)))

/** What a batch changes of a reason's counters; written once for all its crashes. */
struct delta {
	int64_t reason_id;
	int64_t crashes;
	int64_t hosts;
	int64_t dumps;
	int64_t first_crash_id;
};

struct deltas {
	struct delta *items;
	size_t count;
};

static void deltas_deinit(struct deltas *d)
{
	free(d->items);
}
#define _cleanup_deltas_ __attribute__((cleanup(deltas_deinit)))

static const char *optional(struct db_statement *st, int column, struct db_arena *arena,
			    bool *failed)
{
	const char *s = db_column_dup(st, column, arena, failed);

	return s && *s ? s : NULL;
}

static void read_crash(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct crash *c = item;

	c->id = db_column_int(st, 0);
	c->host_id = db_column_int(st, 1);
	c->reason_id = db_column_int(st, 2);
	c->home_id = db_column_int(st, 3);
	c->signature_id = db_column_int(st, 4);
	c->time = db_column_int(st, 5);
	c->kept = db_column_int(st, 6);
	c->facts.signature = optional(st, 7, arena, failed);
	c->facts.guilty = optional(st, 8, arena, failed);
	c->facts.kernel = optional(st, 9, arena, failed);
}

static struct delta *delta_of(struct deltas *d, int64_t reason_id)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->items[i].reason_id == reason_id)
			return &d->items[i];
	}
	struct delta *more = reallocarray(d->items, d->count + 1, sizeof(*more));
	if (!more)
		return NULL;
	d->items = more;
	d->items[d->count] = (struct delta){.reason_id = reason_id};
	return &d->items[d->count++];
}

static struct ey_error *join_signature(struct db *db, const struct crash *c, int64_t reason_id,
				       int64_t *ret)
{
	*ret = 0;
	if (!c->facts.signature)
		return NULL;
	return db_scalar(
		db, ret, NULL,
		"INSERT INTO signatures (reason_id, signature, first_seen, last_seen, crashes) "
		"VALUES (?1, ?2, ?3, ?3, 1) ON CONFLICT (reason_id, signature) DO UPDATE SET "
		"crashes = signatures.crashes + 1, "
		"first_seen = CASE WHEN signatures.first_seen < ?3 THEN signatures.first_seen "
		"ELSE ?3 END, last_seen = CASE WHEN signatures.last_seen > ?3 "
		"THEN signatures.last_seen ELSE ?3 END RETURNING id",
		db_int(reason_id), db_text(c->facts.signature), db_int(c->time));
}

// Called when the crash is gone from it.
static struct ey_error *leave_signature(struct db *db, const struct crash *c)
{
	int64_t left = 0;
	struct ey_error *err;

	if (!c->signature_id)
		return NULL;
	err = db_scalar(db, &left, NULL,
			"UPDATE signatures SET crashes = crashes - 1 WHERE id = ?1 "
			"RETURNING crashes",
			db_int(c->signature_id));
	if (err)
		return err;
	if (!left)
		return db_run(db, "DELETE FROM signatures WHERE id = ?1", db_int(c->signature_id));
	return db_run(db,
		      "UPDATE signatures SET first_seen = coalesce((SELECT min(c.time) FROM "
		      "crashes c WHERE c.signature_id = ?1), first_seen), last_seen = "
		      "coalesce((SELECT max(c.time) FROM crashes c WHERE c.signature_id = ?1), "
		      "last_seen) WHERE id = ?1",
		      db_int(c->signature_id));
}

static struct ey_error *join_host(struct db *db, const struct crash *c, int64_t reason_id,
				  bool *first_ret)
{
	int64_t crashes = 0;
	struct ey_error *err =
		db_scalar(db, &crashes, NULL,
			  "INSERT INTO reason_hosts (reason_id, host_id, crashes, last_seen) "
			  "VALUES (?1, ?2, 1, ?3) ON CONFLICT (reason_id, host_id) DO UPDATE SET "
			  "crashes = reason_hosts.crashes + 1, last_seen = CASE WHEN "
			  "reason_hosts.last_seen > ?3 THEN reason_hosts.last_seen ELSE ?3 END "
			  "RETURNING crashes",
			  db_int(reason_id), db_int(c->host_id), db_int(c->time));

	*first_ret = crashes == 1;
	return err;
}

static struct ey_error *leave_host(struct db *db, const struct crash *c, bool *last_ret)
{
	int64_t left = 0;
	struct ey_error *err = db_scalar(db, &left, NULL,
					 "UPDATE reason_hosts SET crashes = crashes - 1 WHERE "
					 "reason_id = ?1 AND host_id = ?2 RETURNING crashes",
					 db_int(c->reason_id), db_int(c->host_id));

	*last_ret = !left;
	if (err)
		return err;
	if (!left)
		return db_run(db, "DELETE FROM reason_hosts WHERE reason_id = ?1 AND host_id = ?2",
			      db_int(c->reason_id), db_int(c->host_id));
	// By the host's crashes, which are few: "+ 0" keeps the planner off the reason's.
	return db_run(db,
		      "UPDATE reason_hosts SET last_seen = coalesce((SELECT c.time FROM crashes c "
		      "WHERE c.host_id = ?2 AND c.reason_id + 0 = ?1 ORDER BY c.time DESC, c.id "
		      "DESC LIMIT 1), last_seen) WHERE reason_id = ?1 AND host_id = ?2",
		      db_int(c->reason_id), db_int(c->host_id));
}

static struct ey_error *note_delta(struct deltas *deltas, const struct crash *c, int64_t to,
				   bool first, bool last)
{
	struct delta *d = delta_of(deltas, c->reason_id);

	if (!d)
		return &ey_error_nomem;
	d->crashes--;
	d->hosts -= last;
	d->dumps -= c->kept;
	d = delta_of(deltas, to);
	if (!d)
		return &ey_error_nomem;
	d->crashes++;
	d->hosts += first;
	d->dumps += c->kept;
	if (!d->first_crash_id)
		d->first_crash_id = c->id;
	return NULL;
}

static struct ey_error *move_crash(struct db *db, const struct crash *c, int64_t home_id,
				   int64_t to, struct deltas *deltas)
{
	int64_t signature_id;
	bool first = false, last = false;
	struct ey_error *err = join_signature(db, c, to, &signature_id);

	if (!err)
		err = db_run(db,
			     "UPDATE crashes SET reason_id = ?2, home_id = ?3, signature_id = ?4 "
			     "WHERE id = ?1",
			     db_int(c->id), db_int(to), db_id(home_id == to ? 0 : home_id),
			     db_id(signature_id));
	if (!err)
		err = db_dump_groups_move(db, c->id, c->reason_id, to);
	if (!err)
		err = leave_signature(db, c);
	if (!err)
		err = join_host(db, c, to, &first);
	if (!err)
		err = leave_host(db, c, &last);
	if (!err && first != last)
		err = db_run(db, "UPDATE hosts SET reasons = reasons + ?2 WHERE id = ?1",
			     db_int(c->host_id), db_int(first ? 1 : -1));
	return err ? err : note_delta(deltas, c, to, first, last);
}

static struct ey_error *write_deltas(struct db *db, const struct deltas *deltas)
{
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < deltas->count; i++) {
		const struct delta *d = &deltas->items[i];

		err = db_run(db,
			     "UPDATE reasons SET crashes = crashes + ?2, hosts = hosts + ?3, "
			     "dumps = dumps + ?4, first_crash_id = coalesce(first_crash_id, ?5), "
			     "first_seen = coalesce((SELECT min(c.time) FROM crashes c WHERE "
			     "c.reason_id = ?1), first_seen), last_seen = coalesce((SELECT "
			     "max(c.time) FROM crashes c WHERE c.reason_id = ?1), last_seen) "
			     "WHERE id = ?1",
			     db_int(d->reason_id), db_int(d->crashes), db_int(d->hosts),
			     db_int(d->dumps), db_id(d->first_crash_id));
	}
	return err;
}

// @p home_id 0: each crash's own.
static struct ey_error *place_all(struct db *db, const struct crash_list *list, int64_t home_id,
				  int64_t *moved_ret)
{
	_cleanup_reason_rules_ struct db_reason_rules rules = {0};
	_cleanup_deltas_ struct deltas deltas = {0};
	struct ey_error *err = db_reason_rules_load(db, &rules);

	*moved_ret = 0;
	for (size_t i = 0; !err && i < list->count; i++) {
		const struct crash *c = &list->items[i];
		int64_t before = c->home_id ? c->home_id : c->reason_id;
		int64_t home = home_id ? home_id : before;
		int64_t to = db_reason_rules_place(&rules, home, &c->facts);

		if (to != c->reason_id) {
			err = move_crash(db, c, home, to, &deltas);
			++*moved_ret;
		} else if (home != before) {
			err = db_run(db, "UPDATE crashes SET home_id = ?2 WHERE id = ?1",
				     db_int(c->id), db_id(home == to ? 0 : home));
		}
	}
	return err ? err : write_deltas(db, &deltas);
}

struct ey_error *db_reason_move_crashes(struct db *db, const int64_t *ids, size_t count,
					int64_t home_id, int64_t *moved_ret)
{
	*moved_ret = 0;
	for (size_t i = 0; i < count; i++) {
		_cleanup_crash_list_ struct crash_list list = {0};
		_cleanup_statement_ struct db_statement *st = NULL;
		int64_t moved = 0;
		struct ey_error *err = db_query(db, &st, CRASH_COLUMNS "c.id = ?1", db_int(ids[i]));

		if (!err)
			err = db_list_read(st, read_crash, 0, &list, NULL);
		if (!err)
			err = place_all(db, &list, home_id, &moved);
		if (err)
			return err;
		*moved_ret += moved;
	}
	return NULL;
}

struct ey_error *db_reason_sweep_add(struct db *db, int64_t change_id, enum db_sweep sweep,
				     int64_t subject_id)
{
	return db_run(db,
		      "INSERT INTO reason_sweeps (change_id, walk, subject_id, after_time, "
		      "after_id) VALUES (?1, ?2, ?3, ?4, 0)",
		      db_int(change_id), db_text(db_sweep_name(sweep)), db_int(subject_id),
		      db_int(INT64_MIN));
}

/** The oldest sweep that is not done, and how far it is. */
struct sweep {
	int64_t id;
	enum db_sweep walk;
	int64_t subject_id;
	int64_t after_time;
	int64_t after_id;
	int64_t change_id;
};

static struct ey_error *next_sweep(struct db *db, struct sweep *ret, bool *found_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err =
		db_query_values(db, &st,
				"SELECT id, walk, subject_id, after_time, after_id, change_id FROM "
				"reason_sweeps ORDER BY id LIMIT 1",
				NULL, 0);

	if (!err)
		err = db_step(st, &row);
	*found_ret = !err && row;
	if (err || !row)
		return err;
	ret->id = db_column_int(st, 0);
	ret->subject_id = db_column_int(st, 2);
	ret->after_time = db_column_int(st, 3);
	ret->after_id = db_column_int(st, 4);
	ret->change_id = db_column_int(st, 5);
	if (!db_sweep_parse(db_column_text(st, 1), &ret->walk))
		return ey_error_create(EY_ERR_INPUT, "reason_sweeps has an unknown walk \"%s\"",
				       db_column_text(st, 1));
	return NULL;
}

static struct ey_error *read_sweep(struct db *db, const struct sweep *s, size_t limit,
				   struct crash_list *ret)
{
	static const char *const queries[] = {
#define AFTER " AND (c.time, c.id) > (?2, ?3) ORDER BY c.time, c.id LIMIT ?4"
		[DB_SWEEP_REASON] = CRASH_COLUMNS "c.reason_id = ?1" AFTER,
		[DB_SWEEP_HOME] = CRASH_COLUMNS "c.home_id = ?1" AFTER,
		[DB_SWEEP_SIGNATURE] = CRASH_COLUMNS "c.signature_id = ?1" AFTER,
#undef AFTER
	};
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st, queries[s->walk], db_int(s->subject_id), db_int(s->after_time),
			 db_int(s->after_id), db_int((int64_t)limit));

	return err ? err : db_list_read(st, read_crash, 0, ret, NULL);
}

static struct ey_error *run_batch(struct db *db, size_t limit, struct db_move_result *result,
				  bool *done_ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_crash_list_ struct crash_list list = {0};
	struct sweep sweep = {0};
	int64_t moved = 0;
	bool found = false;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = next_sweep(db, &sweep, &found);
	*done_ret = !found;
	// Nothing to do is no failure of a transaction around this one.
	if (err || !found)
		return err ? err : db_commit(&txn);
	err = read_sweep(db, &sweep, limit, &list);
	if (!err)
		err = place_all(db, &list, 0, &moved);
	if (!err && list.count == limit) {
		const struct crash *last = &list.items[list.count - 1];

		err = db_run(db,
			     "UPDATE reason_sweeps SET after_time = ?2, after_id = ?3 WHERE id = "
			     "?1",
			     db_int(sweep.id), db_int(last->time), db_int(last->id));
	} else if (!err) {
		err = db_run(db, "DELETE FROM reason_sweeps WHERE id = ?1", db_int(sweep.id));
		if (!err)
			err = db_hold_settle(db, sweep.change_id, ey_time_now());
	}
	if (!err)
		err = db_commit(&txn);
	if (err)
		return err;
	result->seen += (int64_t)list.count;
	result->moved += moved;
	return NULL;
}

struct ey_error *db_reason_move_run(struct db *db, int64_t max, struct db_move_result *ret)
{
	struct ey_error *err = NULL;
	bool done = false, found;
	int64_t sweeps;

	*ret = (struct db_move_result){0};
	// Without a transaction while there is nothing to do, as nearly always.
	err = db_scalar_values(db, &sweeps, &found, "SELECT id FROM reason_sweeps LIMIT 1", NULL,
			       0);
	if (err || !found)
		return err;
	while (!err && !done && (!max || ret->seen < max)) {
		int64_t limit =
			max ? EY_MIN(max - ret->seen, (int64_t)DB_MOVE_BATCH) : DB_MOVE_BATCH;

		err = run_batch(db, (size_t)limit, ret, &done);
	}
	ret->left = !done;
	return err;
}

struct ey_error *db_reason_is_moving(struct db *db, int64_t reason_id, bool *ret)
{
	int64_t id;

	return db_scalar(db, &id, ret,
			 "SELECT s.id FROM reason_sweeps s JOIN reason_changes c ON "
			 "c.id = s.change_id WHERE c.from_id = ?1 OR c.to_id = ?1 LIMIT 1",
			 db_int(reason_id));
}

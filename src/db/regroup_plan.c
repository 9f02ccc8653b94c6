/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of the reasons under another version of the rules. */
#include <stdio.h>
#include <stdlib.h>

#include "db/hold_follow.h"
#include "db/reason_move.h"
#include "db/regroup.h"
#include "db/regroup_internal.h"
#include "db/sql.h"

static void read_part(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_regroup_part *p = item;

	*p = (struct db_regroup_part){0};
	p->home_id = db_column_int(st, 0);
	p->home_key = db_column_dup(st, 1, arena, failed);
	p->key = db_column_dup(st, 2, arena, failed);
	p->crashes = db_column_int(st, 3);
	p->action = DB_REGROUP_NEW;
}

/** Whose a key is. */
struct owner {
	const char *key;
	/** 0: a new reason's. */
	int64_t reason_id;
};

struct owners {
	struct owner *items;
	size_t count, capacity;
};

static void owners_deinit(struct owners *o)
{
	free(o->items);
}

static int by_key(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static const struct owner *find_owner(const struct owners *o, const char *key)
{
	for (size_t i = 0; i < o->count; i++) {
		if (!strcmp(o->items[i].key, key))
			return &o->items[i];
	}
	return NULL;
}

static struct ey_error *add_owner(struct owners *o, const char *key, int64_t reason_id)
{
	if (o->count == o->capacity) {
		size_t capacity = o->capacity ? 2 * o->capacity : 64;
		struct owner *more = reallocarray(o->items, capacity, sizeof(*more));

		if (!more)
			return &ey_error_nomem;
		o->items = more;
		o->capacity = capacity;
	}
	o->items[o->count++] = (struct owner){key, reason_id};
	return NULL;
}

static bool home_has(const struct db_regroup_plan *plan, int64_t home_id,
		     enum db_regroup_action action)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->items[i].home_id == home_id && plan->items[i].action == action)
			return true;
	}
	return false;
}

// The reason of which a key is already, one that nobody looked at or that keeps it.
static struct ey_error *known_owner(struct db *db, const struct db_regroup_plan *plan,
				    const char *key, int64_t *ret)
{
	struct ey_error *err = NULL;
	bool affected = false;

	*ret = 0;
	for (int v = 1; !err && !*ret && v <= DB_REASON_NEWEST_VERSION; v++) {
		_cleanup_free_ char *whole = NULL;

		if (asprintf(&whole, "g%d:%s", v, key) < 0)
			return &ey_error_nomem;
		err = db_scalar(db, ret, NULL, "SELECT id FROM reasons WHERE key = ?1",
				db_text(whole));
	}
	for (size_t i = 0; !err && *ret && i < plan->count; i++)
		affected |= plan->items[i].home_id == *ret;
	if (!err && affected && !home_has(plan, *ret, DB_REGROUP_KEEP))
		*ret = 0;
	return err;
}

// In the order of the parts, the largest first: who takes a key, and who joins whom.
static struct ey_error *decide(struct db *db, struct db_regroup_plan *plan)
{
	__attribute__((cleanup(owners_deinit))) struct owners owners = {0};
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < plan->count; i++) {
		struct db_regroup_part *p = &plan->items[i];

		if (strcmp(p->key, db_regroup_rest(p->home_key)) != 0)
			continue;
		p->action = DB_REGROUP_KEEP;
		err = add_owner(&owners, p->key, p->home_id);
	}
	for (size_t i = 0; !err && i < plan->count; i++) {
		struct db_regroup_part *p = &plan->items[i];
		int64_t known = 0;

		if (p->action == DB_REGROUP_KEEP || find_owner(&owners, p->key))
			continue;
		err = known_owner(db, plan, p->key, &known);
		if (!err && !known && !home_has(plan, p->home_id, DB_REGROUP_KEEP) &&
		    !home_has(plan, p->home_id, DB_REGROUP_RENAME)) {
			p->action = DB_REGROUP_RENAME;
			known = p->home_id;
		}
		if (!err)
			err = add_owner(&owners, p->key, known);
	}
	// Each part has an owner: none without parts.
	if (err || !owners.items)
		return err;
	qsort(owners.items, owners.count, sizeof(*owners.items), by_key);
	for (size_t i = 0; i < plan->count; i++) {
		struct db_regroup_part *p = &plan->items[i];
		const struct owner wanted = {p->key, 0};
		const struct owner *o =
			bsearch(&wanted, owners.items, owners.count, sizeof(*owners.items), by_key);

		if (p->action == DB_REGROUP_KEEP || p->action == DB_REGROUP_RENAME || !o)
			continue;
		if (o->reason_id) {
			p->action = DB_REGROUP_MOVE;
			p->target_id = o->reason_id;
		}
	}
	return NULL;
}

static void count_up(struct db_regroup_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct db_regroup_part *p = &plan->items[i];
		bool stays = home_has(plan, p->home_id, DB_REGROUP_KEEP) ||
			     home_has(plan, p->home_id, DB_REGROUP_RENAME);
		bool first = true;

		plan->renamed += p->action == DB_REGROUP_RENAME;
		if (p->action != DB_REGROUP_MOVE && p->action != DB_REGROUP_NEW)
			continue;
		plan->moves += p->crashes;
		for (size_t k = 0; k < i; k++) {
			if (plan->items[k].home_id == p->home_id &&
			    plan->items[k].action >= DB_REGROUP_MOVE)
				first = false;
		}
		bool seen = false;
		for (size_t k = 0; k < i; k++)
			seen |= plan->items[k].action == DB_REGROUP_NEW &&
				!strcmp(plan->items[k].key, p->key);
		plan->fresh += p->action == DB_REGROUP_NEW && !seen;
		p->joins = first && !stays && p->action == DB_REGROUP_MOVE;
		plan->joined += p->joins;
		plan->split += first && !p->joins;
	}
}

struct ey_error *db_regroup_plan(struct db *db, struct db_regroup_plan *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_plan_ struct db_regroup_plan plan = {0};
	// Only of reasons that something happens to.
	struct ey_error *err = db_query_values(
		db, &st,
		"SELECT c.home_id, r.key, c.key, c.crashes FROM regroup_counts c JOIN reasons r "
		"ON r.id = c.home_id WHERE c.home_id IN (SELECT m.home_id FROM regroup_moves m) "
		"ORDER BY c.crashes DESC, c.home_id, c.key",
		NULL, 0);

	*ret = plan;
	if (!err)
		err = db_list_read(st, read_part, 0, &plan, NULL);
	if (!err)
		err = decide(db, &plan);
	if (err)
		return err;
	count_up(&plan);
	*ret = plan;
	plan = (struct db_regroup_plan){0};
	return NULL;
}

void db_regroup_plan_deinit(struct db_regroup_plan *plan)
{
	db_arena_deinit(&plan->arena);
	*plan = (struct db_regroup_plan){0};
}

static struct ey_error *versioned(const char *version, const char *rest, char **ret)
{
	if (asprintf(ret, "%s:%s", version, rest) < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

// The old key leads to the reason for as long as hosts of an older release make it.
static struct ey_error *give_key(struct db *db, int64_t reason_id, const char *old,
				 const char *version, const char *rest)
{
	_cleanup_free_ char *key = NULL;
	int64_t other;
	bool taken = false;
	struct ey_error *err = versioned(version, rest, &key);

	if (!err)
		err = db_scalar(db, &other, &taken, "SELECT id FROM reasons WHERE key = ?1",
				db_text(key));
	if (err || taken)
		return err;
	err = db_run(db, "DELETE FROM reason_keys WHERE key = ?1", db_text(key));
	if (!err)
		err = db_run(db,
			     "INSERT INTO reason_keys (key, reason_id) VALUES (?1, ?2) ON "
			     "CONFLICT (key) DO NOTHING",
			     db_text(old), db_int(reason_id));
	return err ? err
		   : db_run(db, "UPDATE reasons SET key = ?2 WHERE id = ?1", db_int(reason_id),
			    db_text(key));
}

static struct ey_error *make_reason(struct db *db, const struct db_regroup_part *p,
				    const char *version, int64_t now, int64_t *ret)
{
	_cleanup_free_ char *key = NULL, *kind = strndup(p->key, strcspn(p->key, ":"));
	const char *colon = strchr(p->key, ':');
	bool known = false;
	struct ey_error *err = kind ? versioned(version, p->key, &key) : &ey_error_nomem;

	if (!err)
		err = db_scalar(db, ret, &known, "SELECT id FROM reasons WHERE key = ?1",
				db_text(key));
	if (err || known)
		return err;
	return db_scalar(db, ret, NULL,
			 "INSERT INTO reasons (key, kind, guilty, title, first_seen, last_seen, "
			 "received) SELECT ?1, ?2, ?3, c.title, c.time, c.time, ?4 FROM crashes c "
			 "WHERE c.id = (SELECT min(m.crash_id) FROM regroup_moves m WHERE "
			 "m.home_id = ?5 AND m.key = ?6) RETURNING id",
			 db_text(key), db_text(kind), db_text(colon ? colon + 1 : ""), db_int(now),
			 db_int(p->home_id), db_text(p->key));
}

static struct ey_error *note_change(struct db *db, const struct db_regroup_part *p, int64_t to,
				    const struct db_reason_edit *edit)
{
	int64_t id = 0;
	struct ey_error *err = db_scalar(
		db, &id, NULL,
		"INSERT INTO reason_changes (what, from_id, to_id, field, value, time, who, why) "
		"VALUES ('regroup', ?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
		db_int(p->home_id), db_int(to), db_text(p->joins ? "" : "key"),
		db_text(p->joins ? "" : p->key), db_int(edit->now), db_text(edit->who),
		db_text(edit->why ? edit->why : ""));

	if (!err && p->joins)
		err = db_reason_sweep_add(db, id, DB_SWEEP_REASON, p->home_id);
	if (!err)
		err = db_hold_follow(db, p->home_id, to, id);
	return err ? err : db_reason_rules_note(db, p->home_id);
}

static struct ey_error *apply_part(struct db *db, const struct db_regroup_part *p,
				   const char *version, const struct db_reason_edit *edit)
{
	int64_t target = p->target_id;
	struct ey_error *err = NULL;

	if (p->action == DB_REGROUP_KEEP)
		return NULL;
	if (p->action == DB_REGROUP_RENAME) {
		err = give_key(db, p->home_id, p->home_key, version, p->key);
		return err ? err
			   : db_run(db, "DELETE FROM regroup_moves WHERE home_id = ?1 AND key = ?2",
				    db_int(p->home_id), db_text(p->key));
	}
	if (p->action == DB_REGROUP_NEW)
		err = make_reason(db, p, version, edit->now, &target);
	if (!err)
		err = db_run(db,
			     "UPDATE regroup_moves SET target_id = ?3 WHERE home_id = ?1 AND key = "
			     "?2",
			     db_int(p->home_id), db_text(p->key), db_int(target));
	return err ? err : note_change(db, p, target, edit);
}

// Reasons whose key changes in nothing but its version.
static struct ey_error *give_versions(struct db *db, const char *version)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = NULL;
	int64_t after = 0;
	bool row = true;

	while (!err && row) {
		_cleanup_free_ char *key = NULL;
		int64_t id = 0;

		err = db_query(db, &st,
			       "SELECT id, key FROM reasons WHERE id > ?1 AND key LIKE 'g%:%' AND "
			       "key NOT LIKE '%~%' ORDER BY id LIMIT 1",
			       db_int(after));
		if (!err)
			err = db_step(st, &row);
		if (!err && row) {
			id = db_column_int(st, 0);
			key = strdup(db_column_text(st, 1));
			err = key ? NULL : &ey_error_nomem;
		}
		if (st)
			db_release(st);
		st = NULL;
		after = id;
		if (!err && row && db_regroup_rest(key) != key &&
		    strncmp(key, version, strlen(version)) != 0)
			err = give_key(db, id, key, version, db_regroup_rest(key));
	}
	return err;
}

struct ey_error *db_regroup_apply(struct db *db, struct db_regroup_run *run, const char *version,
				  const struct db_regroup_plan *plan,
				  const struct db_reason_edit *edit)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	// First the keys that reasons take: a key that moves on must be free for its new reason.
	for (size_t i = 0; !err && i < plan->count; i++) {
		if (plan->items[i].action == DB_REGROUP_RENAME)
			err = apply_part(db, &plan->items[i], version, edit);
	}
	for (size_t i = 0; !err && i < plan->count; i++) {
		if (plan->items[i].action != DB_REGROUP_RENAME)
			err = apply_part(db, &plan->items[i], version, edit);
	}
	if (!err)
		err = give_versions(db, version);
	if (!err)
		err = db_run(db, "UPDATE regroup_runs SET state = 'moving' WHERE id = ?1",
			     db_int(run->id));
	if (!err)
		err = db_commit(&txn);
	if (!err)
		run->moving = true;
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/life.h"

#include <inttypes.h>

#include "db/sql.h"

static const char *const life_names[] = {
	[DB_LIFE_PRODUCTION] = "production",
	[DB_LIFE_MAINTENANCE] = "maintenance",
	[DB_LIFE_LAB] = "lab",
	[DB_LIFE_DECOMMISSIONED] = "decommissioned",
};

static const char *const source_names[] = {
	[DB_LABEL_HOST] = "host",
	[DB_LABEL_IMPORT] = "import",
};

const char *db_life_name(enum db_life life)
{
	return life_names[life];
}

const char *db_label_source_name(enum db_label_source source)
{
	return source_names[source];
}

struct ey_error *db_life_parse(const char *word, enum db_life *ret)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(life_names); i++) {
		if (strcmp(word, life_names[i]) != 0)
			continue;
		*ret = (enum db_life)i;
		return NULL;
	}
	return ey_error_create(EY_ERR_INPUT,
			       "\"%.40s\" is none of production, maintenance, lab, decommissioned",
			       word);
}

struct ey_error *db_life_set(struct db *db, int64_t host_id, enum db_life life, const char *who,
			     const char *why, int64_t now, bool *changed_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_free_ char *old = NULL;
	bool row = false;

	*changed_ret = false;
	struct ey_error *err = db_begin(db, &txn);
	if (!err)
		err = db_query(db, &st, "SELECT life FROM hosts WHERE id = ?1", db_int(host_id));
	if (!err)
		err = db_step(st, &row);
	if (err)
		return err;
	if (!row)
		return ey_error_create(EY_ERR_NOT_FOUND, "there is no host %" PRId64, host_id);
	old = strdup(db_column_text(st, 0));
	if (!old)
		return &ey_error_nomem;
	db_release(no_cleanup_ptr(st));
	// Committed all the same: around it there may be a transaction that goes on.
	if (!strcmp(old, life_names[life]))
		return db_commit(&txn);
	err = db_run(db, "UPDATE hosts SET life = ?2 WHERE id = ?1", db_int(host_id),
		     db_text(life_names[life]));
	if (!err)
		err = db_run(db,
			     "INSERT INTO host_life (host_id, time, who, old_value, new_value, "
			     "why) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			     db_int(host_id), db_int(now), db_text(who), db_text(old),
			     db_text(life_names[life]), db_text(why ? why : ""));
	if (!err)
		err = db_commit(&txn);
	*changed_ret = !err;
	return err;
}

static void read_event(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_life_event *e = item;

	e->time = db_column_int(st, 0);
	e->who = db_column_dup(st, 1, arena, failed);
	e->old_value = db_column_dup(st, 2, arena, failed);
	e->new_value = db_column_dup(st, 3, arena, failed);
	e->why = db_column_dup(st, 4, arena, failed);
}

struct ey_error *db_life_history(struct db *db, int64_t host_id, struct db_life_history *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st,
					"SELECT time, who, old_value, new_value, why FROM "
					"host_life WHERE host_id = ?1 ORDER BY id DESC LIMIT 100",
					db_int(host_id));

	*ret = (struct db_life_history){0};
	return err ? err : db_list_read(st, read_event, 0, ret, NULL);
}

void db_life_history_deinit(struct db_life_history *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_life_history){0};
}

static void read_label(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_label *l = item;

	l->name = db_column_dup(st, 0, arena, failed);
	l->value = db_column_dup(st, 1, arena, failed);
	l->source = strcmp(db_column_text(st, 2), source_names[DB_LABEL_IMPORT]) ? DB_LABEL_HOST
										 : DB_LABEL_IMPORT;
}

struct ey_error *db_labels(struct db *db, int64_t host_id, struct db_label_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st,
					"SELECT name, value, source FROM host_labels "
					"WHERE host_id = ?1 ORDER BY name, source",
					db_int(host_id));

	*ret = (struct db_label_list){0};
	return err ? err : db_list_read(st, read_label, 0, ret, NULL);
}

void db_label_list_deinit(struct db_label_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_label_list){0};
}

// The label that counts of those given under one name: the last one.
static bool is_last(const struct db_label *labels, size_t count, size_t i)
{
	for (size_t j = i + 1; j < count; j++) {
		if (!strcmp(labels[i].name, labels[j].name))
			return false;
	}
	return true;
}

static bool are_same(const struct db_label_list *have, enum db_label_source source,
		     const struct db_label *labels, size_t count)
{
	size_t wanted = 0, found = 0, there = 0;

	for (size_t j = 0; j < have->count; j++)
		there += have->items[j].source == source;
	for (size_t i = 0; i < count; i++) {
		if (!is_last(labels, count, i))
			continue;
		wanted++;
		for (size_t j = 0; j < have->count; j++)
			found += have->items[j].source == source &&
				 !strcmp(have->items[j].name, labels[i].name) &&
				 !strcmp(have->items[j].value, labels[i].value);
	}
	return wanted == there && found == there;
}

struct ey_error *db_labels_set(struct db *db, int64_t host_id, enum db_label_source source,
			       const struct db_label *labels, size_t count, bool *changed_ret)
{
	_cleanup_labels_ struct db_label_list have = {0};
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	*changed_ret = false;
	if (!err)
		err = db_labels(db, host_id, &have);
	if (err || are_same(&have, source, labels, count))
		return err ? err : db_commit(&txn);
	err = db_run(db, "DELETE FROM host_labels WHERE host_id = ?1 AND source = ?2",
		     db_int(host_id), db_text(source_names[source]));
	for (size_t i = 0; !err && i < count; i++) {
		if (is_last(labels, count, i))
			err = db_run(db,
				     "INSERT INTO host_labels (host_id, name, source, value) "
				     "VALUES (?1, ?2, ?3, ?4)",
				     db_int(host_id), db_text(labels[i].name),
				     db_text(source_names[source]), db_text(labels[i].value));
	}
	if (!err)
		err = db_commit(&txn);
	*changed_ret = !err;
	return err;
}

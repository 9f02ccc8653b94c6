/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/forward.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "db/sql.h"

static const char *const kinds[] = {
#define X(id, name) [DB_FORWARD_##id] = (name),
	DB_FORWARD_KINDS(X)
#undef X
};

const char *db_forward_kind_name(enum db_forward_kind kind)
{
	return kinds[kind];
}

bool db_forward_kind_parse(const char *name, enum db_forward_kind *ret)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i], name)) {
			*ret = (enum db_forward_kind)i;
			return true;
		}
	}
	return false;
}

struct ey_error *db_forward_line(struct db *db, struct db_forward_line *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err = db_query_values(
		db, &st,
		"SELECT active, stream, replaces, base, last, sent, confirmed, records, refused, "
		"last_ok, down_since, why, waiting, CASE WHEN active = 1 AND filled >= 0 THEN "
		"coalesce((SELECT max(c.id) FROM crashes c), 0) - filled ELSE -1 END, "
		"coalesce((SELECT q.time FROM forward_queue q ORDER BY q.sequence LIMIT 1), "
		"CASE WHEN filled >= 0 THEN (SELECT c.received FROM crashes c WHERE c.id > filled "
		"ORDER BY c.id LIMIT 1) END) FROM forward_line WHERE id = 1",
		NULL, 0);

	*ret = (struct db_forward_line){0};
	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	ret->active = db_column_int(st, 0);
	snprintf(ret->stream, sizeof(ret->stream), "%s", db_column_text(st, 1));
	snprintf(ret->replaces, sizeof(ret->replaces), "%s", db_column_text(st, 2));
	ret->base = db_column_int(st, 3);
	ret->last = db_column_int(st, 4);
	ret->sent = db_column_int(st, 5);
	ret->confirmed = db_column_int(st, 6);
	ret->records = db_column_int(st, 7);
	ret->refused = db_column_int(st, 8);
	ret->last_ok = db_column_int(st, 9);
	ret->down_since = db_column_int(st, 10);
	snprintf(ret->why, sizeof(ret->why), "%s", db_column_text(st, 11));
	int64_t history = db_column_int(st, 13);
	ret->filling = history >= 0;
	ret->queue = db_column_int(st, 12) + (history > 0 ? history : 0);
	ret->oldest = ret->queue ? db_column_int(st, 14) : 0;
	return NULL;
}

// A crash that the history has not reached yet goes with it, as it is by then.
#define IS_QUEUED "id = 1 AND active = 1 AND (filled < 0 OR filled >= ?1)"

struct ey_error *db_forward_note(struct db *db, enum db_forward_kind kind, int64_t object_id,
				 int64_t now, const void *data, size_t len)
{
	bool of_crash = kind == DB_FORWARD_CRASH || kind == DB_FORWARD_DUMP;
	int64_t crash_id = of_crash ? object_id : 0;
	struct ey_error *err = db_run_later(db,
					    "UPDATE forward_line SET last = last + 1, waiting = "
					    "waiting + 1 WHERE " IS_QUEUED,
					    db_int(crash_id));

	if (err)
		return err;
	return db_run_later(db,
			    "INSERT INTO forward_queue (sequence, kind, object_id, time, data) "
			    "SELECT last, ?2, ?3, ?4, ?5 FROM forward_line WHERE " IS_QUEUED,
			    db_int(crash_id), db_text(db_forward_kind_name(kind)),
			    db_int(object_id), db_int(now), data ? db_blob(data, len) : db_null());
}

struct ey_error *db_forward_parts(struct db *db, int64_t crash_id, int64_t *ret)
{
	*ret = 0;
	return db_scalar(db, ret, NULL,
			 "SELECT count(*) FROM crash_parts p, forward_line l "
			 "WHERE p.crash_id = ?1 AND l.id = 1 AND l.active = 1",
			 db_int(crash_id));
}

// A new stream: what cannot be read from the database again goes first, then all crashes.
static struct ey_error *begin_stream(struct db *db)
{
	unsigned char random[16];
	char stream[DB_FORWARD_STREAM_SIZE];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(stream, sizeof(stream), random, sizeof(random));
	struct ey_error *err = db_exec(db, "DELETE FROM forward_queue WHERE kind IN "
					   "('crash', 'dump')");
	if (!err)
		err = db_run(db,
			     "UPDATE forward_line SET active = 1, replaces = stream, stream = ?1, "
			     "base = confirmed, sent = confirmed, filled = 0, waiting = (SELECT "
			     "count(*) FROM forward_queue) WHERE id = 1",
			     db_text(stream));
	return err;
}

struct ey_error *db_forward_restart(struct db *db)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = begin_stream(db);
	return err ? err : db_commit(&txn);
}

struct ey_error *db_forward_switch(struct db *db, bool active)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_forward_line line;
	struct ey_error *err = db_forward_line(db, &line);

	if (err || line.active == active)
		return err;
	err = db_begin(db, &txn);
	if (!err)
		err = db_exec(db, "INSERT INTO forward_line (id) VALUES (1) "
				  "ON CONFLICT (id) DO NOTHING");
	if (!err)
		err = db_forward_line(db, &line);
	if (err || line.active == active)
		return err;
	err = active ? begin_stream(db)
		     : db_exec(db, "UPDATE forward_line SET active = 0, down_since = 0, why = '' "
				   "WHERE id = 1");
	return err ? err : db_commit(&txn);
}

struct ey_error *db_forward_fill(struct db *db, unsigned int limit)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_statement_ struct db_statement *st = NULL;
	int64_t filled = -1, count = 0, last = 0;
	bool row = false;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_scalar_values(
			db, &filled, NULL,
			"SELECT filled FROM forward_line WHERE id = 1 AND active = 1", NULL, 0);
	if (err || filled < 0)
		return err;
	err = db_query(db, &st,
		       "SELECT count(*), coalesce(max(h.id), 0) FROM (SELECT id FROM crashes WHERE "
		       "id > ?1 ORDER BY id LIMIT ?2) h",
		       db_int(filled), db_int(limit));
	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	count = db_column_int(st, 0);
	last = db_column_int(st, 1);
	err = db_run(db,
		     "INSERT INTO forward_queue (sequence, kind, object_id, time) SELECT l.last + "
		     "row_number() OVER (ORDER BY c.id), 'crash', c.id, c.received FROM crashes c, "
		     "forward_line l WHERE l.id = 1 AND c.id > ?1 AND c.id <= ?2",
		     db_int(filled), db_int(last));
	if (!err)
		err = db_run(db,
			     "UPDATE forward_line SET last = last + ?1, waiting = waiting + ?1, "
			     "filled = ?2 WHERE id = 1",
			     db_int(count), db_int(count < (int64_t)limit ? -1 : last));
	return err ? err : db_commit(&txn);
}

static void read_item(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_forward_item *i = item;
	size_t len = 0;

	i->sequence = db_column_int(st, 0);
	if (!db_forward_kind_parse(db_column_text(st, 1), &i->kind))
		i->kind = DB_FORWARD_DUMP;
	i->object_id = db_column_int(st, 2);
	i->time = db_column_int(st, 3);
	const void *data = db_column_blob(st, 4, &len);
	if (!data || !len)
		return;
	void *copy = db_arena_alloc(arena, len);
	if (copy)
		memcpy(copy, data, len);
	else
		*failed = true;
	i->data = copy;
	i->len = len;
}

struct ey_error *db_forward_next(struct db *db, int64_t after, unsigned int limit,
				 struct db_forward_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT sequence, kind, object_id, time, data FROM forward_queue "
			 "WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
			 db_int(after), db_int(limit));

	*ret = (struct db_forward_list){0};
	return err ? err : db_list_read(st, read_item, 0, ret, NULL);
}

void db_forward_list_deinit(struct db_forward_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_forward_list){0};
}

struct ey_error *db_forward_sending(struct db *db, int64_t sequence)
{
	return db_run(db, "UPDATE forward_line SET sent = ?1 WHERE id = 1 AND sent < ?1",
		      db_int(sequence));
}

static struct ey_error *set_aside(struct db *db, const struct db_forward_refusal *refused)
{
	return db_run(db,
		      "INSERT INTO forward_refused (sequence, kind, object_id, time, why, data) "
		      "SELECT sequence, kind, object_id, time, ?2, data FROM forward_queue "
		      "WHERE sequence = ?1 ON CONFLICT (sequence) DO UPDATE SET kind = "
		      "excluded.kind, object_id = excluded.object_id, time = excluded.time, "
		      "why = excluded.why, data = excluded.data",
		      db_int(refused->sequence), db_text(refused->why));
}

struct ey_error *db_forward_confirm(struct db *db, int64_t sequence,
				    const struct db_forward_refusal *refused, size_t count,
				    int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	int64_t rows = 0;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_scalar(db, &rows, NULL,
				"SELECT count(*) FROM forward_queue WHERE sequence <= ?1",
				db_int(sequence));
	for (size_t i = 0; !err && i < count; i++)
		err = set_aside(db, &refused[i]);
	if (!err)
		err = db_run(db, "DELETE FROM forward_queue WHERE sequence <= ?1",
			     db_int(sequence));
	if (!err)
		err = db_run(db,
			     "UPDATE forward_line SET confirmed = ?1, waiting = waiting - ?2, "
			     "records = records + ?2 - ?3, refused = refused + ?3, last_ok = ?4, "
			     "down_since = 0, why = '' WHERE id = 1",
			     db_int(sequence), db_int(rows), db_int((int64_t)count), db_int(now));
	return err ? err : db_commit(&txn);
}

void db_forward_aside_read(struct db_statement *st, struct db_arena *arena, void *item,
			   bool *failed)
{
	struct db_forward_aside *a = item;

	a->sequence = db_column_int(st, 0);
	a->kind = db_column_dup(st, 1, arena, failed);
	a->object_id = db_column_int(st, 2);
	a->time = db_column_int(st, 3);
	a->why = db_column_dup(st, 4, arena, failed);
}

struct ey_error *db_forward_aside(struct db *db, unsigned int limit,
				  struct db_forward_aside_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(db, &st,
					"SELECT sequence, kind, object_id, time, why FROM "
					"forward_refused ORDER BY sequence DESC LIMIT ?1",
					db_int(limit));

	*ret = (struct db_forward_aside_list){0};
	return err ? err : db_list_read(st, db_forward_aside_read, 0, ret, NULL);
}

void db_forward_aside_list_deinit(struct db_forward_aside_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_forward_aside_list){0};
}

struct ey_error *db_forward_down(struct db *db, const char *why, int64_t now)
{
	return db_run(db,
		      "UPDATE forward_line SET down_since = CASE WHEN down_since > 0 THEN "
		      "down_since ELSE ?2 END, why = ?1 WHERE id = 1",
		      db_text(why), db_int(now));
}

struct ey_error *db_forward_packed(struct db *db, int64_t crash_id, const char *part,
				   void **data_ret, size_t *len_ret, size_t *size_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err = db_query(
		db, &st, "SELECT size, data FROM crash_parts WHERE crash_id = ?1 AND part = ?2",
		db_int(crash_id), db_text(part));

	*data_ret = NULL;
	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	*size_ret = (size_t)db_column_int(st, 0);
	const void *data = db_column_blob(st, 1, len_ret);
	*data_ret = malloc(*len_ret + 1);
	if (!*data_ret)
		return &ey_error_nomem;
	memcpy(*data_ret, data, *len_ret);
	return NULL;
}

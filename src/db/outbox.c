/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/outbox.h"

#include <inttypes.h>
#include <stdio.h>

#include "db/sql.h"

enum { RETRY_FIRST = 60, RETRY_MAX = 6 * 3600 };

struct ey_error *db_outbox_add(struct db *db, enum db_mail_kind kind, int64_t subject_id,
			       int64_t now, bool *added_ret)
{
	char key[64];
	int64_t id;

	snprintf(key, sizeof(key), "%s:%" PRId64, db_mail_kind_name(kind), subject_id);
	return db_scalar(db, &id, added_ret,
			 "INSERT INTO outbox (key, kind, subject_id, created, due) "
			 "VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (key) DO NOTHING RETURNING id",
			 db_text(key), db_text(db_mail_kind_name(kind)), db_int(subject_id),
			 db_int(now));
}

struct ey_error *db_outbox_has(struct db *db, enum db_mail_kind kind, int64_t subject_id, bool *ret)
{
	char key[64];
	int64_t id;

	snprintf(key, sizeof(key), "%s:%" PRId64, db_mail_kind_name(kind), subject_id);
	return db_scalar(db, &id, ret, "SELECT id FROM outbox WHERE key = ?1", db_text(key));
}

/* In a row that no Eyrie wrote. */
#define NO_KIND ((enum db_mail_kind) - 1)

static void read_mail(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_mail *m = item;

	m->id = db_column_int(st, 0);
	m->key = db_column_dup(st, 1, arena, failed);
	m->subject_id = db_column_int(st, 3);
	m->created = db_column_int(st, 4);
	m->attempts = db_column_int(st, 5);
	m->recipients = db_column_dup(st, 6, arena, failed);
	if (!db_mail_kind_parse(db_column_text(st, 2), &m->kind))
		m->kind = NO_KIND;
}

static struct ey_error *read_due(struct db *db, int64_t now, unsigned int limit,
				 struct db_mail_list *list)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(
		db, &st,
		"SELECT id, key, kind, subject_id, created, attempts, recipients FROM outbox "
		"WHERE sent = 0 AND given_up = 0 AND due <= ?1 ORDER BY due, id LIMIT ?2",
		db_int(now), db_int(limit));

	if (!err)
		err = db_list_read(st, read_mail, 0, list, NULL);
	for (size_t i = 0; !err && i < list->count; i++) {
		if (list->items[i].kind == NO_KIND)
			err = ey_error_create(EY_ERR_INPUT, "a queued mail is of no known kind");
	}
	return err;
}

struct ey_error *db_outbox_claim(struct db *db, int64_t now, int64_t lease, unsigned int limit,
				 struct db_mail_list *ret)
{
	_cleanup_mails_ struct db_mail_list list = {0};
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	*ret = (struct db_mail_list){0};
	if (!err)
		err = read_due(db, now, limit, &list);
	for (size_t i = 0; !err && i < list.count; i++)
		err = db_run(db,
			     "UPDATE outbox SET due = ?2, attempts = attempts + 1 WHERE id = ?1",
			     db_int(list.items[i].id), db_int(now + lease));
	if (!err)
		err = db_commit(&txn);
	if (err)
		return err;
	*ret = list;
	list = (struct db_mail_list){0};
	return NULL;
}

void db_mail_list_deinit(struct db_mail_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_mail_list){0};
}

struct ey_error *db_outbox_sent(struct db *db, int64_t id, int64_t now)
{
	return db_run(db, "UPDATE outbox SET sent = ?2, error = '' WHERE id = ?1", db_int(id),
		      db_int(now));
}

struct ey_error *db_outbox_failed(struct db *db, int64_t id, const char *why, bool final,
				  const char *recipients, int64_t now)
{
	int64_t attempts = 1, wait = RETRY_FIRST;
	struct ey_error *err = db_scalar(db, &attempts, NULL,
					 "SELECT attempts FROM outbox WHERE id = ?1", db_int(id));

	if (err)
		return err;
	for (int64_t i = 1; i < attempts && wait < RETRY_MAX; i++)
		wait *= 2;
	return db_run(db,
		      "UPDATE outbox SET error = ?2, due = ?3, given_up = ?4, "
		      "recipients = coalesce(?5, recipients) "
		      "WHERE id = ?1 AND sent = 0",
		      db_int(id), db_text(why ? why : ""), db_int(now + EY_MIN(wait, RETRY_MAX)),
		      db_int(final ? now : 0), db_text(recipients));
}

struct ey_error *db_outbox_counts(struct db *db, struct db_outbox_counts *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err = db_query_values(
		db, &st,
		"SELECT coalesce(sum(CASE WHEN sent = 0 AND given_up = 0 THEN 1 ELSE 0 END), 0), "
		"coalesce(sum(CASE WHEN sent > 0 THEN 1 ELSE 0 END), 0), "
		"coalesce(sum(CASE WHEN given_up > 0 THEN 1 ELSE 0 END), 0) FROM outbox",
		NULL, 0);

	*ret = (struct db_outbox_counts){0};
	if (!err)
		err = db_step(st, &row);
	if (!err && row)
		*ret = (struct db_outbox_counts){
			.waiting = db_column_int(st, 0),
			.sent = db_column_int(st, 1),
			.given_up = db_column_int(st, 2),
		};
	return err;
}

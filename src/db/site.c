/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/site.h"

#include "db/sql.h"

static void read_site(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_site *s = item;

	s->name = db_column_dup(st, 0, arena, failed);
	s->stream = db_column_dup(st, 1, arena, failed);
	s->position = db_column_int(st, 2);
	s->url = db_column_dup(st, 3, arena, failed);
	s->first_seen = db_column_int(st, 4);
	s->last_seen = db_column_int(st, 5);
	s->queue = db_column_int(st, 6);
	s->oldest = db_column_int(st, 7);
	s->records = db_column_int(st, 8);
	s->refused = db_column_int(st, 9);
}

struct ey_error *db_site_list(struct db *db, const char *name, struct db_site_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT name, stream, position, url, first_seen, last_seen, queue, "
			 "oldest, records, refused FROM sites WHERE CAST(?1 AS TEXT) IS NULL OR "
			 "name = ?1 ORDER BY name",
			 db_text(name));

	*ret = (struct db_site_list){0};
	return err ? err : db_list_read(st, read_site, 0, ret, NULL);
}

void db_site_list_deinit(struct db_site_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_site_list){0};
}

struct ey_error *db_site_set(struct db *db, const struct db_site *s)
{
	return db_run(
		db,
		"INSERT INTO sites (name, stream, position, url, first_seen, last_seen, queue, "
		"oldest, records, refused) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
		"ON CONFLICT (name) DO UPDATE SET stream = excluded.stream, position = "
		"excluded.position, url = excluded.url, last_seen = excluded.last_seen, queue = "
		"excluded.queue, oldest = excluded.oldest, records = excluded.records, refused = "
		"excluded.refused",
		db_text(s->name), db_text(s->stream), db_int(s->position), db_text(s->url),
		db_int(s->first_seen), db_int(s->last_seen), db_int(s->queue), db_int(s->oldest),
		db_int(s->records), db_int(s->refused));
}

struct ey_error *db_site_refused_add(struct db *db, const char *site, const char *stream,
				     const struct db_forward_aside *aside)
{
	return db_run(db,
		      "INSERT INTO site_refused (site, stream, sequence, kind, origin, time, why) "
		      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		      db_text(site), db_text(stream), db_int(aside->sequence), db_text(aside->kind),
		      db_int(aside->object_id), db_int(aside->time), db_text(aside->why));
}

struct ey_error *db_site_refused_after(struct db *db, const char *site, const char *stream,
				       int64_t after, unsigned int limit,
				       struct db_forward_aside_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT sequence, kind, origin, time, why FROM site_refused WHERE site = "
			 "?1 AND stream = ?2 AND sequence > ?3 ORDER BY sequence LIMIT ?4",
			 db_text(site), db_text(stream), db_int(after), db_int(limit));

	*ret = (struct db_forward_aside_list){0};
	return err ? err : db_list_read(st, db_forward_aside_read, 0, ret, NULL);
}

struct ey_error *db_site_refused_last(struct db *db, const char *site, unsigned int limit,
				      struct db_forward_aside_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT sequence, kind, origin, time, why FROM site_refused WHERE site = "
			 "?1 ORDER BY time DESC, sequence DESC LIMIT ?2",
			 db_text(site), db_int(limit));

	*ret = (struct db_forward_aside_list){0};
	return err ? err : db_list_read(st, db_forward_aside_read, 0, ret, NULL);
}

struct ey_error *db_site_dump_set(struct db *db, int64_t crash_id, const struct db_site_dump *dump)
{
	bool known = true;
	struct ey_error *err = NULL;

	if (!crash_id)
		err = db_scalar(db, &crash_id, &known,
				"SELECT crash_id FROM site_crashes WHERE site = ?1 AND origin = ?2",
				db_text(dump->site), db_int(dump->origin));
	if (!err && !known)
		err = ey_error_create(EY_ERR_NOT_FOUND, "crash %lld of site %s was never forwarded",
				      (long long)dump->origin, dump->site);
	if (err)
		return err;
	return db_run(db,
		      "INSERT INTO site_crashes (site, origin, crash_id, dump, dump_bytes, path, "
		      "purged) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (site, origin) DO "
		      "UPDATE SET crash_id = excluded.crash_id, dump = excluded.dump, dump_bytes "
		      "= excluded.dump_bytes, path = excluded.path, purged = excluded.purged",
		      db_text(dump->site), db_int(dump->origin), db_int(crash_id),
		      db_text(dump->state), db_int(dump->bytes), db_text(dump->path),
		      db_int(dump->purged));
}

static void read_dump(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_site_dump *d = item;

	d->site = db_column_dup(st, 0, arena, failed);
	d->url = db_column_dup(st, 1, arena, failed);
	d->origin = db_column_int(st, 2);
	d->state = db_column_dup(st, 3, arena, failed);
	d->bytes = db_column_int(st, 4);
	d->path = db_column_dup(st, 5, arena, failed);
	d->purged = db_column_int(st, 6);
}

struct ey_error *db_site_dumps(struct db *db, int64_t crash_id, struct db_site_dump_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT d.site, s.url, d.origin, d.dump, d.dump_bytes, d.path, d.purged "
			 "FROM site_crashes d JOIN sites s ON s.name = d.site "
			 "WHERE d.crash_id = ?1 ORDER BY d.site, d.origin",
			 db_int(crash_id));

	*ret = (struct db_site_dump_list){0};
	return err ? err : db_list_read(st, read_dump, 0, ret, NULL);
}

void db_site_dump_list_deinit(struct db_site_dump_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_site_dump_list){0};
}

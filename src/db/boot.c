/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/boot.h"

#include <sodium.h>

#include "db/exposure.h"
#include "db/identity.h"
#include "db/sql.h"

enum { HASH_BYTES = 20 };

static struct ey_error *add_configuration(struct db *db, const char *text, int64_t now,
					  int64_t *ret)
{
	unsigned char hash[HASH_BYTES];
	char hex[2 * HASH_BYTES + 1];
	bool found = false;

	*ret = 0;
	if (!text)
		return NULL;
	if (strlen(text) > DB_CONFIGURATION_MAX)
		return ey_error_create(EY_ERR_INPUT, "the inventory has more than %d bytes",
				       DB_CONFIGURATION_MAX);
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	struct ey_error *err = db_scalar(
		db, ret, &found, "SELECT id FROM configurations WHERE hash = ?1", db_text(hex));
	if (err || found)
		return err;
	return db_scalar(db, ret, NULL,
			 "INSERT INTO configurations (hash, data, first_seen) "
			 "VALUES (?1, ?2, ?3) RETURNING id",
			 db_text(hex), db_text(text), db_int(now));
}

// What this database knew of the host before.
struct known {
	enum db_life life;
	int64_t last_beat;
	bool is_new;
};

static struct ey_error *read_known(struct db *db, int64_t host_id, struct known *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err =
		db_query(db, &st, "SELECT life, last_beat, crashes FROM hosts WHERE id = ?1",
			 db_int(host_id));

	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	ret->last_beat = db_column_int(st, 1);
	ret->is_new = !ret->last_beat && !db_column_int(st, 2);
	return db_life_parse(db_column_text(st, 0), &ret->life);
}

static struct ey_error *add_boot(struct db *db, const struct db_heartbeat *beat,
				 const struct db_host_match *host, int64_t started, int64_t now,
				 struct db_heartbeat_result *ret)
{
	bool found = false;
	struct ey_error *err =
		db_scalar(db, &ret->boot_id, &found,
			  "SELECT id FROM boots WHERE host_id = ?1 AND boot_uuid = ?2",
			  db_int(host->host_id), db_text(host->boot_uuid));

	ret->new_boot = !found;
	if (err)
		return err;
	if (!found)
		return db_scalar(
			db, &ret->boot_id, NULL,
			"INSERT INTO boots (host_id, boot_uuid, started, last_seen, kernel, "
			"firmware, model_id, image) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
			"RETURNING id",
			db_int(host->host_id), db_text(host->boot_uuid), db_int(started),
			db_int(now), db_text(beat->kernel), db_text(beat->firmware),
			db_id(host->model_id), db_text(beat->image));
	// What stands there may be from a dump of this boot, which wins.
	return db_run(db,
		      "UPDATE boots SET started = coalesce(started, ?2), "
		      "last_seen = CASE WHEN last_seen > ?3 THEN last_seen ELSE ?3 END, "
		      "kernel = coalesce(kernel, ?4), firmware = coalesce(firmware, ?5), "
		      "model_id = coalesce(model_id, ?6), image = coalesce(image, ?7) "
		      "WHERE id = ?1",
		      db_int(ret->boot_id), db_int(started), db_int(now), db_text(beat->kernel),
		      db_text(beat->firmware), db_id(host->model_id), db_text(beat->image));
}

// Exposure begins with the first heartbeat: of the time before, only a host that lives can tell,
// and a crash in it would not have been counted.
static struct ey_error *count_time(struct db *db, int64_t boot_id, const struct known *known,
				   int64_t started, int64_t now)
{
	int64_t from = known->last_beat ? EY_MAX(started, known->last_beat) : now;
	struct ey_error *err = db_run(db,
				      "UPDATE boots SET counted_from = ?2, counted_until = ?2 "
				      "WHERE id = ?1 AND counted_from = 0",
				      db_int(boot_id), db_int(EY_MIN(from, now)));

	return err ? err : db_exposure_extend(db, boot_id, now);
}

static struct ey_error *note_clones(struct db *db, int64_t host_id, int64_t now)
{
	// Of the install ids that this host has now: those that were last seen elsewhere after
	// this host had begun to use them.
	return db_run(
		db,
		"INSERT INTO clones (machine_id, found, last_seen) SELECT a.value, CAST(?2 AS "
		"BIGINT), CAST(?2 AS BIGINT) FROM host_aliases a WHERE a.host_id = ?1 AND "
		"a.kind = 'machine' AND a.last_seen = ?2 AND EXISTS (SELECT 1 FROM host_aliases b "
		"WHERE b.kind = 'machine' AND b.value = a.value AND b.host_id <> a.host_id AND "
		"b.last_seen >= a.first_seen AND b.first_seen <= a.last_seen) "
		"ON CONFLICT (machine_id) DO UPDATE SET last_seen = excluded.last_seen",
		db_int(host_id), db_int(now));
}

struct ey_error *db_heartbeat(struct db *db, const struct db_heartbeat *beat, int64_t now,
			      struct db_heartbeat_result *ret)
{
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_host_match_ struct db_host_match host = {0};
	struct db_intake in = {
		.heartbeat = true,
		.site = beat->site,
		.folder = beat->folder,
		.hostname = beat->hostname,
		.machine_id = beat->machine_id,
		.boot_uuid = beat->boot_uuid,
		.dmi_uuid = beat->dmi_uuid,
		.dmi_serial = beat->dmi_serial,
		.vendor = beat->vendor,
		.product = beat->product,
		.firmware = beat->firmware,
		.kernel = beat->kernel,
		.time = now,
	};
	struct known known = {0};
	int64_t configuration = 0, started = now - beat->uptime;
	bool changed;

	*ret = (struct db_heartbeat_result){0};
	struct ey_error *err = db_begin(db, &txn);
	if (!err)
		err = db_identity_match(db, &in, &host);
	if (!err && !host.boot_uuid)
		err = ey_error_create(EY_ERR_INPUT, "the heartbeat has no boot id");
	if (!err)
		err = read_known(db, host.host_id, &known);
	if (!err)
		err = add_boot(db, beat, &host, started, now, ret);
	if (!err)
		err = add_configuration(db, beat->configuration, now, &configuration);
	if (!err && configuration)
		err = db_run(db,
			     "UPDATE boots SET configuration_id = ?2 WHERE id = ?1 AND "
			     "coalesce(configuration_id, 0) <> ?2",
			     db_int(ret->boot_id), db_int(configuration));
	if (!err)
		err = count_time(db, ret->boot_id, &known, started, now);
	if (!err)
		err = db_labels_set(db, host.host_id, DB_LABEL_HOST, beat->labels,
				    beat->label_count, &changed);
	if (!err)
		err = db_run(db,
			     "UPDATE hosts SET last_beat = CASE WHEN last_beat > ?2 THEN last_beat "
			     "ELSE ?2 END, image = coalesce(?3, image) WHERE id = ?1",
			     db_int(host.host_id), db_int(now), db_text(beat->image));
	if (!err)
		err = note_clones(db, host.host_id, now);
	ret->host_id = host.host_id;
	ret->life = known.life;
	ret->new_host = known.is_new;
	return err ? err : db_commit(&txn);
}

struct ey_error *db_boot_find(struct db *db, int64_t host_id, int64_t started, int64_t crashed,
			      int64_t *ret)
{
	*ret = 0;
	return db_scalar(db, ret, NULL,
			 "SELECT b.id FROM boots b WHERE b.host_id = ?1 AND b.started >= ?2 AND "
			 "b.started <= ?3 AND b.last_seen <= ?4 AND NOT EXISTS (SELECT 1 FROM "
			 "crashes c WHERE c.boot_id = b.id) ORDER BY abs(b.started - ?5), b.id "
			 "LIMIT 1",
			 db_int(host_id), db_int(started - DB_SAME_BOOT),
			 db_int(started + DB_SAME_BOOT), db_int(crashed + DB_SAME_BOOT),
			 db_int(started));
}

struct ey_error *db_boot_crashed(struct db *db, int64_t boot_id, int64_t crash_id, int64_t time)
{
	struct ey_error *err =
		db_run_later(db,
			     "UPDATE crashes SET kernel = coalesce(crashes.kernel, b.kernel), "
			     "firmware = coalesce(crashes.firmware, b.firmware), "
			     "model_id = coalesce(crashes.model_id, b.model_id) FROM boots b "
			     "WHERE crashes.id = ?1 AND b.id = ?2 AND (crashes.kernel IS NULL OR "
			     "crashes.firmware IS NULL OR crashes.model_id IS NULL)",
			     db_int(crash_id), db_int(boot_id));

	return err ? err : db_exposure_extend(db, boot_id, time);
}

struct ey_error *db_boot_configuration(struct db *db, int64_t boot_id, struct db_arena *arena,
				       const char **ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false, failed = false;
	struct ey_error *err = db_query(db, &st,
					"SELECT c.data FROM boots b JOIN configurations c ON "
					"c.id = b.configuration_id WHERE b.id = ?1",
					db_int(boot_id));

	*ret = "";
	if (!err)
		err = db_step(st, &row);
	if (!err && row)
		*ret = db_column_dup(st, 0, arena, &failed);
	return err || !failed ? err : &ey_error_nomem;
}

static void read_twin(struct db_statement *st, struct db_arena *arena, void *item, bool *failed)
{
	struct db_twin *t = item;

	t->host_id = db_column_int(st, 0);
	t->hostname = db_column_dup(st, 1, arena, failed);
	t->site = db_column_dup(st, 2, arena, failed);
	t->machine_id = db_column_dup(st, 3, arena, failed);
	t->first_seen = db_column_int(st, 4);
	t->last_seen = db_column_int(st, 5);
	t->at_once = db_column_int(st, 6);
}

struct ey_error *db_host_twins(struct db *db, int64_t host_id, struct db_twin_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err = db_query(
		db, &st,
		"SELECT h.id, h.hostname, h.site, b.value, b.first_seen, b.last_seen, CASE WHEN "
		"b.last_seen >= a.first_seen AND b.first_seen <= a.last_seen THEN 1 ELSE 0 END "
		// CROSS: SQLite begins at the first.
		"FROM host_aliases a CROSS JOIN host_aliases b JOIN hosts h ON h.id = b.host_id "
		"WHERE a.host_id = ?1 AND a.kind = 'machine' AND b.kind = 'machine' AND "
		"b.value = a.value AND b.host_id <> a.host_id UNION ALL "
		"SELECT 0, '', '', a.value, a.first_seen, a.last_seen, 0 FROM host_aliases a "
		"WHERE a.host_id = ?1 AND a.kind = 'machine' AND (SELECT count(*) FROM "
		"host_aliases o WHERE o.host_id = ?1 AND o.kind = 'machine') > 1 "
		"ORDER BY 6 DESC, 1 LIMIT 200",
		db_int(host_id));

	*ret = (struct db_twin_list){0};
	return err ? err : db_list_read(st, read_twin, 0, ret, NULL);
}

struct ey_error *db_clones(struct db *db, struct db_twin_list *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT h.id, h.hostname, h.site, a.value, a.first_seen, a.last_seen, 1 "
			 "FROM clones c CROSS JOIN host_aliases a JOIN hosts h ON h.id = a.host_id "
			 "WHERE a.kind = 'machine' AND a.value = c.machine_id "
			 "ORDER BY c.last_seen DESC, c.machine_id, h.id LIMIT ?1",
			 db_int(DB_PAGE_MAX));

	*ret = (struct db_twin_list){0};
	return err ? err : db_list_read(st, read_twin, 0, ret, NULL);
}

void db_twin_list_deinit(struct db_twin_list *list)
{
	db_arena_deinit(&list->arena);
	*list = (struct db_twin_list){0};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/intake.h"

#include "db/boot.h"
#include "db/dump.h"
#include "db/event.h"
#include "db/forward.h"
#include "db/identity.h"
#include "db/issue.h"
#include "db/part.h"
#include "db/reason.h"
#include "db/reason_rules.h"
#include "db/sql.h"

/* How far apart two sources may put the same crash, seconds. */
enum {
	SAME_CRASH = 120,
	/** Both read it from a dump of the same memory; rounding only. */
	SAME_CRASH_DUMPS = 2,
};

static struct ey_error *find_by_boot(struct db *db, int64_t host_id, const char *boot_uuid,
				     int64_t *crash_ret)
{
	if (!boot_uuid)
		return NULL;
	return db_scalar(db, crash_ret, NULL,
			 "SELECT c.id FROM boots b JOIN crashes c ON c.boot_id = b.id "
			 "WHERE b.host_id = ?1 AND b.boot_uuid = ?2 ORDER BY c.id LIMIT 1",
			 db_int(host_id), db_text(boot_uuid));
}

// The same machine, exact key and times; two known boot ids that differ are two crashes.
static struct ey_error *find_by_time(struct db *db, int64_t host_id, const char *boot_uuid,
				     const struct db_intake *in, int64_t *crash_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = true;
	struct ey_error *err = db_query(
		db, &st,
		"SELECT c.id, c.time, c.uptime, c.from_dump FROM crashes c "
		"JOIN boots b ON b.id = c.boot_id WHERE c.host_id = ?1 AND c.time >= ?2 AND "
		"c.time <= ?3 AND coalesce(c.signature, '') = ?4 AND "
		"(b.boot_uuid IS NULL OR CAST(?5 AS TEXT) IS NULL) ORDER BY c.time, c.id",
		db_int(host_id), db_int(in->time - SAME_CRASH), db_int(in->time + SAME_CRASH),
		db_text(in->signature ? in->signature : ""), db_text(boot_uuid));

	while (!err && !(err = db_step(st, &row)) && row) {
		int64_t time = db_column_int(st, 1), uptime = db_column_int(st, 2);
		bool dumps = in->from_dump && db_column_int(st, 3);
		int64_t tolerance = dumps ? SAME_CRASH_DUMPS : SAME_CRASH;
		int64_t booted = time - uptime, in_booted = in->time - in->uptime;

		if (llabs(time - in->time) > tolerance)
			continue;
		if (uptime >= 0 && in->uptime >= 0 && llabs(booted - in_booted) > tolerance)
			continue;
		*crash_ret = db_column_int(st, 0);
		break;
	}
	return err;
}

static struct ey_error *add_folder(struct db *db, const struct db_intake *in, int64_t crash_id)
{
	bool kept = in->dump == DB_DUMP_KEPT;
	struct ey_error *err =
		db_run_later(db,
			     "INSERT INTO folders (path, crash_id, time, has_dump, dump_bytes) "
			     "VALUES (?1, ?2, ?3, ?4, ?5)",
			     db_text(in->path), db_int(crash_id), db_int(in->filed), db_int(kept),
			     db_int(kept ? in->dump_bytes : 0));

	return err ? err
		   : db_run_later(db, "DELETE FROM rejects WHERE path = ?1", db_text(in->path));
}

static struct ey_error *add_parts(struct db *db, const struct db_intake *in, int64_t crash_id)
{
	struct ey_error *err = NULL;

	for (unsigned int i = 0; !err && i < EY_ARRAY_SIZE(in->parts); i++) {
		if (in->parts[i].data)
			err = db_part_add(db, crash_id, (enum db_part)i, &in->parts[i]);
	}
	return err;
}

// Another copy of a crash that is there: what it knows more is added, nothing is counted.
static struct ey_error *join_crash(struct db *db, const struct db_intake *in, int64_t crash_id,
				   const char *boot_uuid)
{
	struct ey_error *err = add_folder(db, in, crash_id);

	if (!err)
		err = add_parts(db, in, crash_id);
	if (!err && boot_uuid)
		err = db_run_later(db,
				   "UPDATE boots SET boot_uuid = ?2 WHERE boot_uuid IS NULL AND "
				   "id = (SELECT c.boot_id FROM crashes c WHERE c.id = ?1)",
				   db_int(crash_id), db_text(boot_uuid));
	if (!err && in->dump == DB_DUMP_KEPT)
		err = db_dump_arrived(db, &(struct db_dump_arrival){
						  .crash_id = crash_id,
						  .path = in->path,
						  .bytes = in->dump_bytes,
						  .format = in->dump_format,
						  .complete = in->dump_complete,
						  .time = in->filed,
					  });
	return err;
}

static struct ey_error *add_boot(struct db *db, const struct db_intake *in,
				 const struct db_host_match *host, int64_t *ret)
{
	int64_t started = in->time - in->uptime;
	struct ey_error *err = NULL;

	*ret = 0;
	// It is there for the crash, which finds it by its key without waiting for its id.
	if (host->created && host->boot_uuid)
		return db_run_later(
			db,
			"INSERT INTO boots (host_id, boot_uuid, started, last_seen, kernel, "
			"firmware, model_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			db_int(host->host_id), db_text(host->boot_uuid),
			in->uptime >= 0 ? db_int(started) : db_null(), db_int(in->time),
			db_text(in->kernel), db_text(in->firmware), db_id(host->model_id));
	// A dump that does not hold its boot id is of the boot that heartbeats told of.
	if (!host->boot_uuid && in->uptime >= 0)
		err = db_boot_find(db, host->host_id, started, in->time, ret);
	if (err)
		return err;
	if (*ret)
		return db_run_later(
			db,
			"UPDATE boots SET last_seen = CASE WHEN last_seen > ?2 THEN last_seen "
			"ELSE ?2 END, kernel = coalesce(?3, kernel), firmware = "
			"coalesce(?4, firmware), model_id = coalesce(?5, model_id) "
			"WHERE id = ?1",
			db_int(*ret), db_int(in->time), db_text(in->kernel), db_text(in->firmware),
			db_id(host->model_id));
	return db_scalar(
		db, ret, NULL,
		"INSERT INTO boots (host_id, boot_uuid, started, last_seen, kernel, firmware, "
		"model_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
		"ON CONFLICT (host_id, boot_uuid) DO UPDATE SET last_seen = CASE WHEN "
		"boots.last_seen > excluded.last_seen THEN boots.last_seen ELSE "
		"excluded.last_seen END, kernel = coalesce(excluded.kernel, boots.kernel), "
		"firmware = coalesce(excluded.firmware, boots.firmware), "
		"model_id = coalesce(excluded.model_id, boots.model_id) RETURNING id",
		db_int(host->host_id), db_text(host->boot_uuid),
		in->uptime >= 0 ? db_int(started) : db_null(), db_int(in->time),
		db_text(in->kernel), db_text(in->firmware), db_id(host->model_id));
}

// @p home_ret is the reason of the key itself, from which people may have led the crash to @p
// id_ret.
static struct ey_error *add_reason(struct db *db, const struct db_intake *in, int64_t now,
				   int64_t *home_ret, int64_t *id_ret, bool *new_ret)
{
	const struct db_reason_facts facts = {in->signature, in->guilty, in->kernel};
	bool known = false;
	// Asked first: an insert that meets the same key would use up an id.
	struct ey_error *err = db_reason_find(db, in->reason, &facts, home_ret, id_ret, &known);

	*new_ret = !known;
	if (err || known)
		return err;
	err = db_scalar(
		db, id_ret, NULL,
		"INSERT INTO reasons (key, kind, guilty, title, first_seen, last_seen, received) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6) RETURNING id",
		db_text(in->reason), db_text(in->kind), db_text(in->guilty ? in->guilty : ""),
		db_text(in->title), db_int(in->time), db_int(now));
	if (err)
		return err;
	*home_ret = *id_ret;
	return db_issue_apply_rules(db, *id_ret, in->kind, in->guilty, in->module, now);
}

static struct ey_error *add_signature(struct db *db, const struct db_intake *in, int64_t reason_id)
{
	if (!in->signature)
		return NULL;
	return db_run_later(
		db,
		"INSERT INTO signatures (reason_id, signature, first_seen, last_seen, crashes) "
		"VALUES (?1, ?2, ?3, ?3, 1) ON CONFLICT (reason_id, signature) DO UPDATE SET "
		"crashes = signatures.crashes + 1, "
		"first_seen = CASE WHEN signatures.first_seen < ?3 THEN signatures.first_seen "
		"ELSE ?3 END, last_seen = CASE WHEN signatures.last_seen > ?3 "
		"THEN signatures.last_seen ELSE ?3 END",
		db_int(reason_id), db_text(in->signature), db_int(in->time));
}

// 1 with the first crash of the reason ?1 on the host ?2, which is counted there already.
#define FIRST_ON_HOST                                                                    \
	"(SELECT CASE WHEN rh.crashes = 1 THEN 1 ELSE 0 END FROM reason_hosts rh WHERE " \
	"rh.reason_id = ?1 AND rh.host_id = ?2)"

// One more crash of the reason on the host, in every counter.
static struct ey_error *count_crash(struct db *db, const struct db_intake *in, int64_t crash_id,
				    int64_t reason_id, const struct db_host_match *host)
{
	struct ey_error *err = db_run_later(
		db,
		"INSERT INTO reason_hosts (reason_id, host_id, crashes, last_seen) "
		"VALUES (?1, ?2, 1, ?3) ON CONFLICT (reason_id, host_id) DO UPDATE SET "
		"crashes = reason_hosts.crashes + 1, last_seen = CASE WHEN "
		"reason_hosts.last_seen > ?3 THEN reason_hosts.last_seen ELSE ?3 END",
		db_int(reason_id), db_int(host->host_id), db_int(in->time));

	if (!err)
		err = db_run_later(
			db,
			"INSERT INTO reason_dumps (reason_id, kernel, model_id, crashes, dumps) "
			"VALUES (?1, ?2, ?3, 1, ?4) ON CONFLICT (reason_id, kernel, model_id) "
			"DO UPDATE SET crashes = reason_dumps.crashes + 1, "
			"dumps = reason_dumps.dumps + excluded.dumps",
			db_int(reason_id), db_text(in->kernel ? in->kernel : ""),
			db_int(host->model_id), db_int(in->dump == DB_DUMP_KEPT));
	if (!err)
		err = db_run_later(
			db,
			"UPDATE reasons SET crashes = crashes + 1, hosts = hosts + " FIRST_ON_HOST
			", dumps = dumps + ?3, first_crash_id = coalesce(first_crash_id, ?5), "
			"first_seen = CASE WHEN crashes > 0 AND first_seen < ?4 THEN "
			"first_seen ELSE ?4 END, last_seen = CASE WHEN crashes > 0 AND "
			"last_seen > ?4 THEN last_seen ELSE ?4 END "
			"WHERE id = ?1",
			db_int(reason_id), db_int(host->host_id), db_int(in->dump == DB_DUMP_KEPT),
			db_int(in->time), db_int(crash_id));
	// One that this crash made came with it counted.
	if (!err && !host->created)
		err = db_run_later(db,
				   "UPDATE hosts SET crashes = crashes + 1, reasons = reasons "
				   "+ " FIRST_ON_HOST " WHERE id = ?2",
				   db_int(reason_id), db_int(host->host_id));
	return err;
}

static struct ey_error *add_crash(struct db *db, const struct db_intake *in,
				  const struct db_host_match *host, int64_t now,
				  struct db_intake_result *ret)
{
	int64_t boot_id = 0, home_id = 0;
	bool is_new = false;
	struct ey_error *err = add_boot(db, in, host, &boot_id);

	if (!err)
		err = add_reason(db, in, now, &home_id, &ret->reason_id, &is_new);
	if (!err)
		err = add_signature(db, in, ret->reason_id);
	if (!err)
		err = db_scalar(
			db, &ret->crash_id, NULL,
			"INSERT INTO crashes (host_id, boot_id, reason_id, signature_id, model_id, "
			"time, received, uptime, from_dump, is_new, site, firmware, kernel, "
			"kernel_version, machine, kind, title, function, module, guilty, "
			"signature, comm, taint, cpu, pid, corrupted, engine, gaps, path, dump, "
			"dump_bytes, dump_format, dump_complete, home_id, record_schema) VALUES "
			"(?1, coalesce(CAST(?2 AS BIGINT), (SELECT b.id FROM boots b WHERE "
			"b.host_id = ?1 AND b.boot_uuid = ?4)), ?3, (SELECT s.id FROM signatures s "
			"WHERE s.reason_id = ?3 AND s.signature = ?21), ?5, ?6, "
			"?7, ?8, ?9, ?10, ?11, ?12, "
			"?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, "
			"?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35) RETURNING id",
			db_int(host->host_id), db_id(boot_id), db_int(ret->reason_id),
			db_text(host->boot_uuid), db_id(host->model_id), db_int(in->time),
			db_int(now), db_int(in->uptime), db_int(in->from_dump), db_int(is_new),
			db_text(in->site), db_text(in->firmware), db_text(in->kernel),
			db_text(in->kernel_version), db_text(in->machine), db_text(in->kind),
			db_text(in->title), db_text(in->function), db_text(in->module),
			db_text(in->guilty), db_text(in->signature), db_text(in->comm),
			db_text(in->taint), db_int(in->cpu), db_int(in->pid), db_int(in->corrupted),
			db_text(in->engine), db_int(in->gaps), db_text(in->path),
			db_text(db_dump_name(in->dump)), db_int(in->dump_bytes),
			db_text(in->dump_format), db_int(in->dump_complete),
			db_id(home_id == ret->reason_id ? 0 : home_id), db_text(in->schema));
	// A boot that came with the crash knows no more than it, and no heartbeat counted its time.
	if (!err && !host->created)
		err = db_boot_crashed(db, boot_id, ret->crash_id, in->time);
	if (!err)
		err = count_crash(db, in, ret->crash_id, ret->reason_id, host);
	if (!err)
		err = add_folder(db, in, ret->crash_id);
	if (!err)
		err = add_parts(db, in, ret->crash_id);
	if (!err)
		err = db_event_add(db, DB_EVENT_CRASH, ret->crash_id, in->title);
	if (!err)
		err = db_forward_note(db, DB_FORWARD_CRASH, ret->crash_id, now, NULL, 0);
	if (!err && is_new)
		err = db_event_add(db, DB_EVENT_REASON, ret->reason_id, in->title);
	ret->verdict = is_new ? DB_INTAKE_NEW : DB_INTAKE_KNOWN;
	return err;
}

static struct ey_error *fill_result(struct db *db, struct db_intake_result *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	struct ey_error *err =
		db_query(db, &st,
			 "SELECT c.host_id, r.id, r.crashes, r.hosts, r.dumps, r.state, "
			 "r.issue_id, c.dump = 'kept' FROM crashes c "
			 "JOIN reasons r ON r.id = c.reason_id WHERE c.id = ?1",
			 db_int(ret->crash_id));

	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	ret->host_id = db_column_int(st, 0);
	ret->reason_id = db_column_int(st, 1);
	ret->reason_crashes = db_column_int(st, 2);
	ret->reason_hosts = db_column_int(st, 3);
	ret->reason_dumps = db_column_int(st, 4);
	db_reason_state_parse(db_column_text(st, 5), &ret->reason_state);
	ret->issue_id = db_column_int(st, 6);
	ret->has_dump = db_column_int(st, 7);
	return NULL;
}

static struct ey_error *cut(const char **text, struct db_arena *arena)
{
	size_t len = *text ? strlen(*text) : 0;

	if (len <= DB_INDEXED_TEXT_MAX)
		return NULL;
	// Not within a character.
	for (len = DB_INDEXED_TEXT_MAX; len && ((unsigned char)(*text)[len] & 0xc0) == 0x80;)
		len--;
	char *copy = db_arena_alloc(arena, len + 1);
	if (!copy)
		return &ey_error_nomem;
	memcpy(copy, *text, len);
	copy[len] = '\0';
	*text = copy;
	return NULL;
}

// "~" marks the parts of a reason that people have split: no host may name one.
static struct ey_error *name_no_part(const char **key, struct db_arena *arena)
{
	if (!strchr(*key, '~'))
		return NULL;
	char *copy = (char *)db_arena_strdup(arena, *key);
	if (!copy)
		return &ey_error_nomem;
	for (char *s = copy; (s = strchr(s, '~'));)
		*s = '-';
	*key = copy;
	return NULL;
}

// A host may say anything: what no index takes is cut, not refused. The record keeps the whole.
static struct ey_error *cut_texts(struct db_intake *in, struct db_arena *arena)
{
	const char **const texts[] = {
		&in->hostname, &in->machine_id, &in->boot_uuid, &in->dmi_uuid, &in->dmi_serial,
		&in->vendor,   &in->product,	&in->firmware,	&in->kernel,   &in->reason,
		&in->kind,     &in->function,	&in->module,	&in->guilty,   &in->signature,
	};
	struct ey_error *err = NULL;

	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(texts); i++)
		err = cut(texts[i], arena);
	return err ? err : name_no_part(&in->reason, arena);
}

struct ey_error *db_intake(struct db *db, const struct db_intake *given, int64_t now,
			   struct db_intake_result *ret)
{
	_cleanup_(db_arena_deinit) struct db_arena arena = {0};
	struct db_intake in_limits = *given;
	const struct db_intake *in = &in_limits;
	_cleanup_txn_ struct db_txn txn = {0};
	_cleanup_host_match_ struct db_host_match host = {0};
	int64_t crash_id = 0, parts = 0, parts_now = 0;
	bool taken = false;

	*ret = (struct db_intake_result){.verdict = DB_INTAKE_DOUBLE};
	struct ey_error *err = cut_texts(&in_limits, &arena);
	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = db_scalar(db, &crash_id, &taken,
				"SELECT crash_id FROM folders WHERE path = ?1", db_text(in->path));
	if (!err && !taken)
		err = db_identity_match(db, in, &host);
	// A host that was not there has no crash that this could be.
	if (!err && !taken && !host.created)
		err = find_by_boot(db, host.host_id, host.boot_uuid, &crash_id);
	if (!err && !crash_id && !host.created)
		err = find_by_time(db, host.host_id, host.boot_uuid, in, &crash_id);
	if (err)
		return err;
	if (!crash_id) {
		err = add_crash(db, in, &host, now, ret);
	} else {
		ret->crash_id = crash_id;
		// Sent again it may bring what was missing.
		err = db_forward_parts(db, crash_id, &parts);
		if (!err)
			err = taken ? add_parts(db, in, crash_id)
				    : join_crash(db, in, crash_id, host.boot_uuid);
		if (!err)
			err = db_forward_parts(db, crash_id, &parts_now);
		if (!err && parts_now > parts)
			err = db_forward_note(db, DB_FORWARD_CRASH, crash_id, now, NULL, 0);
	}
	if (!err)
		err = fill_result(db, ret);
	return err ? err : db_commit(&txn);
}

struct ey_error *db_intake_many(struct db *db, const struct db_intake *const *in, size_t count,
				int64_t now, struct db_intake_result *results)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	for (size_t i = 0; !err && i < count; i++)
		err = db_intake(db, in[i], now, &results[i]);
	return err ? err : db_commit(&txn);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/identity.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/sql.h"

enum { ID_DIGITS = 32 };

void db_host_match_deinit(struct db_host_match *match)
{
	free(match->boot_uuid);
	match->boot_uuid = NULL;
}

struct ey_error *db_identity_normalize(const char *id, char **ret)
{
	// What firmware holds when nobody wrote a UUID into it.
	static const char *const junk[] = {
		"00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff",
		"03000200040005000006000700080009", "00020003000400050006000700080009",
		"12345678123456781234567890abcdef",
	};
	char digits[ID_DIGITS + 1];
	size_t n = 0;

	*ret = NULL;
	for (const char *p = id ? id : ""; *p; p++) {
		if (*p == '-')
			continue;
		if (!isxdigit((unsigned char)*p) || n == ID_DIGITS)
			return NULL;
		digits[n++] = (char)tolower((unsigned char)*p);
	}
	if (n != ID_DIGITS)
		return NULL;
	digits[n] = '\0';
	for (size_t i = 0; i < EY_ARRAY_SIZE(junk); i++) {
		if (!strcmp(digits, junk[i]))
			return NULL;
	}
	*ret = strdup(digits);
	return *ret ? NULL : &ey_error_nomem;
}

static struct ey_error *add_model(struct db *db, const struct db_intake *in, int64_t *ret)
{
	const char *vendor = in->vendor ? in->vendor : "",
		   *product = in->product ? in->product : "";

	if (*ret || (!*vendor && !*product))
		return NULL;
	return db_scalar(db, ret, NULL,
			 "INSERT INTO models (vendor, product) VALUES (?1, ?2) RETURNING id",
			 db_text(vendor), db_text(product));
}

// "UUID/SERIAL" of the hardware; NULL without a usable UUID.
static struct ey_error *hardware_id(const struct db_intake *in, char **ret)
{
	_cleanup_free_ char *uuid = NULL;
	struct ey_error *err = db_identity_normalize(in->dmi_uuid, &uuid);

	*ret = NULL;
	if (err || !uuid)
		return err;
	if (asprintf(ret, "%s/%s", uuid, in->dmi_serial && *in->dmi_serial ? in->dmi_serial : "-") <
	    0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

struct ids {
	char *install;
	char *hardware;
};

static void ids_deinit(struct ids *ids)
{
	free(ids->install);
	free(ids->hardware);
}

// A host that is known under another hardware id is another machine, whatever else agrees.
#define NOT_OTHER_HARDWARE                                                                    \
	"(CAST(?3 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM host_aliases o WHERE "        \
	"o.host_id = h.id AND o.kind = 'dmi') OR EXISTS (SELECT 1 FROM host_aliases o WHERE " \
	"o.host_id = h.id AND o.kind = 'dmi' AND o.value = ?3))"

// The host by its hardware id, else by its install id, else by its folder; and its model. One
// question, as each is a wait.
static struct ey_error *find_host(struct db *db, const struct db_intake *in, const struct ids *ids,
				  struct db_host_match *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	// Without a hardware id, an install id alone does not tell a clone from a machine that was
	// renamed: its name or folder must agree. The same one first.
	struct ey_error *err = db_query(
		db, &st,
		"SELECT (SELECT m.id FROM models m WHERE m.vendor = ?6 AND m.product = ?7), "
		"coalesce((SELECT h.id FROM host_aliases a JOIN hosts h ON h.id = a.host_id "
		"WHERE a.kind = 'dmi' AND a.value = ?3 ORDER BY a.last_seen DESC, h.id LIMIT 1), "
		"(SELECT h.id FROM host_aliases a JOIN hosts h ON h.id = a.host_id "
		"WHERE a.kind = 'machine' AND a.value = ?4 AND " NOT_OTHER_HARDWARE " AND "
		"((h.site = ?1 AND h.folder = ?2) OR h.hostname = ?5) "
		"ORDER BY CASE WHEN h.site = ?1 AND h.folder = ?2 THEN 0 ELSE 1 END, "
		"a.last_seen DESC, h.id LIMIT 1), "
		"(SELECT h.id FROM hosts h WHERE h.site = ?1 AND h.folder = ?2 "
		"AND " NOT_OTHER_HARDWARE " ORDER BY h.last_seen DESC, h.id LIMIT 1))",
		db_text(in->site), db_text(in->folder), db_text(ids->hardware),
		db_text(ids->install), db_text(in->hostname), db_text(in->vendor ? in->vendor : ""),
		db_text(in->product ? in->product : ""));

	if (!err)
		err = db_step(st, &row);
	if (err || !row)
		return err;
	ret->model_id = db_column_int(st, 0);
	ret->host_id = db_column_int(st, 1);
	return NULL;
}

static struct ey_error *note_alias(struct db *db, int64_t host_id, const char *kind,
				   const char *value, int64_t time)
{
	if (!value)
		return NULL;
	return db_run_later(
		db,
		"INSERT INTO host_aliases (kind, value, host_id, first_seen, last_seen) "
		"VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (kind, value, host_id) DO UPDATE SET "
		"last_seen = CASE WHEN host_aliases.last_seen > ?4 THEN "
		"host_aliases.last_seen ELSE ?4 END",
		db_text(kind), db_text(value), db_int(host_id), db_int(time));
}

// As update_host() would leave it, which then need not write its many indexes again. A host that a
// crash made is counted with it: the first crash, and the first of its reason.
static struct ey_error *add_host(struct db *db, const struct db_intake *in, const struct ids *ids,
				 struct db_host_match *match)
{
	int64_t crashes = !in->heartbeat;

	match->created = true;
	return db_scalar(db, &match->host_id, NULL,
			 "INSERT INTO hosts (site, folder, hostname, machine_id, dmi_uuid, "
			 "dmi_serial, model_id, firmware, kernel, told, first_seen, last_seen, "
			 "crashes, reasons) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
			 "?11, ?12, ?12) RETURNING id",
			 db_text(in->site), db_text(in->folder),
			 db_text(in->hostname ? in->hostname : in->folder), db_text(ids->install),
			 db_text(in->dmi_uuid), db_text(in->dmi_serial), db_id(match->model_id),
			 db_text(in->firmware), db_text(in->kernel), db_int(in->time),
			 db_int(crashes ? in->time : 0), db_int(crashes));
}

// What was said last wins; an older crash that comes late only fills in what was unknown.
static struct ey_error *update_host(struct db *db, const struct db_intake *in,
				    const struct ids *ids, const struct db_host_match *match)
{
	return db_run_later(db,
			    "UPDATE hosts SET "
			    "hostname = CASE WHEN told <= ?2 THEN coalesce(?3, hostname) ELSE "
			    "hostname END, "
			    "site = CASE WHEN told <= ?2 THEN ?4 ELSE site END, "
			    "folder = CASE WHEN told <= ?2 THEN ?5 ELSE folder END, "
			    "machine_id = CASE WHEN told <= ?2 THEN coalesce(?6, machine_id) "
			    "ELSE coalesce(machine_id, ?6) END, "
			    "dmi_uuid = CASE WHEN told <= ?2 THEN coalesce(?7, dmi_uuid) "
			    "ELSE coalesce(dmi_uuid, ?7) END, "
			    "dmi_serial = CASE WHEN told <= ?2 THEN coalesce(?8, dmi_serial) "
			    "ELSE coalesce(dmi_serial, ?8) END, "
			    "model_id = CASE WHEN told <= ?2 THEN coalesce(?9, model_id) "
			    "ELSE coalesce(model_id, ?9) END, "
			    "firmware = CASE WHEN told <= ?2 THEN coalesce(?10, firmware) "
			    "ELSE coalesce(firmware, ?10) END, "
			    "kernel = CASE WHEN told <= ?2 THEN coalesce(?11, kernel) "
			    "ELSE coalesce(kernel, ?11) END, "
			    "told = CASE WHEN told > ?2 THEN told ELSE ?2 END, "
			    "first_seen = CASE WHEN CAST(?12 AS BIGINT) = 0 OR (first_seen > 0 AND "
			    "first_seen < ?2) THEN first_seen ELSE ?2 END, "
			    "last_seen = CASE WHEN CAST(?12 AS BIGINT) = 0 OR last_seen > ?2 THEN "
			    "last_seen ELSE ?2 END "
			    "WHERE id = ?1",
			    db_int(match->host_id), db_int(in->time), db_text(in->hostname),
			    db_text(in->site), db_text(in->folder), db_text(ids->install),
			    db_text(in->dmi_uuid), db_text(in->dmi_serial), db_id(match->model_id),
			    db_text(in->firmware), db_text(in->kernel), db_int(!in->heartbeat));
}

struct ey_error *db_identity_match(struct db *db, const struct db_intake *in,
				   struct db_host_match *ret)
{
	_cleanup_(ids_deinit) struct ids ids = {0};
	struct ey_error *err = db_identity_normalize(in->machine_id, &ids.install);

	if (!err)
		err = hardware_id(in, &ids.hardware);
	if (!err)
		err = db_identity_normalize(in->boot_uuid, &ret->boot_uuid);
	if (!err)
		err = find_host(db, in, &ids, ret);
	if (!err)
		err = add_model(db, in, &ret->model_id);
	if (!err)
		err = ret->host_id ? update_host(db, in, &ids, ret) : add_host(db, in, &ids, ret);
	if (!err)
		err = note_alias(db, ret->host_id, "machine", ids.install, in->time);
	if (!err)
		err = note_alias(db, ret->host_id, "dmi", ids.hardware, in->time);
	return err;
}

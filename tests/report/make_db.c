/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fill a database through the same functions as the product, for the tests in Python:
 *
 *	make_db DATABASE < LINES
 *
 * a JSON object a line: {"crash": {"time":..., "host":..., ...}} takes a crash in,
 * {"alert": {"scope":..., "subject":..., "time":..., "resolved":..., "who":...}} raises an alert,
 * {"state": ["REASON-KEY", "STATE"]} says what is known of a reason.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "db/alert.h"
#include "db/intake.h"
#include "db/reason.h"

static const char *text(const json_t *o, const char *key, const char *fallback)
{
	const json_t *v = json_object_get(o, key);

	return v ? json_string_value(v) : fallback;
}

static int64_t number(const json_t *o, const char *key, int64_t fallback)
{
	const json_t *v = json_object_get(o, key);

	return v ? json_integer_value(v) : fallback;
}

static struct ey_error *add_crash(struct db *db, const json_t *o, size_t line)
{
	char path[128], folder[32];
	int64_t time = number(o, "time", 0);
	const char *host = text(o, "host", "web-01");
	// Names of folders are safe; host names need not be.
	unsigned int hash = 5381;

	for (const char *s = host; *s; s++)
		hash = hash * 33 + (unsigned char)*s;
	snprintf(folder, sizeof(folder), "host-%08x", hash);
	snprintf(path, sizeof(path), "%.20s/%s/%lld-%zu", text(o, "site", "default"), folder,
		 (long long)time, line);
	struct db_intake in = {
		.path = path,
		.site = text(o, "site", "default"),
		.folder = folder,
		.hostname = host,
		.vendor = text(o, "vendor", "Example"),
		.product = text(o, "product", "Server 9"),
		.firmware = text(o, "firmware", "1.2.3"),
		.kernel = text(o, "kernel", "6.1.0-56-amd64"),
		.time = time,
		.uptime = number(o, "uptime", -1),
		.from_dump = true,
		.reason = text(o, "reason", "g1:BUG:lkdtm_BUG"),
		.kind = text(o, "kind", "BUG"),
		.title = text(o, "title", "BUG in lkdtm_BUG"),
		.function = text(o, "function", "lkdtm_BUG"),
		.module = text(o, "module", NULL),
		.signature = text(o, "signature", "lkdtm_BUG+0x5"),
		.comm = text(o, "comm", "sh"),
		.taint = text(o, "taint", NULL),
		.cpu = 1,
		.pid = 148,
		.engine = "native",
		.dump = DB_DUMP_KEPT,
		.dump_bytes = 1000,
		.dump_format = "kdump-compressed",
		.parts = {[DB_PART_RECORD] = {"{\"schema\":\"eyrie/crash/1\"}", 26}},
	};
	struct db_intake_result result;
	return db_intake(db, &in, time, &result);
}

static struct ey_error *add_alert(struct db *db, const json_t *o)
{
	struct db_alert_finding finding = {
		.subject_id = number(o, "subject_id", 1),
		.subject = text(o, "subject", "web-01"),
		.summary = text(o, "summary", "web-01 crashed 4 times within 24 h"),
		.hint = "",
		.count = number(o, "count", 4),
		.threshold = 2,
		.window = 86400,
	};
	int64_t id, resolved = number(o, "resolved", 0), since = number(o, "time", 0);
	const char *who = text(o, "who", NULL);
	bool raised;

	if (!db_alert_scope_parse(text(o, "scope", "host"), &finding.scope))
		return ey_error_create(EY_ERR_INPUT, "no such scope");
	struct ey_error *err = db_alert_raise(db, &finding, since, &id, &raised);
	if (!err && who && *who)
		err = db_alert_acknowledge(db, id, who, since + 60);
	if (!err && resolved)
		err = db_alert_resolve(db, id, resolved);
	return err;
}

static struct ey_error *set_state(struct db *db, const json_t *o)
{
	_cleanup_reasons_ struct db_reason_list list = {0};
	enum db_reason_state state;
	struct ey_error *err =
		db_reason_get_key(db, json_string_value(json_array_get(o, 0)), &list);

	if (!err && !db_reason_state_parse(json_string_value(json_array_get(o, 1)), &state))
		err = ey_error_create(EY_ERR_INPUT, "no such state");
	if (!err)
		err = db_reason_set_state(db, list.items[0].id, state);
	return err;
}

int main(int argc, char **argv)
{
	_cleanup_db_ struct db *db = NULL;
	_cleanup_free_ char *line = NULL;
	_cleanup_txn_ struct db_txn txn = {0};
	size_t size = 0, n = 0;

	if (argc != 2)
		return 64;
	struct ey_error *err = db_open(argv[1], DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &db);
	if (!err)
		err = db_begin(db, &txn);
	while (!err && getline(&line, &size, stdin) > 0) {
		json_t *o = json_loads(line, 0, NULL);
		const json_t *v;

		n++;
		if ((v = json_object_get(o, "crash")))
			err = add_crash(db, v, n);
		else if ((v = json_object_get(o, "alert")))
			err = add_alert(db, v);
		else if ((v = json_object_get(o, "state")))
			err = set_state(db, v);
		else
			err = ey_error_create(EY_ERR_INPUT, "line %zu", n);
		json_decref(o);
	}
	if (!err)
		err = db_commit(&txn);
	return ey_error_report(err);
}

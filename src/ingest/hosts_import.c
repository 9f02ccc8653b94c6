/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "db/host.h"
#include "ingest/hosts_csv.h"

struct import {
	struct db *db;
	const struct hosts_import_options *options;
	struct hosts_import_result *result;
};

static void say(const struct import *in, const struct hosts_csv_row *row, const char *what)
{
	_cleanup_buf_ struct ey_buf line = EY_BUF_INIT;
	const char *name = row->hostname ? row->hostname : row->serial ? row->serial : row->uuid;

	if (!in->options->report)
		return;
	ey_buf_printf(&line, "line %zu: ", row->line);
	ey_text_clean(&line, name, strlen(name));
	ey_buf_printf(&line, ": %s", what);
	in->options->report(ey_buf_str(&line), in->options->arg);
}

static struct ey_error *import_life(struct import *in, const struct hosts_csv_row *row, int64_t id)
{
	char what[80];
	bool changed;

	if (!row->has_life)
		return NULL;
	struct ey_error *err = db_life_set(in->db, id, row->life, in->options->who,
					   in->options->why, in->options->now, &changed);
	if (err || !changed)
		return err;
	in->result->lives++;
	snprintf(what, sizeof(what), "life %s", db_life_name(row->life));
	say(in, row, what);
	return NULL;
}

static struct ey_error *import_row(const struct hosts_csv_row *row, void *arg)
{
	struct import *in = arg;
	struct db_host_key key = {.dmi_uuid = row->uuid,
				  .dmi_serial = row->serial,
				  .hostname = row->hostname,
				  .site = row->site};
	int64_t id = 0;
	size_t found = 0;
	bool changed = false;
	struct ey_error *err = db_host_find(in->db, &key, &id, &found);

	if (err)
		return err;
	in->result->rows++;
	if (found != 1) {
		in->result->unknown += !found;
		in->result->ambiguous += found > 1;
		say(in, row,
		    found ? "several hosts are called so; name its uuid, serial or site"
			  : "not known; it is once it sends a heartbeat or crashes");
		return NULL;
	}
	err = import_life(in, row, id);
	if (!err && row->label_count)
		err = db_labels_set(in->db, id, DB_LABEL_IMPORT, row->labels, row->label_count,
				    &changed);
	if (!err && changed) {
		in->result->labels++;
		say(in, row, "labels");
	}
	return err;
}

struct ey_error *hosts_import(struct db *db, char *text, size_t len,
			      const struct hosts_import_options *options,
			      struct hosts_import_result *ret)
{
	struct import in = {.db = db, .options = options, .result = ret};
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	*ret = (struct hosts_import_result){0};
	if (!err)
		err = hosts_csv_read(text, len, import_row, &in);
	// Left without a commit, nothing of it has happened.
	return err || options->dry_run ? err : db_commit(&txn);
}

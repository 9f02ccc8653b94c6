/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/take.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "db/reason.h"
#include "ingest/take_text.h"
#include "store/sealed.h"

enum {
	MAX_RECORD = 32 << 20,
	MAX_ANALYSIS = 16 << 20,
	DAY = 86400,
	/** 2000-01-01: what a clock without a battery says is before it. */
	CLOCK_MIN = 946684800,
	/** A hundred years. */
	UPTIME_MAX = 3153600000,
};

void take_deinit(struct take *take)
{
	record_deinit(&take->record);
	free(take->record_text);
	free(take->analysis);
	free(take->dmesg);
	free(take->firmware);
	*take = (struct take){0};
}

// Without a record what counts is a text of crash's: the folder changes with each file.
static struct ey_error *stamp_without_record(const struct store_entry *entry, const char *why,
					     char **ret)
{
	_cleanup_store_files_ struct store_files files = {0};
	struct store_file_info newest = {0}, text = {0};
	int64_t filed = 0;
	struct ey_error *err = store_entry_list(entry, &files);

	if (!err)
		err = store_entry_filed(entry, &filed);
	// What cannot be listed has no stamp but the reason why there is no record.
	ey_error_destroy(err);
	for (size_t i = 0; i < files.count; i++) {
		const struct store_file_info *f = &files.files[i];

		if (f->mtime > newest.mtime ||
		    (f->mtime == newest.mtime && f->mtime_ns > newest.mtime_ns))
			newest = *f;
		if (!strcmp(f->name, STORE_ANALYSIS))
			text = *f;
	}
	if (asprintf(ret,
		     "no record: %s, %" PRId64 ", %zu, %" PRId64 ".%09" PRIu32 ", %" PRId64
		     ".%09" PRIu32 ":%" PRIu64,
		     why, filed, files.count, newest.mtime, newest.mtime_ns, text.mtime,
		     text.mtime_ns, text.size) < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

bool take_is_damaged(const struct store_entry *entry, const char *name)
{
	_cleanup_error_ struct ey_error *err = store_entry_verify_file(entry, name);

	return err && err->code == EY_ERR_INPUT;
}

struct ey_error *take_stamp(const struct store_entry *entry, char **ret)
{
	struct store_file_info info;
	_cleanup_error_ struct ey_error *missing = store_entry_stat(entry, STORE_RECORD, &info);

	if (missing)
		return stamp_without_record(entry, missing->message, ret);
	if (asprintf(ret, "%" PRId64 ".%09" PRIu32 ":%" PRIu64 ":%o", info.mtime, info.mtime_ns,
		     info.size, (unsigned int)info.type) < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

static bool is_set(const char *s)
{
	return s && *s;
}

// A text that is there, or NULL: the database keeps no empty ones.
static const char *text(const char *s)
{
	return is_set(s) ? s : NULL;
}

// When it crashed. A clock that is plainly wrong would stand first in every list for years.
static int64_t crash_time(const struct record *r, int64_t named, int64_t filed, int64_t now,
			  int64_t *gaps)
{
	if (r->system.have_crash_time && r->system.crash_time >= CLOCK_MIN &&
	    r->system.crash_time <= now + DAY)
		return r->system.crash_time;
	(*gaps)++;
	return named >= CLOCK_MIN && named <= now + DAY ? named : filed;
}

static struct ey_error *firmware(const struct record_inventory *i, char **ret)
{
	bool version = is_set(i->bios_version), date = is_set(i->bios_date);

	*ret = NULL;
	if (!version && !date)
		return NULL;
	if (asprintf(ret, "%s%s%s", version ? i->bios_version : "", version && date ? " " : "",
		     date ? i->bios_date : "") < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

static void take_event(const struct record *r, struct db_intake *in)
{
	const struct record_event *e = &r->event;

	in->cpu = in->pid = -1;
	if (!r->have_event || !is_set(e->reason)) {
		in->reason = DB_REASON_KEY_NO_EVENT;
		in->kind = "UNKNOWN";
		in->title = r->other_schema ? "Record of a version that is not known here"
					    : "No crash event found";
		in->comm = r->have_panic_task ? text(r->panic_task.comm) : NULL;
		if (r->have_panic_task) {
			in->cpu = r->panic_task.cpu;
			in->pid = r->panic_task.pid;
		}
		return;
	}
	in->reason = e->reason;
	in->kind = is_set(e->kind) ? e->kind : "UNKNOWN";
	in->title = is_set(e->title) ? e->title : e->reason;
	in->function = text(e->function);
	in->module = text(e->module);
	in->guilty = text(e->guilty);
	in->signature = text(e->signature);
	in->comm = text(e->comm);
	in->cpu = e->cpu;
	in->pid = e->pid;
	in->corrupted = e->corrupted;
}

struct ey_error *take_from_record(struct take *take, int64_t named, int64_t now)
{
	const struct record *r = &take->record;
	struct db_intake *in = &take->intake;
	struct ey_error *err = firmware(&r->inventory, &take->firmware);

	if (err)
		return err;
	in->schema = r->other_schema;
	take_event(r, in);
	in->hostname = text(record_hostname(r));
	in->machine_id = text(r->identity.machine_id);
	in->boot_uuid = text(r->identity.boot_id);
	in->dmi_uuid = text(r->identity.dmi_uuid);
	in->dmi_serial = text(r->identity.dmi_serial);
	in->vendor = text(r->inventory.vendor);
	in->product = text(r->inventory.product);
	in->firmware = take->firmware;
	in->kernel = text(r->system.release);
	if (!in->kernel && r->have_event)
		in->kernel = text(r->event.kernel);
	in->kernel_version = text(r->system.version);
	in->machine = text(r->system.machine);
	in->taint = text(r->system.taint);
	in->gaps = (int64_t)r->gap_count;
	in->time = crash_time(r, named, in->filed, now, &in->gaps);
	in->uptime = -1;
	if (r->system.have_uptime && r->system.uptime_seconds <= UPTIME_MAX)
		in->uptime = (int64_t)r->system.uptime_seconds;
	in->engine = text(r->engine);
	in->dump_format = text(r->dump.format);
	in->dump_complete = r->dump.complete;
	in->dump_bytes = (int64_t)EY_MIN(r->dump.bytes, (uint64_t)INT64_MAX);
	// A log's time is its boot's clock and what passed since: not a dump's, which is exact.
	in->from_dump = r->dump.bytes > 0 && r->system.have_crash_time && in->uptime >= 0 &&
			!(r->dump.format && !strcmp(r->dump.format, "dmesg"));
	in->dump = r->dump.bytes ? DB_DUMP_SKIPPED : DB_DUMP_NONE;
	return NULL;
}

// A part that is nice to have: too large or of the wrong kind, it is left out.
static struct ey_error *read_optional(const struct store_entry *entry, const char *name, size_t max,
				      char **data_ret, size_t *len_ret, struct take *take)
{
	struct ey_error *err = store_entry_read(entry, name, max, data_ret, len_ret);

	if (!err || (err->code != EY_ERR_NOT_FOUND && err->code != EY_ERR_INPUT))
		return err;
	if (err->code == EY_ERR_INPUT) {
		take->intake.gaps++;
		if (take_is_damaged(entry, name))
			take->damaged = name;
	}
	ey_error_destroy(err);
	return NULL;
}

static struct ey_error *find_dump(const struct store_entry *entry, struct db_intake *in)
{
	struct store_file_info info;
	struct ey_error *err = store_entry_stat(entry, STORE_VMCORE, &info);

	if (!err && S_ISREG(info.type)) {
		in->dump = DB_DUMP_KEPT;
		in->dump_bytes = (int64_t)info.size;
	} else if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		err = NULL;
	}
	return err;
}

// The record; where there is none, as the crash utility's text or the kernel's log tells it.
static struct ey_error *read_record(const struct store_entry *entry, size_t max_record,
				    size_t max_text, int64_t now, struct take *take,
				    size_t *len_ret)
{
	_cleanup_take_text_ struct take_text text = {0};
	struct ey_error *err =
		store_entry_read(entry, STORE_RECORD, max_record, &take->record_text, len_ret);

	if (!err || err->code != EY_ERR_NOT_FOUND)
		return err;
	ey_error_destroy(err);
	err = take_text_read(entry, max_text, now, &text);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		err = take_log_read(entry, max_text, now, &text);
	}
	if (err)
		return err;
	take->record_text = no_cleanup_ptr(text.record);
	*len_ret = text.record_len;
	take->analysis = no_cleanup_ptr(text.text);
	take->intake.parts[DB_PART_ANALYSIS].data = take->analysis;
	take->intake.parts[DB_PART_ANALYSIS].len = text.text_len;
	return NULL;
}

struct ey_error *take_read(const struct store_entry *entry, const struct populate_options *options,
			   int64_t now, struct take *ret)
{
	size_t max_record = options->max_record_bytes ? options->max_record_bytes : MAX_RECORD;
	size_t max_text = options->max_analysis_bytes ? options->max_analysis_bytes : MAX_ANALYSIS;
	struct db_intake *in = &ret->intake;
	size_t len;

	*ret = (struct take){0};
	struct ey_error *err = read_record(entry, max_record, max_text, now, ret, &len);
	if (!err)
		err = ey_error_prefix(record_read_any(ret->record_text, len, &ret->record), "%s",
				      STORE_RECORD);
	if (err)
		return err;
	in->path = entry->path;
	in->site = entry->site;
	in->folder = entry->host;
	in->parts[DB_PART_RECORD].data = ret->record_text;
	in->parts[DB_PART_RECORD].len = len;
	err = store_entry_filed(entry, &in->filed);
	if (err)
		return err;
	if (in->filed < CLOCK_MIN || in->filed > now)
		in->filed = now;
	err = take_from_record(ret, entry->time, now);
	if (!err && !ret->analysis)
		err = read_optional(entry, STORE_ANALYSIS, max_text, &ret->analysis, &len, ret);
	if (!err && ret->analysis && !in->parts[DB_PART_ANALYSIS].data) {
		in->parts[DB_PART_ANALYSIS].data = ret->analysis;
		in->parts[DB_PART_ANALYSIS].len = len;
	}
	// The record holds the log; a file of it counts only where it does not.
	if (!err && !ret->record.log)
		err = read_optional(entry, STORE_DMESG, max_text, &ret->dmesg, &len, ret);
	if (!err && ret->dmesg) {
		in->parts[DB_PART_LOG].data = ret->dmesg;
		in->parts[DB_PART_LOG].len = len;
	}
	return err ? err : find_dump(entry, in);
}

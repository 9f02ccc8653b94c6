/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "analysis/record_read.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "oops/parser.h"

struct work {
	const char *crash_dir;
	const struct host_dump *dump;
	const struct host_identity *identity;
	/** The record being made. */
	json_t *root;
	/** analysis.txt. */
	struct ey_buf text;
	/** kdump's log file; empty where there is none. */
	struct ey_buf dmesg;
};

static void work_deinit(struct work *w)
{
	json_decref(w->root);
	ey_buf_deinit(&w->text);
	ey_buf_deinit(&w->dmesg);
}
#define _cleanup_work_ __attribute__((cleanup(work_deinit)))

// As valid UTF-8: names of files and hosts may be any bytes.
static json_t *clean_string(const char *s)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

	ey_text_clean(&buf, s, strlen(s));
	return json_string(ey_buf_str(&buf));
}

static void add_gap(struct work *w, const char *what, const char *why)
{
	json_t *gaps = json_object_get(w->root, "gaps");

	if (!json_is_array(gaps)) {
		gaps = json_array();
		json_object_set_new(w->root, "gaps", gaps);
	}
	json_t *gap = json_object();
	json_object_set_new(gap, "what", clean_string(what));
	json_object_set_new(gap, "why", clean_string(why));
	json_array_append_new(gaps, gap);
}

// The object under a key of the record, made where it is missing or null.
static json_t *child(struct work *w, const char *key)
{
	json_t *obj = json_object_get(w->root, key);

	if (!json_is_object(obj)) {
		obj = json_object();
		json_object_set_new(w->root, key, obj);
	}
	return obj;
}

static bool is_unknown(const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	return !v || json_is_null(v) || (json_is_string(v) && !json_string_length(v));
}

static void set_if_unknown(json_t *obj, const char *key, const char *value)
{
	if (value && is_unknown(obj, key))
		json_object_set_new(obj, key, clean_string(value));
}

static struct ey_error *read_dmesg(struct work *w)
{
	_cleanup_close_ int fd = -1;
	char chunk[65536];
	ssize_t n;

	if (!w->dump->dmesg)
		return NULL;
	struct ey_error *err = host_dump_open(w->crash_dir, w->dump->folder, w->dump->dmesg, &fd);
	if (err) {
		// It helps, but the dump is what counts.
		ey_error_destroy(err);
		return NULL;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && w->dmesg.len <= HOST_MAX_DMESG_BYTES)
		ey_buf_add(&w->dmesg, chunk, (size_t)n);
	if (n < 0 || w->dmesg.len > HOST_MAX_DMESG_BYTES)
		ey_buf_clear(&w->dmesg);
	return ey_buf_error(&w->dmesg);
}

static void no_analysis(struct work *w, const char *why)
{
	json_decref(w->root);
	w->root = json_pack("{s:s, s:n, s:[], s:{}, s:n, s:n}", "schema", RECORD_SCHEMA, "engine",
			    "gaps", "system", "event", "panic_task");
	json_t *dump = child(w, "dump");
	json_object_set_new(dump, "format", json_null());
	json_object_set_new(dump, "bytes", json_integer((json_int_t)w->dump->bytes));
	json_object_set_new(dump, "complete", json_boolean(false));
	add_gap(w, "analysis", why);
	ey_buf_clear(&w->text);
	ey_buf_printf(&w->text, "Not analysed: %s\n", why);
}

// Whether this failure may be gone at the next run, and there is time to wait for that.
static bool is_worth_waiting(const struct ey_error *err, const struct host_dump *dump, int64_t now)
{
	return err->code == EY_ERR_NOMEM || err->code == EY_ERR_NOT_FOUND ||
	       (err->code == EY_ERR_IO && now - dump->time < HOST_RETRY_FOR);
}

static struct ey_error *take_analysis(struct work *w, const struct analysis_result *result)
{
	_cleanup_record_ struct record record;
	json_error_t where;
	// What the child wrote is as hostile as the dump that it read.
	struct ey_error *err = record_read(result->record, result->record_len, &record);

	if (err)
		return err;
	w->root = json_loadb(result->record, result->record_len, JSON_ALLOW_NUL, &where);
	if (!w->root)
		return &ey_error_nomem;
	ey_buf_add(&w->text, result->text, result->text_len);
	return ey_buf_error(&w->text);
}

// One file of the dump's folder.
static struct ey_error *analyse_file(struct work *w, const char *name,
				     const struct analysis_options *options)
{
	struct analysis_result result = {0};
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s/%s", w->crash_dir, w->dump->folder, name) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	struct ey_error *err = analysis_run(path, options, &result);
	if (err)
		return err;
	err = ey_error_prefix(take_analysis(w, &result), "the analyser's");
	analysis_result_deinit(&result);
	return err;
}

// The log that kdump saved, in place of a dump that is not there or cannot be read (why).
static struct ey_error *analyse_log(struct work *w, const struct analysis_options *options,
				    const char *why)
{
	_cleanup_error_ struct ey_error *err =
		w->dump->dmesg ? analyse_file(w, w->dump->dmesg, options)
			       : ey_error_create(EY_ERR_NOT_FOUND, "no log");

	if (err == &ey_error_nomem)
		return no_cleanup_ptr(err);
	if (err) {
		no_analysis(w, why);
		return NULL;
	}
	if (w->dump->vmcore) {
		json_object_set_new(child(w, "dump"), "bytes",
				    json_integer((json_int_t)w->dump->bytes));
		add_gap(w, "analysis", why);
	}
	return NULL;
}

static struct ey_error *analyse(struct work *w, const struct analysis_options *options, int64_t now)
{
	if (!w->dump->vmcore)
		return analyse_log(w, options, "kdump saved the kernel log only, no dump");
	struct ey_error *err = analyse_file(w, w->dump->vmcore, options);
	if (!err || is_worth_waiting(err, w->dump, now))
		return err;
	_cleanup_error_ struct ey_error *unreadable = err;
	return analyse_log(w, options, unreadable->message);
}

// Whether the event, which comes from hostile text, may stand in a record.
static bool is_sound_event(json_t *event)
{
	_cleanup_record_ struct record record = {0};
	json_auto_t *root =
		json_pack("{s:s, s:{}, s:O}", "schema", RECORD_SCHEMA, "system", "event", event);
	_cleanup_free_ char *text = root ? json_dumps(root, 0) : NULL;
	_cleanup_error_ struct ey_error *err =
		text ? record_read(text, strlen(text), &record) : &ey_error_nomem;

	return !err;
}

static struct ey_error *event_of_log(const char *log, size_t len, json_t **ret)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	struct oops_event *events;
	struct ey_json json;
	size_t count;
	struct ey_error *err = oops_parse_text(log, len, &events, &count);

	*ret = NULL;
	if (err)
		return err;
	const struct oops_event *fatal = oops_pick_fatal(events, count);
	if (fatal) {
		ey_json_init(&json, &buf, 0);
		oops_event_write(fatal, &json);
		*ret = json_loadb(ey_buf_str(&buf), buf.len, JSON_ALLOW_NUL, NULL);
	}
	oops_events_free(events, count);
	if (*ret && !is_sound_event(*ret)) {
		json_decref(*ret);
		*ret = NULL;
	}
	return ey_buf_error(&buf);
}

// The log that kdump saved beside the dump, where the dump itself gave none.
static struct ey_error *use_dmesg(struct work *w)
{
	_cleanup_buf_ struct ey_buf quoted = EY_BUF_INIT;
	json_t *event = NULL;
	struct ey_json json;

	if (!w->dmesg.len || !is_unknown(w->root, "log"))
		return NULL;
	// By our writer, which makes valid UTF-8 of whatever it is.
	ey_json_init(&json, &quoted, 0);
	ey_json_stringn(&json, w->dmesg.data, w->dmesg.len);
	if (ey_buf_error(&quoted))
		return &ey_error_nomem;
	json_object_set_new(
		w->root, "log",
		json_loadb(quoted.data, quoted.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
	add_gap(w, "log", "not in the dump; taken from the log file that kdump saved beside it");
	if (!is_unknown(w->root, "event"))
		return NULL;
	struct ey_error *err = event_of_log(w->dmesg.data, w->dmesg.len, &event);
	if (err || !event)
		return err;
	json_object_set_new(w->root, "event", event);
	const char *title = json_string_value(json_object_get(event, "title"));
	set_if_unknown(child(w, "system"), "release",
		       json_string_value(json_object_get(event, "kernel")));
	if (title) {
		ey_buf_adds(&w->text, "\nThe log that kdump saved says: ");
		ey_text_clean(&w->text, title, strlen(title));
		ey_buf_addc(&w->text, '\n');
	}
	return ey_buf_error(&w->text);
}

static void add_identity(struct work *w)
{
	const struct host_identity *own = w->identity;
	json_t *identity = child(w, "identity"), *system = child(w, "system");
	char time[EY_TIME_TEXT_SIZE];

	if (is_unknown(identity, "hostname") && is_unknown(system, "hostname")) {
		const char *tag = w->dump->tag;

		set_if_unknown(identity, "hostname", tag ? tag : own->hostname);
		add_gap(w, "hostname",
			tag ? "not in the dump; taken from the name of its folder"
			    : "not in the dump; taken from the host on which it was found");
	}
	if (is_unknown(system, "crash_time")) {
		set_if_unknown(system, "crash_time", ey_time_format(w->dump->time, time));
		add_gap(w, "crash_time", "not in the dump; taken from its folder's name or time");
	}
	if (w->dump->incomplete) {
		json_object_set_new(child(w, "dump"), "complete", json_false());
		add_gap(w, "dump", "incomplete: its collector did not finish writing it");
	}
	// Borrowed strings: never released.
	struct record who = {
		.identity.hostname =
			(char *)json_string_value(json_object_get(identity, "hostname")),
		.identity.dmi_uuid =
			(char *)json_string_value(json_object_get(identity, "dmi_uuid")),
		.system.hostname = (char *)json_string_value(json_object_get(system, "hostname")),
	};
	if (!host_identity_owns(own, &who))
		return;
	set_if_unknown(identity, "machine_id", own->machine_id);
	set_if_unknown(identity, "dmi_uuid", own->dmi_uuid);
	set_if_unknown(identity, "dmi_serial", own->dmi_serial);
}

static struct ey_error *finish(struct work *w, struct host_evidence *ret)
{
	_cleanup_evidence_ struct host_evidence e = {0};
	_cleanup_free_ char *source = NULL;
	const json_t *log = json_object_get(w->root, "log");
	const char *name = w->dump->vmcore ? w->dump->vmcore : w->dump->dmesg;

	if (asprintf(&source, "%s/%s/%s", w->crash_dir, w->dump->folder, name) < 0) {
		source = NULL;
		return &ey_error_nomem;
	}
	// A path may hold bytes that are not UTF-8; then the source stays unnamed.
	json_t *agent = json_pack("{s:s, s:s*}", "version", EYRIE_VERSION, "source", source);
	if (agent)
		json_object_set_new(w->root, "agent", agent);
	e.record = json_dumps(w->root, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
	ey_buf_adds(&w->text, "");
	e.analysis = ey_buf_steal(&w->text, &e.analysis_len);
	if (!e.record || !e.analysis)
		return &ey_error_nomem;
	e.record_len = strlen(e.record);
	if (json_string_length(log)) {
		e.dmesg_len = json_string_length(log);
		e.dmesg = malloc(e.dmesg_len + 1);
		if (!e.dmesg)
			return &ey_error_nomem;
		memcpy(e.dmesg, json_string_value(log), e.dmesg_len + 1);
	}
	*ret = e;
	e = (struct host_evidence){0};
	return NULL;
}

struct ey_error *host_evidence_make(const char *crash_dir, const struct host_dump *dump,
				    const struct host_identity *identity,
				    const struct analysis_options *options, int64_t now,
				    struct host_evidence *ret)
{
	_cleanup_work_ struct work w = {.crash_dir = crash_dir, .dump = dump, .identity = identity};
	struct ey_error *err = read_dmesg(&w);

	if (!err)
		err = analyse(&w, options, now);
	if (!err && !w.root)
		err = &ey_error_nomem;
	if (!err)
		err = use_dmesg(&w);
	if (err)
		return err;
	add_identity(&w);
	return finish(&w, ret);
}

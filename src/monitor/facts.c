/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/record_read.h"
#include "base/cleanup.h"
#include "db/alert.h"
#include "db/crash.h"
#include "db/host.h"
#include "db/reason.h"
#include "db/stats.h"
#include "notify/console.h"

enum { MAX_LISTED = 100 };

void facts_mail_deinit(struct facts_mail *mail)
{
	notify_text_deinit(&mail->text);
	free(mail->analysis);
	*mail = (struct facts_mail){0};
}

/* What a struct notify_crash borrows. */
struct crash_text {
	char *model;
	char *log;
	char *url;
	char *location;
	struct ey_buf trace;
	struct record record;
};

static void crash_text_deinit(struct crash_text *t)
{
	free(t->model);
	free(t->log);
	free(t->url);
	free(t->location);
	ey_buf_deinit(&t->trace);
	record_deinit(&t->record);
}
#define _cleanup_crash_text_ _cleanup_(crash_text_deinit)

static void write_place(struct ey_buf *buf, const char *function, uint64_t offset, uint64_t size,
			const char *module)
{
	ey_buf_printf(buf, "%s+0x%" PRIx64 "/0x%" PRIx64, function, offset, size);
	if (module)
		ey_buf_printf(buf, " [%s]", module);
}

// Whether the place of the event is one of the frames: so with panic(), whose caller it is.
static bool is_in_frames(const struct record_event *e)
{
	for (size_t i = 0; i < e->frame_count; i++) {
		const struct record_frame *f = &e->frames[i];

		if (f->function && !strcmp(f->function, e->function) && f->offset == e->offset)
			return true;
	}
	return false;
}

// A line each frame, as the kernel prints them. Its "Call Trace:" begins with the caller of the
// function that crashed, which stands beside it as RIP: here it is the first line.
static void write_trace(const struct record_event *e, struct ey_buf *buf)
{
	if (e->frame_count && e->function && e->have_offset && !is_in_frames(e)) {
		write_place(buf, e->function, e->offset, e->size, e->module);
		ey_buf_addc(buf, '\n');
	}
	for (size_t i = 0; i < e->frame_count; i++) {
		const struct record_frame *f = &e->frames[i];

		if (!f->reliable)
			ey_buf_adds(buf, "? ");
		if (f->function)
			write_place(buf, f->function, f->offset, f->size, f->module);
		else
			ey_buf_printf(buf, "0x%016" PRIx64, f->address);
		ey_buf_addc(buf, '\n');
	}
}

// A part of a crash that may be missing: then @p data_ret stays NULL.
static struct ey_error *optional_part(struct db *db, int64_t id, enum db_part part, char **data_ret,
				      size_t *len_ret)
{
	struct ey_error *err = db_crash_part(db, id, part, data_ret, len_ret);

	if (err && (err->code == EY_ERR_NOT_FOUND || err->code == EY_ERR_INPUT)) {
		ey_error_destroy(err);
		err = NULL;
	}
	return err;
}

static struct ey_error *read_trace(struct db *db, int64_t id, struct crash_text *text)
{
	_cleanup_free_ char *json = NULL;
	size_t len;
	struct ey_error *err = optional_part(db, id, DB_PART_RECORD, &json, &len);

	if (err || !json)
		return err;
	err = record_read(json, len, &text->record);
	if (err && err->code == EY_ERR_INPUT) {
		// It was readable when it was taken in: a mail without a trace is still a mail.
		ey_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	write_trace(&text->record.event, &text->trace);
	return ey_buf_error(&text->trace);
}

static struct ey_error *fill_crash(struct db *db, const struct db_crash *c,
				   const struct facts_places *places, struct crash_text *text,
				   struct notify_crash *ret)
{
	size_t len;
	struct ey_error *err = read_trace(db, c->id, text);

	if (!err)
		err = optional_part(db, c->id, DB_PART_LOG, &text->log, &len);
	if (err)
		return err;
	if (asprintf(&text->model, "%s%s%s", c->vendor, *c->vendor && *c->product ? " " : "",
		     c->product) < 0) {
		text->model = NULL;
		return &ey_error_nomem;
	}
	if (asprintf(&text->location, "%s/%s", places->repository, c->path) < 0) {
		text->location = NULL;
		return &ey_error_nomem;
	}
	text->url = notify_console_link(places->console_url, "crashes", c->id);
	*ret = (struct notify_crash){
		.id = c->id,
		.site = c->site,
		.host = c->hostname,
		.kernel = c->kernel,
		.model = text->model,
		.firmware = c->firmware,
		.taint = c->taint,
		.time = c->time,
		.uptime_seconds = c->uptime,
		.comm = c->comm,
		.pid = c->pid,
		.cpu = (int)c->cpu,
		.call_trace = ey_buf_str(&text->trace),
		.log = text->log,
		.event_first_line = text->record.event.first_line,
		.event_last_line = text->record.event.last_line,
		.location = c->dump == DB_DUMP_KEPT ? text->location : NULL,
		.url = text->url,
	};
	return NULL;
}

static struct ey_error *compose_new_reason(struct db *db, int64_t id,
					   const struct facts_places *places,
					   struct facts_mail *ret)
{
	_cleanup_reasons_ struct db_reason_list reasons;
	_cleanup_crashes_ struct db_crash_list crashes = {0};
	_cleanup_crash_text_ struct crash_text text = {0};
	_cleanup_free_ char *url = NULL;
	struct notify_crash crash;
	struct ey_error *err = db_reason_get(db, id, &reasons);

	if (!err)
		err = db_crash_get(db, reasons.items[0].first_crash_id, &crashes);
	if (!err)
		err = fill_crash(db, &crashes.items[0], places, &text, &crash);
	if (!err)
		err = optional_part(db, crashes.items[0].id, DB_PART_ANALYSIS, &ret->analysis,
				    &ret->analysis_len);
	if (err)
		return err;
	const struct db_reason *r = &reasons.items[0];
	const struct db_crash *c = &crashes.items[0];
	url = notify_console_link(places->console_url, "reasons", id);
	return notify_compose_new_reason(
		&(struct notify_reason){
			.id = id,
			.kind = r->kind,
			.title = r->title,
			.function = *c->function ? c->function : NULL,
			.module = *c->module ? c->module : NULL,
			.key = r->key,
			.signature = *c->signature ? c->signature : NULL,
			.crashes = (uint64_t)r->crashes,
			.hosts = (uint64_t)r->hosts,
			.first_seen = r->first_seen,
			.url = url,
		},
		&crash, &ret->text);
}

/* A list of an alert's crashes by a dimension. */
struct counts {
	struct db_top_list top;
	struct notify_count *list;
};

static void counts_deinit(struct counts *c)
{
	db_top_list_deinit(&c->top);
	free(c->list);
}
#define _cleanup_counts_ _cleanup_(counts_deinit)

static struct ey_error *count_by(struct db *db, enum db_dimension dimension, int64_t alert_id,
				 struct counts *ret)
{
	const struct db_stats_filter filter = {.alert_id = alert_id};
	struct ey_error *err = db_stats_top(db, dimension, &filter, MAX_LISTED, &ret->top);

	if (err)
		return err;
	ret->list = calloc(ret->top.count + 1, sizeof(*ret->list));
	if (!ret->list)
		return &ey_error_nomem;
	for (size_t i = 0; i < ret->top.count; i++) {
		const struct db_top *t = &ret->top.items[i];

		ret->list[i] = (struct notify_count){
			.name = *t->label ? t->label : "(not known)",
			.count = (uint64_t)t->crashes,
			.note = dimension == DB_BY_REASON ? t->detail : NULL,
		};
	}
	return NULL;
}

static const enum notify_scope scopes[] = {
	[DB_ALERT_HOST] = NOTIFY_SCOPE_HOST,
	[DB_ALERT_MODEL] = NOTIFY_SCOPE_MODEL,
	[DB_ALERT_REASON] = NOTIFY_SCOPE_REASON,
};

static int64_t event_time(const struct db_alert *a, enum notify_alert_event event)
{
	switch (event) {
	case NOTIFY_ALERT_FIRE:
		return a->since;
	case NOTIFY_ALERT_ACKNOWLEDGE:
		return a->acknowledged;
	case NOTIFY_ALERT_RESOLVE:
		return a->resolved;
	}
	return 0;
}

static struct ey_error *compose_alert(struct db *db, enum notify_alert_event event, int64_t id,
				      const struct facts_places *places, struct facts_mail *ret)
{
	_cleanup_alerts_ struct db_alert_list alerts;
	_cleanup_reasons_ struct db_reason_list reason = {0};
	_cleanup_crashes_ struct db_crash_list crashes = {0};
	_cleanup_crash_text_ struct crash_text text = {0};
	_cleanup_counts_ struct counts hosts = {0}, reasons = {0}, kernels = {0}, models = {0};
	_cleanup_free_ char *url = NULL;
	struct notify_crash last = NOTIFY_CRASH_INIT;
	struct ey_error *err = db_alert_get(db, id, &alerts);

	if (!err && alerts.items[0].scope == DB_ALERT_REASON)
		err = db_reason_get(db, alerts.items[0].subject_id, &reason);
	if (!err)
		err = db_crash_list(db, &(struct db_crash_filter){.alert_id = id},
				    &(struct db_page){.limit = 1}, &crashes);
	if (!err && crashes.count)
		err = fill_crash(db, &crashes.items[0], places, &text, &last);
	if (!err)
		err = count_by(db, DB_BY_HOST, id, &hosts);
	if (!err)
		err = count_by(db, DB_BY_REASON, id, &reasons);
	if (!err)
		err = count_by(db, DB_BY_KERNEL, id, &kernels);
	if (!err)
		err = count_by(db, DB_BY_MODEL, id, &models);
	if (err)
		return err;
	const struct db_alert *a = &alerts.items[0];
	url = notify_console_link(places->console_url, "alerts", id);
	return notify_compose_alert(
		&(struct notify_alert){
			.event = event,
			.id = id,
			.scope = scopes[a->scope],
			.name = a->subject,
			.reason_key = reason.count ? reason.items[0].key : NULL,
			.count = (uint64_t)a->count,
			.threshold = (uint64_t)a->threshold,
			.window_seconds = a->window,
			.crashes = (uint64_t)a->crashes,
			.fired_at = a->since,
			.at = event_time(a, event),
			// A mail of the end names nobody: it ended by itself.
			.who = event == NOTIFY_ALERT_ACKNOWLEDGE ? a->who : NULL,
			.hosts = hosts.list,
			.host_count = hosts.top.count,
			.reasons = reasons.list,
			.reason_count = reasons.top.count,
			.kernels = kernels.list,
			.kernel_count = kernels.top.count,
			.models = models.list,
			.model_count = models.top.count,
			.last = crashes.count ? &last : NULL,
			.url = url,
		},
		&ret->text);
}

struct ey_error *facts_compose(struct db *db, const struct db_mail *mail,
			       const struct facts_places *places, struct facts_mail *ret)
{
	switch (mail->kind) {
	case DB_MAIL_NEW_REASON:
		return compose_new_reason(db, mail->subject_id, places, ret);
	case DB_MAIL_ALERT_FIRING:
		return compose_alert(db, NOTIFY_ALERT_FIRE, mail->subject_id, places, ret);
	case DB_MAIL_ALERT_ACKNOWLEDGED:
		return compose_alert(db, NOTIFY_ALERT_ACKNOWLEDGE, mail->subject_id, places, ret);
	case DB_MAIL_ALERT_RESOLVED:
		return compose_alert(db, NOTIFY_ALERT_RESOLVE, mail->subject_id, places, ret);
	}
	return ey_error_create(EY_ERR_INPUT, "a queued mail is of no known kind");
}

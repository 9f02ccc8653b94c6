/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/monitor.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "db/host.h"
#include "db/job.h"
#include "db/outbox.h"
#include "db/reason.h"
#include "db/watch.h"
#include "monitor/window.h"

/* The id of the last crash that was looked at. */
#define CURSOR "monitor.crash"

/* More reasons than this on one host, at most two crashes each, look like a broken machine. */
enum { HARDWARE_REASONS = 3 };

struct run {
	struct db *db;
	const struct monitor_options *options;
	struct monitor_result *result;
	int64_t now;
	/** Crashes with after < id <= newest are looked at for the first time. */
	int64_t after;
	int64_t newest;
	int64_t since;
	/** What happened, told once it is committed; texts in the arena. */
	struct db_arena arena;
	struct monitor_event *events;
	size_t event_count;
	size_t event_capacity;
};

static void run_deinit(struct run *run)
{
	db_arena_deinit(&run->arena);
	free(run->events);
}

struct ey_error *monitor_options_load(struct monitor_options *options,
				      const struct ey_config *config)
{
	static const struct {
		const char *threshold;
		const char *window;
		uint64_t fallback;
	} keys[] = {
		[DB_ALERT_HOST] = {"host_threshold", "host_window", MONITOR_HOST_THRESHOLD},
		[DB_ALERT_MODEL] = {"model_threshold", "model_window", MONITOR_MODEL_THRESHOLD},
		[DB_ALERT_REASON] = {"reason_threshold", "reason_window", MONITOR_REASON_THRESHOLD},
	};
	struct ey_error *err = ey_config_duration(config, "monitor", "max_age", MONITOR_MAX_AGE,
						  &options->max_age);

	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(keys); i++) {
		struct monitor_rule *rule = &options->rules[i];

		err = ey_config_uint(config, "monitor", keys[i].threshold, keys[i].fallback,
				     &rule->threshold);
		if (!err)
			err = ey_config_duration(config, "monitor", keys[i].window, MONITOR_WINDOW,
						 &rule->window);
		if (!err && rule->window <= 0)
			err = ey_error_create(EY_ERR_USAGE, "[monitor] %s is no time",
					      keys[i].window);
	}
	return err;
}

static struct ey_error *note(struct run *run, struct monitor_event event)
{
	event.text = db_arena_strdup(&run->arena, event.text);
	if (!event.text)
		return &ey_error_nomem;
	if (run->event_count == run->event_capacity) {
		size_t capacity = run->event_capacity ? 2 * run->event_capacity : 16;
		struct monitor_event *more =
			reallocarray(run->events, capacity, sizeof(*run->events));

		if (!more)
			return &ey_error_nomem;
		run->events = more;
		run->event_capacity = capacity;
	}
	run->events[run->event_count++] = event;
	return NULL;
}

static struct ey_error *queue(struct run *run, enum db_mail_kind kind, int64_t subject_id)
{
	bool added = false;

	if (run->options->no_mail)
		return NULL;
	struct ey_error *err = db_outbox_add(run->db, kind, subject_id, run->now, &added);
	run->result->mails_queued += added;
	return err;
}

// The name of a subject for people.
static struct ey_error *subject_name(struct db *db, enum db_alert_scope scope, int64_t id,
				     struct ey_buf *name)
{
	struct ey_error *err = NULL;

	switch (scope) {
	case DB_ALERT_HOST: {
		_cleanup_hosts_ struct db_host_list list;

		err = db_host_get(db, id, &list);
		if (!err)
			ey_buf_adds(name, list.items[0].hostname);
		break;
	}
	case DB_ALERT_MODEL: {
		_cleanup_models_ struct db_model_list list;

		err = db_model_get(db, id, &list);
		if (!err)
			ey_buf_printf(name, "%s%s%s", list.items[0].vendor,
				      *list.items[0].vendor && *list.items[0].product ? " " : "",
				      list.items[0].product);
		break;
	}
	case DB_ALERT_REASON: {
		_cleanup_reasons_ struct db_reason_list list;

		err = db_reason_get(db, id, &list);
		if (!err)
			ey_buf_adds(name, list.items[0].title);
		break;
	}
	}
	return err ? err : ey_buf_error(name);
}

static void add_duration(struct ey_buf *buf, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(units); i++) {
		int64_t n = seconds / units[i].seconds;

		// A day is said as 24 hours: it is not a day of the calendar.
		if (seconds % units[i].seconds || !n || (i == 0 && n == 1))
			continue;
		ey_buf_printf(buf, "%" PRId64 " %s%s", n, units[i].name, n == 1 ? "" : "s");
		return;
	}
}

static void write_summary(struct ey_buf *buf, enum db_alert_scope scope, const char *name,
			  const struct window_finding *f, const struct monitor_rule *rule,
			  bool hardware)
{
	switch (scope) {
	case DB_ALERT_HOST:
		ey_buf_printf(buf, "%s crashed %" PRIu64 " times", name, f->crashes);
		break;
	case DB_ALERT_MODEL:
		ey_buf_printf(buf, "%" PRIu64 " hosts of model %s crashed", f->hosts, name);
		break;
	case DB_ALERT_REASON:
		ey_buf_printf(buf, "%s on %" PRIu64 " hosts", name, f->hosts);
		break;
	}
	ey_buf_adds(buf, " within ");
	add_duration(buf, rule->window);
	if (hardware)
		ey_buf_printf(buf, " for %" PRIu64 " different reasons: looks like hardware",
			      f->reasons);
	ey_buf_printf(buf, " (threshold %" PRIu64 ")", rule->threshold);
}

static struct ey_error *raise_alert(struct run *run, enum db_alert_scope scope, int64_t subject_id,
				    const struct window_finding *f)
{
	const struct monitor_rule *rule = &run->options->rules[scope];
	bool hardware = scope == DB_ALERT_HOST && f->reasons >= HARDWARE_REASONS &&
			2 * f->reasons >= f->crashes;
	_cleanup_buf_ struct ey_buf name = EY_BUF_INIT, summary = EY_BUF_INIT;
	struct ey_error *err = subject_name(run->db, scope, subject_id, &name);
	int64_t id = 0;
	bool raised = false;

	if (err)
		return err;
	write_summary(&summary, scope, ey_buf_str(&name), f, rule, hardware);
	err = ey_buf_error(&summary);
	if (!err)
		err = db_alert_raise(
			run->db,
			&(struct db_alert_finding){
				.scope = scope,
				.subject_id = subject_id,
				.subject = ey_buf_str(&name),
				.summary = ey_buf_str(&summary),
				.hint = hardware ? "hardware" : "",
				.count = (int64_t)(scope == DB_ALERT_HOST ? f->crashes : f->hosts),
				.threshold = (int64_t)rule->threshold,
				.window = rule->window,
				.crash_ids = f->ids,
				.crash_count = f->id_count,
			},
			run->now, &id, &raised);
	if (err || !raised)
		return err;
	run->result->raised++;
	err = queue(run, DB_MAIL_ALERT_FIRING, id);
	return err ? err
		   : note(run, (struct monitor_event){.what = MONITOR_RAISED,
						      .alert_id = id,
						      .text = ey_buf_str(&summary)});
}

// Every window that holds a crash not looked at before.
static struct ey_error *look_at(struct run *run, enum db_alert_scope scope,
				const struct db_watch_subject *subject)
{
	const struct monitor_rule *rule = &run->options->rules[scope];
	_cleanup_watch_crashes_ struct db_watch_crash_list crashes;
	_cleanup_window_finding_ struct window_finding finding = {0};
	struct ey_error *err =
		db_watch_crashes(run->db, scope, subject->id, subject->first - rule->window,
				 subject->last + rule->window, &crashes);

	if (!err)
		err = window_slide(&crashes, rule, scope != DB_ALERT_HOST, run->after, &finding);
	if (!err && finding.exceeded)
		err = raise_alert(run, scope, subject->id, &finding);
	return err;
}

static struct ey_error *look_at_new(struct run *run)
{
	struct ey_error *err = NULL;

	for (int scope = DB_ALERT_HOST; !err && scope <= DB_ALERT_REASON; scope++) {
		_cleanup_watch_subjects_ struct db_watch_subject_list subjects;

		err = db_watch_subjects(run->db, (enum db_alert_scope)scope, run->after,
					run->newest, run->since, &subjects);
		for (size_t i = 0; !err && i < subjects.count; i++)
			err = look_at(run, (enum db_alert_scope)scope, &subjects.items[i]);
	}
	return err;
}

// Whether the window that ends now is still too full; then the alert was seen just now.
static struct ey_error *still_exceeded(struct run *run, const struct db_alert *a, bool *ret)
{
	const struct monitor_rule *rule = &run->options->rules[a->scope];
	_cleanup_watch_crashes_ struct db_watch_crash_list crashes;
	_cleanup_window_finding_ struct window_finding finding = {0};
	struct ey_error *err = db_watch_crashes(run->db, a->scope, a->subject_id,
						run->now - rule->window, run->now, &crashes);

	if (!err)
		err = window_slide(&crashes, rule, a->scope != DB_ALERT_HOST, 0, &finding);
	*ret = finding.exceeded;
	if (!err && finding.exceeded)
		err = raise_alert(run, a->scope, a->subject_id, &finding);
	return err;
}

static struct ey_error *resolve_one(struct run *run, const struct db_alert *a)
{
	bool lasts, told = false;
	struct ey_error *err = still_exceeded(run, a, &lasts);

	if (err || lasts || run->now - a->updated <= run->options->rules[a->scope].window) {
		run->result->active += !err;
		return err;
	}
	err = db_alert_resolve(run->db, a->id, run->now);
	// Who was not told that it began has nothing to learn from its end.
	if (!err)
		err = db_outbox_has(run->db, DB_MAIL_ALERT_FIRING, a->id, &told);
	if (!err && told)
		err = queue(run, DB_MAIL_ALERT_RESOLVED, a->id);
	run->result->resolved++;
	return err ? err
		   : note(run, (struct monitor_event){.what = MONITOR_RESOLVED,
						      .alert_id = a->id,
						      .text = a->summary});
}

static struct ey_error *resolve_what_is_over(struct run *run)
{
	const struct db_alert_filter active = {.only_active = true};
	_cleanup_free_ char *cursor = NULL;

	do {
		_cleanup_alerts_ struct db_alert_list list;
		struct ey_error *err = db_alert_list(run->db, &active,
						     &(struct db_page){cursor, DB_PAGE_MAX}, &list);

		for (size_t i = 0; !err && i < list.count; i++)
			err = resolve_one(run, &list.items[i]);
		if (err)
			return err;
		free(cursor);
		cursor = NULL;
		if (list.next && !(cursor = strdup(list.next)))
			return &ey_error_nomem;
	} while (cursor);
	return NULL;
}

static struct ey_error *tell_new_reasons(struct run *run)
{
	_cleanup_watch_subjects_ struct db_watch_subject_list reasons;
	struct ey_error *err =
		db_watch_new_reasons(run->db, run->after, run->newest, run->since, &reasons);

	for (size_t i = 0; !err && i < reasons.count; i++) {
		_cleanup_buf_ struct ey_buf name = EY_BUF_INIT;

		run->result->new_reasons++;
		err = subject_name(run->db, DB_ALERT_REASON, reasons.items[i].id, &name);
		if (!err)
			err = queue(run, DB_MAIL_NEW_REASON, reasons.items[i].id);
		if (!err)
			err = note(run, (struct monitor_event){.what = MONITOR_NEW_REASON,
							       .reason_id = reasons.items[i].id,
							       .text = ey_buf_str(&name)});
	}
	return err;
}

struct ey_error *monitor_run(struct db *db, const struct monitor_options *options,
			     struct monitor_result *ret)
{
	_cleanup_(run_deinit) struct run run = {
		.db = db, .options = options, .result = ret, .now = ey_time_now()};
	_cleanup_txn_ struct db_txn txn = {0};

	*ret = (struct monitor_result){0};
	run.since = options->max_age ? run.now - options->max_age : INT64_MIN;
	// One transaction with the cursor in it: a run happens as a whole or not at all.
	struct ey_error *err = db_begin(db, &txn);
	if (!err)
		err = db_state_get(db, CURSOR, 0, &run.after);
	if (!err)
		err = db_watch_newest(db, &run.newest);
	if (!err)
		err = tell_new_reasons(&run);
	if (!err)
		err = look_at_new(&run);
	if (!err)
		err = resolve_what_is_over(&run);
	if (!err)
		err = db_state_set(db, CURSOR, run.newest);
	if (!err)
		err = db_commit(&txn);
	for (size_t i = 0; !err && options->on_event && i < run.event_count; i++)
		options->on_event(&run.events[i], options->arg);
	return err;
}

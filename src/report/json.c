/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report as JSON, schema "eyrie/report/1". */
#include "base/json.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "report/data.h"

static void kv_time(struct ey_json *w, const char *key, int64_t time)
{
	char text[EY_TIME_TEXT_SIZE];

	ey_json_kv_string(w, key, time ? ey_time_format(time, text) : NULL);
}

static void totals(struct ey_json *w, const char *key, const struct db_totals *t)
{
	ey_json_key(w, key);
	ey_json_object_begin(w);
	ey_json_kv_int(w, "crashes", t->crashes);
	ey_json_kv_int(w, "hosts", t->hosts);
	ey_json_kv_int(w, "reasons", t->reasons);
	ey_json_object_end(w);
}

static void uptime(struct ey_json *w, const struct report_data *d)
{
	const struct db_totals *t = &d->totals;

	ey_json_key(w, "uptime_seconds");
	ey_json_object_begin(w);
	ey_json_kv_int(w, "known", t->uptime_known);
	if (t->uptime_known) {
		ey_json_kv_int(w, "median", t->uptime_median);
		ey_json_kv_int(w, "mean", report_uptime_mean(d));
		ey_json_kv_int(w, "min", t->uptime_min);
		ey_json_kv_int(w, "max", t->uptime_max);
	}
	ey_json_key(w, "classes");
	ey_json_array_begin(w);
	for (unsigned int i = 0; i < DB_UPTIME_CLASS_COUNT; i++) {
		ey_json_object_begin(w);
		ey_json_key(w, "below");
		if (i + 1 < DB_UPTIME_CLASS_COUNT)
			ey_json_int(w, db_uptime_class_bound(i));
		else
			ey_json_null(w);
		ey_json_kv_int(w, "crashes", d->counts.uptime_classes[i]);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
	ey_json_object_end(w);
}

static void days(struct ey_json *w, const struct report_data *d)
{
	ey_json_key(w, "days");
	ey_json_array_begin(w);
	for (size_t i = 0; i < d->days.count && i < DB_MONTH_DAYS; i++) {
		const struct db_day *day = &d->days.items[i];
		_cleanup_buf_ struct ey_buf date = EY_BUF_INIT;

		report_add_day(&date, day->day);
		w->buf->failed |= date.failed;
		ey_json_object_begin(w);
		ey_json_kv_string(w, "day", ey_buf_str(&date));
		ey_json_kv_int(w, "crashes", day->crashes);
		ey_json_kv_int(w, "hosts", day->hosts);
		ey_json_kv_int(w, "of_new_reasons", d->counts.new_by_day[i]);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void trend(struct ey_json *w, const struct report_data *d)
{
	char month[REPORT_MONTH_TEXT_SIZE];

	ey_json_key(w, "months");
	ey_json_array_begin(w);
	for (size_t i = 0; i < REPORT_TREND; i++) {
		ey_json_object_begin(w);
		ey_json_kv_string(w, "month", report_month_format(d->trend[i].month, month));
		ey_json_kv_int(w, "crashes", d->trend[i].crashes);
		ey_json_kv_int(w, "hosts", d->trend[i].hosts);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void top_row(struct ey_json *w, const struct db_top *t)
{
	if (t->id)
		ey_json_kv_int(w, "id", t->id);
	ey_json_kv_string(w, "name", *t->label ? t->label : NULL);
	ey_json_kv_int(w, "crashes", t->crashes);
	ey_json_kv_int(w, "hosts", t->hosts);
	ey_json_kv_int(w, "reasons", t->reasons);
}

static void top(struct ey_json *w, const char *key, const struct db_top_list *list)
{
	ey_json_key(w, key);
	ey_json_object_begin(w);
	ey_json_key(w, "top");
	ey_json_array_begin(w);
	for (size_t i = 0; i < list->count; i++) {
		ey_json_object_begin(w);
		top_row(w, &list->items[i]);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
	ey_json_kv_int(w, "more", list->more);
	ey_json_object_end(w);
}

static void reasons(struct ey_json *w, const struct report_data *d)
{
	ey_json_key(w, "reasons");
	ey_json_object_begin(w);
	ey_json_key(w, "top");
	ey_json_array_begin(w);
	for (size_t i = 0; i < d->reasons.count; i++) {
		const struct db_top *t = &d->reasons.items[i];
		const struct report_reason_info *info = &d->reason_info[i];

		ey_json_object_begin(w);
		top_row(w, t);
		ey_json_kv_string(w, "key", t->detail);
		ey_json_kv_bool(w, "new",
				info->first_seen >= d->begin && info->first_seen < d->end);
		ey_json_kv_string(w, "state", db_reason_state_name(info->state));
		kv_time(w, "first_seen", info->first_seen);
		kv_time(w, "last_in_month", t->last_seen);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
	ey_json_kv_int(w, "more", d->reasons.more);
	ey_json_kv_int(w, "new", d->counts.new_reasons);
	ey_json_kv_int(w, "crashes_of_new", d->counts.new_reason_crashes);
	ey_json_key(w, "by_state");
	ey_json_object_begin(w);
	for (unsigned int i = 0; i < DB_REASON_STATE_COUNT; i++)
		ey_json_kv_int(w, db_reason_state_name((enum db_reason_state)i),
			       d->counts.reasons_by_state[i]);
	ey_json_object_end(w);
	ey_json_object_end(w);
}

static void alerts(struct ey_json *w, const struct report_data *d)
{
	const struct db_alert_list *lists[] = {&d->alerts, &d->older_alerts};

	ey_json_key(w, "alerts");
	ey_json_object_begin(w);
	ey_json_kv_uint(w, "raised", d->alerts.count);
	ey_json_kv_uint(w, "open", report_open_alerts(d));
	ey_json_key(w, "list");
	ey_json_array_begin(w);
	for (size_t l = 0; l < EY_ARRAY_SIZE(lists); l++) {
		for (size_t i = 0; i < lists[l]->count; i++) {
			const struct db_alert *a = &lists[l]->items[i];

			ey_json_object_begin(w);
			ey_json_kv_int(w, "id", a->id);
			ey_json_kv_string(w, "scope", db_alert_scope_name(a->scope));
			ey_json_kv_string(w, "subject", a->subject);
			ey_json_kv_string(w, "summary", a->summary);
			ey_json_kv_string(w, "state", db_alert_state_name(a->state));
			kv_time(w, "raised", a->since);
			kv_time(w, "resolved", a->resolved);
			ey_json_kv_string(w, "who", *a->who ? a->who : NULL);
			ey_json_kv_int(w, "count", a->count);
			ey_json_kv_int(w, "crashes", a->crashes);
			ey_json_object_end(w);
		}
	}
	ey_json_array_end(w);
	ey_json_object_end(w);
}

struct ey_error *report_json(const struct report_data *d, struct ey_buf *buf)
{
	_cleanup_buf_ struct ey_buf summary = EY_BUF_INIT;
	char month[REPORT_MONTH_TEXT_SIZE];
	struct ey_json w;

	report_summary(d, &summary);
	ey_json_init(&w, buf, 2);
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "schema", "eyrie/report/1");
	ey_json_kv_string(&w, "month", report_month_format(d->month, month));
	kv_time(&w, "generated", d->now);
	ey_json_kv_bool(&w, "running", report_is_running(d));
	ey_json_kv_string(&w, "summary", ey_buf_str(&summary));
	totals(&w, "totals", &d->totals);
	totals(&w, "before", &d->before);
	uptime(&w, d);
	days(&w, d);
	trend(&w, d);
	reasons(&w, d);
	top(&w, "hosts", &d->hosts);
	top(&w, "models", &d->models);
	top(&w, "kernels", &d->kernels);
	top(&w, "sites", &d->sites);
	top(&w, "kinds", &d->kinds);
	alerts(&w, d);
	ey_json_object_end(&w);
	ey_buf_addc(buf, '\n');
	buf->failed |= summary.failed;
	return ey_buf_error(buf);
}

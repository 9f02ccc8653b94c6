/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, times and sentences of the report. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "report/data.h"

void report_add_number(struct ey_buf *buf, int64_t v)
{
	char digits[32];
	int n = snprintf(digits, sizeof(digits), "%" PRId64, v < 0 ? -v : v);

	if (v < 0)
		ey_buf_addc(buf, '-');
	for (int i = 0; i < n; i++) {
		if (i && !((n - i) % 3))
			ey_buf_addc(buf, ',');
		ey_buf_addc(buf, digits[i]);
	}
}

void report_add_count(struct ey_buf *buf, int64_t n, const char *one, const char *many)
{
	report_add_number(buf, n);
	ey_buf_printf(buf, " %s", n == 1 ? one : many);
}

void report_add_duration(struct ey_buf *buf, int64_t s)
{
	int64_t days = s / 86400, hours = s / 3600, minutes = s / 60;

	if (days >= 2) {
		report_add_number(buf, days);
		ey_buf_adds(buf, " d");
		// Of a long time, the hours do not matter.
		if (hours % 24 && days < 30)
			ey_buf_printf(buf, " %" PRId64 " h", hours % 24);
	} else if (hours) {
		ey_buf_printf(buf, "%" PRId64 " h", hours);
		if (minutes % 60)
			ey_buf_printf(buf, " %" PRId64 " min", minutes % 60);
	} else if (minutes) {
		ey_buf_printf(buf, "%" PRId64 " min", minutes);
	} else {
		ey_buf_printf(buf, "%" PRId64 " s", s);
	}
}

void report_add_day(struct ey_buf *buf, int64_t time)
{
	char s[EY_TIME_TEXT_SIZE];

	ey_buf_printf(buf, "%.10s", ey_time_format(time, s));
}

void report_add_time(struct ey_buf *buf, int64_t time)
{
	char s[EY_TIME_TEXT_SIZE];

	ey_time_format(time, s);
	if (strlen(s) > 16)
		ey_buf_printf(buf, "%.10s %.5s", s, s + 11);
	else
		ey_buf_adds(buf, s);
}

int64_t report_uptime_mean(const struct report_data *d)
{
	return d->totals.uptime_known ? d->totals.uptime_sum / d->totals.uptime_known : 0;
}

size_t report_open_alerts(const struct report_data *d)
{
	size_t open = d->older_alerts.count;

	for (size_t i = 0; i < d->alerts.count; i++)
		open += d->alerts.items[i].state != DB_ALERT_RESOLVED;
	return open;
}

static void add_month(struct ey_buf *buf, const struct report_data *d)
{
	ey_buf_printf(buf, "%s %d", report_month_name(d->month.month), d->month.year);
}

void report_add_before(struct ey_buf *buf, const struct report_data *d)
{
	const char *name = report_month_name(d->month.month + 11);
	int64_t day = (d->now - d->begin) / 86400 + 1;

	// A month that still runs is compared with as many days of the one before.
	if (!report_is_running(d) || day >= 31)
		ey_buf_adds(buf, name);
	else if (day <= 1)
		ey_buf_printf(buf, "%s 1", name);
	else
		ey_buf_printf(buf, "%s 1\xe2\x80\x93%" PRId64, name, day); // en dash
}

static void add_comparison(struct ey_buf *buf, const struct report_data *d)
{
	int64_t now = d->totals.crashes, before = d->before.crashes;

	if (!before) {
		ey_buf_adds(buf, " In ");
		report_add_before(buf, d);
		ey_buf_adds(buf, " there was none.");
		return;
	}
	ey_buf_adds(buf, now == before ? " That is as many as in " : " That is ");
	if (now != before) {
		report_add_number(buf, now > before ? now - before : before - now);
		ey_buf_adds(buf, now > before ? " more than in " : " fewer than in ");
	}
	report_add_before(buf, d);
	ey_buf_adds(buf, " (");
	report_add_number(buf, before);
	ey_buf_adds(buf, ").");
}

static void summary_of_nothing(const struct report_data *d, struct ey_buf *buf)
{
	ey_buf_adds(buf, report_is_running(d) ? "No crash has been recorded in "
					      : "No crash was recorded in ");
	add_month(buf, d);
	ey_buf_adds(buf, report_is_running(d) ? " so far." : ".");
	if (d->before.crashes) {
		ey_buf_adds(buf, " In ");
		report_add_before(buf, d);
		ey_buf_adds(buf, " there ");
		ey_buf_adds(buf, d->before.crashes == 1 ? "was " : "were ");
		report_add_number(buf, d->before.crashes);
		ey_buf_addc(buf, '.');
	}
	// Nothing recorded may also mean that nothing arrives any more.
	if (d->last_crash) {
		ey_buf_adds(buf, " The last crash that reached Eyrie is of ");
		report_add_day(buf, d->last_crash);
		ey_buf_addc(buf, '.');
	} else {
		ey_buf_adds(buf, " No crash has reached this database yet.");
	}
}

static void add_alerts(struct ey_buf *buf, const struct report_data *d)
{
	int64_t raised = (int64_t)d->alerts.count, older = (int64_t)d->older_alerts.count;
	int64_t open = (int64_t)report_open_alerts(d) - older;

	if (!raised && !older)
		return;
	ey_buf_addc(buf, ' ');
	if (raised) {
		report_add_count(buf, raised, "alert was raised", "alerts were raised");
		if (!open)
			ey_buf_adds(buf, raised == 1 ? " and is over" : " and all are over");
		else if (open == raised)
			ey_buf_adds(buf, raised == 1 ? " and is still open" : ", all still open");
		else
			ey_buf_printf(buf, ", %" PRId64 " of them still open", open);
	}
	if (older) {
		ey_buf_adds(buf, raised ? "; " : "");
		report_add_count(buf, older, "older alert is", "older alerts are");
		ey_buf_adds(buf, " still open");
	}
	ey_buf_addc(buf, '.');
}

void report_summary(const struct report_data *d, struct ey_buf *buf)
{
	const struct db_totals *t = &d->totals;

	if (!t->crashes) {
		summary_of_nothing(d, buf);
		add_alerts(buf, d);
		return;
	}
	report_add_count(buf, t->crashes, "crash", "crashes");
	ey_buf_adds(buf, " on ");
	report_add_count(buf, t->hosts, "host", "hosts");
	ey_buf_adds(buf, ", ");
	report_add_count(buf, t->reasons, "reason", "reasons");
	if (d->counts.new_reasons == t->reasons) {
		ey_buf_adds(buf, t->reasons == 1 ? ", which is new" : ", all of them new");
	} else {
		ey_buf_adds(buf, ", ");
		if (d->counts.new_reasons)
			report_add_number(buf, d->counts.new_reasons);
		else
			ey_buf_adds(buf, "none");
		ey_buf_adds(buf, " of them new");
	}
	ey_buf_adds(buf, report_is_running(d) ? " so far." : ".");
	add_comparison(buf, d);
	if (t->reasons > 1 && d->reasons.count && d->reasons.items[0].crashes > 1) {
		const struct db_top *r = &d->reasons.items[0];

		ey_buf_printf(buf, " The most frequent, \"%s\", made ", r->label);
		report_add_number(buf, r->crashes);
		ey_buf_adds(buf, " of them on ");
		report_add_count(buf, r->hosts, "host.", "hosts.");
	}
	// One sick machine can be what a whole month looks bad for.
	if (t->hosts > 1 && d->hosts.count && d->hosts.items[0].crashes >= 3 &&
	    d->hosts.items[0].crashes * 3 >= t->crashes) {
		ey_buf_printf(buf, " One host alone, %s, had ", d->hosts.items[0].label);
		report_add_number(buf, d->hosts.items[0].crashes);
		ey_buf_addc(buf, '.');
	}
	add_alerts(buf, d);
}

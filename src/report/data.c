/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ask the database for the numbers of a month. */
#include "report/data.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/crash.h"

/** More alerts in a month than anybody reads. */
enum { MAX_ALERTS = 200 };

void report_data_deinit(struct report_data *d)
{
	db_day_list_deinit(&d->days);
	db_top_list_deinit(&d->reasons);
	db_top_list_deinit(&d->hosts);
	db_top_list_deinit(&d->models);
	db_top_list_deinit(&d->kernels);
	db_top_list_deinit(&d->sites);
	db_top_list_deinit(&d->kinds);
	db_alert_list_deinit(&d->alerts);
	db_alert_list_deinit(&d->older_alerts);
	*d = (struct report_data){0};
}

static struct ey_error *load_trend(struct db *db, struct report_data *d)
{
	struct ey_error *err = NULL;

	for (int i = 0; i < REPORT_TREND && !err; i++) {
		struct report_month m = report_month_add(d->month, i - REPORT_TREND + 1);

		d->trend[i].month = m;
		// The month before 1970 is none of ours.
		if (m.year >= 1970)
			err = db_month_crashes(db, report_month_begin(m),
					       report_month_begin(report_month_add(m, 1)),
					       &d->trend[i].crashes, &d->trend[i].hosts);
	}
	return err;
}

static struct ey_error *load_tops(struct db *db, const struct db_stats_filter *f,
				  struct report_data *d)
{
	const struct {
		enum db_dimension by;
		unsigned int limit;
		struct db_top_list *list;
	} tops[] = {
		{DB_BY_REASON, REPORT_TOP_REASONS, &d->reasons},
		{DB_BY_HOST, REPORT_TOP_OTHERS, &d->hosts},
		{DB_BY_MODEL, REPORT_TOP_OTHERS, &d->models},
		{DB_BY_KERNEL, REPORT_TOP_OTHERS, &d->kernels},
		{DB_BY_SITE, REPORT_TOP_OTHERS, &d->sites},
		{DB_BY_KIND, REPORT_TOP_OTHERS, &d->kinds},
	};
	struct ey_error *err = NULL;

	for (size_t i = 0; i < EY_ARRAY_SIZE(tops) && !err; i++)
		err = db_stats_top(db, tops[i].by, f, tops[i].limit, tops[i].list);
	for (size_t i = 0; i < d->reasons.count && !err; i++) {
		_cleanup_reasons_ struct db_reason_list reason = {0};

		err = db_reason_get(db, d->reasons.items[i].id, &reason);
		if (!err && reason.count)
			d->reason_info[i] = (struct report_reason_info){reason.items[0].state,
									reason.items[0].first_seen};
	}
	return err;
}

static struct ey_error *load_alerts(struct db *db, struct report_data *d)
{
	struct db_page page = {.limit = MAX_ALERTS};
	struct ey_error *err =
		db_alert_list(db, &(struct db_alert_filter){.since = d->begin, .until = d->end},
			      &page, &d->alerts);

	if (!err && d->begin > 0)
		err = db_alert_list(
			db, &(struct db_alert_filter){.only_active = true, .until = d->begin},
			&page, &d->older_alerts);
	return err;
}

static struct ey_error *load_last(struct db *db, struct report_data *d)
{
	_cleanup_crashes_ struct db_crash_list list = {0};
	struct ey_error *err = db_crash_list(db, NULL, &(struct db_page){.limit = 1}, &list);

	if (!err && list.count)
		d->last_crash = list.items[0].time;
	return err;
}

static struct ey_error *load(struct db *db, struct report_data *d)
{
	_cleanup_snapshot_ struct db_snapshot snapshot = {0};
	struct db_stats_filter f = {.since = d->begin, .until = d->end};
	struct report_month last = report_month_add(d->month, -1);
	struct ey_error *err = db_snapshot_begin(db, &snapshot);

	if (!err)
		err = db_stats_totals(db, &f, &d->totals);
	if (!err && last.year >= 1970) {
		// A month that still runs is compared with as much of the one before.
		int64_t begin = report_month_begin(last);
		int64_t until =
			report_is_running(d) ? begin + EY_MAX(d->now - d->begin, 0) + 1 : d->begin;

		err = db_stats_totals(db,
				      &(struct db_stats_filter){.since = EY_MAX(begin, 1),
								.until = EY_MIN(until, d->begin)},
				      &d->before);
	}
	if (!err)
		err = db_month_counts(db, d->begin, d->end, &d->counts);
	if (!err)
		err = db_stats_days(db, &f, &d->days);
	if (!err)
		err = load_trend(db, d);
	if (!err)
		err = load_tops(db, &f, d);
	if (!err)
		err = load_alerts(db, d);
	if (!err)
		err = load_last(db, d);
	return err;
}

struct ey_error *report_data_load(struct db *db, struct report_month month,
				  const struct report_options *options, struct report_data *ret)
{
	struct report_data d = {
		.month = month,
		.begin = report_month_begin(month),
		.end = report_month_begin(report_month_add(month, 1)),
		.now = options && options->now ? options->now : ey_time_now(),
		.console_url = options ? options->console_url : NULL,
	};
	struct ey_error *err = load(db, &d);

	if (err) {
		report_data_deinit(&d);
		err = ey_error_prefix(err, "the numbers of %04d-%02d", month.year, month.month);
	}
	*ret = d;
	return err;
}

struct ey_error *report_write(struct db *db, struct report_month month, enum report_format format,
			      const struct report_options *options, struct ey_buf *buf)
{
	_cleanup_report_data_ struct report_data data = {0};

	if (format == REPORT_CSV)
		return report_csv(db, month, buf);
	struct ey_error *err = report_data_load(db, month, options, &data);
	if (err)
		return err;
	return format == REPORT_JSON ? report_json(&data, buf) : report_html(&data, buf);
}

struct ey_error *report_write_html(struct db *db, struct report_month month,
				   const struct report_options *options, struct ey_buf *buf)
{
	return report_write(db, month, REPORT_HTML, options, buf);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The numbers of a month, between the database and the writers. Private to the room. */
#ifndef EYRIE_REPORT_DATA_H
#define EYRIE_REPORT_DATA_H

#include "db/alert.h"
#include "db/month.h"
#include "db/reason.h"
#include "db/stats.h"
#include "report/report.h"

enum {
	/** Months of the trend, the reported one last. */
	REPORT_TREND = 12,
	/** Rows of the tables. */
	REPORT_TOP_REASONS = 20,
	REPORT_TOP_OTHERS = 10,
};

struct report_data {
	struct report_month month;
	/** The month is begin <= time < end; numbers reach to `until`, `now` or the end. */
	int64_t begin;
	int64_t end;
	int64_t now;
	/** "" or where links go; NULL: no links. Borrowed. */
	const char *console_url;

	struct db_totals totals;
	/** The month before: the same part of it (`before_until`) where this one still runs. */
	struct db_totals before;
	struct db_month_counts counts;
	struct {
		struct report_month month;
		int64_t crashes;
		int64_t hosts;
	} trend[REPORT_TREND];

	struct db_day_list days;
	struct db_top_list reasons;
	/** State and first crash of each row of `reasons`, as long. */
	struct report_reason_info {
		enum db_reason_state state;
		int64_t first_seen;
	} reason_info[REPORT_TOP_REASONS];
	struct db_top_list hosts;
	struct db_top_list models;
	struct db_top_list kernels;
	struct db_top_list sites;
	struct db_top_list kinds;
	/** Raised in the month, the latest first, and older ones that are still open. */
	struct db_alert_list alerts;
	struct db_alert_list older_alerts;
	/** The last crash of all in the database, 0 for none. */
	int64_t last_crash;
};

/** Ask the database. */
struct ey_error *report_data_load(struct db *db, struct report_month month,
				  const struct report_options *options,
				  struct report_data *ret) EY_MUST_CHECK;
void report_data_deinit(struct report_data *data);
#define _cleanup_report_data_ __attribute__((cleanup(report_data_deinit)))

/** Whether the month is not over yet. */
static inline bool report_is_running(const struct report_data *d)
{
	return d->now < d->end;
}

/** "November". */
const char *report_month_name(int month);
/** "1,234". */
void report_add_number(struct ey_buf *buf, int64_t v);
/** "1,234 crashes", "1 crash". */
void report_add_count(struct ey_buf *buf, int64_t n, const char *one, const char *many);
/** "3 d 4 h"; "2026-11-23"; "2026-11-23 14:05". */
void report_add_duration(struct ey_buf *buf, int64_t seconds);
void report_add_day(struct ey_buf *buf, int64_t time);
void report_add_time(struct ey_buf *buf, int64_t time);

/** What the month is compared with: "October", or "October 1–23" while it runs. */
void report_add_before(struct ey_buf *buf, const struct report_data *d);

/** The sentences on top, plain text: what a manager reads. */
void report_summary(const struct report_data *d, struct ey_buf *buf);
/** Mean of the known uptimes, seconds; 0 where none is. */
int64_t report_uptime_mean(const struct report_data *d);
/** Alerts that are not resolved. */
size_t report_open_alerts(const struct report_data *d);

struct ey_error *report_html(const struct report_data *d, struct ey_buf *buf) EY_MUST_CHECK;
struct ey_error *report_json(const struct report_data *d, struct ey_buf *buf) EY_MUST_CHECK;
/** A row each crash of the month, read page by page. */
struct ey_error *report_csv(struct db *db, struct report_month month,
			    struct ey_buf *buf) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of the page that are drawings. */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "report/chart.h"
#include "report/html.h"

enum { MAX_DAYS = 31, LABEL_SIZE = 32 };

static void legend_item(struct ey_buf *buf, const char *css_class, const char *name)
{
	ey_buf_printf(buf,
		      "<span><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"%s\" "
		      "width=\"10\" height=\"10\" rx=\"2\"/></svg>%s</span>\n",
		      css_class, name);
}

static void describe_days(const struct report_data *d, struct ey_buf *buf)
{
	const struct db_day *worst = NULL;
	int64_t quiet = 0, seen = 0;

	for (size_t i = 0; i < d->days.count; i++) {
		const struct db_day *day = &d->days.items[i];

		if (day->day > d->now)
			break;
		seen++;
		quiet += !day->crashes;
		if (!worst || day->crashes > worst->crashes)
			worst = day;
	}
	if (!worst || !worst->crashes) {
		ey_buf_adds(buf, "A column for each day of the month; no day has a crash.");
		return;
	}
	ey_buf_adds(buf, "A column for each day of the month. The most on one day is ");
	report_add_count(buf, worst->crashes, "crash", "crashes");
	ey_buf_adds(buf, ", on ");
	report_add_day(buf, worst->day);
	ey_buf_printf(buf, "; %" PRId64 " of %" PRId64 " days have none.", quiet, seen);
}

void report_section_days(const struct report_data *d, struct ey_buf *buf)
{
	_cleanup_buf_ struct ey_buf description = EY_BUF_INIT;
	char labels[MAX_DAYS][LABEL_SIZE], long_labels[MAX_DAYS][LABEL_SIZE];
	const char *label_list[MAX_DAYS], *long_list[MAX_DAYS];
	int64_t known[MAX_DAYS] = {0}, fresh[MAX_DAYS] = {0};
	size_t count = EY_MIN(d->days.count, (size_t)MAX_DAYS), unknown_from = count;

	for (size_t i = 0; i < count; i++) {
		const struct db_day *day = &d->days.items[i];

		snprintf(labels[i], LABEL_SIZE, "%zu", i + 1);
		snprintf(long_labels[i], LABEL_SIZE, "%zu %s", i + 1,
			 report_month_name(d->month.month));
		label_list[i] = labels[i];
		long_list[i] = long_labels[i];
		fresh[i] = EY_MIN(d->counts.new_by_day[i], day->crashes);
		known[i] = day->crashes - fresh[i];
		if (day->day > d->now && unknown_from == count)
			unknown_from = i;
	}
	describe_days(d, &description);
	struct chart c = {
		.id = "days",
		.title = "Crashes per day",
		.description = ey_buf_str(&description),
		.unit = "crashes",
		.unit_one = "crash",
		.labels = label_list,
		.long_labels = long_list,
		.count = count,
		.series = (struct chart_series[]){{"of known reasons", "known", known},
						  {"of new reasons", "new", fresh}},
		.series_count = 2,
		.unknown_from = unknown_from,
	};
	ey_buf_adds(buf, "<section>\n<h2>Crashes per day</h2>\n<div class=\"scroll\">\n");
	chart_columns(buf, &c);
	ey_buf_adds(buf, "</div>\n<p class=\"legend\">");
	legend_item(buf, "known", "reasons known before this month");
	legend_item(buf, "new", "reasons new this month");
	ey_buf_adds(buf, "</p>\n</section>\n");
	buf->failed |= description.failed;
}

void report_section_trend(const struct report_data *d, struct ey_buf *buf)
{
	char labels[REPORT_TREND][LABEL_SIZE], long_labels[REPORT_TREND][LABEL_SIZE];
	const char *label_list[REPORT_TREND], *long_list[REPORT_TREND];
	int64_t crashes[REPORT_TREND], hosts[REPORT_TREND];
	_cleanup_buf_ struct ey_buf description = EY_BUF_INIT;
	size_t first = 0;

	// Months before the first crash ever recorded say nothing: nobody counted then.
	while (first < REPORT_TREND - 1 && !d->trend[first].crashes)
		first++;
	size_t count = REPORT_TREND - first;
	// A line needs some points to be one.
	if (count < 3)
		return;
	for (size_t i = 0; i < count; i++) {
		struct report_month m = d->trend[first + i].month;

		snprintf(labels[i], LABEL_SIZE, "%.3s %d", report_month_name(m.month),
			 m.year % 100);
		snprintf(long_labels[i], LABEL_SIZE, "%s %d", report_month_name(m.month), m.year);
		label_list[i] = labels[i];
		long_list[i] = long_labels[i];
		crashes[i] = d->trend[first + i].crashes;
		hosts[i] = d->trend[first + i].hosts;
	}
	ey_buf_printf(&description, "From %s, with ", long_labels[0]);
	report_add_count(&description, crashes[0], "crash", "crashes");
	ey_buf_printf(&description, ", to %s, with ", long_labels[count - 1]);
	report_add_number(&description, crashes[count - 1]);
	ey_buf_addc(&description, '.');
	struct chart c = {
		.id = "trend",
		.title = "Crashes and hosts per month",
		.description = ey_buf_str(&description),
		.unit = "per month",
		.labels = label_list,
		.long_labels = long_list,
		.count = count,
		.series = (struct chart_series[]){{"crashes", "known", crashes},
						  {"hosts that crashed", "hosts", hosts}},
		.series_count = 2,
		.unknown_from = count,
		.height = 190,
		.show_values = true,
	};
	ey_buf_adds(buf, "<section>\n<h2>The months before</h2>\n<div class=\"scroll\">\n");
	chart_lines(buf, &c);
	ey_buf_adds(buf, "</div>\n<p class=\"legend\">");
	legend_item(buf, "known", "crashes");
	legend_item(buf, "hosts", "hosts that crashed");
	if (report_is_running(d))
		ey_buf_adds(buf, "<span>the last point is a month that is not over</span>");
	ey_buf_adds(buf, "</p>\n</section>\n");
	buf->failed |= description.failed;
}

void report_section_uptime(const struct report_data *d, struct ey_buf *buf)
{
	const struct db_totals *t = &d->totals;
	_cleanup_buf_ struct ey_buf description = EY_BUF_INIT;
	const char *labels[DB_UPTIME_CLASS_COUNT];

	if (!t->crashes)
		return;
	ey_buf_adds(buf, "<section>\n<h2>How long hosts ran before they crashed</h2>\n");
	if (!t->uptime_known) {
		ey_buf_adds(buf, "<p class=\"none\">No crash of this month says how long its host "
				 "had been up.</p>\n</section>\n");
		return;
	}
	for (unsigned int i = 0; i < DB_UPTIME_CLASS_COUNT; i++)
		labels[i] = db_uptime_class_name(i);
	ey_buf_adds(&description, "Crashes by uptime. Median ");
	report_add_duration(&description, t->uptime_median);
	ey_buf_adds(&description, ", mean ");
	report_add_duration(&description, report_uptime_mean(d));
	ey_buf_addc(&description, '.');
	struct chart c = {
		.id = "uptime",
		.title = "Crashes by uptime",
		.description = ey_buf_str(&description),
		.unit = "crashes",
		.unit_one = "crash",
		.labels = labels,
		.count = DB_UPTIME_CLASS_COUNT,
		.series = (struct chart_series[]){{"crashes", "known", d->counts.uptime_classes}},
		.series_count = 1,
		.unknown_from = DB_UPTIME_CLASS_COUNT,
		.height = 170,
		.show_values = true,
	};
	ey_buf_adds(buf, "<div class=\"scroll\">\n");
	chart_columns(buf, &c);
	ey_buf_adds(buf, "</div>\n<p class=\"note\">Known for ");
	report_add_number(buf, t->uptime_known);
	ey_buf_adds(buf, " of ");
	report_add_count(buf, t->crashes, "crash", "crashes");
	ey_buf_adds(buf, ": shortest ");
	report_add_duration(buf, t->uptime_min);
	ey_buf_adds(buf, ", median ");
	report_add_duration(buf, t->uptime_median);
	ey_buf_adds(buf, ", mean ");
	report_add_duration(buf, report_uptime_mean(d));
	ey_buf_adds(buf, ", longest ");
	report_add_duration(buf, t->uptime_max);
	ey_buf_adds(buf, ".</p>\n</section>\n");
	buf->failed |= description.failed;
}

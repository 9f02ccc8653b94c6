/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page. Written as XML, so that any parser can prove it whole. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/html.h"
#include "report/style.h"

void report_escape(struct ey_buf *buf, const char *s)
{
	ey_html_escape(buf, s, strlen(s));
}

void report_link_begin(const struct report_data *d, struct ey_buf *buf, const char *kind,
		       int64_t id)
{
	if (!d->console_url || id <= 0)
		return;
	ey_buf_adds(buf, "<a href=\"");
	report_escape(buf, d->console_url);
	ey_buf_printf(buf, "/%s/%" PRId64 "\">", kind, id);
}

void report_link_end(const struct report_data *d, struct ey_buf *buf, int64_t id)
{
	if (d->console_url && id > 0)
		ey_buf_adds(buf, "</a>");
}

static void header(const struct report_data *d, struct ey_buf *buf)
{
	_cleanup_buf_ struct ey_buf summary = EY_BUF_INIT;
	const char *name = report_month_name(d->month.month);

	ey_buf_printf(
		buf,
		"<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
		"<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
		"content=\"width=device-width,initial-scale=1\"/>\n"
		"<meta name=\"generator\" content=\"Eyrie " EYRIE_VERSION "\"/>\n"
		"<title>Kernel crashes in %s %d</title>\n<style>\n%s</style>\n</head>\n<body>\n"
		"<header>\n<h1>Kernel crashes in %s %d</h1>\n<p class=\"sub\">",
		name, d->month.year, report_style, name, d->month.year);
	if (report_is_running(d)) {
		ey_buf_adds(buf, "The month is still running; as of ");
		report_add_time(buf, d->now);
		ey_buf_adds(buf, " UTC");
	} else {
		ey_buf_adds(buf, "As recorded on ");
		report_add_day(buf, d->now);
		ey_buf_adds(buf, "; days and times are UTC");
	}
	if (d->sites.count == 1 && *d->sites.items[0].label) {
		ey_buf_adds(buf, "; site ");
		report_escape(buf, d->sites.items[0].label);
	}
	ey_buf_adds(buf, "</p>\n<p class=\"summary\">");
	report_summary(d, &summary);
	buf->failed |= summary.failed;
	report_escape(buf, ey_buf_str(&summary));
	ey_buf_adds(buf, "</p>\n</header>\n<main>\n");
}

static void tile_begin(struct ey_buf *buf, const char *name)
{
	ey_buf_printf(buf, "<div class=\"tile\"><div class=\"name\">%s</div><div class=\"big\">",
		      name);
}

static void tile_more(struct ey_buf *buf)
{
	ey_buf_adds(buf, "</div><div class=\"more\">");
}

static void tile_end(struct ey_buf *buf)
{
	ey_buf_adds(buf, "</div></div>\n");
}

static void difference(struct ey_buf *buf, const struct report_data *d, int64_t now, int64_t before)
{
	if (now == before) {
		ey_buf_adds(buf, "as in ");
	} else {
		// U+2212, the minus sign.
		ey_buf_adds(buf, now > before ? "+" : "\xe2\x88\x92");
		report_add_number(buf, now > before ? now - before : before - now);
		ey_buf_adds(buf, " against ");
	}
	report_add_before(buf, d);
}

static void tiles(const struct report_data *d, struct ey_buf *buf)
{
	const struct db_totals *t = &d->totals;
	size_t open = report_open_alerts(d);

	ey_buf_adds(buf, "<section class=\"tiles\" aria-label=\"Figures of the month\">\n");
	tile_begin(buf, "Crashes");
	report_add_number(buf, t->crashes);
	tile_more(buf);
	difference(buf, d, t->crashes, d->before.crashes);
	tile_end(buf);
	tile_begin(buf, "Hosts that crashed");
	report_add_number(buf, t->hosts);
	tile_more(buf);
	difference(buf, d, t->hosts, d->before.hosts);
	tile_end(buf);
	tile_begin(buf, "Reasons");
	report_add_number(buf, t->reasons);
	tile_more(buf);
	report_add_number(buf, d->counts.new_reasons);
	ey_buf_adds(buf, " new, ");
	report_add_number(buf, t->reasons - d->counts.new_reasons);
	ey_buf_adds(buf, " known before");
	tile_end(buf);
	tile_begin(buf, "Uptime before a crash");
	if (t->uptime_known)
		report_add_duration(buf, t->uptime_median);
	else
		ey_buf_adds(buf, "\xe2\x80\x93"); // –
	tile_more(buf);
	if (t->uptime_known) {
		ey_buf_adds(buf, "median; mean ");
		report_add_duration(buf, report_uptime_mean(d));
	} else {
		ey_buf_adds(buf, "not known");
	}
	tile_end(buf);
	tile_begin(buf, "Alerts raised");
	report_add_number(buf, (int64_t)d->alerts.count);
	tile_more(buf);
	if (open)
		report_add_count(buf, (int64_t)open, "open", "open");
	else
		ey_buf_adds(buf, "none open");
	tile_end(buf);
	ey_buf_adds(buf, "</section>\n");
}

static void footer(const struct report_data *d, struct ey_buf *buf)
{
	ey_buf_adds(
		buf,
		"</main>\n<footer>\n<p><strong>How to read this.</strong> A crash counts on the "
		"day the host crashed, by its own clock. A reason gathers the crashes of one "
		"bug over kernel builds; it is new when its first crash ever lies in this "
		"month. Uptime is how long a host had run before it crashed. Hosts that "
		"did not crash are not in these numbers, so they say nothing of crashes per "
		"host.</p>\n<p>Written by Eyrie " EYRIE_VERSION " at ");
	report_add_time(buf, d->now);
	ey_buf_adds(buf, " UTC.</p>\n</footer>\n</body>\n</html>\n");
}

struct ey_error *report_html(const struct report_data *d, struct ey_buf *buf)
{
	header(d, buf);
	tiles(d, buf);
	report_section_days(d, buf);
	report_section_reasons(d, buf);
	report_section_alerts(d, buf);
	if (d->totals.crashes) {
		ey_buf_adds(buf, "<div class=\"pair\">\n");
		report_section_top(d, buf, "Hosts", "Host", "hosts", &d->hosts, d->totals.hosts);
		report_section_top(d, buf, "Models", "Model", NULL, &d->models, 0);
		report_section_top(d, buf, "Kernels", "Kernel", NULL, &d->kernels, 0);
		report_section_top(d, buf, "Kinds of crash", "Kind", NULL, &d->kinds, 0);
		if (d->sites.count > 1)
			report_section_top(d, buf, "Sites", "Site", NULL, &d->sites, 0);
		ey_buf_adds(buf, "</div>\n");
	}
	report_section_uptime(d, buf);
	report_section_trend(d, buf);
	footer(d, buf);
	return ey_buf_error(buf);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of the page that are tables. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/chart.h"
#include "report/html.h"

static const char *state_words(enum db_reason_state state)
{
	switch (state) {
	case DB_REASON_NEW:
		return "not looked at";
	case DB_REASON_INVESTIGATING:
		return "investigating";
	case DB_REASON_REPORTED:
		return "reported";
	case DB_REASON_FIX_AVAILABLE:
		return "fix available";
	case DB_REASON_ROLLED_OUT:
		return "fix rolled out";
	case DB_REASON_RESOLVED:
		return "resolved";
	case DB_REASON_WONT_FIX:
		return "will not be fixed";
	case DB_REASON_HARDWARE:
		return "hardware";
	}
	return "";
}

static void number_cell(struct ey_buf *buf, int64_t v)
{
	ey_buf_adds(buf, "<td class=\"n\">");
	report_add_number(buf, v);
	ey_buf_adds(buf, "</td>");
}

static void share_cell(struct ey_buf *buf, int64_t part, int64_t whole)
{
	if (whole > 0)
		ey_buf_printf(buf, "<td class=\"n\">%.0f %%</td>",
			      100.0 * (double)part / (double)whole);
	else
		ey_buf_adds(buf, "<td class=\"n\"></td>");
}

static void rest_row(struct ey_buf *buf, int64_t groups, int64_t crashes, const char *word,
		     unsigned int columns_after)
{
	if (groups <= 0)
		return;
	ey_buf_adds(buf, "<tr class=\"rest\"><th scope=\"row\">");
	report_add_number(buf, groups);
	ey_buf_printf(buf, " more %s</th><td class=\"b\"></td>", word);
	number_cell(buf, crashes);
	// Of the reasons' four, the second and third are the dates that a narrow screen leaves out.
	for (unsigned int i = 0; i < columns_after; i++)
		ey_buf_adds(buf, columns_after == 4 && (i == 1 || i == 2)
					 ? "<td class=\"opt\"></td>"
					 : "<td></td>");
	ey_buf_adds(buf, "</tr>\n");
}

static int64_t crashes_left(const struct db_top_list *list, int64_t all)
{
	for (size_t i = 0; i < list->count; i++)
		all -= list->items[i].crashes;
	return all;
}

static void reason_row(const struct report_data *d, struct ey_buf *buf, size_t i)
{
	const struct db_top *r = &d->reasons.items[i];
	const struct report_reason_info *info = &d->reason_info[i];
	bool fresh = info->first_seen >= d->begin && info->first_seen < d->end;

	ey_buf_adds(buf, "<tr><th scope=\"row\">");
	report_link_begin(d, buf, "reasons", r->id);
	report_escape(buf, *r->label ? r->label : "(no title)");
	report_link_end(d, buf, r->id);
	if (fresh)
		ey_buf_adds(buf, "<span class=\"tag fresh\">new</span>");
	ey_buf_adds(buf, "<span class=\"key\">");
	report_escape(buf, r->detail);
	ey_buf_adds(buf, "</span></th><td class=\"b\">");
	chart_table_bar(buf, r->crashes, fresh ? r->crashes : 0, d->reasons.items[0].crashes);
	ey_buf_adds(buf, "</td>");
	number_cell(buf, r->crashes);
	number_cell(buf, r->hosts);
	ey_buf_adds(buf, "<td class=\"t opt\">");
	report_add_day(buf, info->first_seen);
	ey_buf_adds(buf, "</td><td class=\"t opt\">");
	report_add_day(buf, r->last_seen);
	ey_buf_printf(buf, "</td><td>%s</td></tr>\n", state_words(info->state));
}

static void reason_states(const struct report_data *d, struct ey_buf *buf)
{
	const int64_t *by = d->counts.reasons_by_state;
	int64_t done = by[DB_REASON_RESOLVED] + by[DB_REASON_ROLLED_OUT];

	ey_buf_adds(buf, "<p class=\"note\">Of ");
	report_add_count(buf, d->totals.reasons, "reason", "reasons");
	ey_buf_adds(buf, " of this month, ");
	report_add_number(buf, by[DB_REASON_NEW]);
	ey_buf_adds(buf, by[DB_REASON_NEW] == 1 ? " has not been looked at yet"
						: " have not been looked at yet");
	for (unsigned int s = DB_REASON_INVESTIGATING; s < DB_REASON_STATE_COUNT; s++) {
		if (!by[s] || s == DB_REASON_RESOLVED || s == DB_REASON_ROLLED_OUT)
			continue;
		ey_buf_adds(buf, ", ");
		report_add_number(buf, by[s]);
		ey_buf_printf(buf, " %s", state_words((enum db_reason_state)s));
	}
	ey_buf_adds(buf, ", ");
	report_add_number(buf, done);
	ey_buf_adds(buf, " resolved or with the fix rolled out.</p>\n");
}

void report_section_reasons(const struct report_data *d, struct ey_buf *buf)
{
	ey_buf_adds(buf, "<section>\n<h2>Reasons</h2>\n");
	if (!d->reasons.count) {
		ey_buf_adds(buf, "<p class=\"none\">None.</p>\n</section>\n");
		return;
	}
	ey_buf_adds(buf, "<div class=\"scroll\"><table class=\"wide\">\n<thead><tr><th "
			 "scope=\"col\">Reason</th>"
			 "<th scope=\"col\"></th><th scope=\"col\" class=\"n\">Crashes</th>"
			 "<th scope=\"col\" class=\"n\">Hosts</th><th scope=\"col\" "
			 "class=\"opt\">First ever</th>"
			 "<th scope=\"col\" class=\"opt\">Last this month</th><th "
			 "scope=\"col\">State</th></tr>"
			 "</thead>\n<tbody>\n");
	for (size_t i = 0; i < d->reasons.count; i++)
		reason_row(d, buf, i);
	rest_row(buf, d->reasons.more, crashes_left(&d->reasons, d->totals.crashes),
		 d->reasons.more == 1 ? "reason" : "reasons", 4);
	ey_buf_adds(buf, "</tbody>\n</table></div>\n");
	reason_states(d, buf);
	ey_buf_adds(buf, "</section>\n");
}

void report_section_top(const struct report_data *d, struct ey_buf *buf, const char *heading,
			const char *column, const char *link_kind, const struct db_top_list *list,
			int64_t total)
{
	if (!list->count)
		return;
	bool hosts_column = !link_kind;

	ey_buf_printf(buf,
		      "<section>\n<h2>%s</h2>\n<table>\n<thead><tr><th scope=\"col\">%s</th>"
		      "<th scope=\"col\"></th><th scope=\"col\" class=\"n\">Crashes</th>"
		      "<th scope=\"col\" class=\"n\">Share</th>"
		      "<th scope=\"col\" class=\"n\">%s</th></tr></thead>\n<tbody>\n",
		      heading, column, hosts_column ? "Hosts" : "Reasons");
	for (size_t i = 0; i < list->count; i++) {
		const struct db_top *row = &list->items[i];

		ey_buf_adds(buf, "<tr><th scope=\"row\">");
		if (link_kind)
			report_link_begin(d, buf, link_kind, row->id);
		report_escape(buf, *row->label ? row->label : "(not known)");
		if (link_kind)
			report_link_end(d, buf, row->id);
		ey_buf_adds(buf, "</th><td class=\"b\">");
		chart_table_bar(buf, row->crashes, 0, list->items[0].crashes);
		ey_buf_adds(buf, "</td>");
		number_cell(buf, row->crashes);
		share_cell(buf, row->crashes, d->totals.crashes);
		number_cell(buf, hosts_column ? row->hosts : row->reasons);
		ey_buf_adds(buf, "</tr>\n");
	}
	rest_row(buf, EY_MAX(list->more, total - (int64_t)list->count),
		 crashes_left(list, d->totals.crashes), "", 2);
	ey_buf_adds(buf, "</tbody>\n</table>\n</section>\n");
}

static void alert_row(const struct report_data *d, struct ey_buf *buf, const struct db_alert *a)
{
	static const struct {
		const char *css_class;
		const char *word;
	} states[] = {
		[DB_ALERT_FIRING] = {"open", "open"},
		[DB_ALERT_ACKNOWLEDGED] = {"taken", "taken"},
		[DB_ALERT_RESOLVED] = {"over", "over"},
	};
	const char *kind = a->scope == DB_ALERT_HOST	 ? "hosts"
			   : a->scope == DB_ALERT_REASON ? "reasons"
							 : NULL;

	ey_buf_adds(buf, "<tr><td class=\"t\">");
	report_link_begin(d, buf, "alerts", a->id);
	report_add_time(buf, a->since);
	report_link_end(d, buf, a->id);
	ey_buf_adds(buf, "</td><th scope=\"row\">");
	if (kind)
		report_link_begin(d, buf, kind, a->subject_id);
	report_escape(buf, a->subject);
	if (kind)
		report_link_end(d, buf, a->subject_id);
	ey_buf_printf(buf, "<span class=\"tag %s\">%s</span><span class=\"key\">%s</span></th><td>",
		      states[a->state].css_class, states[a->state].word,
		      db_alert_scope_name(a->scope));
	report_escape(buf, a->summary);
	ey_buf_adds(buf, "</td>");
	number_cell(buf, a->crashes);
	ey_buf_adds(buf, "<td class=\"t\">");
	report_add_duration(buf, (a->resolved ? a->resolved : EY_MAX(d->now, a->since)) - a->since);
	ey_buf_adds(buf, "</td><td>");
	report_escape(buf, a->who);
	ey_buf_adds(buf, "</td></tr>\n");
}

void report_section_alerts(const struct report_data *d, struct ey_buf *buf)
{
	ey_buf_adds(buf, "<section>\n<h2>Alerts</h2>\n");
	if (!d->alerts.count && !d->older_alerts.count) {
		ey_buf_adds(buf, "<p class=\"none\">None was raised.</p>\n</section>\n");
		return;
	}
	ey_buf_adds(buf, "<div class=\"scroll\"><table class=\"roomy\">\n<thead><tr><th "
			 "scope=\"col\">Raised</th>"
			 "<th scope=\"col\">On</th><th scope=\"col\">What</th>"
			 "<th scope=\"col\" class=\"n\">Crashes</th><th scope=\"col\">Lasted</th>"
			 "<th scope=\"col\">Taken by</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < d->alerts.count; i++)
		alert_row(d, buf, &d->alerts.items[i]);
	for (size_t i = 0; i < d->older_alerts.count; i++)
		alert_row(d, buf, &d->older_alerts.items[i]);
	ey_buf_adds(buf, "</tbody>\n</table></div>\n");
	if (d->older_alerts.count)
		ey_buf_adds(buf, "<p class=\"note\">Those raised before this month are listed "
				 "because they are still open.</p>\n");
	ey_buf_adds(buf, "</section>\n");
}

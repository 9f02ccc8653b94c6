/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Pieces of the page. Private to the room. */
#ifndef EYRIE_REPORT_HTML_H
#define EYRIE_REPORT_HTML_H

#include "report/data.h"

void report_escape(struct ey_buf *buf, const char *s);
/** A link to "KIND/ID" of the console around what is written between; nothing without a console. */
void report_link_begin(const struct report_data *d, struct ey_buf *buf, const char *kind,
		       int64_t id);
void report_link_end(const struct report_data *d, struct ey_buf *buf, int64_t id);

void report_section_days(const struct report_data *d, struct ey_buf *buf);
void report_section_trend(const struct report_data *d, struct ey_buf *buf);
void report_section_uptime(const struct report_data *d, struct ey_buf *buf);
void report_section_reasons(const struct report_data *d, struct ey_buf *buf);
/**
 * A table of what most crashes were on. @p link_kind NULL: no links. @p total: distinct ones in
 * the month, where that is known to be more than the table can hold; else 0.
 */
void report_section_top(const struct report_data *d, struct ey_buf *buf, const char *heading,
			const char *column, const char *link_kind, const struct db_top_list *list,
			int64_t total);
void report_section_alerts(const struct report_data *d, struct ey_buf *buf);

#endif

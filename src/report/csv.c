/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The crashes of the month as CSV (RFC 4180), for a spreadsheet. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "db/crash.h"
#include "report/data.h"

// A cell that begins like a formula is run by spreadsheets: an apostrophe in front makes it text
// for all of them (OWASP, "CSV Injection").
static bool is_formula(const char *s)
{
	return *s && strchr("=+-@\t\r\n|", *s);
}

static void cell(struct ey_buf *buf, const char *s, bool last)
{
	_cleanup_buf_ struct ey_buf clean = EY_BUF_INIT;

	if (is_formula(s))
		ey_buf_addc(&clean, '\'');
	ey_text_clean(&clean, s, strlen(s));
	buf->failed |= clean.failed;
	const char *text = ey_buf_str(&clean);
	if (text[strcspn(text, ",\"\r\n")] || *text == ' ') {
		ey_buf_addc(buf, '"');
		for (; *text; text++) {
			if (*text == '"')
				ey_buf_addc(buf, '"');
			ey_buf_addc(buf, *text);
		}
		ey_buf_addc(buf, '"');
	} else {
		ey_buf_adds(buf, text);
	}
	ey_buf_adds(buf, last ? "\r\n" : ",");
}

static void number_cell(struct ey_buf *buf, int64_t v)
{
	if (v >= 0)
		ey_buf_printf(buf, "%" PRId64, v);
	ey_buf_addc(buf, ',');
}

static void row(struct ey_buf *buf, const struct db_crash *c)
{
	_cleanup_buf_ struct ey_buf model = EY_BUF_INIT;
	char time[EY_TIME_TEXT_SIZE];

	ey_buf_printf(&model, "%s%s%s", c->vendor, *c->vendor && *c->product ? " " : "",
		      c->product);
	buf->failed |= model.failed;
	number_cell(buf, c->id);
	cell(buf, ey_time_format(c->time, time), false);
	cell(buf, c->site, false);
	cell(buf, c->hostname, false);
	cell(buf, ey_buf_str(&model), false);
	cell(buf, c->firmware, false);
	cell(buf, c->kernel, false);
	number_cell(buf, c->uptime);
	cell(buf, c->kind, false);
	cell(buf, c->reason_key, false);
	cell(buf, c->reason_state, false);
	cell(buf, c->title, false);
	cell(buf, c->signature, false);
	cell(buf, c->module, false);
	cell(buf, c->comm, false);
	cell(buf, c->taint, false);
	cell(buf, db_dump_name(c->dump), false);
	cell(buf, c->path, true);
}

struct ey_error *report_csv(struct db *db, struct report_month month, struct ey_buf *buf)
{
	struct db_crash_filter filter = {
		.since = report_month_begin(month),
		.until = report_month_begin(report_month_add(month, 1)),
	};
	_cleanup_free_ char *cursor = NULL;

	ey_buf_adds(buf, "id,time,site,host,model,firmware,kernel,uptime_seconds,kind,reason,"
			 "reason_state,title,signature,module,command,taint,dump,path\r\n");
	for (;;) {
		_cleanup_crashes_ struct db_crash_list list = {0};
		struct db_page page = {.cursor = cursor, .limit = DB_PAGE_MAX};
		struct ey_error *err = db_crash_list(db, &filter, &page, &list);

		if (err)
			return ey_error_prefix(err, "the crashes of %04d-%02d", month.year,
					       month.month);
		for (size_t i = 0; i < list.count; i++)
			row(buf, &list.items[i]);
		free(cursor);
		cursor = list.next ? strdup(list.next) : NULL;
		if (!list.next)
			return ey_buf_error(buf);
		if (!cursor)
			return &ey_error_nomem;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The report of a month: one HTML page that needs nothing else, or the same numbers as JSON, or
 * its crashes as CSV. Also the job that writes it on schedule and mails it when the month is over.
 */
#ifndef EYRIE_REPORT_REPORT_H
#define EYRIE_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/error.h"
#include "db/db.h"

/** A calendar month, UTC. */
struct report_month {
	int year;
	/** 1 to 12. */
	int month;
};

/** Bytes of "2026-11" and its NUL. */
enum { REPORT_MONTH_TEXT_SIZE = 16 };

/** Read "2026-11" (years 1970 to 9999). */
bool report_month_parse(const char *text, struct report_month *ret);
/** Write "2026-11"; @p buf has REPORT_MONTH_TEXT_SIZE bytes. */
const char *report_month_format(struct report_month month, char *buf);
/** The month that @p time (seconds since 1970) lies in. */
struct report_month report_month_of(int64_t time);
/** @p months later, or earlier where negative. */
struct report_month report_month_add(struct report_month month, int months);
/** Its first second. It ends before that of the next. */
int64_t report_month_begin(struct report_month month);

#define REPORT_FORMATS(X) \
	X(HTML, "html")   \
	X(JSON, "json")   \
	X(CSV, "csv")

enum report_format {
#define X(id, name) REPORT_##id,
	REPORT_FORMATS(X)
#undef X
};
const char *report_format_name(enum report_format format);
bool report_format_parse(const char *name, enum report_format *ret);

struct report_options {
	/**
	 * Where links go: "https://eyrie.example.com" (no slash at the end), "" for links within
	 * the server that shows the page, NULL for none.
	 */
	const char *console_url;
	/** Seconds since 1970; 0: ey_time_now(). Decides whether the month is still running. */
	int64_t now;
};

/**
 * Append the report of @p month. @p options may be NULL.
 *
 * HTML: a well-formed XHTML5 document. It loads nothing and has no script; its one <style> element
 * wants "style-src 'unsafe-inline'" of a Content-Security-Policy. Everything that comes from the
 * database is escaped.
 * JSON: schema "eyrie/report/1". CSV: a row each crash (RFC 4180), cells that a spreadsheet would
 * take for a formula made text.
 */
struct ey_error *report_write(struct db *db, struct report_month month, enum report_format format,
			      const struct report_options *options,
			      struct ey_buf *buf) EY_MUST_CHECK;
/** The same as HTML. */
struct ey_error *report_write_html(struct db *db, struct report_month month,
				   const struct report_options *options,
				   struct ey_buf *buf) EY_MUST_CHECK;

/** What one run of the job did. */
struct report_result {
	/** Files written, and the last of them (free()); NULL where no directory is configured. */
	unsigned int written;
	char *path;
	/** The month that was mailed by this run; year 0 for none. */
	struct report_month mailed;
};
void report_result_deinit(struct report_result *result);
#define _cleanup_report_result_ __attribute__((cleanup(report_result_deinit)))

/**
 * The job, as eyried runs it on schedule: write the running month's report (and, in a month's
 * first days, the one before, which late crashes still change) to YYYY-MM.html in
 * [report] directory; with [report] mail = yes mail the month that has just ended, once. A mail
 * that could not be sent is an error (EY_ERR_IO) and is tried again by the next run. @p db must be
 * open for writing where mail is on.
 */
struct ey_error *report_run(struct db *db, const struct ey_config *config,
			    struct report_result *ret) EY_MUST_CHECK;

/** Mail the report of @p month to [report] to, or else [mail] to; the page is attached. */
struct ey_error *report_mail(struct db *db, const struct ey_config *config,
			     struct report_month month) EY_MUST_CHECK;

#endif

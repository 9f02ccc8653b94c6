/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The month: its numbers, its crashes, and the page that is also mailed. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "report/report.h"
#include "server/api.h"
#include "server/summary.h"

static struct ey_error *read_month(const struct server_target *target, struct report_month *ret)
{
	const char *text = server_query_string(target, "month");

	*ret = report_month_of(ey_time_now());
	if (text && !report_month_parse(text, ret))
		return ey_error_create(EY_ERR_INPUT,
				       "parameter \"month\" is not a month such as 2026-11");
	return NULL;
}

static struct ey_error *write_month(struct db *db, int64_t months, enum report_format format,
				    struct ey_buf *out)
{
	struct report_options options = {.console_url = ""};
	struct report_month month = {.year = (int)(months / 12), .month = (int)(months % 12) + 1};

	return report_write(db, month, format, &options, out);
}

static struct ey_error *write_html(struct db *db, int64_t months, struct ey_buf *out)
{
	return write_month(db, months, REPORT_HTML, out);
}

static struct ey_error *write_json(struct db *db, int64_t months, struct ey_buf *out)
{
	return write_month(db, months, REPORT_JSON, out);
}

static struct ey_error *write_report(const struct api *api, struct db *db,
				     const struct server_request *request,
				     struct server_response *response, enum report_format format)
{
	static const char *const types[] = {"text/html; charset=utf-8", "application/json",
					    "text/csv; charset=utf-8"};
	static server_summary_fn *const writers[] = {
		[REPORT_HTML] = write_html, [REPORT_JSON] = write_json};
	char name[REPORT_MONTH_TEXT_SIZE];
	struct report_month month;

	struct ey_error *err = read_month(&request->target, &month);
	if (err)
		return err;
	response->status = 200;
	response->content_type = types[format];
	if (server_query_string(&request->target, "download") &&
	    asprintf(&response->download_name, "eyrie-%s.%s", report_month_format(month, name),
		     report_format_name(format)) < 0) {
		response->download_name = NULL;
		return &ey_error_nomem;
	}
	int64_t months = (int64_t)month.year * 12 + month.month - 1;
	// A crash a line is no sum: it is written as it is asked for.
	if (format == REPORT_CSV)
		return write_month(db, months, format, &response->body);
	return server_summary(api->summaries, db, writers[format], months, &response->body);
}

struct ey_error *api_report(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {"month", "format", "download", NULL};
	const char *text = server_query_string(&request->target, "format");
	enum report_format format = REPORT_JSON;

	struct ey_error *err = server_query_only(&request->target, known);
	if (err)
		return err;
	if (text && (!report_format_parse(text, &format) || format == REPORT_HTML))
		return ey_error_create(EY_ERR_INPUT,
				       "parameter \"format\" is neither \"json\" nor \"csv\"; the "
				       "page is at /report.html");
	return write_report(api, db, request, response, format);
}

struct ey_error *api_report_page(const struct api *api, struct db *db,
				 const struct server_request *request,
				 struct server_response *response)
{
	static const char *const known[] = {"month", "download", NULL};

	struct ey_error *err = server_query_only(&request->target, known);
	if (err)
		return err;
	// Its one style sheet stands in the page, as it is also a mail; it has no script, and its
	// links leave the frame that the console shows it in.
	response->csp = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
			"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
			"sandbox allow-popups allow-top-navigation-by-user-activation "
			"allow-popups-to-escape-sandbox";
	return write_report(api, db, request, response, REPORT_HTML);
}

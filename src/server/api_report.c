/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The month: its numbers, its crashes, and the page that is also mailed. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "report/report.h"
#include "server/api.h"

static struct ey_error *read_month(const struct server_target *target, struct report_month *ret)
{
	const char *text = server_query_string(target, "month");

	*ret = report_month_of(ey_time_now());
	if (text && !report_month_parse(text, ret))
		return ey_error_create(EY_ERR_INPUT,
				       "parameter \"month\" is not a month such as 2026-11");
	return NULL;
}

static struct ey_error *write_report(struct db *db, const struct server_request *request,
				     struct server_response *response, enum report_format format)
{
	static const char *const types[] = {"text/html; charset=utf-8", "application/json",
					    "text/csv; charset=utf-8"};
	struct report_options options = {.console_url = ""};
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
	return report_write(db, month, format, &options, &response->body);
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
	return write_report(db, request, response, format);
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
	return write_report(db, request, response, REPORT_HTML);
}

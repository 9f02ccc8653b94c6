/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { TEXT_COLUMNS = 72, ROW_NAME_COLUMNS = 11 };

// Styles stand in the elements: mail readers drop <style>. Colours are left to the reader, so
// that its dark mode stays readable.
#define FONT "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"

void notify_document_begin(struct notify_document *d)
{
	*d = (struct notify_document){0};
	ey_buf_adds(&d->html,
		    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
		    "<meta name=\"color-scheme\" content=\"light dark\"></head>\n"
		    "<body style=\"" FONT
		    ";font-size:15px;line-height:1.45;max-width:46em;margin:0;padding:12px\">\n");
}

void notify_document_end(struct notify_document *d)
{
	ey_buf_adds(&d->html, "</body></html>\n");
}

void notify_document_deinit(struct notify_document *d)
{
	ey_buf_deinit(&d->text);
	ey_buf_deinit(&d->html);
}

static void escape(struct ey_buf *buf, const char *s)
{
	ey_html_escape(buf, s, strlen(s));
}

void notify_document_title(struct notify_document *d, const char *title)
{
	ey_buf_printf(&d->text, "%s\n", title);
	ey_buf_adds(&d->html, "<h1 style=\"font-size:19px;line-height:1.3;margin:0 0 8px\">");
	escape(&d->html, title);
	ey_buf_adds(&d->html, "</h1>\n");
}

void notify_document_heading(struct notify_document *d, const char *heading)
{
	ey_buf_printf(&d->text, "\n%s\n", heading);
	for (size_t i = 0; heading[i]; i++)
		ey_buf_addc(&d->text, '-');
	ey_buf_addc(&d->text, '\n');
	ey_buf_adds(&d->html, "<h2 style=\"font-size:15px;margin:18px 0 4px\">");
	escape(&d->html, heading);
	ey_buf_adds(&d->html, "</h2>\n");
}

static void wrap(struct ey_buf *buf, const char *s)
{
	size_t column = 0;

	while (*s) {
		size_t len = strcspn(s, " \n");

		if (column && column + 1 + len > TEXT_COLUMNS) {
			ey_buf_addc(buf, '\n');
			column = 0;
		} else if (column) {
			ey_buf_addc(buf, ' ');
			column++;
		}
		ey_buf_add(buf, s, len);
		column += len;
		s += len + strspn(s + len, " \n");
	}
	ey_buf_addc(buf, '\n');
}

void notify_document_paragraph(struct notify_document *d, const char *format, ...)
{
	_cleanup_free_ char *s = NULL;
	va_list ap;

	va_start(ap, format);
	int n = vasprintf(&s, format, ap);
	va_end(ap);
	if (n < 0) {
		s = NULL;
		d->text.failed = true;
		return;
	}
	ey_buf_addc(&d->text, '\n');
	wrap(&d->text, s);
	ey_buf_adds(&d->html, "<p style=\"margin:8px 0\">");
	escape(&d->html, s);
	ey_buf_adds(&d->html, "</p>\n");
}

void notify_document_rows_begin(struct notify_document *d)
{
	ey_buf_addc(&d->text, '\n');
	ey_buf_adds(&d->html, "<table style=\"border-collapse:collapse;font-size:14px;"
			      "margin:10px 0\">\n");
}

void notify_document_row(struct notify_document *d, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	ey_buf_printf(&d->text, "%-*s", ROW_NAME_COLUMNS, name);
	// One row, one line: a line break from outside must not look like another row.
	for (const char *s = value; *s; s++)
		ey_buf_addc(&d->text, *s == '\n' || *s == '\r' ? ' ' : *s);
	ey_buf_addc(&d->text, '\n');
	ey_buf_adds(&d->html, "<tr><th align=\"left\" valign=\"top\" style=\"font-weight:normal;"
			      "opacity:.7;padding:1px 12px 1px 0;white-space:nowrap\">");
	escape(&d->html, name);
	ey_buf_adds(&d->html, "</th><td style=\"padding:1px 0;word-break:break-word\">");
	escape(&d->html, value);
	ey_buf_adds(&d->html, "</td></tr>\n");
}

void notify_document_rows_end(struct notify_document *d)
{
	ey_buf_adds(&d->html, "</table>\n");
}

void notify_document_link(struct notify_document *d, const char *label, const char *url)
{
	if (!url || !*url)
		return;
	ey_buf_printf(&d->text, "%s: %s\n", label, url);
	// Only what is surely an address of a page may be followed by a click.
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return;
	ey_buf_adds(&d->html, "<p style=\"margin:6px 0\"><a href=\"");
	escape(&d->html, url);
	ey_buf_adds(&d->html, "\">");
	escape(&d->html, label);
	ey_buf_adds(&d->html, "</a></p>\n");
}

void notify_document_lines(struct notify_document *d, const char *lines)
{
	size_t len = strlen(lines);

	ey_buf_add(&d->text, lines, len);
	if (len && lines[len - 1] != '\n')
		ey_buf_addc(&d->text, '\n');
	ey_buf_adds(&d->html, "<pre style=\"font-family:ui-monospace,Menlo,Consolas,monospace;"
			      "font-size:12px;line-height:1.35;white-space:pre-wrap;"
			      "overflow-wrap:anywhere;border-left:3px solid #8886;margin:4px 0;"
			      "padding:2px 0 2px 8px\">");
	escape(&d->html, lines);
	ey_buf_adds(&d->html, "</pre>\n");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/parser.h"

#include <stdlib.h>
#include <string.h>

#include "oops/report.h"
#include "oops/scan.h"

enum {
	// An open report is over when so many lines in a row did not belong to it, or so many
	// after its "end trace" mark.
	IDLE_LINES_MAX = 120,
	ENDED_LINES_MAX = 40,
};

struct oops_parser {
	oops_event_fn fn;
	void *arg;
	uint64_t line_number;
	/** The beginning of a line whose end has not come yet. */
	char partial[OOPS_LINE_MAX];
	size_t partial_len;
	bool in_partial;
	/** NUL-terminated copy of the line at work. */
	char line[OOPS_LINE_MAX + 1];
	struct report report;
};

struct ey_error *oops_parser_create(oops_event_fn fn, void *arg, struct oops_parser **ret)
{
	struct oops_parser *parser = calloc(1, sizeof(*parser));

	if (!parser)
		return &ey_error_nomem;
	parser->fn = fn;
	parser->arg = arg;
	*ret = parser;
	return NULL;
}

void oops_parser_destroy(struct oops_parser *parser)
{
	free(parser);
}

static struct ey_error *close_report(struct oops_parser *parser)
{
	struct oops_event event;

	if (!parser->report.active)
		return NULL;
	struct ey_error *err = report_finish(&parser->report, &event);
	parser->report.active = false;
	if (err)
		return err;
	err = parser->fn(&event, parser->arg);
	oops_event_deinit(&event);
	return err;
}

// One line, without its newline.
static struct ey_error *take_line(struct oops_parser *parser, const char *raw, size_t len)
{
	struct report *r = &parser->report;
	struct oops_line line;
	struct oops_header header;
	struct ey_error *err;

	parser->line_number++;
	if (!r->active && !oops_scan_line(raw, len))
		return NULL;
	if (len > OOPS_LINE_MAX)
		len = OOPS_LINE_MAX;
	// The DFA stops at a NUL; those inside a line stand for noise.
	memcpy(parser->line, raw, len);
	for (char *nul; (nul = memchr(parser->line, '\0', len));)
		*nul = ' ';
	parser->line[len] = '\0';
	oops_line_strip(parser->line, len, &line);
	parser->line[(size_t)(line.text - parser->line) + line.len] = '\0';
	if (r->active) {
		switch (report_add(r, &line, parser->line_number)) {
		case REPORT_TOOK:
			r->idle_lines = 0;
			return NULL;
		case REPORT_UNKNOWN:
			r->idle_lines++;
			if (r->idle_lines < (r->ended ? ENDED_LINES_MAX : IDLE_LINES_MAX))
				return NULL;
			return close_report(parser);
		case REPORT_OVER:
			if ((err = close_report(parser)))
				return err;
			break;
		}
	}
	if (oops_header_find(line.text, line.len, &header))
		report_begin(r, &header, &line, parser->line_number);
	return NULL;
}

struct ey_error *oops_parser_feed(struct oops_parser *parser, const char *data, size_t len)
{
	const char *p = data, *end = data + len;
	struct ey_error *err;

	if (parser->in_partial) {
		const char *newline = memchr(p, '\n', len);
		size_t n = (size_t)((newline ? newline : end) - p);
		size_t room = OOPS_LINE_MAX - parser->partial_len;
		size_t take = n < room ? n : room;

		memcpy(parser->partial + parser->partial_len, p, take);
		parser->partial_len += take;
		if (!newline)
			return NULL;
		parser->in_partial = false;
		if ((err = take_line(parser, parser->partial, parser->partial_len)))
			return err;
		p = newline + 1;
	}
	while (p < end) {
		if (!parser->report.active) {
			// Nothing open: straight to the next line with an anchor in it.
			uint64_t lines = 0;
			p = oops_scan(p, end, &lines);
			parser->line_number += lines;
			if (p == end)
				break;
		}
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			break;
		if ((err = take_line(parser, p, (size_t)(newline - p))))
			return err;
		p = newline + 1;
	}
	if (p < end) {
		parser->in_partial = true;
		parser->partial_len =
			(size_t)(end - p) < OOPS_LINE_MAX ? (size_t)(end - p) : OOPS_LINE_MAX;
		memcpy(parser->partial, p, parser->partial_len);
	}
	return NULL;
}

struct ey_error *oops_parser_finish(struct oops_parser *parser)
{
	if (parser->in_partial) {
		parser->in_partial = false;
		struct ey_error *err = take_line(parser, parser->partial, parser->partial_len);
		if (err)
			return err;
	}
	return close_report(parser);
}

struct collection {
	struct oops_event *events;
	size_t count, capacity;
};

static struct ey_error *collect(struct oops_event *event, void *arg)
{
	struct collection *c = arg;

	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? 2 * c->capacity : 8;
		struct oops_event *more = reallocarray(c->events, capacity, sizeof(*more));
		if (!more)
			return &ey_error_nomem;
		c->events = more;
		c->capacity = capacity;
	}
	oops_event_move(&c->events[c->count++], event);
	return NULL;
}

struct ey_error *oops_parse_text(const char *log, size_t len, struct oops_event **events_ret,
				 size_t *count_ret)
{
	_cleanup_oops_parser_ struct oops_parser *parser = NULL;
	struct collection c = {0};
	struct ey_error *err = oops_parser_create(collect, &c, &parser);

	if (!err)
		err = oops_parser_feed(parser, log, len);
	if (!err)
		err = oops_parser_finish(parser);
	if (err) {
		oops_events_free(c.events, c.count);
		return err;
	}
	*events_ret = c.events;
	*count_ret = c.count;
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/parser.h"

#include <stdlib.h>
#include <string.h>

#include "oops/keys.h"
#include "oops/report.h"
#include "oops/scan.h"

enum {
	// An open report is over when so many lines in a row did not belong to it, or so many
	// after its "end trace" mark.
	IDLE_LINES_MAX = 100,
	ENDED_LINES_MAX = 30,
	// So many, and only lines that may be the report's are looked at.
	SKIP_LINES = 8,
	// Reports open at a time: CPUs print at the same time, and printk tells them apart where
	// it prints caller ids.
	OPEN_MAX = 4,
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
	struct oops_scanner headers, relevant;
	struct oops_context context;
	struct report *open[OPEN_MAX];
	unsigned int open_count;
};

struct ey_error *oops_parser_create(oops_event_fn fn, void *arg, struct oops_parser **ret)
{
	struct oops_parser *parser = calloc(1, sizeof(*parser));

	if (!parser)
		return &ey_error_nomem;
	oops_scanner_init(&parser->headers, OOPS_SCAN_HEADERS, OOPS_SCAN_BEST);
	oops_scanner_init(&parser->relevant, OOPS_SCAN_REPORT, OOPS_SCAN_BEST);
	parser->context.hardware_time = -1;
	parser->fn = fn;
	parser->arg = arg;
	*ret = parser;
	return NULL;
}

void oops_parser_explain(struct oops_parser *parser)
{
	parser->context.explain = true;
}

void oops_parser_search_with(struct oops_parser *parser, enum oops_scan_with with)
{
	oops_scanner_choose(&parser->headers, with);
	oops_scanner_choose(&parser->relevant, with);
}

void oops_parser_destroy(struct oops_parser *parser)
{
	if (!parser)
		return;
	for (unsigned int i = 0; i < OPEN_MAX; i++)
		free(parser->open[i]);
	free(parser);
}

// Close the report in slot @p i: the event goes out, the slot's memory stays for the next one.
static struct ey_error *close_report(struct oops_parser *parser, unsigned int i)
{
	struct oops_event event;
	struct report *r = parser->open[i];
	struct ey_error *err;
	bool found;

	for (unsigned int j = i; j + 1 < parser->open_count; j++)
		parser->open[j] = parser->open[j + 1];
	parser->open[--parser->open_count] = r;
	if ((err = report_finish(r, &parser->context, &event, &found)) || !found)
		return err;
	oops_context_take(&parser->context, &event);
	err = parser->fn(&event, parser->arg);
	oops_event_deinit(&event);
	return err;
}

static struct ey_error *begin_report(struct oops_parser *parser, const struct oops_header *header,
				     const struct oops_line *line)
{
	struct ey_error *err;

	if (parser->open_count == OPEN_MAX && (err = close_report(parser, 0)))
		return err;
	struct report **slot = &parser->open[parser->open_count];
	if (!*slot && !(*slot = malloc(sizeof(**slot))))
		return &ey_error_nomem;
	report_begin(*slot, header, line, parser->line_number);
	parser->open_count++;
	return NULL;
}

static bool is_stall(const struct report *r)
{
	return r->kind == OOPS_HANG || r->kind == OOPS_RCU_STALL || r->kind == OOPS_SOFT_LOCKUP ||
	       r->kind == OOPS_HARD_LOCKUP;
}

// The open report that a line belongs to: by its caller id; a line of a caller without a report
// goes to a stall's, which has other CPUs print; -1 for none.
static int owner_of(const struct oops_parser *parser, const struct oops_line *line)
{
	int stall = -1;

	for (unsigned int i = parser->open_count; i-- > 0;) {
		const struct report *r = parser->open[i];
		if (!line->caller[0] || !r->caller[0] || !strcmp(line->caller, r->caller))
			return (int)i;
		if (is_stall(r))
			stall = (int)i;
	}
	return stall;
}

// Lines went by that say nothing to an open report.
static struct ey_error *pass_lines(struct oops_parser *parser, uint64_t lines)
{
	struct ey_error *err;

	for (unsigned int i = 0; i < parser->open_count;) {
		struct report *r = parser->open[i];
		r->idle_lines += lines < IDLE_LINES_MAX ? (unsigned int)lines : IDLE_LINES_MAX;
		if (r->idle_lines < (r->ended ? ENDED_LINES_MAX : IDLE_LINES_MAX))
			i++;
		else if ((err = close_report(parser, i)))
			return err;
	}
	return NULL;
}

// Whether only lines with an anchor of a report's are looked at: it has been silent for a while.
static bool is_skipping(const struct oops_parser *parser)
{
	return parser->open_count == 1 && parser->open[0]->idle_lines >= SKIP_LINES;
}

/*
 * One line, without its newline. @p may_begin: it may hold an anchor of a header, the search over
 * the chunk says.
 */
static struct ey_error *take_line(struct oops_parser *parser, const char *raw, size_t len,
				  bool may_begin)
{
	struct oops_line line;
	struct oops_header header;
	struct ey_error *err;

	parser->line_number++;
	if (len > OOPS_LINE_MAX)
		len = OOPS_LINE_MAX;
	// The DFA stops at a NUL. Around a line they are padding (serial consoles, pstore); inside
	// one they are noise, and become a byte that no rule and no anchor has.
	while (len && !*raw) {
		raw++;
		len--;
	}
	while (len && !raw[len - 1])
		len--;
	memcpy(parser->line, raw, len);
	for (char *nul; (nul = memchr(parser->line, '\0', len));)
		*nul = '\1';
	parser->line[len] = '\0';
	// Again, since NULs and what stands behind OOPS_LINE_MAX count no more.
	bool anchored = may_begin && oops_scan_line(&parser->headers, parser->line, len);
	if (!parser->open_count && !anchored)
		return NULL;
	// The same as oops_parser_feed() does in long strides: chunks must not change the answer.
	if (is_skipping(parser) && !oops_scan_line(&parser->relevant, parser->line, len))
		return pass_lines(parser, 1);
	oops_line_strip(parser->line, len, &line);
	parser->line[(size_t)(line.text - parser->line) + line.len] = '\0';
	bool is_header = anchored && oops_header_find(line.text, line.len, &header);
	int owner = owner_of(parser, &line);
	if (owner >= 0 && is_header && parser->open[owner]->caller[0] && line.caller[0] &&
	    strcmp(parser->open[owner]->caller, line.caller) != 0 && !(header.rule == RULE_PANIC))
		owner = -1;
	enum report_take take = REPORT_UNKNOWN;
	if (owner >= 0) {
		take = report_add(parser->open[owner], &line, is_header ? &header : NULL,
				  parser->line_number);
		if (take == REPORT_OVER && (err = close_report(parser, (unsigned int)owner)))
			return err;
	}
	for (unsigned int i = 0; i < parser->open_count;) {
		struct report *r = parser->open[i];
		if (take == REPORT_TOOK && (int)i == owner)
			r->idle_lines = 0;
		else if (take != REPORT_NEUTRAL || (int)i != owner || r->idle_lines >= 4)
			r->idle_lines++;
		if (r->idle_lines < (r->ended ? ENDED_LINES_MAX : IDLE_LINES_MAX))
			i++;
		else if ((err = close_report(parser, i)))
			return err;
		else if ((int)i < owner)
			owner--;
	}
	if (is_header && take != REPORT_TOOK && take != REPORT_NEUTRAL)
		return begin_report(parser, &header, &line);
	return NULL;
}

struct ey_error *oops_parser_feed(struct oops_parser *parser, const char *data, size_t len)
{
	const char *p = data, *end = data + len;
	// The next line from p on that has an anchor of a header in it, where that is known.
	const char *anchored = NULL;
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
		if ((err = take_line(parser, parser->partial, parser->partial_len, true)))
			return err;
		p = newline + 1;
	}
	while (p < end) {
		uint64_t lines = 0;

		if (!parser->open_count) {
			// Nothing open: straight to the next line with an anchor in it.
			p = anchored = oops_scan(&parser->headers, p, end, &lines);
			parser->line_number += lines;
			if (p == end)
				break;
		} else if (is_skipping(parser)) {
			// An open report whose lines have stopped: to the next that may be one.
			p = oops_scan(&parser->relevant, p, end, &lines);
			parser->line_number += lines;
			if ((err = pass_lines(parser, lines)))
				return err;
			if (p == end)
				break;
			if (!parser->open_count)
				continue;
		}
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			break;
		if (!anchored || anchored < p)
			anchored = oops_scan(&parser->headers, p, end, &lines);
		if ((err = take_line(parser, p, (size_t)(newline - p), p == anchored)))
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
		struct ey_error *err =
			take_line(parser, parser->partial, parser->partial_len, true);
		if (err)
			return err;
	}
	while (parser->open_count) {
		struct ey_error *err = close_report(parser, 0);
		if (err)
			return err;
	}
	return NULL;
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
	// Reports that overlapped ended in another order than they began in.
	for (size_t i = 1; i < c.count; i++) {
		for (size_t j = i; j && c.events[j].first_line < c.events[j - 1].first_line; j--) {
			struct oops_event e = c.events[j];
			c.events[j] = c.events[j - 1];
			c.events[j - 1] = e;
		}
	}
	*events_ret = c.events;
	*count_ret = c.count;
	return NULL;
}

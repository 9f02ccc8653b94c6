/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Kernel log text in, crash events out. The text may come from anywhere: dmesg, the journal,
 * syslog, a serial console, netconsole, pstore; the prefixes these put before a line are known.
 *
 * The parser streams: chunks of any size, memory that does not grow with the input (OOPS_LINE_MAX
 * of a line, one report at a time), time linear in the input.
 */
#ifndef EYRIE_OOPS_PARSER_H
#define EYRIE_OOPS_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "oops/event.h"
#include "oops/scan.h"

enum {
	/** What of a line is looked at, bytes; the rest is passed over. */
	OOPS_LINE_MAX = 4096,
	/** Frames kept of one report. */
	OOPS_FRAMES_MAX = 512,
};

/**
 * Called for each event, in the order of the reports' ends. @p event is the callee's to read
 * during the call only; oops_event_move() takes it over. An error ends the parsing and is
 * returned by oops_parser_feed() or oops_parser_finish().
 */
typedef struct ey_error *(*oops_event_fn)(struct oops_event *event, void *arg);

struct oops_parser;

/** Make a parser that calls @p fn(event, @p arg) for each event. */
struct ey_error *oops_parser_create(oops_event_fn fn, void *arg,
				    struct oops_parser **ret) EY_MUST_CHECK;
/** Have events say which rule chose what (oops_event.explanation). */
void oops_parser_explain(struct oops_parser *parser);
/** Search with what is not the best that the processor has; only tests want that. */
void oops_parser_search_with(struct oops_parser *parser, enum oops_scan_with with);
/** Take the next @p len bytes of the log. */
struct ey_error *oops_parser_feed(struct oops_parser *parser, const char *data,
				  size_t len) EY_MUST_CHECK;
/**
 * The log ends here (or pauses: a live log that has been silent for a while): the last line need
 * not have a newline, an open report is complete. The parser may be fed again.
 */
struct ey_error *oops_parser_finish(struct oops_parser *parser) EY_MUST_CHECK;
void oops_parser_destroy(struct oops_parser *parser);

static inline void oops_parser_destroyp(struct oops_parser **parser)
{
	oops_parser_destroy(*parser);
}
#define _cleanup_oops_parser_ __attribute__((cleanup(oops_parser_destroyp)))

/** Move what @p from owns to @p to and zero @p from. */
void oops_event_move(struct oops_event *to, struct oops_event *from);

/**
 * All events of a log in memory, in the log's order. @p events_ret (free with
 * oops_events_free()) is NULL where there are none.
 */
struct ey_error *oops_parse_text(const char *log, size_t len, struct oops_event **events_ret,
				 size_t *count_ret) EY_MUST_CHECK;
void oops_events_free(struct oops_event *events, size_t count);

/**
 * The event that took the machine down, out of all events of the log of one boot; NULL where none
 * did (warnings only). An oops that is followed by "Kernel panic - not syncing: Fatal exception"
 * is the oops; a warning is it only under panic_on_warn; a panic without a report before it is
 * the panic itself. Where the machine died of the last of several oopses, that one.
 */
const struct oops_event *oops_pick_fatal(const struct oops_event *events, size_t count);

#endif

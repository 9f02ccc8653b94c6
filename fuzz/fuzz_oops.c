/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a kernel log: in one piece, and in chunks whose size the first byte tells. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "oops/parser.h"

static struct ey_error *write_event(struct oops_event *event, void *arg)
{
	struct ey_json json;

	ey_json_init(&json, arg, 0);
	oops_event_write(event, &json);
	return ey_buf_error(arg);
}

static char *parse(const char *log, size_t size, size_t chunk)
{
	_cleanup_oops_parser_ struct oops_parser *parser = NULL;
	struct ey_buf out = EY_BUF_INIT;
	struct ey_error *err = oops_parser_create(write_event, &out, &parser);

	for (size_t at = 0; !err && at < size; at += chunk)
		err = oops_parser_feed(parser, log + at, size - at < chunk ? size - at : chunk);
	if (!err)
		err = oops_parser_finish(parser);
	if (err)
		abort();
	ey_buf_adds(&out, "");
	return ey_buf_steal(&out, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oops_event *events = NULL;
	size_t count = 0;

	if (!size)
		return 0;
	// The answer must not depend on how the log came in.
	char *whole = parse((const char *)data, size, size);
	char *parts = parse((const char *)data, size, (size_t)data[0] + 1);
	if (!whole || !parts || strcmp(whole, parts))
		abort();
	free(whole);
	free(parts);
	struct ey_error *err = oops_parse_text((const char *)data, size, &events, &count);
	if (err)
		abort();
	const struct oops_event *fatal = oops_pick_fatal(events, count);
	if (fatal && (fatal < events || fatal >= events + count || !fatal->reason))
		abort();
	oops_events_free(events, count);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a kernel log that a mail shows. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "notify/compose.h"

enum {
	/** The longest useful line is "Code:", which people paste into a disassembler. */
	MAX_LINE_BYTES = 400,
	/** What the machine did just before the event often is the clue. */
	LINES_BEFORE = 8,
};

static uint64_t count_lines(const char *s)
{
	uint64_t n = 0;

	for (; *s; n++) {
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return n;
}

static void add_line(struct ey_buf *buf, const char *s, size_t len)
{
	if (len && s[len - 1] == '\r')
		len--;
	if (len > MAX_LINE_BYTES) {
		len = MAX_LINE_BYTES;
		while (len && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
		ey_buf_add(buf, s, len);
		ey_buf_adds(buf, " [...]\n");
		return;
	}
	ey_buf_add(buf, s, len);
	ey_buf_addc(buf, '\n');
}

void notify_log_excerpt(const char *log, uint64_t first_line, uint64_t last_line,
			unsigned int max_lines, struct ey_buf *buf)
{
	uint64_t count = count_lines(log), from, to, skip_from = 0, skip_to = 0;

	max_lines = EY_MAX(max_lines, 4U);
	if (!first_line || first_line > count || last_line < first_line) {
		to = count;
		from = to > max_lines ? to - max_lines + 1 : 1;
	} else {
		from = first_line > LINES_BEFORE ? first_line - LINES_BEFORE : 1;
		to = EY_MIN(last_line, count);
		// The beginning says what happened; its end, that the report is whole.
		if (to - from + 1 > max_lines) {
			skip_from = from + (uint64_t)max_lines * 3 / 4;
			skip_to = to - (max_lines - (uint64_t)max_lines * 3 / 4) + 1;
		}
	}
	uint64_t n = 1;
	for (const char *s = log; *s && n <= to; n++) {
		size_t len = strcspn(s, "\n");

		if (n >= from && n == skip_from)
			ey_buf_printf(buf, "[... %" PRIu64 " lines ...]\n", skip_to - skip_from);
		if (n >= from && (n < skip_from || n >= skip_to))
			add_line(buf, s, len);
		s += len + (s[len] == '\n');
	}
}

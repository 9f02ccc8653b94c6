/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crash's output to record and text. */
#include <stdlib.h>
#include <string.h>

#include "analysis/engine_crash.h"
#include "analysis/sandbox.h"
#include "analysis/text.h"
#include "base/cleanup.h"

enum {
	TIMEOUT_SECONDS = 120,
	MEMORY = 1 << 30,
	MAX_RECORD = 256 << 20,
};

struct job {
	const char *output;
	size_t len;
	const struct crash_dump *dump;
	const struct crash_gap *gaps;
	size_t gap_count;
};

// In a child: the text is that of a hostile dump, read by a program of others.
static struct ey_error *parse(void *arg, struct ey_buf *out)
{
	const struct job *job = arg;
	_cleanup_crash_text_ struct crash_text text = {0};
	struct ey_error *err = crash_text_parse(job->output, job->len, &text);

	for (size_t i = 0; !err && i < job->gap_count; i++)
		err = crash_text_gap(&text, job->gaps[i].what, "%s", job->gaps[i].why);
	if (err)
		return err;
	if (!text.sys.release[0] && !text.stack_count && !text.log.len && !text.task_count)
		return ey_error_create(EY_ERR_INPUT, "crash told nothing of the dump");
	crash_text_write_record(&text, job->dump, out);
	return NULL;
}

// What crash shows while it works, and wipes away: "\rplease wait... (...)\r    \r".
static struct span_text {
	const char *p;
	size_t len;
} without_progress(const char *line, size_t len)
{
	const char *last = memrchr(line, '\r', len);

	if (last && (*line == '\r' || !strncmp(line, "please wait... ", 15)))
		return (struct span_text){last + 1, len - (size_t)(last + 1 - line)};
	return (struct span_text){line, len};
}

/**
 * The text for people: the lines as crash wrote them, but for licence notes and progress before the
 * first of its analysis, and for bytes that would steer a terminal.
 */
static void write_text(const char *output, size_t len, struct ey_buf *ret)
{
	const char *end = output + len, *begin = output;

	for (const char *p = output; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		struct span_text line =
			without_progress(p, (size_t)((newline ? newline : end) - p));

		if (line.len > 8 && memmem(line.p, EY_MIN(line.len, (size_t)32), "KERNEL: ", 8)) {
			begin = line.p;
			break;
		}
		if (line.len > 6 && line.len < 40 && !memcmp(line.p, "crash ", 6)) {
			text_add_plain(ret, line.p, line.len);
			ey_buf_addc(ret, '\n');
		}
		p = newline ? newline + 1 : end;
	}
	text_add_plain(ret, begin, (size_t)(end - begin));
	if (ret->len && ret->data[ret->len - 1] != '\n')
		ey_buf_addc(ret, '\n');
}

struct ey_error *engine_crash_read(const char *output, size_t len, const struct crash_dump *dump,
				   const struct crash_gap *gaps, size_t gap_count,
				   struct analysis_result *ret)
{
	_cleanup_buf_ struct ey_buf record = EY_BUF_INIT, text = EY_BUF_INIT;
	struct job job = {output, len, dump, gaps, gap_count};
	const struct sandbox_limits limits = {
		.timeout_seconds = TIMEOUT_SECONDS,
		.memory = MEMORY,
		.output = MAX_RECORD,
	};
	struct ey_error *err = sandbox_run(parse, &job, &limits, &record);

	*ret = (struct analysis_result){0};
	if (err)
		return err;
	write_text(output, len, &text);
	if ((err = ey_buf_error(&text)))
		return err;
	ey_buf_adds(&text, "");
	ret->record = ey_buf_steal(&record, NULL);
	ret->text = ey_buf_steal(&text, NULL);
	if (!ret->record || !ret->text) {
		analysis_result_deinit(ret);
		return &ey_error_nomem;
	}
	ret->record_len = strlen(ret->record);
	ret->text_len = strlen(ret->text);
	return NULL;
}

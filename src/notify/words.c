/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify/words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum { MAX_TRACE_LINES = 40 };

void notify_add_duration(struct ey_buf *buf, int64_t s)
{
	if (s < 0)
		s = 0;
	int64_t days = s / 86400, hours = s / 3600, minutes = s / 60;

	if (days >= 2 || s == INT64_C(7) * 86400) {
		ey_buf_printf(buf, "%" PRId64 " d", days);
		if (hours % 24)
			ey_buf_printf(buf, " %" PRId64 " h", hours % 24);
	} else if (hours) {
		ey_buf_printf(buf, "%" PRId64 " h", hours);
		if (minutes % 60)
			ey_buf_printf(buf, " %" PRId64 " min", minutes % 60);
	} else if (minutes) {
		ey_buf_printf(buf, "%" PRId64 " min", minutes);
	} else {
		ey_buf_printf(buf, "%" PRId64 " s", s);
	}
}

void notify_add_time(struct ey_buf *buf, int64_t time)
{
	char s[EY_TIME_TEXT_SIZE];

	ey_time_format(time, s);
	if (strlen(s) == strlen("2026-11-23T14:35:46Z"))
		ey_buf_printf(buf, "%.10s %.8s UTC", s, s + 11);
	else
		ey_buf_adds(buf, "an unknown time");
}

void notify_add_count(struct ey_buf *buf, uint64_t n, const char *one, const char *many)
{
	ey_buf_printf(buf, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

static bool is_set(const char *s)
{
	return s && *s;
}

void notify_add_reason_label(struct ey_buf *buf, const struct notify_reason *r)
{
	if (is_set(r->kind) && is_set(r->function))
		ey_buf_printf(buf, "%s in %s", r->kind, r->function);
	else if (is_set(r->title))
		ey_buf_adds(buf, r->title);
	else if (is_set(r->key))
		ey_buf_adds(buf, r->key);
	else
		ey_buf_adds(buf, "unknown reason");
}

void notify_add_taint(struct ey_buf *buf, const char *taint)
{
	// The kernel prints a blank for each flag that is not set.
	for (const char *s = taint; s && *s; s++) {
		if (*s != ' ' || (s > taint && s[-1] != ' '))
			ey_buf_addc(buf, *s);
	}
}

static void add_task_row(struct notify_document *d, const struct notify_crash *c)
{
	_cleanup_buf_ struct ey_buf row = EY_BUF_INIT;

	if (is_set(c->comm))
		ey_buf_adds(&row, c->comm);
	if (c->pid >= 0)
		ey_buf_printf(&row, "%spid %" PRId64, row.len ? ", " : "", c->pid);
	if (c->cpu >= 0)
		ey_buf_printf(&row, "%sCPU %d", row.len ? ", " : "", c->cpu);
	notify_document_row(d, "Task", ey_buf_str(&row));
}

void notify_add_crash_rows(struct notify_document *d, const struct notify_crash *c)
{
	_cleanup_buf_ struct ey_buf host = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf time = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf uptime = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf taint = EY_BUF_INIT;

	if (is_set(c->host))
		ey_buf_adds(&host, c->host);
	if (is_set(c->site))
		ey_buf_printf(&host, "%ssite %s", host.len ? ", " : "", c->site);
	if (c->time)
		notify_add_time(&time, c->time);
	if (c->uptime_seconds >= 0)
		notify_add_duration(&uptime, c->uptime_seconds);
	notify_document_row(d, "Host", ey_buf_str(&host));
	notify_document_row(d, "Time", ey_buf_str(&time));
	notify_document_row(d, "Uptime", ey_buf_str(&uptime));
	notify_document_row(d, "Kernel", c->kernel);
	notify_document_row(d, "Model", c->model);
	notify_document_row(d, "Firmware", c->firmware);
	add_task_row(d, c);
	notify_add_taint(&taint, c->taint);
	notify_document_row(d, "Taint", ey_buf_str(&taint));
}

void notify_add_crash_lines(struct notify_document *d, const struct notify_crash *c,
			    unsigned int max_log_lines)
{
	if (is_set(c->call_trace)) {
		_cleanup_buf_ struct ey_buf trace = EY_BUF_INIT;

		notify_log_excerpt(c->call_trace, 1, UINT64_MAX, MAX_TRACE_LINES, &trace);
		notify_document_heading(d, "Call trace");
		notify_document_lines(d, ey_buf_str(&trace));
		d->text.failed |= trace.failed;
	}
	if (is_set(c->log)) {
		_cleanup_buf_ struct ey_buf log = EY_BUF_INIT;

		notify_log_excerpt(c->log, c->event_first_line, c->event_last_line, max_log_lines,
				   &log);
		notify_document_heading(d, "Kernel log");
		notify_document_lines(d, ey_buf_str(&log));
		d->text.failed |= log.failed;
	}
}

void notify_text_deinit(struct notify_text *text)
{
	free(text->subject);
	free(text->text);
	free(text->html);
	free(text->key);
	free(text->thread_key);
	*text = (struct notify_text){0};
}

struct mail_message notify_text_message(const struct notify_text *text, int64_t date)
{
	return (struct mail_message){
		.subject = text->subject,
		.text = text->text,
		.html = text->html,
		.key = text->key,
		.thread_key = text->thread_key,
		.date = date,
	};
}

struct ey_error *notify_finish(struct notify_document *d, struct ey_buf *subject,
			       struct ey_buf *key, struct ey_buf *thread_key,
			       struct notify_text *ret)
{
	struct notify_text made = {0};

	notify_document_end(d);
	made.subject = ey_buf_steal(subject, NULL);
	made.text = ey_buf_steal(&d->text, NULL);
	made.html = ey_buf_steal(&d->html, NULL);
	made.key = ey_buf_steal(key, NULL);
	if (thread_key)
		made.thread_key = ey_buf_steal(thread_key, NULL);
	if (!made.subject || !made.text || !made.html || !made.key ||
	    (thread_key && !made.thread_key)) {
		notify_text_deinit(&made);
		*ret = (struct notify_text){0};
		return &ey_error_nomem;
	}
	*ret = made;
	return NULL;
}

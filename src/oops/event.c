/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "oops/hardware.h"
#include "oops/parser.h"

static const char *const kind_names[] = {
#define X(id, name) [OOPS_##id] = name,
	OOPS_KINDS(X)
#undef X
};

const char *oops_kind_name(enum oops_kind kind)
{
	return (size_t)kind < EY_ARRAY_SIZE(kind_names) ? kind_names[kind] : "UNKNOWN";
}

const char *oops_verdict_name(enum oops_verdict verdict)
{
	static const char *const names[] = {
		[OOPS_VERDICT_HARDWARE] = "hardware",
		[OOPS_VERDICT_OUT_OF_TREE] = "out-of-tree",
	};

	return (size_t)verdict < EY_ARRAY_SIZE(names) ? names[verdict] : NULL;
}

void oops_event_forget_lines(struct oops_event *event)
{
	event->first_line = event->last_line = 0;
	memset(event->lines, 0, sizeof(event->lines));
	for (size_t i = 0; i < event->frame_count; i++)
		event->frames[i].line = 0;
	if (event->error)
		memset(event->error->lines, 0, sizeof(event->error->lines));
}

void oops_event_deinit(struct oops_event *event)
{
	free(event->frames);
	free(event->title);
	free(event->function);
	free(event->module);
	free(event->guilty);
	free(event->signature);
	free(event->reason);
	free(event->comm);
	free(event->taint);
	free(event->kernel);
	free(event->hardware);
	free(event->panic);
	free(event->error);
	for (unsigned int i = 0; i < event->hint_count; i++)
		free(event->hints[i].evidence);
	free(event->explanation);
	*event = (struct oops_event){0};
}

void oops_event_move(struct oops_event *to, struct oops_event *from)
{
	*to = *from;
	*from = (struct oops_event){0};
}

void oops_events_free(struct oops_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		oops_event_deinit(&events[i]);
	free(events);
}

static char *put_text(char *p, const char *s, size_t len)
{
	memcpy(p, s, len);
	return p + len;
}

static char *put_uint(char *p, uint64_t v)
{
	char digits[20];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		*p++ = digits[--n];
	return p;
}

static bool is_plain(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++) {
		if (n > 250 || (unsigned char)s[n] < ' ' || (unsigned char)s[n] > '~' ||
		    s[n] == '"' || s[n] == '\\')
			return false;
	}
	return true;
}

// Most of the output is frames, and their names need no quoting: put together here.
static void write_frame(const struct oops_frame *frame, struct ey_json *json)
{
#define PUT(p, text) put_text(p, text, sizeof(text) - 1)
	char text[768], *p = text;

	if (is_plain(frame->function) && (!frame->module || is_plain(frame->module))) {
		p = PUT(p, "{\"function\":\"");
		p = put_text(p, frame->function, strlen(frame->function));
		p = put_uint(PUT(p, "\",\"offset\":"), frame->offset);
		p = put_uint(PUT(p, ",\"size\":"), frame->size);
		if (frame->module) {
			p = PUT(p, ",\"module\":\"");
			p = put_text(p, frame->module, strlen(frame->module));
			p = PUT(p, "\"");
		} else {
			p = PUT(p, ",\"module\":null");
		}
		p = frame->reliable ? PUT(p, ",\"reliable\":true") : PUT(p, ",\"reliable\":false");
		if (frame->line)
			p = put_uint(PUT(p, ",\"line\":"), frame->line);
		p = PUT(p, "}");
		ey_json_raw(json, text, (size_t)(p - text));
		return;
	}
#undef PUT
	ey_json_object_begin(json);
	ey_json_kv_string(json, "function", frame->function);
	ey_json_kv_uint(json, "offset", frame->offset);
	ey_json_kv_uint(json, "size", frame->size);
	ey_json_kv_string(json, "module", frame->module);
	ey_json_kv_bool(json, "reliable", frame->reliable);
	if (frame->line)
		ey_json_kv_uint(json, "line", frame->line);
	ey_json_object_end(json);
}

// Of each event, so put together here as the frames are.
static void write_lines(const struct oops_event *event, struct ey_json *json)
{
	static const struct {
		const char *key;
		size_t len;
	} fields[] = {
#define X(id, name) [OOPS_FIELD_##id] = {",\"" name "\":", sizeof(name) + 3},
		OOPS_FIELDS(X)
#undef X
	};
	char text[OOPS_FIELD_COUNT * 40], *p = text;

	for (size_t i = 0; i < OOPS_FIELD_COUNT; i++) {
		if (event->lines[i])
			p = put_uint(put_text(p, fields[i].key, fields[i].len), event->lines[i]);
	}
	if (p == text)
		return;
	text[0] = '{';
	*p++ = '}';
	ey_json_key(json, "lines");
	ey_json_raw(json, text, (size_t)(p - text));
}

// The strongest by itself, for those who want one answer, and all of them.
static void write_hints(const struct oops_event *event, struct ey_json *json)
{
	ey_json_kv_string(json, "verdict", oops_verdict_name(event->hints[0].verdict));
	ey_json_kv_string(json, "evidence", event->hints[0].evidence);
	ey_json_key(json, "hints");
	ey_json_array_begin(json);
	for (unsigned int i = 0; i < event->hint_count; i++) {
		ey_json_object_begin(json);
		ey_json_kv_string(json, "verdict", oops_verdict_name(event->hints[i].verdict));
		ey_json_kv_string(json, "evidence", event->hints[i].evidence);
		ey_json_object_end(json);
	}
	ey_json_array_end(json);
}

void oops_event_write(const struct oops_event *event, struct ey_json *json)
{
	ey_json_object_begin(json);
	ey_json_kv_string(json, "kind", oops_kind_name(event->kind));
	ey_json_kv_string(json, "title", event->title);
	ey_json_kv_string(json, "function", event->function);
	if (event->have_offset) {
		ey_json_kv_uint(json, "offset", event->offset);
		ey_json_kv_uint(json, "size", event->size);
	} else {
		ey_json_key(json, "offset");
		ey_json_null(json);
		ey_json_key(json, "size");
		ey_json_null(json);
	}
	ey_json_kv_string(json, "module", event->module);
	ey_json_kv_string(json, "guilty", event->guilty);
	ey_json_kv_string(json, "signature", event->signature);
	ey_json_kv_string(json, "reason", event->reason);
	ey_json_key(json, "cpu");
	if (event->cpu >= 0)
		ey_json_int(json, event->cpu);
	else
		ey_json_null(json);
	ey_json_key(json, "pid");
	if (event->pid >= 0)
		ey_json_int(json, event->pid);
	else
		ey_json_null(json);
	ey_json_kv_string(json, "comm", event->comm);
	ey_json_kv_string(json, "taint", event->taint);
	ey_json_kv_string(json, "kernel", event->kernel);
	ey_json_kv_string(json, "hardware", event->hardware);
	ey_json_key(json, "frames");
	ey_json_array_begin(json);
	for (size_t i = 0; i < event->frame_count; i++)
		write_frame(&event->frames[i], json);
	ey_json_array_end(json);
	ey_json_kv_bool(json, "corrupted", event->corrupted);
	if (event->panic)
		ey_json_kv_string(json, "panic", event->panic);
	if (event->stuck_seconds >= 0)
		ey_json_kv_int(json, "stuck_seconds", event->stuck_seconds);
	if (event->error) {
		ey_json_key(json, "hardware_error");
		oops_hardware_write(event->error, json);
	}
	if (event->hint_count)
		write_hints(event, json);
	if (event->first_line) {
		ey_json_kv_uint(json, "first_line", event->first_line);
		ey_json_kv_uint(json, "last_line", event->last_line);
		write_lines(event, json);
	}
	if (event->time >= 0) {
		ey_json_key(json, "time");
		ey_json_double(json, event->time, 6);
	}
	ey_json_object_end(json);
}

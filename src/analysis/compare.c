/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analysis/record_read.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

enum {
	// Names that a difference of two lists shows.
	SHOWN = 5,
	VALUE_MAX = 400,
};

struct comparison {
	struct ey_json json;
	struct ey_buf list, text;
	size_t count;
};

static void add_value(struct ey_json *w, struct ey_buf *text, const json_t *v)
{
	if (json_is_string(v)) {
		size_t len = EY_MIN(json_string_length(v), (size_t)VALUE_MAX);

		ey_json_stringn(w, json_string_value(v), len);
		text_add_plain(text, json_string_value(v), len);
	} else if (json_is_integer(v)) {
		ey_json_int(w, json_integer_value(v));
		ey_buf_printf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	} else if (json_is_number(v)) {
		ey_json_double(w, json_number_value(v), 3);
		ey_buf_printf(text, "%.3f", json_number_value(v));
	} else {
		ey_json_null(w);
		ey_buf_adds(text, "nothing");
	}
}

static void add_difference(struct comparison *c, const char *field, const json_t *native,
			   const json_t *crash)
{
	c->count++;
	ey_json_object_begin(&c->json);
	ey_json_kv_string(&c->json, "field", field);
	ey_buf_printf(&c->text, "%s: native ", field);
	ey_json_key(&c->json, "native");
	add_value(&c->json, &c->text, native);
	ey_buf_adds(&c->text, ", crash ");
	ey_json_key(&c->json, "crash");
	add_value(&c->json, &c->text, crash);
	ey_json_object_end(&c->json);
	ey_buf_addc(&c->text, '\n');
}

static void add_text_difference(struct comparison *c, const char *field, struct ey_buf *native,
				struct ey_buf *crash)
{
	json_t *a = json_stringn(ey_buf_str(native), native->len);
	json_t *b = json_stringn(ey_buf_str(crash), crash->len);

	// Not UTF-8: a name of a hostile dump. That they differ is said nevertheless.
	add_difference(c, field, a, b);
	json_decref(a);
	json_decref(b);
}

static const json_t *value_at(const json_t *record, const char *path)
{
	const char *dot = strchr(path, '.');
	char parent[32];

	if (!dot)
		return json_object_get(record, path);
	snprintf(parent, sizeof(parent), "%.*s", (int)(dot - path), path);
	return json_object_get(json_object_get(record, parent), dot + 1);
}

static bool is_known(const json_t *v)
{
	return v && !json_is_null(v);
}

static bool times_agree(const json_t *a, const json_t *b, double within)
{
	if (json_is_number(a) && json_is_number(b)) {
		double d = json_number_value(a) - json_number_value(b);
		return d <= within && -d <= within;
	}
	int64_t x, y;
	if (!json_is_string(a) || !json_is_string(b) || !ey_time_parse(json_string_value(a), &x) ||
	    !ey_time_parse(json_string_value(b), &y))
		return json_equal(a, b);
	return x - y <= (int64_t)within && y - x <= (int64_t)within;
}

static void compare_fields(struct comparison *c, const json_t *native, const json_t *crash)
{
	static const struct {
		const char *path;
		/** Both must say it; else one that does not say it differs. */
		bool both;
		/** How far apart they may be: both round. */
		double within;
	} fields[] = {
		{"event.reason", false, 0},	    {"event.signature", false, 0},
		{"event.kind", false, 0},	    {"panic_task.pid", false, 0},
		{"panic_task.comm", false, 0},	    {"panic_task.cpu", false, 0},
		{"panic_task.address", true, 0},    {"system.hostname", true, 0},
		{"system.release", true, 0},	    {"system.version", true, 0},
		{"system.machine", true, 0},	    {"system.cpus", true, 0},
		{"system.taint", true, 0},	    {"system.crash_time", true, 1},
		{"system.uptime_seconds", true, 1}, {"identity.dmi_uuid", true, 0},
		{"identity.dmi_serial", true, 0},   {"inventory.vendor", true, 0},
		{"inventory.product", true, 0},	    {"inventory.bios_version", true, 0},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(fields); i++) {
		const json_t *a = value_at(native, fields[i].path);
		const json_t *b = value_at(crash, fields[i].path);

		if (!is_known(a) && !is_known(b))
			continue;
		if (fields[i].both && (!is_known(a) || !is_known(b)))
			continue;
		if (is_known(a) && is_known(b) &&
		    (json_equal(a, b) ||
		     (fields[i].within > 0 && times_agree(a, b, fields[i].within))))
			continue;
		add_difference(c, fields[i].path, a, b);
	}
}

// Crash gives the memory with one digit behind the point.
static void compare_memory(struct comparison *c, const json_t *native, const json_t *crash)
{
	const json_t *a = value_at(native, "system.memory_bytes");
	const json_t *b = value_at(crash, "system.memory_bytes");

	if (!json_is_integer(a) || !json_is_integer(b))
		return;
	double x = json_number_value(a), y = json_number_value(b);
	double step = y >= 1 << 30 ? (1 << 30) / 10.0 : (1 << 20) / 10.0;
	if (x - y > step || y - x > step)
		add_difference(c, "system.memory_bytes", a, b);
}

// A line of the log without what is printed differently: blanks at its ends.
static const char *next_line(const char **p, const char *end, size_t *len)
{
	const char *line = *p, *newline = memchr(line, '\n', (size_t)(end - line));
	const char *stop = newline ? newline : end;

	*p = newline ? newline + 1 : end;
	while (stop > line && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	*len = (size_t)(stop - line);
	return line;
}

static void compare_log(struct comparison *c, const json_t *native, const json_t *crash)
{
	const json_t *a = json_object_get(native, "log"), *b = json_object_get(crash, "log");
	_cleanup_buf_ struct ey_buf x = EY_BUF_INIT, y = EY_BUF_INIT;

	if (!json_is_string(a) || !json_is_string(b) || !json_string_length(a) ||
	    !json_string_length(b))
		return;
	const char *p = json_string_value(a), *p_end = p + json_string_length(a);
	const char *q = json_string_value(b), *q_end = q + json_string_length(b);
	for (size_t number = 1; p < p_end || q < q_end; number++) {
		size_t n = 0, m = 0;
		const char *s = p < p_end ? next_line(&p, p_end, &n) : "";
		const char *t = q < q_end ? next_line(&q, q_end, &m) : "";

		if (n == m && !memcmp(s, t, n))
			continue;
		ey_buf_printf(&x, "line %zu: %.*s", number, (int)EY_MIN(n, (size_t)160), s);
		ey_buf_printf(&y, "line %zu: %.*s", number, (int)EY_MIN(m, (size_t)160), t);
		add_text_difference(c, "log", &x, &y);
		return;
	}
}

// What tells the members of a list: of a task pid, comm, state, of a module its name.
static void add_key(const json_t *item, bool tasks, struct ey_buf *out)
{
	if (tasks)
		ey_buf_printf(out, "%" JSON_INTEGER_FORMAT " ",
			      json_integer_value(json_object_get(item, "pid")));
	const char *name = json_string_value(json_object_get(item, tasks ? "comm" : "name"));
	ey_buf_adds(out, name ? name : "?");
	if (tasks) {
		const char *state = json_string_value(json_object_get(item, "state"));
		ey_buf_printf(out, " %s", state ? state : "?");
	}
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_keys(char **keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(keys[i]);
	free(keys);
}

static char **sorted_keys(const json_t *list, bool tasks)
{
	size_t count = json_array_size(list);
	char **keys = calloc(count + 1, sizeof(*keys));

	for (size_t i = 0; keys && i < count; i++) {
		struct ey_buf key = EY_BUF_INIT;

		add_key(json_array_get(list, i), tasks, &key);
		keys[i] = ey_buf_steal(&key, NULL);
		if (!keys[i]) {
			free_keys(keys, i);
			return NULL;
		}
	}
	if (keys)
		qsort(keys, count, sizeof(*keys), compare_keys);
	return keys;
}

static void add_only(struct ey_buf *out, const char *key, size_t *count)
{
	if ((*count)++ < SHOWN)
		ey_buf_printf(out, "%s%s", *count == 1 ? "; only here: " : ", ", key);
}

static struct ey_error *compare_lists(struct comparison *c, const json_t *native,
				      const json_t *crash, const char *name)
{
	const json_t *a = json_object_get(native, name), *b = json_object_get(crash, name);
	size_t n = json_array_size(a), m = json_array_size(b), i = 0, j = 0, x_only = 0, y_only = 0;
	_cleanup_buf_ struct ey_buf x = EY_BUF_INIT, y = EY_BUF_INIT;
	bool tasks = !strcmp(name, "tasks");

	if (!n || !m)
		return NULL;
	char **p = sorted_keys(a, tasks), **q = sorted_keys(b, tasks);
	if (!p || !q) {
		free_keys(p, p ? n : 0);
		free_keys(q, q ? m : 0);
		return &ey_error_nomem;
	}
	ey_buf_printf(&x, "%zu", n);
	ey_buf_printf(&y, "%zu", m);
	while (i < n || j < m) {
		int order = i == n ? 1 : j == m ? -1 : strcmp(p[i], q[j]);

		if (order < 0)
			add_only(&x, p[i], &x_only);
		else if (order > 0)
			add_only(&y, q[j], &y_only);
		i += order <= 0;
		j += order >= 0;
	}
	if (x_only > SHOWN)
		ey_buf_printf(&x, " and %zu more", x_only - SHOWN);
	if (y_only > SHOWN)
		ey_buf_printf(&y, " and %zu more", y_only - SHOWN);
	if (x_only || y_only)
		add_text_difference(c, name, &x, &y);
	free_keys(p, n);
	free_keys(q, m);
	return NULL;
}

static const char *function_at(const json_t *frames, size_t *i)
{
	for (; *i < json_array_size(frames); (*i)++) {
		const json_t *f = json_array_get(frames, *i);
		const json_t *reliable = json_object_get(f, "reliable");
		const char *s = json_string_value(json_object_get(f, "function"));

		if (s && !json_is_false(reliable) && !json_object_get(f, "interrupted")) {
			(*i)++;
			return s;
		}
	}
	return NULL;
}

// The panic task's calls, up to where the two first differ.
static void compare_stack(struct comparison *c, const json_t *native, const json_t *crash)
{
	const json_t *a = json_array_get(json_object_get(native, "stacks"), 0);
	const json_t *b = json_array_get(json_object_get(crash, "stacks"), 0);
	_cleanup_buf_ struct ey_buf x = EY_BUF_INIT, y = EY_BUF_INIT;

	a = json_object_get(a, "frames");
	b = json_object_get(b, "frames");
	if (!json_array_size(a) || !json_array_size(b) ||
	    !is_known(json_object_get(native, "panic_task")) ||
	    !is_known(json_object_get(crash, "panic_task")))
		return;
	for (size_t i = 0, j = 0, number = 0;; number++) {
		const char *s = function_at(a, &i), *t = function_at(b, &j);

		if (!s && !t)
			return;
		if (s && t && !strcmp(s, t))
			continue;
		ey_buf_printf(&x, "#%zu %s", number, s ? s : "(ends)");
		ey_buf_printf(&y, "#%zu %s", number, t ? t : "(ends)");
		add_text_difference(c, "stacks[0]", &x, &y);
		return;
	}
}

static struct ey_error *load(const struct analysis_result *r, json_t **ret)
{
	json_error_t error;
	struct ey_error *err =
		ey_json_check_limits(r->record, r->record_len, RECORD_MAX_DEPTH, RECORD_MAX_VALUES);

	if (err)
		return err;
	*ret = json_loadb(r->record, r->record_len, JSON_ALLOW_NUL, &error);
	return *ret ? NULL
		    : ey_error_create(EY_ERR_INPUT, "a record cannot be read: %s", error.text);
}

// Put @p text at @p at of what is @p len bytes long.
static struct ey_error *splice(char **data, size_t *len, size_t at, const struct ey_buf *text)
{
	char *longer = realloc(*data, *len + text->len + 1);

	if (!longer)
		return &ey_error_nomem;
	memmove(longer + at + text->len, longer + at, *len - at + 1);
	memcpy(longer + at, text->data, text->len);
	*data = longer;
	*len += text->len;
	return NULL;
}

static struct ey_error *write_result(struct comparison *c, struct analysis_result *native,
				     const json_t *crash)
{
	_cleanup_buf_ struct ey_buf member = EY_BUF_INIT, section = EY_BUF_INIT;
	const char *engine = json_string_value(json_object_get(crash, "engine"));
	const char *last = memrchr(native->record, '}', native->record_len);
	struct ey_error *err;

	if (!last)
		return ey_error_create(EY_ERR_INPUT, "the native record is damaged");
	ey_buf_printf(&member, ",\n \"comparison\": %s\n", ey_buf_str(&c->list));
	text_add_heading(&section, "what crash says otherwise");
	if (c->count)
		ey_buf_add(&section, c->text.data, c->text.len);
	else
		ey_buf_printf(&section, "nothing: %.48s agrees\n", engine ? engine : "crash");
	if ((err = ey_buf_error(&member)) || (err = ey_buf_error(&section)))
		return err;
	size_t at = (size_t)(last - native->record);
	while (at && (native->record[at - 1] == '\n' || native->record[at - 1] == ' '))
		at--;
	err = splice(&native->record, &native->record_len, at, &member);
	return err ? err : splice(&native->text, &native->text_len, native->text_len, &section);
}

struct ey_error *compare_results(struct analysis_result *native,
				 const struct analysis_result *crash)
{
	struct comparison c = {0};
	json_t *a = NULL, *b = NULL;
	struct ey_error *err = load(native, &a);

	if (!err)
		err = load(crash, &b);
	if (!err) {
		ey_json_init(&c.json, &c.list, 0);
		ey_json_array_begin(&c.json);
		compare_fields(&c, a, b);
		compare_memory(&c, a, b);
		compare_stack(&c, a, b);
		compare_log(&c, a, b);
		err = compare_lists(&c, a, b, "tasks");
		if (!err)
			err = compare_lists(&c, a, b, "modules");
		ey_json_array_end(&c.json);
	}
	if (!err)
		err = ey_buf_error(&c.list);
	if (!err)
		err = ey_buf_error(&c.text);
	if (!err)
		err = write_result(&c, native, b);
	json_decref(a);
	json_decref(b);
	ey_buf_deinit(&c.list);
	ey_buf_deinit(&c.text);
	return err;
}

struct ey_error *compare_add_gap(struct analysis_result *result, const char *what, const char *why)
{
	static const char mark[] = "\n \"gaps\": [";
	_cleanup_buf_ struct ey_buf gap = EY_BUF_INIT, section = EY_BUF_INIT;
	// A line break within a JSON string is escaped: this can be nothing but the key.
	const char *at = memmem(result->record, result->record_len, mark, sizeof(mark) - 1);
	struct ey_json w;
	struct ey_error *err;

	if (!at)
		return ey_error_create(EY_ERR_INPUT, "the record has no list of gaps");
	at += sizeof(mark) - 1;
	ey_json_init(&w, &gap, 0);
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "what", what);
	ey_json_kv_string(&w, "why", why);
	ey_json_object_end(&w);
	if (at[strspn(at, " \n")] != ']')
		ey_buf_addc(&gap, ',');
	text_add_heading(&section, what);
	text_add_plain(&section, why, strlen(why));
	ey_buf_addc(&section, '\n');
	if ((err = ey_buf_error(&gap)) || (err = ey_buf_error(&section)) ||
	    (err = splice(&result->record, &result->record_len, (size_t)(at - result->record),
			  &gap)))
		return err;
	return splice(&result->text, &result->text_len, result->text_len, &section);
}

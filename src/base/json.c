/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

void ey_json_init(struct ey_json *w, struct ey_buf *buf, unsigned int indent)
{
	*w = (struct ey_json){.buf = buf, .indent = indent, .first = true};
}

static void newline(struct ey_json *w)
{
	if (!w->indent)
		return;
	ey_buf_addc(w->buf, '\n');
	for (unsigned int i = 0; i < w->depth * w->indent; i++)
		ey_buf_addc(w->buf, ' ');
}

// What stands between the previous value and the next.
static void separate(struct ey_json *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->depth) {
		if (!w->first)
			ey_buf_addc(w->buf, ',');
		newline(w);
	}
	w->first = false;
}

static void begin(struct ey_json *w, char c)
{
	separate(w);
	ey_buf_addc(w->buf, c);
	w->depth++;
	w->first = true;
}

static void end(struct ey_json *w, char c)
{
	w->depth--;
	if (!w->first)
		newline(w);
	ey_buf_addc(w->buf, c);
	w->first = false;
}

void ey_json_object_begin(struct ey_json *w)
{
	begin(w, '{');
}

void ey_json_object_end(struct ey_json *w)
{
	end(w, '}');
}

void ey_json_array_begin(struct ey_json *w)
{
	begin(w, '[');
}

void ey_json_array_end(struct ey_json *w)
{
	end(w, ']');
}

static void quote(struct ey_buf *buf, const char *string, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = (const unsigned char *)string;
	size_t plain = 0;

	ey_buf_addc(buf, '"');
	for (size_t i = 0; i < len;) {
		unsigned char c = s[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			i++;
			continue;
		}
		size_t n = c >= 0x80 ? ey_utf8_sequence(s + i, len - i) : 0;
		if (n) {
			i += n;
			continue;
		}
		ey_buf_add(buf, s + plain, i - plain);
		i++;
		plain = i;
		if (c == '"' || c == '\\') {
			ey_buf_add(buf, (char[]){'\\', (char)c}, 2);
		} else if (c == '\n') {
			ey_buf_add(buf, "\\n", 2);
		} else if (c == '\t') {
			ey_buf_add(buf, "\\t", 2);
		} else if (c < 0x80) {
			ey_buf_add(buf, "\\u00", 4);
			ey_buf_add(buf, (char[]){hex[c >> 4], hex[c & 15]}, 2);
		} else {
			ey_buf_add(buf, "\xef\xbf\xbd", 3); // U+FFFD
		}
	}
	ey_buf_add(buf, s + plain, len - plain);
	ey_buf_addc(buf, '"');
}

void ey_json_key(struct ey_json *w, const char *key)
{
	separate(w);
	quote(w->buf, key, strlen(key));
	ey_buf_add(w->buf, ": ", w->indent ? 2 : 1);
	w->after_key = true;
}

void ey_json_stringn(struct ey_json *w, const char *s, size_t len)
{
	separate(w);
	quote(w->buf, s, len);
}

void ey_json_string(struct ey_json *w, const char *s)
{
	if (s)
		ey_json_stringn(w, s, strlen(s));
	else
		ey_json_null(w);
}

void ey_json_int(struct ey_json *w, int64_t v)
{
	separate(w);
	ey_buf_printf(w->buf, "%" PRId64, v);
}

void ey_json_uint(struct ey_json *w, uint64_t v)
{
	separate(w);
	ey_buf_printf(w->buf, "%" PRIu64, v);
}

void ey_json_double(struct ey_json *w, double v, int decimals)
{
	if (!isfinite(v)) {
		ey_json_null(w);
		return;
	}
	separate(w);
	ey_buf_printf(w->buf, "%.*f", decimals, v);
}

void ey_json_bool(struct ey_json *w, bool v)
{
	separate(w);
	ey_buf_adds(w->buf, v ? "true" : "false");
}

void ey_json_null(struct ey_json *w)
{
	separate(w);
	ey_buf_adds(w->buf, "null");
}

void ey_json_address(struct ey_json *w, uint64_t address)
{
	separate(w);
	ey_buf_printf(w->buf, "\"%016" PRIx64 "\"", address);
}

void ey_json_raw(struct ey_json *w, const char *json, size_t len)
{
	separate(w);
	ey_buf_add(w->buf, json, len);
}

void ey_json_kv_string(struct ey_json *w, const char *key, const char *s)
{
	ey_json_key(w, key);
	ey_json_string(w, s);
}

void ey_json_kv_int(struct ey_json *w, const char *key, int64_t v)
{
	ey_json_key(w, key);
	ey_json_int(w, v);
}

void ey_json_kv_uint(struct ey_json *w, const char *key, uint64_t v)
{
	ey_json_key(w, key);
	ey_json_uint(w, v);
}

void ey_json_kv_bool(struct ey_json *w, const char *key, bool v)
{
	ey_json_key(w, key);
	ey_json_bool(w, v);
}

void ey_json_kv_address(struct ey_json *w, const char *key, uint64_t address)
{
	ey_json_key(w, key);
	ey_json_address(w, address);
}

struct ey_error *ey_json_check_limits(const char *json, size_t len, size_t max_depth,
				      size_t max_values)
{
	size_t depth = 0, values = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = json[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth)
			depth--;
		if (c == ',' || c == ':' || c == '{' || c == '[')
			values++;
		if (depth > max_depth)
			return ey_error_create(EY_ERR_INPUT,
					       "nested deeper than %zu levels at byte %zu",
					       max_depth, i);
		if (values > max_values)
			return ey_error_create(EY_ERR_INPUT, "more than %zu values", max_values);
	}
	return NULL;
}

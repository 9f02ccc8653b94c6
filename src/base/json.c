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

// How many bytes from @p s on need no escape: printable ASCII without '"' and '\\'. Eight at a
// time; a byte of each test's result has its top bit set where the byte of the string is none of
// these.
static size_t plain_length(const unsigned char *s, size_t len)
{
	const uint64_t ones = 0x0101010101010101, tops = 0x80 * ones;
	size_t n = 0;

	for (uint64_t v; len - n >= sizeof(v); n += sizeof(v)) {
		memcpy(&v, s + n, sizeof(v));
		uint64_t quotes = v ^ '"' * ones, slashes = v ^ '\\' * ones;
		uint64_t special = (v - 0x20 * ones) | (v + ones) | v |
				   ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes);
		if (special & tops)
			break;
	}
	while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

static void quote(struct ey_buf *buf, const char *string, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = (const unsigned char *)string;
	size_t plain = 0;

	ey_buf_addc(buf, '"');
	for (size_t i = 0; (i += plain_length(s + i, len - i)) < len;) {
		unsigned char c = s[i];
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
	size_t len = strlen(key);

	separate(w);
	// Most keys are words of the program's own.
	if (len + 5 < w->buf->capacity - w->buf->len && !w->buf->failed &&
	    plain_length((const unsigned char *)key, len) == len) {
		char *p = w->buf->data + w->buf->len;

		*p++ = '"';
		p = mempcpy(p, key, len);
		memcpy(p, "\": ", 4);
		w->buf->len += len + (w->indent ? 4 : 3);
		w->buf->data[w->buf->len] = '\0';
	} else {
		quote(w->buf, key, len);
		ey_buf_add(w->buf, ": ", w->indent ? 2 : 1);
	}
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
	if (v >= 0) {
		ey_json_uint(w, (uint64_t)v);
		return;
	}
	separate(w);
	ey_buf_printf(w->buf, "%" PRId64, v);
}

void ey_json_uint(struct ey_json *w, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	separate(w);
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	ey_buf_add(w->buf, p, (size_t)(digits + sizeof(digits) - p));
}

void ey_json_double(struct ey_json *w, double v, int decimals)
{
	if (!isfinite(v)) {
		ey_json_null(w);
		return;
	}
	separate(w);
	if (decimals == 6 && v >= 0 && v < 1e9) {
		// Times, of which there are many: below 2^50 millionths the product is exact enough
		// to give the digits that printf() gives, unless it lies half-way between two.
		double millionths = v * 1e6;
		uint64_t n = (uint64_t)(millionths + 0.5);
		double off = millionths - (double)n;

		if (off > -0.4 && off < 0.4) {
			char text[24], *p = text + sizeof(text);

			for (int i = 0; i < 7 || n; i++, n /= 10) {
				*--p = (char)('0' + n % 10);
				if (i == 5)
					*--p = '.';
			}
			ey_buf_add(w->buf, p, (size_t)(text + sizeof(text) - p));
			return;
		}
	}
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

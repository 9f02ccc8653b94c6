/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of the API for people: tables and lists of values. All text in them is hostile. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/ask.h"

enum {
	COLUMNS_MAX = 16,
	/** Narrower than this no column is made, but for its own texts. */
	COLUMN_MIN = 8,
	/** Rows of a table within an object; the rest is counted. */
	INNER_ROWS = 20,
};

unsigned int ask_width(FILE *f)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");

	if (columns && *columns)
		return (unsigned int)strtoul(columns, NULL, 10);
	if (isatty(fileno(f)) && !ioctl(fileno(f), TIOCGWINSZ, &size))
		return size.ws_col;
	return 0;
}

static json_t *at(json_t *row, const char *path)
{
	char name[64];

	while (*path) {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		row = json_object_get(row, name);
		path += len + (path[len] == '.');
	}
	return row;
}

// One line of clean UTF-8.
static void add_value(struct ey_buf *buf, json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING: {
		size_t begin = buf->len;

		ey_text_clean(buf, json_string_value(value), json_string_length(value));
		for (size_t i = begin; i < buf->len; i++) {
			if (buf->data[i] == '\n' || buf->data[i] == '\t')
				buf->data[i] = ' ';
		}
		break;
	}
	case JSON_INTEGER:
		ey_buf_printf(buf, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		ey_buf_printf(buf, "%g", json_real_value(value));
		break;
	case JSON_TRUE:
		ey_buf_adds(buf, "yes");
		break;
	case JSON_FALSE:
		ey_buf_adds(buf, "no");
		break;
	case JSON_ARRAY:
		ey_buf_printf(buf, "(%zu)", json_array_size(value));
		break;
	case JSON_OBJECT:
		// "{"id":5,"name":"web-01"}" is web-01 to people.
		add_value(buf, json_object_get(value, "name")  ? json_object_get(value, "name")
			       : json_object_get(value, "key") ? json_object_get(value, "key")
							       : json_object_get(value, "id"));
		break;
	case JSON_NULL:
		ey_buf_addc(buf, '-');
		break;
	}
}

void ask_print_value(FILE *f, json_t *value)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

	add_value(&buf, value);
	fputs(ey_buf_str(&buf), f);
}

// Bytes of the first character, and the columns that it takes.
static size_t character(const char *s, size_t len, unsigned int *width_ret)
{
	mbstate_t state = {0};
	wchar_t wc;
	size_t n = mbrtowc(&wc, s, len, &state);

	*width_ret = 1;
	if (n == 0 || n > len)
		return 1;
	int width = wcwidth(wc);
	*width_ret = width < 0 ? 1 : (unsigned int)width;
	return n;
}

static unsigned int width_of(const struct ey_buf *text)
{
	unsigned int width = 0, w;

	for (size_t i = 0; i < text->len; i += character(text->data + i, text->len - i, &w))
		width += (character(text->data + i, text->len - i, &w), w);
	return width;
}

// A key of an object: ours are plain words, another center's may be anything.
static void print_key(FILE *f, const char *name, int width)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	ey_text_clean(&text, name, strlen(name));
	fprintf(f, "%-*s", width, ey_buf_str(&text));
}

static void print_padded(FILE *f, unsigned int n)
{
	while (n--)
		fputc(' ', f);
}

// A text in a field of `width` columns; one that is too long ends in "…".
static void print_cell(FILE *f, const struct ey_buf *text, unsigned int width, bool right,
		       bool last)
{
	unsigned int whole = width_of(text), shown = 0, w;

	if (whole <= width) {
		if (right)
			print_padded(f, width - whole);
		fwrite(text->data, 1, text->len, f);
		if (!right && !last)
			print_padded(f, width - whole);
		return;
	}
	for (size_t i = 0; i < text->len;) {
		size_t n = character(text->data + i, text->len - i, &w);

		if (shown + w + 1 > width)
			break;
		fwrite(text->data + i, 1, n, f);
		shown += w;
		i += n;
	}
	fputs("…", f);
	if (!last)
		print_padded(f, width - shown - 1);
}

// The widest column gives first, until all fit.
static void fit(unsigned int *widths, size_t count, unsigned int width)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += widths[i] + (i ? 2 : 0);
	while (width && sum > width) {
		size_t widest = 0;

		for (size_t i = 1; i < count; i++) {
			if (widths[i] > widths[widest])
				widest = i;
		}
		if (widths[widest] <= COLUMN_MIN)
			return;
		widths[widest]--;
		sum--;
	}
}

void ask_print_table(FILE *f, json_t *rows, const struct ask_column *columns, unsigned int width)
{
	unsigned int widths[COLUMNS_MAX] = {0};
	size_t count = 0, i;
	json_t *row;

	for (; columns[count].title && count < COLUMNS_MAX; count++)
		widths[count] = (unsigned int)strlen(columns[count].title);
	json_array_foreach(rows, i, row)
	{
		for (size_t k = 0; k < count; k++) {
			_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

			add_value(&text, at(row, columns[k].path));
			widths[k] = EY_MAX(widths[k], width_of(&text));
		}
	}
	fit(widths, count, width);
	for (size_t k = 0; k < count; k++) {
		_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

		ey_text_clean(&text, columns[k].title, strlen(columns[k].title));
		fputs(k ? "  " : "", f);
		print_cell(f, &text, widths[k], columns[k].right, k + 1 == count);
	}
	fputc('\n', f);
	json_array_foreach(rows, i, row)
	{
		for (size_t k = 0; k < count; k++) {
			_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

			add_value(&text, at(row, columns[k].path));
			fputs(k ? "  " : "", f);
			print_cell(f, &text, widths[k], columns[k].right, k + 1 == count);
		}
		fputc('\n', f);
	}
}

static void print_scalars(FILE *f, json_t *object, unsigned int indent)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		if (json_is_array(value))
			continue;
		print_padded(f, indent);
		if (json_is_object(value) && !json_object_get(value, "id") &&
		    !json_object_get(value, "name")) {
			print_key(f, name, 0);
			fputs(":\n", f);
			print_scalars(f, value, indent + 2);
			continue;
		}
		print_key(f, name, indent < 20 ? (int)(20 - indent) : 0);
		fputc(' ', f);
		ask_print_value(f, value);
		fputc('\n', f);
	}
}

// A table of an array within an object: the columns are the first row's plain values.
static void print_inner(FILE *f, const char *name, json_t *rows, unsigned int width)
{
	struct ask_column columns[COLUMNS_MAX] = {0};
	json_t *first = json_array_get(rows, 0), *value, *some;
	size_t count = 0, i;
	const char *key;

	fputc('\n', f);
	print_key(f, name, 0);
	fprintf(f, " (%zu)\n", json_array_size(rows));
	if (!json_is_object(first)) {
		json_array_foreach(rows, i, value)
		{
			fputs("  ", f);
			ask_print_value(f, value);
			fputc('\n', f);
		}
		return;
	}
	json_object_foreach(first, key, value)
	{
		if (!json_is_array(value) && count + 1 < COLUMNS_MAX)
			columns[count++] = (struct ask_column){key, key, json_is_number(value)};
	}
	some = json_array();
	json_array_foreach(rows, i, value)
	{
		if (i < INNER_ROWS)
			json_array_append(some, value);
	}
	ask_print_table(f, some, columns, width);
	json_decref(some);
	if (json_array_size(rows) > INNER_ROWS)
		fprintf(f, "and %zu more\n", json_array_size(rows) - INNER_ROWS);
}

void ask_print_object(FILE *f, json_t *object, unsigned int width)
{
	json_t *value, *inner;
	const char *name, *key;

	json_object_foreach(object, name, value)
	{
		if (json_is_object(value)) {
			print_scalars(f, value, 0);
			json_object_foreach(value, key, inner)
			{
				if (json_array_size(inner))
					print_inner(f, key, inner, width);
			}
		} else if (!json_is_array(value)) {
			print_key(f, name, 20);
			fputc(' ', f);
			ask_print_value(f, value);
			fputc('\n', f);
		}
	}
	json_object_foreach(object, name, value)
	{
		if (json_array_size(value))
			print_inner(f, name, value, width);
	}
}

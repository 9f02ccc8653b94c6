/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/hosts_csv.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

enum column {
	COLUMN_HOSTNAME,
	COLUMN_SERIAL,
	COLUMN_UUID,
	COLUMN_SITE,
	COLUMN_LIFE,
	COLUMN_LABEL,
};
static const char *const column_names[] = {
	[COLUMN_HOSTNAME] = "hostname", [COLUMN_SERIAL] = "serial", [COLUMN_UUID] = "uuid",
	[COLUMN_SITE] = "site",		[COLUMN_LIFE] = "life",
};

struct reader {
	char *at;
	char *end;
	/** Of the line being read. */
	size_t line;
	/** Line ends inside of quotes of it. */
	size_t more_lines;
	char *fields[HOSTS_CSV_MAX_COLUMNS];
	size_t field_count;
	enum column columns[HOSTS_CSV_MAX_COLUMNS];
	const char *labels[HOSTS_CSV_MAX_COLUMNS];
	size_t column_count;
};

// One field, ended by a NUL in place; next_ret: what stood behind it (',', '\n' or NUL at the end).
static struct ey_error *take_field(struct reader *r, char **ret, char *next_ret)
{
	char *in = r->at, *out = in;

	*ret = out;
	if (in < r->end && *in == '"') {
		for (in++;; in++) {
			if (in >= r->end)
				return ey_error_create(
					EY_ERR_INPUT, "line %zu: a quote is never closed", r->line);
			r->more_lines += *in == '\n';
			if (*in == '"' && (in + 1 >= r->end || *++in != '"'))
				break;
			*out++ = *in;
		}
		if (in < r->end && *in == '"')
			in++;
	} else {
		while (in < r->end && *in != ',' && *in != '\n')
			*out++ = *in++;
		if (out > *ret && out[-1] == '\r')
			out--;
	}
	if (in < r->end && *in == '\r')
		in++;
	if (in < r->end && *in != ',' && *in != '\n')
		return ey_error_create(EY_ERR_INPUT, "line %zu: text behind a closing quote",
				       r->line);
	*next_ret = in < r->end ? *in : '\0';
	r->at = in < r->end ? in + 1 : in;
	*out = '\0';
	return NULL;
}

static struct ey_error *check_field(const struct reader *r, const char *field)
{
	const unsigned char *p = (const unsigned char *)field;
	size_t len = strlen(field);

	if (len > HOSTS_CSV_MAX_FIELD)
		return ey_error_create(EY_ERR_INPUT, "line %zu: a field of more than %d bytes",
				       r->line, HOSTS_CSV_MAX_FIELD);
	for (size_t i = 0; i < len;) {
		size_t n = p[i] < 0x80 ? p[i] >= 0x20 && p[i] != 0x7f
				       : ey_utf8_sequence(p + i, len - i);

		if (!n)
			return ey_error_create(EY_ERR_INPUT,
					       "line %zu: a field that is no plain UTF-8 text",
					       r->line);
		i += n;
	}
	return NULL;
}

static struct ey_error *take_line(struct reader *r)
{
	char next = ',';

	r->field_count = 0;
	r->line += 1 + r->more_lines;
	r->more_lines = 0;
	while (next == ',') {
		if (r->field_count == HOSTS_CSV_MAX_COLUMNS)
			return ey_error_create(EY_ERR_INPUT, "line %zu: more than %d fields",
					       r->line, HOSTS_CSV_MAX_COLUMNS);
		char **field = &r->fields[r->field_count++];
		struct ey_error *err = take_field(r, field, &next);

		if (!err)
			err = check_field(r, *field);
		if (err)
			return err;
	}
	return NULL;
}

static struct ey_error *take_header(struct reader *r)
{
	bool identified = false;
	struct ey_error *err = take_line(r);

	for (size_t i = 0; !err && i < r->field_count; i++) {
		const char *name = r->fields[i];
		size_t c = 0;

		while (c < EY_ARRAY_SIZE(column_names) && strcmp(name, column_names[c]) != 0)
			c++;
		r->columns[i] = (enum column)c;
		identified |= c <= COLUMN_UUID;
		for (size_t k = 0; k < i && !err; k++) {
			if (!strcmp(name, r->fields[k]))
				err = ey_error_create(EY_ERR_INPUT,
						      "column \"%.40s\" is there twice", name);
		}
		if (err || c < COLUMN_LABEL)
			continue;
		r->labels[i] = name + strlen("label:");
		if (strncmp(name, "label:", 6) != 0 || !ey_name_is_safe(r->labels[i]))
			err = ey_error_create(EY_ERR_INPUT,
					      "column \"%.40s\" is none of hostname, serial, uuid, "
					      "site, life and label:NAME",
					      name);
	}
	r->column_count = r->field_count;
	if (!err && !identified)
		err = ey_error_create(EY_ERR_INPUT, "the first line names no column of hostname, "
						    "serial and uuid");
	return err;
}

static struct ey_error *make_row(const struct reader *r, struct hosts_csv_row *row)
{
	struct ey_error *err = NULL;

	*row = (struct hosts_csv_row){.line = r->line};
	if (r->field_count != r->column_count)
		return ey_error_create(EY_ERR_INPUT, "line %zu has %zu fields, the first line %zu",
				       r->line, r->field_count, r->column_count);
	for (size_t i = 0; !err && i < r->field_count; i++) {
		const char *value = *r->fields[i] ? r->fields[i] : NULL;

		if (!value)
			continue;
		switch (r->columns[i]) {
		case COLUMN_HOSTNAME:
			row->hostname = value;
			break;
		case COLUMN_SERIAL:
			row->serial = value;
			break;
		case COLUMN_UUID:
			row->uuid = value;
			break;
		case COLUMN_SITE:
			row->site = value;
			break;
		case COLUMN_LIFE:
			err = db_life_parse(value, &row->life);
			err = ey_error_prefix(err, "line %zu", r->line);
			row->has_life = true;
			break;
		case COLUMN_LABEL:
			if (row->label_count == HOSTS_CSV_MAX_LABELS)
				return ey_error_create(EY_ERR_INPUT,
						       "line %zu: more than %d labels", r->line,
						       HOSTS_CSV_MAX_LABELS);
			row->labels[row->label_count++] =
				(struct db_label){.name = r->labels[i], .value = value};
			break;
		}
	}
	if (!err && !row->hostname && !row->serial && !row->uuid)
		err = ey_error_create(EY_ERR_INPUT, "line %zu names no host", r->line);
	return err;
}

struct ey_error *hosts_csv_read(char *text, size_t len, hosts_csv_fn *fn, void *arg)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct reader r = {.at = text, .end = text + len};
	struct hosts_csv_row row;

	if (memchr(text, '\0', len))
		return ey_error_create(EY_ERR_INPUT, "the file holds NUL bytes: it is no CSV text");
	// Spreadsheets begin with the mark of UTF-8.
	if (len >= 3 && !memcmp(text, mark, 3))
		r.at += 3;
	struct ey_error *err = take_header(&r);
	// The header's names stand in the text, where rows do not write.
	while (!err && r.at < r.end) {
		err = take_line(&r);
		if (!err && r.field_count == 1 && !*r.fields[0])
			continue; // an empty line
		if (!err)
			err = make_row(&r, &row);
		if (!err)
			err = fn(&row, arg);
	}
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define FORM_DATA "multipart/form-data"

/** What is left of the body. */
struct rest {
	const char *p;
	const char *end;
};

static struct ey_error *bad(const char *what)
{
	return ey_error_create(EY_ERR_INPUT, "the multipart body %s", what);
}

bool ey_multipart_is(const char *content_type)
{
	size_t n = strlen(FORM_DATA);

	return content_type && !strncasecmp(content_type, FORM_DATA, n) &&
	       (!content_type[n] || strchr("; \t", content_type[n]));
}

static size_t length_of(const struct rest *r)
{
	return (size_t)(r->end - r->p);
}

static void skip_blanks(struct rest *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t'))
		r->p++;
}

// The value behind "key=", quoted or not; false where it is no such parameter.
static bool read_value(struct rest *r, struct rest *value)
{
	bool quoted = r->p < r->end && *r->p == '"';

	r->p += quoted;
	value->p = r->p;
	while (r->p < r->end && (quoted ? *r->p != '"' : !strchr("; \t\r\n", *r->p)))
		r->p++;
	value->end = r->p;
	if (quoted && r->p == r->end)
		return false;
	r->p += quoted;
	return true;
}

// Find "; key=value" among the parameters of a header; an escaped quote ends a value early, and
// no name of ours has one.
static bool find_parameter(struct rest params, const char *key, struct rest *value)
{
	size_t n = strlen(key);

	while (params.p < params.end) {
		struct rest its;
		const char *name;

		params.p = memchr(params.p, ';', length_of(&params));
		if (!params.p)
			return false;
		params.p++;
		skip_blanks(&params);
		name = params.p;
		while (params.p < params.end && *params.p != '=' && *params.p != ';')
			params.p++;
		size_t name_len = (size_t)(params.p - name);
		if (params.p == params.end || *params.p == ';')
			continue;
		params.p++;
		if (!read_value(&params, &its))
			return false;
		if (name_len == n && !strncasecmp(name, key, n)) {
			*value = its;
			return true;
		}
	}
	return false;
}

static struct ey_error *read_boundary(const char *content_type,
				      char delimiter[EY_MULTIPART_BOUNDARY_MAX + 5],
				      size_t *len_ret)
{
	struct rest value, params = {content_type, content_type + strlen(content_type)};

	if (!find_parameter(params, "boundary", &value) || !length_of(&value) ||
	    length_of(&value) > EY_MULTIPART_BOUNDARY_MAX)
		return bad("has no boundary of 1 to 70 characters in its Content-Type");
	*len_ret = (size_t)snprintf(delimiter, EY_MULTIPART_BOUNDARY_MAX + 5, "\r\n--%.*s",
				    (int)length_of(&value), value.p);
	return NULL;
}

static bool header_is(const struct rest *line, const char *name, struct rest *value)
{
	size_t n = strlen(name);

	if (length_of(line) < n || strncasecmp(line->p, name, n) != 0)
		return false;
	*value = (struct rest){line->p + n, line->end};
	skip_blanks(value);
	return true;
}

static void read_header(const struct rest *line, struct ey_multipart_part *part)
{
	struct rest value, name;

	if (header_is(line, "Content-Disposition:", &value)) {
		if (find_parameter(value, "name", &name)) {
			part->name = name.p;
			part->name_len = length_of(&name);
		}
	} else if (header_is(line, "Content-Type:", &value)) {
		part->type = value.p;
		while (value.p < value.end && !strchr("; \t", *value.p))
			value.p++;
		part->type_len = (size_t)(value.p - part->type);
	}
}

// The headers of a part, up to and with the empty line.
static struct ey_error *read_headers(struct rest *r, struct ey_multipart_part *part)
{
	const char *begin = r->p;

	for (;;) {
		const char *eol = memmem(
			r->p, EY_MIN(length_of(r), (size_t)EY_MULTIPART_HEADERS_MAX), "\r\n", 2);
		struct rest line = {r->p, eol};

		if (!eol || eol - begin > EY_MULTIPART_HEADERS_MAX)
			return bad("has a part whose headers do not end");
		r->p = eol + 2;
		if (line.p == line.end)
			break;
		read_header(&line, part);
	}
	return part->name_len ? NULL : bad("has a part without a name");
}

struct ey_error *ey_multipart_parse(const char *content_type, const char *body, size_t len,
				    struct ey_multipart_part *parts, size_t max, size_t *count_ret)
{
	char delimiter[EY_MULTIPART_BOUNDARY_MAX + 5];
	struct rest r = {body, body + len};
	size_t n, count = 0;
	struct ey_error *err = read_boundary(content_type, delimiter, &n);

	*count_ret = 0;
	if (err)
		return err;
	// What stands before the first delimiter is for people whose program knows no MIME.
	const char *at = len >= n - 2 && !memcmp(body, delimiter + 2, n - 2)
				 ? body - 2
				 : memmem(body, len, delimiter, n);
	for (;;) {
		if (!at)
			return bad("ends in the middle");
		r.p = at + n;
		if (length_of(&r) >= 2 && !memcmp(r.p, "--", 2))
			break;
		skip_blanks(&r);
		if (length_of(&r) < 2 || memcmp(r.p, "\r\n", 2) != 0)
			return bad("ends in the middle");
		r.p += 2;
		if (count == max)
			return bad("has too many parts");
		parts[count] = (struct ey_multipart_part){0};
		err = read_headers(&r, &parts[count]);
		if (err)
			return err;
		// An empty part has no line of its own before the delimiter.
		at = memmem(r.p - 2, length_of(&r) + 2, delimiter, n);
		if (!at)
			return bad("ends in the middle");
		parts[count].data = r.p;
		parts[count].len = at > r.p ? (size_t)(at - r.p) : 0;
		count++;
	}
	*count_ret = count;
	return NULL;
}

bool ey_multipart_is_named(const struct ey_multipart_part *part, const char *name)
{
	return part->name_len == strlen(name) && !memcmp(part->name, name, part->name_len);
}

bool ey_multipart_is_type(const struct ey_multipart_part *part, const char *type)
{
	return part->type_len == strlen(type) && !strncasecmp(part->type, type, part->type_len);
}

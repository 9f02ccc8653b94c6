/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/s3_xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"

struct reader {
	XML_Parser parser;
	struct s3_answer *answer;
	struct ey_error *err;
	unsigned int depth;
	/** The innermost element, and its text. */
	char name[64];
	struct ey_buf text;
	/** Within an item, at the depth at which it began; 0: none. */
	unsigned int item_depth;
};

static void item_deinit(struct s3_item *item)
{
	free(item->key);
	free(item->etag);
	free(item->upload_id);
}

void s3_answer_deinit(struct s3_answer *a)
{
	for (size_t i = 0; i < a->count; i++)
		item_deinit(&a->items[i]);
	free(a->items);
	free(a->root);
	free(a->next);
	free(a->next_upload);
	free(a->code);
	free(a->message);
	free(a->region);
	free(a->upload_id);
	*a = (struct s3_answer){0};
}

static void fail(struct reader *r, struct ey_error *err)
{
	if (r->err)
		ey_error_destroy(err);
	else
		r->err = err;
	XML_StopParser(r->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static bool is_item(const char *name)
{
	static const char *const names[] = {"Contents", "CommonPrefixes", "Upload", "Part"};

	for (size_t i = 0; i < EY_ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static struct s3_item *add_item(struct reader *r)
{
	struct s3_answer *a = r->answer;

	if (a->count == S3_XML_MAX_ITEMS) {
		fail(r, ey_error_create(EY_ERR_INPUT, "the answer lists more than %d things",
					S3_XML_MAX_ITEMS));
		return NULL;
	}
	if (a->count == a->capacity) {
		size_t capacity = a->capacity ? 2 * a->capacity : 64;
		struct s3_item *more = reallocarray(a->items, capacity, sizeof(*more));

		if (!more) {
			fail(r, &ey_error_nomem);
			return NULL;
		}
		a->items = more;
		a->capacity = capacity;
	}
	a->items[a->count] = (struct s3_item){0};
	return &a->items[a->count++];
}

static void on_start(void *arg, const XML_Char *full, const XML_Char **attributes)
{
	struct reader *r = arg;
	const char *name = local_name(full);

	if (++r->depth > S3_XML_MAX_DEPTH || strlen(name) >= sizeof(r->name)) {
		fail(r, ey_error_create(EY_ERR_INPUT, "the answer is nested too deeply"));
		return;
	}
	if (r->depth == 1) {
		r->answer->root = strdup(name);
		if (!r->answer->root)
			fail(r, &ey_error_nomem);
	}
	if (r->depth == 2 && is_item(name)) {
		struct s3_item *item = add_item(r);

		if (!item)
			return;
		item->is_prefix = !strcmp(name, "CommonPrefixes");
		r->item_depth = r->depth;
	}
	snprintf(r->name, sizeof(r->name), "%s", name);
	ey_buf_clear(&r->text);
}

static void on_text(void *arg, const XML_Char *s, int len)
{
	struct reader *r = arg;

	if (r->text.len + (size_t)len > S3_XML_MAX_TEXT) {
		fail(r, ey_error_create(EY_ERR_INPUT, "the answer has a text of more than %d bytes",
					S3_XML_MAX_TEXT));
		return;
	}
	ey_buf_add(&r->text, s, (size_t)len);
}

static void set_text(struct reader *r, char **ret)
{
	free(*ret);
	*ret = strdup(ey_buf_str(&r->text));
	if (!*ret || r->text.failed)
		fail(r, &ey_error_nomem);
}

static uint64_t number(struct reader *r, uint64_t max)
{
	const char *s = ey_buf_str(&r->text);
	char *end;

	errno = 0;
	unsigned long long n = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || n > max)
		fail(r, ey_error_create(EY_ERR_INPUT, "the answer has a %s that is no number",
					r->name));
	return n;
}

static int64_t date(struct reader *r)
{
	int64_t t = 0;

	if (!ey_time_parse(ey_buf_str(&r->text), &t))
		fail(r,
		     ey_error_create(EY_ERR_INPUT, "the answer has a %s that is no time", r->name));
	return t;
}

static void end_in_item(struct reader *r, struct s3_item *item, const char *name)
{
	if (!strcmp(name, "Key") || (item->is_prefix && !strcmp(name, "Prefix")))
		set_text(r, &item->key);
	else if (!strcmp(name, "ETag"))
		set_text(r, &item->etag);
	else if (!strcmp(name, "UploadId"))
		set_text(r, &item->upload_id);
	else if (!strcmp(name, "Size"))
		item->size = number(r, INT64_MAX);
	else if (!strcmp(name, "PartNumber"))
		item->part = (unsigned int)number(r, 10000);
	else if (!strcmp(name, "LastModified") || !strcmp(name, "Initiated"))
		item->time = date(r);
}

static void end_in_root(struct reader *r, const char *name)
{
	struct s3_answer *a = r->answer;

	if (!strcmp(name, "IsTruncated"))
		a->truncated = !strcmp(ey_buf_str(&r->text), "true");
	else if (!strcmp(name, "NextContinuationToken") || !strcmp(name, "NextKeyMarker"))
		set_text(r, &a->next);
	else if (!strcmp(name, "NextUploadIdMarker"))
		set_text(r, &a->next_upload);
	// An empty list of parts has an empty one with some stores.
	else if (!strcmp(name, "NextPartNumberMarker") && r->text.len)
		a->next_part = (unsigned int)number(r, 10000);
	else if (!strcmp(name, "Code"))
		set_text(r, &a->code);
	else if (!strcmp(name, "Message"))
		set_text(r, &a->message);
	else if (!strcmp(name, "Region"))
		set_text(r, &a->region);
	else if (!strcmp(name, "UploadId"))
		set_text(r, &a->upload_id);
}

static void on_end(void *arg, const XML_Char *full)
{
	struct reader *r = arg;
	const char *name = local_name(full);

	if (r->item_depth && r->depth == r->item_depth + 1)
		end_in_item(r, &r->answer->items[r->answer->count - 1], name);
	else if (r->depth == 2 && !r->item_depth)
		end_in_root(r, name);
	if (r->depth == r->item_depth)
		r->item_depth = 0;
	r->depth--;
	ey_buf_clear(&r->text);
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
		       const XML_Char *public_id, int has_internal_subset)
{
	fail(arg,
	     ey_error_create(EY_ERR_INPUT, "the answer has a document type, as no S3 store's"));
}

struct ey_error *s3_xml_read(const char *xml, size_t len, struct s3_answer *ret)
{
	struct reader r = {.answer = ret};

	*ret = (struct s3_answer){0};
	if (len > S3_XML_MAX_BYTES)
		return ey_error_create(EY_ERR_INPUT, "the answer is larger than %d bytes",
				       S3_XML_MAX_BYTES);
	r.parser = XML_ParserCreate(NULL);
	if (!r.parser)
		return &ey_error_nomem;
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	if (XML_Parse(r.parser, xml, (int)len, XML_TRUE) != XML_STATUS_OK && !r.err)
		r.err = ey_error_create(EY_ERR_INPUT, "the answer is not XML, at line %lu: %s",
					XML_GetCurrentLineNumber(r.parser),
					XML_ErrorString(XML_GetErrorCode(r.parser)));
	XML_ParserFree(r.parser);
	ey_buf_deinit(&r.text);
	if (r.err)
		s3_answer_deinit(ret);
	return r.err;
}

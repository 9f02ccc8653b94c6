/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Large files in parts. Nothing is visible before the last call; a killed one can go on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "store/s3_client.h"

struct ey_error *s3_part_size(const struct s3 *s3, uint64_t size, uint64_t *ret)
{
	uint64_t part = s3->part_bytes;

	// In whole MiB, so that the same size always gives the same parts.
	if (size / STORE_S3_PARTS_MAX >= part)
		part = ((size / STORE_S3_PARTS_MAX >> 20) + 1) << 20;
	if (part > UINT64_C(5) << 30)
		return ey_error_create(EY_ERR_INPUT, "an S3 store takes no file of %llu bytes",
				       (unsigned long long)size);
	*ret = part;
	return NULL;
}

struct ey_error *s3_uploads(struct s3 *s3, const char *prefix,
			    struct ey_error *(*on_item)(const struct s3_item *item, void *arg),
			    void *arg)
{
	_cleanup_free_ char *key = NULL, *id = NULL;

	for (;;) {
		_cleanup_s3_call_ struct s3_call call = {.method = "GET"};
		_cleanup_s3_answer_ struct s3_answer answer = {0};

		call.query[0] = (struct sigv4_pair){"uploads", ""};
		call.query[1] = (struct sigv4_pair){"prefix", prefix};
		if (key)
			call.query[2] = (struct sigv4_pair){"key-marker", key};
		if (id)
			call.query[3] = (struct sigv4_pair){"upload-id-marker", id};
		struct ey_error *err = s3_ask(s3, &call, &answer);
		for (size_t i = 0; !err && i < answer.count; i++) {
			const struct s3_item *item = &answer.items[i];

			if (item->key && item->upload_id &&
			    !strncmp(item->key, prefix, strlen(prefix)))
				err = on_item(item, arg);
		}
		if (err || !answer.truncated)
			return err;
		if (!answer.next || (key && strcmp(answer.next, key) < 0) ||
		    (key && !strcmp(answer.next, key) &&
		     (!answer.next_upload || (id && !strcmp(answer.next_upload, id)))))
			return ey_error_create(EY_ERR_INPUT,
					       "%s lists the same page again and again", s3->base);
		free(key);
		free(id);
		key = no_cleanup_ptr(answer.next);
		id = no_cleanup_ptr(answer.next_upload);
	}
}

struct newest {
	const char *key;
	char *id;
	int64_t time;
};

static struct ey_error *find_newest(const struct s3_item *item, void *arg)
{
	struct newest *n = arg;

	if (strcmp(item->key, n->key) != 0 || (n->id && item->time < n->time))
		return NULL;
	free(n->id);
	n->id = strdup(item->upload_id);
	n->time = item->time;
	return n->id ? NULL : &ey_error_nomem;
}

struct ey_error *s3_upload_begin(struct s3 *s3, const char *key, char **id_ret)
{
	_cleanup_s3_call_ struct s3_call call = {.method = "POST", .key = key};
	_cleanup_s3_answer_ struct s3_answer answer = {0};
	struct newest newest = {.key = key};
	struct ey_error *err = s3_uploads(s3, key, find_newest, &newest);

	if (err) {
		free(newest.id);
		return err;
	}
	if (newest.id) {
		*id_ret = newest.id;
		return NULL;
	}
	call.query[0] = (struct sigv4_pair){"uploads", ""};
	err = s3_ask(s3, &call, &answer);
	if (!err && (!answer.upload_id || !*answer.upload_id))
		err = ey_error_create(EY_ERR_IO, "%s gives no upload an id", s3->base);
	if (!err)
		*id_ret = no_cleanup_ptr(answer.upload_id);
	return err;
}

static int by_part(const void *a, const void *b)
{
	const struct s3_item *x = a, *y = b;

	return x->part < y->part ? -1 : x->part > y->part;
}

static struct ey_error *append(struct s3_answer *to, struct s3_answer *from)
{
	if (!from->count)
		return NULL;
	struct s3_item *more = reallocarray(to->items, to->count + from->count, sizeof(*more));

	if (!more)
		return &ey_error_nomem;
	to->items = more;
	memcpy(more + to->count, from->items, from->count * sizeof(*more));
	to->count += from->count;
	to->capacity = to->count;
	from->count = 0;
	return NULL;
}

struct ey_error *s3_upload_parts(struct s3 *s3, const char *key, const char *id,
				 struct s3_answer *ret)
{
	unsigned int marker = 0;

	*ret = (struct s3_answer){0};
	for (;;) {
		_cleanup_s3_call_ struct s3_call call = {.method = "GET", .key = key};
		_cleanup_s3_answer_ struct s3_answer answer = {0};
		char text[16];

		snprintf(text, sizeof(text), "%u", marker);
		call.query[0] = (struct sigv4_pair){"uploadId", id};
		if (marker)
			call.query[1] = (struct sigv4_pair){"part-number-marker", text};
		struct ey_error *err = s3_ask(s3, &call, &answer);
		if (!err)
			err = append(ret, &answer);
		if (!err && answer.truncated && answer.next_part <= marker)
			err = ey_error_create(EY_ERR_INPUT,
					      "%s lists the same page again and again", s3->base);
		if (err) {
			s3_answer_deinit(ret);
			return err;
		}
		if (!answer.truncated)
			break;
		marker = answer.next_part;
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_part);
	return NULL;
}

struct ey_error *s3_upload_finish(struct s3 *s3, const char *key, const char *id,
				  const struct s3_answer *parts)
{
	_cleanup_s3_call_ struct s3_call call = {.method = "POST", .key = key};
	_cleanup_buf_ struct ey_buf body = EY_BUF_INIT;

	ey_buf_adds(&body,
		    "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < parts->count; i++) {
		const struct s3_item *p = &parts->items[i];

		// An ETag is quoted; nothing else may come in between.
		if (!p->etag || strpbrk(p->etag, "<>&"))
			return ey_error_create(EY_ERR_INPUT, "%s: a part has no usable ETag",
					       s3->base);
		ey_buf_printf(&body, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>",
			      p->part, p->etag);
	}
	ey_buf_adds(&body, "</CompleteMultipartUpload>");
	struct ey_error *err = ey_buf_error(&body);
	if (err)
		return err;
	call.query[0] = (struct sigv4_pair){"uploadId", id};
	call.data = body.data;
	call.len = body.len;
	return s3_do(s3, &call);
}

struct ey_error *s3_upload_abort(struct s3 *s3, const char *key, const char *id)
{
	_cleanup_s3_call_ struct s3_call call = {.method = "DELETE", .key = key};

	call.query[0] = (struct sigv4_pair){"uploadId", id};
	struct ey_error *err = s3_do(s3, &call);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		err = NULL;
	}
	return err;
}

static struct ey_error *put_part(struct s3 *s3, const char *key, const char *id, unsigned int part,
				 int fd, uint64_t offset, uint64_t len, struct s3_item *ret)
{
	_cleanup_s3_call_ struct s3_call call = {.method = "PUT",
						 .key = key,
						 .from_file = true,
						 .fd = fd,
						 .offset = offset,
						 .len = len};
	char number[16];

	snprintf(number, sizeof(number), "%u", part);
	call.query[0] = (struct sigv4_pair){"partNumber", number};
	call.query[1] = (struct sigv4_pair){"uploadId", id};
	struct ey_error *err = s3_do(s3, &call);
	if (err)
		return err;
	*ret = (struct s3_item){.etag = strdup(call.etag), .part = part, .size = len};
	return ret->etag ? NULL : &ey_error_nomem;
}

// A part that an earlier try has sent: its content was checked as it arrived.
static bool take_sent(struct s3_answer *sent, unsigned int part, uint64_t len, struct s3_item *ret)
{
	for (size_t i = 0; i < sent->count; i++) {
		struct s3_item *item = &sent->items[i];

		if (item->part == part && item->size == len && item->etag) {
			*ret = (struct s3_item){
				.etag = no_cleanup_ptr(item->etag), .part = part, .size = len};
			return true;
		}
	}
	return false;
}

static struct ey_error *put_parts(struct s3 *s3, const char *key, const char *id, int fd,
				  uint64_t size, uint64_t part_bytes)
{
	_cleanup_s3_answer_ struct s3_answer sent = {0}, parts = {0};
	struct ey_error *err = s3_upload_parts(s3, key, id, &sent);
	size_t reused = 0;

	if (err)
		return err;
	parts.items = calloc((size_t)(size / part_bytes + 1), sizeof(*parts.items));
	if (!parts.items)
		return &ey_error_nomem;
	for (uint64_t at = 0; at < size; at += part_bytes) {
		uint64_t len = EY_MIN(size - at, part_bytes);
		unsigned int number = (unsigned int)parts.count + 1;

		if (take_sent(&sent, number, len, &parts.items[parts.count]))
			reused++;
		else
			err = put_part(s3, key, id, number, fd, at, len, &parts.items[parts.count]);
		if (err)
			return err;
		parts.count++;
	}
	if (reused)
		ey_log_debug("s3: %zu of %zu parts were there", reused, parts.count);
	return s3_upload_finish(s3, key, id, &parts);
}

struct ey_error *s3_put_file(struct s3 *s3, const char *key, int fd, uint64_t size)
{
	_cleanup_free_ char *id = NULL;
	uint64_t part_bytes;
	struct ey_error *err = s3_part_size(s3, size, &part_bytes);

	if (err)
		return err;
	if (size <= part_bytes) {
		_cleanup_s3_call_ struct s3_call call = {
			.method = "PUT", .key = key, .from_file = true, .fd = fd, .len = size};

		return s3_do(s3, &call);
	}
	err = s3_upload_begin(s3, key, &id);
	return err ? err : put_parts(s3, key, id, fd, size, part_bytes);
}

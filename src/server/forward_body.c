/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A batch of records as the next center takes it. */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "analysis/record_read.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "db/crash.h"
#include "ingest/delivery.h"
#include "server/forward.h"
#include "server/forward_frame.h"

enum {
	/** A batch is full with so many bytes, and never gets larger than a request may be. */
	BATCH_BYTES = 4 << 20,
	BODY_MAX = 39 << 20,
	BOUNDARY_BYTES = 16,
};

struct form {
	struct ey_buf *out;
	char boundary[2 * BOUNDARY_BYTES + 1];
};

static void add_part(struct form *form, const char *name, const char *type, const void *data,
		     size_t len)
{
	ey_buf_printf(form->out,
		      "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n"
		      "Content-Type: %s\r\n\r\n",
		      form->boundary, name, name, type);
	ey_buf_add(form->out, data, len);
	ey_buf_adds(form->out, "\r\n");
}

static void add_field(struct form *form, const char *name, const char *value)
{
	ey_buf_printf(form->out,
		      "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
		      form->boundary, name, value);
}

// Of a record that is too large to be parsed at once: the same without what makes it so.
static struct ey_error *make_light(const char *text, size_t len, char **light_ret, char **id_ret)
{
	struct record record = {0};
	json_t *root = json_loadb(text, len, JSON_ALLOW_NUL, NULL), *stacks;
	struct ey_error *err = root ? record_read_any(text, len, &record)
				    : ey_error_create(EY_ERR_INPUT, "the record is no JSON");

	if (!err)
		err = record_crash_id(&record, id_ret);
	record_deinit(&record);
	if (!err) {
		json_object_del(root, "log");
		json_object_del(root, "tasks");
		stacks = json_object_get(root, "stacks");
		while (json_array_size(stacks) > 1)
			json_array_remove(stacks, json_array_size(stacks) - 1);
		*light_ret = json_dumps(root, JSON_COMPACT);
		if (!*light_ret)
			err = &ey_error_nomem;
	}
	json_decref(root);
	return err;
}

static struct ey_error *add_large(struct form *form, const void *packed, size_t len, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1), *light = NULL, *id = NULL;

	if (!text)
		return &ey_error_nomem;
	if (ZSTD_decompress(text, size, packed, len) != size)
		return ey_error_create(EY_ERR_INPUT, "its record is damaged");
	struct ey_error *err = make_light(text, size, &light, &id);
	if (err)
		return err;
	add_part(form, "record", "application/json", light, strlen(light));
	add_part(form, "whole", "application/zstd", packed, len);
	add_field(form, "id", id);
	return NULL;
}

static struct ey_error *add_record(struct db *db, struct form *form, int64_t crash_id)
{
	_cleanup_free_ void *packed = NULL;
	size_t len = 0, size = 0;
	struct ey_error *err =
		db_forward_packed(db, crash_id, db_part_name(DB_PART_RECORD), &packed, &len, &size);

	if (!err && !packed)
		err = ey_error_create(EY_ERR_NOT_FOUND, "it has no record");
	if (err)
		return err;
	if (size > DELIVERY_RECORD_MAX)
		return add_large(form, packed, len, size);
	add_part(form, "record", "application/zstd", packed, len);
	return NULL;
}

static struct ey_error *add_text(struct db *db, struct form *form, int64_t crash_id,
				 enum db_part part, const char *name)
{
	_cleanup_free_ void *packed = NULL;
	size_t len = 0, size = 0;
	struct ey_error *err =
		db_forward_packed(db, crash_id, db_part_name(part), &packed, &len, &size);

	if (err || !packed)
		return err;
	if (size > DELIVERY_PART_MAX || form->out->len + len > BODY_MAX) {
		ey_log_warning("forward: crash %" PRId64 " goes without its %s, which is too large",
			       crash_id, name);
		return NULL;
	}
	add_part(form, name, "application/zstd", packed, len);
	return NULL;
}

static struct ey_error *write_form(struct db *db, int64_t crash_id, struct form *form)
{
	unsigned char random[BOUNDARY_BYTES];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(form->boundary, sizeof(form->boundary), random, sizeof(random));
	struct ey_error *err = add_record(db, form, crash_id);
	if (!err)
		err = add_text(db, form, crash_id, DB_PART_ANALYSIS, "analysis");
	if (!err)
		err = add_text(db, form, crash_id, DB_PART_LOG, "dmesg");
	// The dump stays here.
	add_field(form, "dump_bytes", "0");
	ey_buf_printf(form->out, "--%s--\r\n", form->boundary);
	return err;
}

static void kv_dump(struct ey_json *json, const struct db_crash *c)
{
	ey_json_key(json, "dump");
	ey_json_object_begin(json);
	ey_json_kv_string(json, "state", db_dump_name(c->dump));
	ey_json_kv_int(json, "bytes", c->dump_bytes);
	ey_json_kv_string(json, "path", c->path);
	ey_json_kv_int(json, "purged", c->purged);
	ey_json_object_end(json);
}

// The line of an item and its bytes.
static struct ey_error *write_item(struct db *db, const struct db_forward_item *item,
				   struct ey_buf *out)
{
	bool of_crash = item->kind == DB_FORWARD_CRASH || item->kind == DB_FORWARD_DUMP;
	_cleanup_buf_ struct ey_buf body = EY_BUF_INIT;
	_cleanup_crashes_ struct db_crash_list list = {0};
	struct form form = {.out = &body};
	struct ey_error *err = NULL;
	struct ey_json json;

	if (of_crash)
		err = db_crash_get(db, item->object_id, &list);
	if (!err && item->kind == DB_FORWARD_CRASH)
		err = write_form(db, item->object_id, &form);
	if (!err)
		err = ey_buf_error(&body);
	if (err)
		return err;
	ey_json_init(&json, out, 0);
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "sequence", item->sequence);
	ey_json_kv_string(&json, "kind", db_forward_kind_name(item->kind));
	ey_json_kv_int(&json, "origin", item->object_id);
	ey_json_kv_int(&json, "time", item->time);
	if (item->kind == DB_FORWARD_CRASH) {
		char type[128];

		snprintf(type, sizeof(type), "multipart/form-data; boundary=%s", form.boundary);
		ey_json_kv_string(&json, "type", type);
	}
	if (of_crash)
		kv_dump(&json, &list.items[0]);
	ey_json_kv_uint(&json, "bytes", body.len ? body.len : item->len);
	ey_json_object_end(&json);
	ey_buf_adds(out, "\n");
	if (body.len)
		ey_buf_add(out, body.data, body.len);
	else if (item->len)
		ey_buf_add(out, item->data, item->len);
	return ey_buf_error(out);
}

static void write_head(const struct forward_head *head, int64_t queue, int64_t oldest,
		       struct ey_buf *out)
{
	struct ey_json json;

	ey_json_init(&json, out, 0);
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "schema", FORWARD_SCHEMA);
	ey_json_kv_string(&json, "site", head->site);
	ey_json_kv_string(&json, "url", head->url ? head->url : "");
	ey_json_kv_string(&json, "stream", head->line->stream);
	ey_json_kv_string(&json, "replaces", head->line->replaces);
	ey_json_kv_int(&json, "base", head->line->base);
	ey_json_kv_int(&json, "after", head->line->confirmed);
	ey_json_kv_int(&json, "queue", queue);
	ey_json_kv_int(&json, "oldest", oldest);
	ey_json_object_end(&json);
	ey_buf_adds(out, "\n");
}

// Its number is told all the same: the other side notes why it will not come, and goes on.
static struct ey_error *write_gone(const struct db_forward_item *item, const char *why,
				   struct ey_buf *out)
{
	char text[FORWARD_WHY_MAX + 1];
	struct ey_json json;

	forward_clean_why(why, text);
	ey_log_warning("forward: record %" PRId64 " (%s %" PRId64 ") is set aside: %s",
		       item->sequence, db_forward_kind_name(item->kind), item->object_id, text);
	ey_json_init(&json, out, 0);
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "sequence", item->sequence);
	ey_json_kv_string(&json, "kind", "gone");
	ey_json_kv_int(&json, "origin", item->object_id);
	ey_json_kv_string(&json, "why", text);
	ey_json_object_end(&json);
	ey_buf_adds(out, "\n");
	return ey_buf_error(out);
}

static struct ey_error *write_one(struct db *db, const struct db_forward_item *item,
				  const char *gone, struct ey_buf *out)
{
	struct ey_error *err;

	if (gone)
		return write_gone(item, gone, out);
	err = write_item(db, item, out);
	if (!err || (err->code != EY_ERR_INPUT && err->code != EY_ERR_NOT_FOUND))
		return err;
	_cleanup_error_ struct ey_error *why = err;
	out->len = 0;
	return write_gone(item, why->message, out);
}

void forward_body_deinit(struct forward_body *body)
{
	ey_buf_deinit(&body->data);
}

struct ey_error *forward_body_write(struct db *db, const struct forward_head *head,
				    const struct db_forward_list *items, const char *gone,
				    struct forward_body *ret)
{
	_cleanup_buf_ struct ey_buf records = EY_BUF_INIT;
	size_t i;

	ret->last = head->line->confirmed;
	for (i = 0; i < items->count && i < FORWARD_BATCH_MAX; i++) {
		_cleanup_buf_ struct ey_buf one = EY_BUF_INIT;
		struct ey_error *err = write_one(db, &items->items[i], i ? NULL : gone, &one);

		if (err && !i)
			ret->failed = items->items[i].sequence;
		if (err && !i)
			return err;
		// What is wrong with it is told when it is the first.
		ey_error_destroy(err);
		if (err || (i && records.len + one.len > BATCH_BYTES))
			break;
		ey_buf_add(&records, ey_buf_str(&one), one.len);
		ret->last = items->items[i].sequence;
	}
	// As it is when these are taken: the last batch says that nothing waits any more.
	int64_t queue = EY_MAX(head->line->queue - (int64_t)i, (int64_t)0);
	int64_t oldest = i < items->count ? items->items[i].time
			 : i		  ? items->items[i - 1].time
					  : head->line->oldest;
	write_head(head, queue, queue ? oldest : 0, &ret->data);
	if (records.len)
		ey_buf_add(&ret->data, records.data, records.len);
	return ey_buf_error(&records) ? &ey_error_nomem : ey_buf_error(&ret->data);
}

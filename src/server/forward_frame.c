/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/forward_frame.h"

#include <string.h>

#include "base/file.h"
#include "db/crash.h"
#include "server/body.h"

enum { WHY_HEAD = 150, URL_MAX = 512, PATH_MAX_BYTES = 1024 };

void forward_batch_deinit(struct forward_batch *batch)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(batch->lines); i++)
		json_decref(batch->lines[i]);
	*batch = (struct forward_batch){0};
}

// One line of JSON, and where the rest begins.
static struct ey_error *read_line(const char **body, size_t *len, json_t **ret)
{
	const char *end = memchr(*body, '\n', *len < FORWARD_LINE_MAX ? *len : FORWARD_LINE_MAX);

	if (!end)
		return ey_error_create(EY_ERR_INPUT, "a line of the batch is cut or too long");
	*ret = json_loadb(*body, (size_t)(end - *body), JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(*ret))
		return ey_error_create(EY_ERR_INPUT, "a line of the batch is no JSON object");
	*len -= (size_t)(end + 1 - *body);
	*body = end + 1;
	return NULL;
}

static struct ey_error *read_head(json_t *line, struct forward_batch *ret)
{
	const char *schema;
	struct ey_error *err = server_body_need(line, "schema", SERVER_NAME_MAX, &schema);

	if (!err && strcmp(schema, FORWARD_SCHEMA) != 0)
		err = ey_error_create(EY_ERR_INPUT,
				      "the batch's schema is \"%s\", and \"%s\" is known here; "
				      "update this center before its sites",
				      schema, FORWARD_SCHEMA);
	if (!err)
		err = server_body_need(line, "site", SERVER_NAME_MAX, &ret->site);
	if (!err)
		err = server_body_need(line, "stream", DB_FORWARD_STREAM_SIZE - 1, &ret->stream);
	if (!err)
		err = server_body_text(line, "replaces", DB_FORWARD_STREAM_SIZE - 1,
				       &ret->replaces);
	if (!err)
		err = server_body_text(line, "url", URL_MAX, &ret->url);
	if (!err)
		err = server_body_int(line, "base", 0, 0, &ret->base);
	if (!err)
		err = server_body_int(line, "after", 0, 0, &ret->after);
	if (!err)
		err = server_body_int(line, "queue", 0, 0, &ret->queue);
	if (!err)
		err = server_body_int(line, "oldest", 0, 0, &ret->oldest);
	if (!err && !ey_name_is_safe(ret->site))
		err = ey_error_create(EY_ERR_INPUT, "\"site\" is no name of a site");
	// It becomes a link on a page.
	if (!err && ret->url && *ret->url && strncmp(ret->url, "https://", 8) != 0 &&
	    strncmp(ret->url, "http://", 7) != 0)
		err = ey_error_create(EY_ERR_INPUT, "\"url\" must begin with https:// or http://");
	if (!ret->replaces)
		ret->replaces = "";
	if (!ret->url)
		ret->url = "";
	return err;
}

static struct ey_error *read_dump(json_t *line, struct forward_frame *f)
{
	json_t *dump = json_object_get(line, "dump");
	enum db_dump state;

	if (!dump)
		return NULL;
	struct ey_error *err = server_body_need(dump, "state", SERVER_NAME_MAX, &f->dump_state);
	if (!err && !db_dump_parse(f->dump_state, &state))
		err = ey_error_create(EY_ERR_INPUT, "\"state\" is no state of a dump");
	if (!err)
		err = server_body_text(dump, "path", PATH_MAX_BYTES, &f->dump_path);
	if (!err)
		err = server_body_int(dump, "bytes", 0, 0, &f->dump_bytes);
	if (!err)
		err = server_body_int(dump, "purged", 0, 0, &f->dump_purged);
	if (!f->dump_path)
		f->dump_path = "";
	return err;
}

static struct ey_error *read_frame(json_t *line, int64_t before, struct forward_frame *f)
{
	int64_t bytes = 0;
	struct ey_error *err = server_body_int(line, "sequence", 1, 0, &f->sequence);

	if (!err && f->sequence <= before)
		err = ey_error_create(EY_ERR_INPUT, "the batch's records are not in order");
	if (!err)
		err = server_body_need(line, "kind", SERVER_NAME_MAX, &f->kind_name);
	if (!err)
		err = server_body_int(line, "origin", 0, 0, &f->origin);
	if (!err)
		err = server_body_int(line, "time", 0, 0, &f->time);
	if (!err)
		err = server_body_text(line, "type", SERVER_LINE_MAX, &f->type);
	if (!err)
		err = server_body_text(line, "why", FORWARD_WHY_MAX, &f->why);
	if (!err)
		err = server_body_int(line, "bytes", 0, 0, &bytes);
	if (!err)
		err = read_dump(line, f);
	if (err)
		return err;
	f->known = db_forward_kind_parse(f->kind_name, &f->kind);
	f->len = (size_t)bytes;
	return NULL;
}

struct ey_error *forward_batch_read(const char *body, size_t len, struct forward_batch *ret)
{
	int64_t before = 0;

	*ret = (struct forward_batch){0};
	struct ey_error *err = read_line(&body, &len, &ret->lines[0]);
	if (!err)
		err = read_head(ret->lines[0], ret);
	while (!err && len) {
		struct forward_frame *f = &ret->frames[ret->count];

		if (ret->count == FORWARD_BATCH_MAX)
			return ey_error_create(EY_ERR_INPUT, "a batch has at most %d records",
					       FORWARD_BATCH_MAX);
		err = read_line(&body, &len, &ret->lines[ret->count + 1]);
		if (!err)
			err = read_frame(ret->lines[ret->count + 1], before, f);
		if (!err && f->len > len)
			err = ey_error_create(EY_ERR_INPUT, "the batch is cut");
		if (err)
			break;
		f->data = body;
		body += f->len;
		len -= f->len;
		before = f->sequence;
		ret->count++;
	}
	return err;
}

void forward_clean_why(const char *why, char ret[FORWARD_WHY_MAX + 1])
{
	size_t len = strlen(why), n = 0;

	// The middle of a long one is a statement; what is wrong with it stands at its end.
	for (size_t i = 0; i < len && n < FORWARD_WHY_MAX; i++) {
		if (len > FORWARD_WHY_MAX && i == WHY_HEAD) {
			memcpy(ret + n, " ... ", 5);
			n += 5;
			i = len - (FORWARD_WHY_MAX - n);
		}
		ret[n++] = why[i] >= 0x20 && why[i] < 0x7f ? why[i] : '?';
	}
	ret[n] = '\0';
}

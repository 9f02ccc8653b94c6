/* SPDX-License-Identifier: GPL-2.0-or-later */
/* URLs that the center signs for others; see store/direct.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/s3_store.h"

static struct ey_error *url(const struct store_entry *entry, const char *name, const char *filename,
			    unsigned int seconds, char **ret)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, name), *disposition = NULL;
	struct s3_call call = {.method = "GET", .key = key};

	if (!key)
		return &ey_error_nomem;
	if (s3_folder_find(entry->own.folder, name) < 0)
		return ey_error_create(EY_ERR_NOT_FOUND, "%s: there is no %s", entry->path, name);
	if (filename && !ey_name_is_safe(filename))
		return ey_error_create(EY_ERR_INPUT, "not a file's name: \"%.300s\"", filename);
	if (filename && asprintf(&disposition, "attachment; filename=\"%s\"", filename) < 0) {
		disposition = NULL;
		return &ey_error_nomem;
	}
	if (disposition)
		call.query[0] = (struct sigv4_pair){"response-content-disposition", disposition};
	// A browser must never take it for a page.
	call.query[1] = (struct sigv4_pair){"response-content-type", "application/octet-stream"};
	return s3_presign(s3_of(entry), &call, seconds, ret);
}

static struct ey_error *upload_begin(const struct store_entry *entry, const char *name,
				     uint64_t size, struct store_upload *ret)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, name);
	struct ey_error *err = s3_part_size(s3_of(entry), size, &ret->part_bytes);

	if (!err)
		err = key ? s3_upload_begin(s3_of(entry), key, &ret->id) : &ey_error_nomem;
	if (!err)
		ret->part_count = size ? (unsigned int)((size - 1) / ret->part_bytes + 1) : 1;
	return err;
}

static struct ey_error *upload_url(const struct store_entry *entry, const char *name,
				   const char *id, unsigned int part, unsigned int seconds,
				   char **ret)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, name);
	struct s3_call call = {.method = "PUT", .key = key};
	char number[16];

	if (!key)
		return &ey_error_nomem;
	if (!part || part > STORE_S3_PARTS_MAX)
		return ey_error_create(EY_ERR_INPUT, "there is no part %u", part);
	snprintf(number, sizeof(number), "%u", part);
	call.query[0] = (struct sigv4_pair){"partNumber", number};
	call.query[1] = (struct sigv4_pair){"uploadId", id};
	return s3_presign(s3_of(entry), &call, seconds, ret);
}

static struct ey_error *upload_parts(const struct store_entry *entry, const char *name,
				     const char *id, struct store_parts *ret)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, name);
	_cleanup_s3_answer_ struct s3_answer parts = {0};

	if (!key)
		return &ey_error_nomem;
	struct ey_error *err = s3_upload_parts(s3_of(entry), key, id, &parts);
	if (err)
		return err;
	ret->parts = calloc(parts.count + 1, sizeof(*ret->parts));
	if (!ret->parts)
		return &ey_error_nomem;
	for (size_t i = 0; i < parts.count; i++) {
		struct store_part_info *p = &ret->parts[ret->count++];

		*p = (struct store_part_info){.number = parts.items[i].part,
					      .size = parts.items[i].size};
		snprintf(p->etag, sizeof(p->etag), "%s",
			 parts.items[i].etag ? parts.items[i].etag : "");
	}
	return NULL;
}

static struct ey_error *upload_finish(const struct store_entry *entry, const char *name,
				      const char *id, uint64_t size)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, name);
	_cleanup_s3_answer_ struct s3_answer parts = {0};
	uint64_t have = 0;

	if (!key)
		return &ey_error_nomem;
	struct ey_error *err = s3_upload_parts(s3_of(entry), key, id, &parts);
	if (err)
		return err;
	for (size_t i = 0; i < parts.count; i++)
		have += parts.items[i].size;
	if (have != size)
		return ey_error_create(EY_ERR_INPUT,
				       "%s: %llu of the %llu bytes of %s have arrived", entry->path,
				       (unsigned long long)have, (unsigned long long)size, name);
	err = s3_upload_finish(s3_of(entry), key, id, &parts);
	return err ? err : s3_entry_refresh(entry);
}

static struct ey_error *upload_abort(const struct store_entry *entry, const char *name,
				     const char *id)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, name);

	return key ? s3_upload_abort(s3_of(entry), key, id) : &ey_error_nomem;
}

const struct store_direct_ops s3_direct_ops = {
	.url = url,
	.upload_begin = upload_begin,
	.upload_url = upload_url,
	.upload_parts = upload_parts,
	.upload_finish = upload_finish,
	.upload_abort = upload_abort,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/direct.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/backend.h"

bool store_can_upload(const struct store *store)
{
	return store->ops->direct;
}

void store_upload_deinit(struct store_upload *upload)
{
	free(upload->id);
	*upload = (struct store_upload){0};
}

void store_parts_deinit(struct store_parts *parts)
{
	free(parts->parts);
	*parts = (struct store_parts){0};
}

static struct ey_error *check(const struct store_entry *entry, const char *name)
{
	if (!entry->store->ops->direct)
		return ey_error_create(EY_ERR_INPUT,
				       "%s takes no direct uploads: it is no S3 store",
				       entry->store->root);
	if (!ey_name_is_safe(name))
		return ey_error_create(EY_ERR_INPUT, "not a file's name: \"%.300s\"", name);
	return NULL;
}

struct ey_error *store_entry_url(const struct store_entry *entry, const char *name,
				 const char *filename, unsigned int seconds, char **ret)
{
	*ret = NULL;
	if (!entry->store->ops->direct)
		return NULL;
	struct ey_error *err = check(entry, name);
	return err ? err : entry->store->ops->direct->url(entry, name, filename, seconds, ret);
}

struct ey_error *store_upload_begin(const struct store_entry *entry, const char *name,
				    uint64_t size, struct store_upload *ret)
{
	struct ey_error *err = check(entry, name);

	*ret = (struct store_upload){0};
	return err ? err : entry->store->ops->direct->upload_begin(entry, name, size, ret);
}

struct ey_error *store_upload_url(const struct store_entry *entry, const char *name, const char *id,
				  unsigned int part, unsigned int seconds, char **ret)
{
	struct ey_error *err = check(entry, name);

	*ret = NULL;
	return err ? err
		   : entry->store->ops->direct->upload_url(entry, name, id, part, seconds, ret);
}

struct ey_error *store_upload_parts(const struct store_entry *entry, const char *name,
				    const char *id, struct store_parts *ret)
{
	struct ey_error *err = check(entry, name);

	*ret = (struct store_parts){0};
	return err ? err : entry->store->ops->direct->upload_parts(entry, name, id, ret);
}

struct ey_error *store_upload_abort(const struct store_entry *entry, const char *name,
				    const char *id)
{
	struct ey_error *err = check(entry, name);

	return err ? err : entry->store->ops->direct->upload_abort(entry, name, id);
}

// Read the file back: what the store says of its parts does not tell whether it is the host's.
static struct ey_error *check_stored(const struct store_entry *entry, const char *name,
				     uint64_t size, const char *sha256)
{
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	char hex[STORE_DIGEST_TEXT];
	struct ey_error *err = store_entry_open_reader(entry, name, &reader);

	if (err)
		return err;
	if (reader->size != size)
		return ey_error_create(EY_ERR_INPUT,
				       "%s: %s has %llu bytes and not the %llu that were announced",
				       entry->path, name, (unsigned long long)reader->size,
				       (unsigned long long)size);
	err = store_reader_hash(reader, hex);
	if (!err && strcmp(hex, sha256) != 0)
		err = ey_error_create(EY_ERR_INPUT,
				      "%s: %s was changed on its way: its checksum differs",
				      entry->path, name);
	return err;
}

static struct ey_error *note_checksum(const struct store_entry *entry, const char *text,
				      const char *name, const char *sha256)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

	store_checksums_set(&buf, text, name, sha256);
	struct ey_error *err = ey_buf_error(&buf);
	return err ? err : store_entry_put(entry, STORE_CHECKSUMS, buf.data, buf.len);
}

// A SHA-256 in the letters that sha256sum writes.
static bool normalize(const char *sha256, char ret[STORE_DIGEST_TEXT])
{
	if (strlen(sha256) != STORE_DIGEST_TEXT - 1)
		return false;
	for (size_t i = 0; i < STORE_DIGEST_TEXT; i++)
		ret[i] = (char)(sha256[i] >= 'A' && sha256[i] <= 'F' ? sha256[i] + ('a' - 'A')
								     : sha256[i]);
	return strspn(ret, "0123456789abcdef") == STORE_DIGEST_TEXT - 1;
}

struct ey_error *store_upload_complete(const struct store_entry *entry, const char *name,
				       const char *id, uint64_t size, const char *sha256,
				       bool *already_ret)
{
	char wanted[STORE_DIGEST_TEXT], noted[STORE_DIGEST_TEXT];
	_cleanup_free_ char *text = NULL;
	struct store_file_info info;
	uint64_t removed;
	struct ey_error *err = check(entry, name);

	if (already_ret)
		*already_ret = false;
	if (!err && !normalize(sha256, wanted))
		err = ey_error_create(EY_ERR_INPUT, "not a SHA-256: \"%.100s\"", sha256);
	if (!err)
		err = store_checksums_read(entry, &text);
	if (err)
		return err;
	err = store_entry_stat(entry, name, &info);
	if (!err && store_checksums_find(text, name, noted) && info.size == size &&
	    !strcmp(noted, wanted)) {
		if (already_ret)
			*already_ret = true;
		return NULL;
	}
	// Where it is there but not noted, a center died between the two: it is looked at again.
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		err = entry->store->ops->direct->upload_finish(entry, name, id, size);
	}
	if (err)
		return err;
	err = check_stored(entry, name, size, wanted);
	if (err && err->code == EY_ERR_INPUT) {
		struct ey_error *more = store_entry_remove(entry, name, &removed);

		ey_error_destroy(more);
	}
	return err ? err : note_checksum(entry, text, name, wanted);
}

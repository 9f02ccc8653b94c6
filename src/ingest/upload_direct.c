/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/upload_direct.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "db/crash.h"
#include "ingest/place.h"
#include "ingest/upload.h"
#include "store/direct.h"
#include "store/sealed.h"

void upload_direct_deinit(struct upload_direct *direct)
{
	for (size_t i = 0; i < direct->count; i++)
		free(direct->parts[i].url);
	*direct = (struct upload_direct){0};
}

static struct ey_error *open_store(const struct ey_config *config, struct store **ret, bool *on_ret)
{
	struct ey_error *err =
		ey_config_bool(config, "repository", "direct_uploads", false, on_ret);

	if (err || !*on_ret)
		return err;
	err = place_open(config, ret);
	*on_ret = !err && store_can_upload(*ret);
	return err;
}

struct ey_error *upload_direct_offer(const struct ey_config *config, bool *on_ret, char **keys_ret)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_buf_ struct ey_buf keys = EY_BUF_INIT;
	struct ey_error *err = open_store(config, &store, on_ret);

	*keys_ret = NULL;
	if (err || !*on_ret || !store_seals(store, SEAL_DUMPS))
		return err;
	for (size_t i = 0; i < store->seal_to->count; i++)
		seal_public_write(&keys, store->seal_to->items[i].purpose,
				  store->seal_to->items[i].key, NULL);
	*keys_ret = ey_buf_steal(&keys, NULL);
	return *keys_ret ? NULL : &ey_error_nomem;
}

// The bytes that a part must have.
static uint64_t part_bytes(const struct store_upload *u, unsigned int number, uint64_t size)
{
	return number < u->part_count ? u->part_bytes
				      : size - (uint64_t)(u->part_count - 1) * u->part_bytes;
}

static bool has_part(const struct store_parts *parts, const struct store_upload *u,
		     unsigned int number, uint64_t size)
{
	for (size_t i = 0; i < parts->count; i++) {
		if (parts->parts[i].number == number)
			return parts->parts[i].size == part_bytes(u, number, size);
	}
	return false;
}

static struct ey_error *name_missing(const struct store_entry *entry, const struct store_upload *u,
				     uint64_t size, struct upload_direct *ret)
{
	_cleanup_store_parts_ struct store_parts parts = {0};
	struct ey_error *err = store_upload_parts(entry, STORE_VMCORE, u->id, &parts);

	ret->part_bytes = u->part_bytes;
	for (unsigned int n = 1; !err && n <= u->part_count && ret->count < UPLOAD_DIRECT_PARTS;
	     n++) {
		if (has_part(&parts, u, n, size))
			continue;
		ret->parts[ret->count].number = n;
		err = store_upload_url(entry, STORE_VMCORE, u->id, n, UPLOAD_DIRECT_SECONDS,
				       &ret->parts[ret->count].url);
		ret->count += !err;
	}
	return err;
}

// Sealed for each of the keys: the store would not do it, and the host may have been told to.
static struct ey_error *check_sealed(const struct store_entry *entry)
{
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	const struct seal_recipients *to = entry->store->seal_to;
	unsigned char head[SEAL_HEADER_MAX];
	struct seal_header header = {0};
	size_t len = 0;

	if (!store_seals(entry->store, SEAL_DUMPS))
		return NULL;
	struct ey_error *err = store_entry_open_reader(entry, STORE_VMCORE, &reader);
	for (size_t n = 1; !err && n && len < sizeof(head); len += n)
		err = store_reader_read(reader, len, head + len, sizeof(head) - len, &n);
	if (err)
		return err;
	if (!seal_is_sealed(head, len))
		return ey_error_create(EY_ERR_INPUT, "the dump is not sealed, and has to be");
	err = seal_header_read(head, len, &header);
	for (size_t i = 0; !err && i < to->count; i++) {
		char id[SEAL_ID_TEXT];
		bool found = !(to->items[i].purpose & SEAL_DUMPS);

		seal_key_id(to->items[i].key, id);
		for (size_t k = 0; k < header.count; k++)
			found |= !strcmp(header.ids[k], id);
		if (!found)
			err = ey_error_create(EY_ERR_INPUT, "the dump is not sealed to key %s", id);
	}
	return err;
}

static struct ey_error *complete(struct db *db, const struct store_entry *entry, const char *id,
				 const struct db_upload *upload, int64_t now)
{
	uint64_t removed;
	struct ey_error *err = store_upload_complete(entry, STORE_VMCORE, id,
						     (uint64_t)upload->size, upload->sha256, NULL);

	if (!err) {
		err = check_sealed(entry);
		if (err && err->code == EY_ERR_INPUT)
			ey_error_destroy(store_entry_remove(entry, STORE_VMCORE, &removed));
	}
	if (!err)
		return upload_note(db, upload, entry->path, now);
	if (err->code == EY_ERR_INPUT)
		ey_error_destroy(db_upload_end(db, upload->name));
	return err;
}

static struct ey_error *go_on(struct db *db, const struct store_entry *entry,
			      const struct db_upload *upload, bool begin, int64_t now,
			      struct upload_direct *ret)
{
	_cleanup_store_upload_ struct store_upload u = {0};
	struct store_file_info info;
	uint64_t size = (uint64_t)upload->size;
	_cleanup_error_ struct ey_error *missing = store_entry_stat(entry, STORE_VMCORE, &info);
	struct ey_error *err = NULL;

	// It was whole before, and nobody lived to note it.
	if (!missing) {
		err = complete(db, entry, "", upload, now);
		ret->complete = !err;
		return err;
	}
	err = store_upload_begin(entry, STORE_VMCORE, size, &u);
	if (!err && begin) {
		err = store_upload_abort(entry, STORE_VMCORE, u.id);
		store_upload_deinit(&u);
		if (!err)
			err = store_upload_begin(entry, STORE_VMCORE, size, &u);
	}
	if (!err)
		err = name_missing(entry, &u, size, ret);
	if (!err && !ret->count) {
		err = complete(db, entry, u.id, upload, now);
		ret->complete = !err;
	}
	return err;
}

struct ey_error *upload_direct(struct db *db, const struct ey_config *config,
			       const struct db_upload *upload, bool begin, int64_t now,
			       struct upload_direct *ret)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	bool on = false;
	struct ey_error *err = open_store(config, &store, &on);

	*ret = (struct upload_direct){0};
	if (!err && (!on || !*upload->sha256))
		err = ey_error_create(EY_ERR_NOT_FOUND,
				      on ? "a direct upload needs a sha256"
					 : "dumps are not put into the store directly here");
	if (!err)
		err = upload_open_folder(db, store, upload->crash_id, &entry);
	if (!err)
		err = db_upload_touch(db, upload->name, now);
	return err ? err : go_on(db, entry, upload, begin, now, ret);
}

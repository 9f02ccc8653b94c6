/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filing a crash in a bucket, where nothing can be renamed. `checksums`, which names every file by
 * its hash, is written first and only where there is none: it claims the place. The record is
 * written last and makes the crash visible. A writer that was killed finds its own claim and goes
 * on; one with other contents finds a foreign claim and does not mix its files into it. A store
 * that ignores If-None-Match is caught by reading the claim back before the record is written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/internal.h"
#include "store/s3_store.h"

struct filing {
	struct s3 *s3;
	const struct store_crash *crash;
	/** "site/host/name" */
	char *path;
	struct ey_buf sums;
	struct stat dump;
	struct s3_folder *folder;
};

static void filing_deinit(struct filing *f)
{
	free(f->path);
	ey_buf_deinit(&f->sums);
	s3_folder_destroy(f->folder);
}

static void add_sum(struct filing *f, const char *name, const struct store_part *part)
{
	char hex[STORE_DIGEST_TEXT];

	if (!part->data)
		return;
	store_hash_bytes(part->data, part->len, hex);
	ey_buf_printf(&f->sums, "%s  %s\n", hex, name);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct ey_error *make_sums(struct filing *f)
{
	const struct store_crash *c = f->crash;
	char hex[STORE_DIGEST_TEXT];

	add_sum(f, STORE_RECORD, &c->record);
	add_sum(f, STORE_ANALYSIS, &c->analysis);
	add_sum(f, STORE_DMESG, &c->dmesg);
	if (c->vmcore_fd >= 0) {
		if (fstat(c->vmcore_fd, &f->dump) < 0 || !S_ISREG(f->dump.st_mode))
			return ey_error_create(EY_ERR_INPUT, "the dump is not a regular file");
		struct ey_error *err = store_hash_fd(c->vmcore_fd, hex);
		if (err)
			return ey_error_prefix(err, "%s", STORE_VMCORE);
		ey_buf_printf(&f->sums, "%s  %s\n", hex, STORE_VMCORE);
	}
	return ey_buf_error(&f->sums);
}

static struct ey_error *put(struct filing *f, const char *name, const char *data, size_t len,
			    bool exclusive, bool *taken_ret)
{
	_cleanup_free_ char *key = s3_key(f->s3, f->path, name);

	if (!key)
		return &ey_error_nomem;
	return ey_error_prefix(s3_put(f->s3, key, data, len, exclusive, taken_ret), "%s", name);
}

static struct ey_error *read_claim(struct filing *f, bool *same_ret)
{
	_cleanup_free_ char *key = s3_key(f->s3, f->path, STORE_CHECKSUMS);
	_cleanup_free_ char *text = NULL;

	if (!key)
		return &ey_error_nomem;
	struct ey_error *err = s3_get(f->s3, key, STORE_MAX_CHECKSUMS_BYTES, &text, NULL);
	*same_ret = !err && !strcmp(text, ey_buf_str(&f->sums));
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err); // cleaned away just now
		err = NULL;
	}
	return err;
}

static struct ey_error *abort_upload(const struct s3_item *item, void *arg)
{
	return s3_upload_abort(arg, item->key, item->upload_id);
}

// The other writer's claim is old: it died. What it sent is of another dump.
static struct ey_error *take_over(struct filing *f)
{
	_cleanup_s3_call_ struct s3_call call = {.method = "GET"};
	_cleanup_free_ char *prefix = s3_key(f->s3, f->path, NULL);
	_cleanup_free_ char *vmcore = s3_key(f->s3, f->path, STORE_VMCORE);
	int64_t newest = 0;

	if (!prefix || !vmcore)
		return &ey_error_nomem;
	call.query[0] = (struct sigv4_pair){"list-type", "2"};
	call.query[1] = (struct sigv4_pair){"prefix", prefix};
	struct ey_error *err = s3_do(f->s3, &call);
	if (!err)
		err = s3_folder_load(f->s3, f->path, f->folder);
	if (err)
		return err;
	for (size_t i = 0; i < f->folder->count; i++)
		newest = EY_MAX(newest, f->folder->files[i].mtime);
	if (!call.date || newest > call.date - S3_CLAIM_MAX_AGE)
		return ey_error_create(EY_ERR_IO,
				       "somebody else is filing this crash just now, with other "
				       "contents; the next run looks again");
	err = s3_uploads(f->s3, prefix, abort_upload, f->s3);
	if (!err)
		err = s3_delete(f->s3, vmcore);
	if (!err)
		err = put(f, STORE_CHECKSUMS, f->sums.data, f->sums.len, false, NULL);
	return err ? err : s3_folder_load(f->s3, f->path, f->folder);
}

static struct ey_error *claim(struct filing *f, bool *already_ret)
{
	bool taken = s3_folder_find(f->folder, STORE_CHECKSUMS) >= 0, same = false;
	struct ey_error *err = NULL;

	if (!taken)
		err = put(f, STORE_CHECKSUMS, f->sums.data, f->sums.len, true, &taken);
	if (err || !taken)
		return err;
	err = s3_folder_load(f->s3, f->path, f->folder);
	if (!err && s3_folder_find(f->folder, STORE_RECORD) >= 0) {
		*already_ret = true;
		return NULL;
	}
	if (!err)
		err = read_claim(f, &same);
	return err || same ? err : take_over(f);
}

static struct ey_error *put_dump(struct filing *f)
{
	int fd = f->crash->vmcore_fd, i = s3_folder_find(f->folder, STORE_VMCORE);
	_cleanup_free_ char *key = s3_key(f->s3, f->path, STORE_VMCORE);
	struct stat after;

	if (!key)
		return &ey_error_nomem;
	// Under our claim only this dump can be there, and an object is whole or not at all.
	if (fd < 0 || (i >= 0 && f->folder->files[i].size == (uint64_t)f->dump.st_size))
		return NULL;
	struct ey_error *err = s3_put_file(f->s3, key, fd, (uint64_t)f->dump.st_size);
	if (err)
		return ey_error_prefix(err, "%s", STORE_VMCORE);
	if (fstat(fd, &after) < 0 || !same_file(&f->dump, &after)) {
		err = s3_delete(f->s3, key);
		ey_error_destroy(err);
		return ey_error_create(EY_ERR_IO, "the dump changes while it is copied");
	}
	return NULL;
}

static struct ey_error *put_part(struct filing *f, const char *name, const struct store_part *part)
{
	return part->data ? put(f, name, part->data, part->len, false, NULL) : NULL;
}

static struct ey_error *publish(struct filing *f, bool *already_ret)
{
	const struct store_part *record = &f->crash->record;
	bool same = false;
	struct ey_error *err = read_claim(f, &same);

	if (!err && !same)
		err = ey_error_create(EY_ERR_IO,
				      "somebody else files this crash at the same time, with other "
				      "contents; the next run looks again");
	return err ? err : put(f, STORE_RECORD, record->data, record->len, true, already_ret);
}

/** Looking for a crash by its id among the folders of a host. */
struct finding {
	struct s3 *s3;
	const char *id;
	const char *host;
	size_t skip;
	struct s3_folder *folder;
	char *name;
};

static struct ey_error *find_one(const struct s3_item *item, void *arg)
{
	struct finding *f = arg;
	_cleanup_free_ char *name = strdup(item->key + f->skip), *path = NULL;
	char its[STORE_ID_DIGITS + 1];
	int64_t time;

	if (!name)
		return &ey_error_nomem;
	name[strcspn(name, "/")] = '\0';
	store_parse_name(name, &time, its);
	if (f->name || strcmp(its, f->id) != 0)
		return NULL;
	if (asprintf(&path, "%s/%s", f->host, name) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	struct ey_error *err = s3_folder_load(f->s3, path, f->folder);
	// Whoever died while filing it left no crash.
	if (!err && s3_folder_find(f->folder, STORE_RECORD) >= 0)
		f->name = no_cleanup_ptr(name);
	return err;
}

// A crash that is filed keeps its id, also if its folder's time was once computed differently.
static struct ey_error *find_by_id(struct s3 *s3, const struct store_place *place, char **ret)
{
	_cleanup_free_ char *host = NULL, *prefix = NULL;
	struct finding f = {.s3 = s3, .id = place->id};

	if (asprintf(&host, "%s/%s", place->site, place->host) < 0) {
		host = NULL;
		return &ey_error_nomem;
	}
	prefix = s3_key(s3, host, NULL);
	f.folder = calloc(1, sizeof(*f.folder));
	f.host = host;
	struct ey_error *err = &ey_error_nomem;
	if (prefix && f.folder) {
		f.skip = strlen(prefix);
		err = s3_list(s3, &(struct s3_lister){.prefix = prefix,
						      .folders = true,
						      .on_item = find_one,
						      .arg = &f});
	}
	s3_folder_destroy(f.folder);
	*ret = f.name;
	return err;
}

struct ey_error *s3_store_file(struct store *store, const struct store_crash *crash,
			       const struct store_place *place, bool *already_ret, char **name_ret)
{
	_cleanup_(filing_deinit) struct filing f = {.s3 = ((struct s3_store *)store)->s3,
						    .crash = crash};
	struct ey_error *err = find_by_id(f.s3, place, name_ret);

	*already_ret = *name_ret;
	if (err || *name_ret)
		return err;
	f.folder = calloc(1, sizeof(*f.folder));
	if (!f.folder || asprintf(&f.path, "%s/%s/%s", place->site, place->host, place->name) < 0) {
		f.path = NULL;
		return &ey_error_nomem;
	}
	err = make_sums(&f);
	if (!err)
		err = s3_folder_load(f.s3, f.path, f.folder);
	if (!err)
		err = claim(&f, already_ret);
	if (err || *already_ret)
		return err;
	err = put_dump(&f);
	if (!err)
		err = put_part(&f, STORE_DMESG, &crash->dmesg);
	if (!err)
		err = put_part(&f, STORE_ANALYSIS, &crash->analysis);
	return err ? err : publish(&f, already_ret);
}

static struct ey_error *note_checksum(const struct store_entry *entry, const char *name,
				      const char *hex)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, STORE_CHECKSUMS);
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	_cleanup_free_ char *text = NULL;
	char noted[STORE_DIGEST_TEXT];
	struct ey_error *err = store_checksums_read(entry, &text);

	if (!err && store_checksums_find(text, name, noted) && !strcmp(noted, hex))
		return NULL;
	store_checksums_set(&buf, text, name, hex);
	if (!err)
		err = key ? ey_buf_error(&buf) : &ey_error_nomem;
	if (!err)
		err = s3_put(s3_of(entry), key, buf.data, buf.len, false, NULL);
	return err ? err : s3_entry_refresh(entry);
}

struct ey_error *s3_store_put(const struct store_entry *entry, const char *name, const char *data,
			      size_t len)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, name);
	char hex[STORE_DIGEST_TEXT];

	if (!key)
		return &ey_error_nomem;
	struct ey_error *err = s3_put(s3_of(entry), key, data, len, false, NULL);
	if (!err)
		err = s3_entry_refresh(entry);
	if (err || !strcmp(name, STORE_CHECKSUMS))
		return err;
	store_hash_bytes(data, len, hex);
	return note_checksum(entry, name, hex);
}

// Its line is missing where a writer died between the two.
static struct ey_error *is_there(const struct store_entry *entry, const char *name)
{
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	_cleanup_free_ char *text = NULL;
	char hex[STORE_DIGEST_TEXT];
	struct ey_error *err = store_checksums_read(entry, &text);

	if (err || store_checksums_find(text, name, hex))
		return err;
	err = store_entry_open_reader(entry, name, &reader);
	if (!err)
		err = store_reader_hash(reader, hex);
	return err ? err : note_checksum(entry, name, hex);
}

struct ey_error *s3_store_add_dump(const struct store_entry *entry,
				   const struct store_new_dump *dump, bool *already_ret)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, dump->name);
	char hex[STORE_DIGEST_TEXT];
	struct stat before, after;
	struct ey_error *err = s3_entry_refresh(entry);

	if (err || !key)
		return err ? err : &ey_error_nomem;
	*already_ret = s3_folder_find(entry->own.folder, dump->name) >= 0;
	if (*already_ret)
		return is_there(entry, dump->name);
	if (fstat(dump->fd, &before) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat the dump");
	err = store_hash_fd(dump->fd, hex);
	if (!err && dump->sha256 && strcasecmp(dump->sha256, hex) != 0)
		err = ey_error_create(EY_ERR_INPUT,
				      "%s was changed on its way: its checksum differs",
				      dump->name);
	if (!err)
		err = s3_put_file(s3_of(entry), key, dump->fd, (uint64_t)before.st_size);
	if (!err && (fstat(dump->fd, &after) < 0 || !same_file(&before, &after))) {
		err = s3_delete(s3_of(entry), key);
		ey_error_destroy(err);
		err = ey_error_create(EY_ERR_IO, "the dump changes while it is copied");
	}
	if (!err)
		err = s3_entry_refresh(entry);
	return err ? err : note_checksum(entry, dump->name, hex);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The repository in an S3 bucket; see docs/adr/0023. */
#include "store/s3_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { COPY_CHUNK = 256 << 10 };

static struct s3 *s3_of_store(struct store *store)
{
	return ((struct s3_store *)store)->s3;
}

char *s3_key(const struct s3 *s3, const char *path, const char *name)
{
	char *key = NULL;

	if (asprintf(&key, "%s%s%s%s", s3->prefix, path, *path ? "/" : "", name ? name : "") < 0)
		return NULL;
	return key;
}

static void destroy(struct store *store)
{
	s3_destroy(s3_of_store(store));
	free(store);
}

static struct ey_error *read_root(struct store *store, const char *name, size_t max,
				  char **data_ret, size_t *len_ret)
{
	struct s3 *s3 = s3_of_store(store);
	_cleanup_free_ char *key = s3_key(s3, "", name);

	if (!key)
		return &ey_error_nomem;
	return ey_error_prefix(s3_get(s3, key, max, data_ret, len_ret), "%s/%s", store->root, name);
}

static struct ey_error *put_root(struct store *store, const char *name, const char *data,
				 size_t len)
{
	struct s3 *s3 = s3_of_store(store);
	_cleanup_free_ char *key = s3_key(s3, "", name);

	return key ? s3_put(s3, key, data, len, false, NULL) : &ey_error_nomem;
}

static struct ey_error *found_one(const struct s3_item *item, void *arg)
{
	*(bool *)arg = true;
	return NULL;
}

static struct ey_error *has_site(struct store *store, const char *site, bool *ret)
{
	struct s3 *s3 = s3_of_store(store);
	_cleanup_free_ char *prefix = s3_key(s3, site, NULL);

	if (!prefix)
		return &ey_error_nomem;
	return s3_list(s3, &(struct s3_lister){
				   .prefix = prefix, .max = 1, .on_item = found_one, .arg = ret});
}

static struct ey_error *probe(struct store *store)
{
	bool found;

	return s3_list(s3_of_store(store), &(struct s3_lister){.prefix = s3_of_store(store)->prefix,
							       .max = 1,
							       .on_item = found_one,
							       .arg = &found});
}

static struct ey_error *staging_open(struct store *store, int *dirfd_ret)
{
	return ey_error_create(EY_ERR_NOT_FOUND, "%s has no folder for files being received",
			       store->root);
}

static struct ey_error *entry_open(struct store_entry *e)
{
	struct s3_folder *folder = calloc(1, sizeof(*folder));

	if (!folder)
		return &ey_error_nomem;
	struct ey_error *err = s3_folder_load(s3_of(e), e->path, folder);
	if (!err && !s3_folder_is_crash(folder))
		err = ey_error_create(EY_ERR_NOT_FOUND, "there is no %s/%s", e->store->root,
				      e->path);
	if (err) {
		s3_folder_destroy(folder);
		return err;
	}
	e->own.folder = folder;
	return NULL;
}

static void entry_close(struct store_entry *e)
{
	s3_folder_destroy(e->own.folder);
}

// What is looked for in the entry's listing.
static struct ey_error *find(const struct store_entry *entry, const char *name, int *ret)
{
	*ret = s3_folder_find(entry->own.folder, name);
	if (*ret >= 0)
		return NULL;
	return ey_error_create(EY_ERR_NOT_FOUND, "%s: there is no %s", entry->path, name);
}

static struct ey_error *entry_filed(const struct store_entry *entry, int64_t *ret)
{
	const struct s3_folder *folder = entry->own.folder;
	int i = s3_folder_find(folder, STORE_RECORD);

	*ret = 0;
	if (i >= 0)
		*ret = folder->files[i].mtime;
	for (size_t j = 0; i < 0 && j < folder->count; j++)
		*ret = EY_MAX(*ret, folder->files[j].mtime);
	return NULL;
}

static struct ey_error *entry_list(const struct store_entry *entry, struct store_files *ret)
{
	const struct s3_folder *folder = entry->own.folder;

	ret->files = calloc(folder->count + 1, sizeof(*ret->files));
	if (!ret->files)
		return &ey_error_nomem;
	if (folder->count)
		memcpy(ret->files, folder->files, folder->count * sizeof(*ret->files));
	ret->count = folder->count;
	return NULL;
}

static struct ey_error *entry_stat(const struct store_entry *entry, const char *name,
				   struct store_file_info *ret)
{
	int i;
	struct ey_error *err = find(entry, name, &i);

	if (!err)
		*ret = entry->own.folder->files[i];
	return err;
}

static struct ey_error *entry_open_reader(const struct store_entry *entry, const char *name,
					  struct store_reader **ret)
{
	const struct s3_folder *folder = entry->own.folder;
	int i;
	struct ey_error *err = find(entry, name, &i);

	if (err)
		return err;
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, name);
	if (!key)
		return &ey_error_nomem;
	return s3_reader_open(s3_of(entry), key, folder->files[i].size, folder->etags[i], ret);
}

static struct ey_error *copy_out(struct store_reader *reader, int fd)
{
	_cleanup_free_ char *buf = malloc(COPY_CHUNK);
	uint64_t at = 0;

	if (!buf)
		return &ey_error_nomem;
	for (;;) {
		size_t n;
		struct ey_error *err = store_reader_read(reader, at, buf, COPY_CHUNK, &n);

		if (err || !n)
			return err;
		err = ey_write_all(fd, buf, n);
		if (err)
			return err;
		at += n;
	}
}

static struct ey_error *entry_open_file(const struct store_entry *entry, const char *name,
					int *fd_ret, uint64_t *size_ret)
{
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	const char *tmp = getenv("TMPDIR");
	struct ey_error *err = entry_open_reader(entry, name, &reader);

	if (err)
		return err;
	tmp = tmp && *tmp ? tmp : "/var/tmp";
	// A dump holds secrets: no name, and nobody else's.
	_cleanup_close_ int fd = open(tmp, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create a temporary file in %s",
				      tmp);
	err = copy_out(reader, fd);
	if (err)
		return ey_error_prefix(err, "%s", entry->path);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot seek");
	if (size_ret)
		*size_ret = reader->size;
	*fd_ret = no_cleanup_fd(fd);
	return NULL;
}

static struct ey_error *entry_remove(const struct store_entry *entry, const char *name,
				     uint64_t *bytes_ret)
{
	_cleanup_free_ char *key = s3_key(s3_of(entry), entry->path, name);
	int i = s3_folder_find(entry->own.folder, name);

	if (!key)
		return &ey_error_nomem;
	if (i < 0)
		return NULL;
	uint64_t bytes = entry->own.folder->files[i].size;
	struct ey_error *err = s3_delete(s3_of(entry), key);
	if (!err)
		*bytes_ret = bytes;
	return err ? err : s3_entry_refresh(entry);
}

static const struct store_ops s3_ops = {
	.destroy = destroy,
	.file = s3_store_file,
	.walk = s3_store_walk,
	.read = read_root,
	.put = put_root,
	.has_site = has_site,
	.probe = probe,
	.staging_open = staging_open,
	.clean = s3_store_clean,
	.entry_open = entry_open,
	.entry_close = entry_close,
	.entry_filed = entry_filed,
	.entry_list = entry_list,
	.entry_stat = entry_stat,
	.entry_open_file = entry_open_file,
	.entry_open_reader = entry_open_reader,
	.entry_put = s3_store_put,
	.entry_add_dump = s3_store_add_dump,
	.entry_remove = entry_remove,
	.direct = &s3_direct_ops,
};

struct ey_error *store_s3_open(const char *root, unsigned int flags,
			       const struct store_s3_options *options, struct store **ret)
{
	struct s3_store *store = calloc(1, sizeof(*store));

	if (!store)
		return &ey_error_nomem;
	store->store.ops = &s3_ops;
	store->store.root = strdup(root);
	struct ey_error *err =
		store->store.root ? s3_create(root, options, &store->s3) : &ey_error_nomem;
	if (err) {
		free(store->store.root);
		free(store);
		return err;
	}
	// "s3://bucket/prefix/" and "s3://bucket/prefix" are one.
	size_t len = strlen(store->store.root);
	if (store->store.root[len - 1] == '/')
		store->store.root[len - 1] = '\0';
	*ret = &store->store;
	return NULL;
}

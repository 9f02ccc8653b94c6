/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The repository in a directory or a mounted NFS tree; see docs/adr/0021. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/internal.h"

#define STAGING EY_TEMP_PREFIX "uploads"

// Whether something is mounted at this directory; true where the kernel cannot tell.
static bool is_mount_root(int fd)
{
	struct statx here;
	struct stat self, parent;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_INO, &here) &&
	    (here.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return here.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	if (fstat(fd, &self) < 0 || fstatat(fd, "..", &parent, 0) < 0)
		return true;
	return self.st_dev != parent.st_dev || self.st_ino == parent.st_ino;
}

static void destroy(struct store *store)
{
	struct store_dir *dir = store_dir_of(store);

	if (dir->fd >= 0)
		close(dir->fd);
	free(dir);
}

static struct ey_error *read_root(struct store *store, const char *name, size_t max,
				  char **data_ret, size_t *len_ret)
{
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	struct ey_error *err = store_dir_open_reader(store_dir_of(store)->fd, name, &reader);

	if (!err)
		err = store_reader_read_whole(reader, max, data_ret, len_ret);
	return ey_error_prefix(err, "%s/%s", store->root, name);
}

static struct ey_error *put_root(struct store *store, const char *name, const char *data,
				 size_t len)
{
	_cleanup_newfile_ struct ey_newfile f = EY_NEWFILE_INIT;
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", store->root, name) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	struct ey_error *err = ey_newfile_open(&f, path, 0644);
	// Hosts of other users read it, whatever our umask is.
	if (!err && fchmod(f.fd, 0644) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot change the mode of %s", path);
	if (!err)
		err = ey_newfile_write(&f, data, len);
	return err ? err : ey_newfile_commit(&f);
}

static struct ey_error *has_site(struct store *store, const char *site, bool *ret)
{
	struct stat st;

	*ret = !fstatat(store_dir_of(store)->fd, site, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
	return NULL;
}

static struct ey_error *probe(struct store *store)
{
	if (faccessat(store_dir_of(store)->fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write to the repository %s",
				      store->root);
	return NULL;
}

static struct ey_error *staging_open(struct store *store, int *dirfd_ret)
{
	int root = store_dir_of(store)->fd;
	struct stat st;

	if (mkdirat(root, STAGING, 0700) < 0 && errno != EEXIST)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create %s/" STAGING, store->root);
	_cleanup_close_ int fd = store_open_dir(root, STAGING);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s/" STAGING, store->root);
	// In a tree that hosts write to, one of them may have made it to read what others send.
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return ey_error_create(EY_ERR_IO,
				       "%s/" STAGING " belongs to another user or is open to "
				       "others; remove it",
				       store->root);
	*dirfd_ret = no_cleanup_fd(fd);
	return NULL;
}

static struct ey_error *entry_open(struct store_entry *e)
{
	_cleanup_close_ int site = -1, host = -1;

	e->own.dirfd = -1;
	site = store_open_dir(store_dir_of(e->store)->fd, e->site);
	if (site >= 0)
		host = store_open_dir(site, e->host);
	if (host >= 0)
		e->own.dirfd = store_open_dir(host, e->name);
	if (e->own.dirfd < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot open %s/%s", e->store->root, e->path);
	return NULL;
}

static void entry_close(struct store_entry *e)
{
	if (e->own.dirfd >= 0)
		close(e->own.dirfd);
}

static struct ey_error *entry_filed(const struct store_entry *entry, int64_t *ret)
{
	struct stat st;

	// The folder's own time is that of its filing: its files are made before it appears.
	if (fstat(entry->own.dirfd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat %s", entry->path);
	*ret = st.st_mtim.tv_sec;
	return NULL;
}

static struct ey_error *entry_stat(const struct store_entry *entry, const char *name,
				   struct store_file_info *ret)
{
	struct stat st;

	if (fstatat(entry->own.dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "%s: cannot stat %s", entry->path, name);
	*ret = (struct store_file_info){
		.size = (uint64_t)st.st_size,
		.mtime = st.st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st.st_mtim.tv_nsec,
		.type = st.st_mode & S_IFMT,
	};
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	return NULL;
}

static struct ey_error *stat_all(const struct store_entry *entry, char **names, size_t count,
				 struct store_files *ret)
{
	ret->files = calloc(count ? count : 1, sizeof(*ret->files));
	if (!ret->files)
		return &ey_error_nomem;
	for (size_t i = 0; i < count; i++) {
		if (!ey_name_is_safe(names[i]))
			continue;
		struct ey_error *err = entry_stat(entry, names[i], &ret->files[ret->count]);

		// Gone since it was listed.
		if (err && err->code == EY_ERR_NOT_FOUND) {
			ey_error_destroy(err);
			continue;
		}
		if (err)
			return err;
		ret->count++;
	}
	return NULL;
}

static struct ey_error *entry_list(const struct store_entry *entry, struct store_files *ret)
{
	char **names;
	size_t count;
	bool more;
	struct ey_error *err = store_list(entry->own.dirfd, STORE_MAX_FILES, &names, &count, &more);

	if (err)
		return ey_error_prefix(err, "%s", entry->path);
	err = stat_all(entry, names, count, ret);
	store_names_free(names, count);
	if (err)
		store_files_deinit(ret);
	return err;
}

static struct ey_error *entry_open_file(const struct store_entry *entry, const char *name,
					int *fd_ret, uint64_t *size_ret)
{
	return ey_error_prefix(store_open_regular(entry->own.dirfd, name, fd_ret, size_ret), "%s",
			       entry->path);
}

static struct ey_error *entry_open_reader(const struct store_entry *entry, const char *name,
					  struct store_reader **ret)
{
	return ey_error_prefix(store_dir_open_reader(entry->own.dirfd, name, ret), "%s",
			       entry->path);
}

static struct ey_error *entry_remove(const struct store_entry *entry, const char *name,
				     uint64_t *bytes_ret)
{
	struct stat st;

	if (fstatat(entry->own.dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return NULL;
		return ey_error_errno(EY_ERR_IO, errno, "%s: cannot stat %s", entry->path, name);
	}
	if (S_ISDIR(st.st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s: %s is a folder", entry->path, name);
	if (unlinkat(entry->own.dirfd, name, 0) < 0 && errno != ENOENT)
		return ey_error_errno(EY_ERR_IO, errno, "%s: cannot remove %s", entry->path, name);
	*bytes_ret = (uint64_t)st.st_size;
	return NULL;
}

static const struct store_ops dir_ops = {
	.destroy = destroy,
	.file = store_dir_file,
	.file_seals = true,
	.walk = store_dir_walk,
	.read = read_root,
	.put = put_root,
	.has_site = has_site,
	.probe = probe,
	.staging_open = staging_open,
	.entry_open = entry_open,
	.entry_close = entry_close,
	.entry_filed = entry_filed,
	.entry_list = entry_list,
	.entry_stat = entry_stat,
	.entry_open_file = entry_open_file,
	.entry_open_reader = entry_open_reader,
	.entry_put = store_dir_put,
	.entry_add_dump = store_dir_add_dump,
	.entry_remove = entry_remove,
};

struct ey_error *store_dir_open(const char *root, unsigned int flags, struct store **ret)
{
	struct store_dir *dir = calloc(1, sizeof(*dir));
	struct stat st;

	if (!dir)
		return &ey_error_nomem;
	_cleanup_store_ struct store *store = &dir->store;
	store->ops = &dir_ops;
	dir->fd = -1;
	store->root = strdup(root);
	if (!store->root)
		return &ey_error_nomem;
	if ((flags & STORE_CREATE) && mkdir(root, 0755) < 0 && errno != EEXIST)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create the repository %s", root);
	dir->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open the repository %s", root);
	if ((flags & STORE_MUST_BE_MOUNTED) && !is_mount_root(dir->fd))
		return ey_error_create(
			EY_ERR_IO,
			"nothing is mounted at the repository %s; mount it, or unset "
			"must_be_mounted in [repository]",
			root);
	if (fstat(dir->fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat the repository %s", root);
	dir->dir_mode = (st.st_mode & 0777) | 0700;
	dir->crash_mode = (st.st_mode & 0770) | 0700;
	dir->file_mode = (st.st_mode & 0660) | 0600;
	*ret = no_cleanup_ptr(store);
	return NULL;
}

int store_open_dir(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

struct ey_error *store_open_regular(int dirfd, const char *name, int *fd_ret, uint64_t *size_ret)
{
	// O_NONBLOCK: opening a FIFO must not wait for its other end.
	_cleanup_close_ int fd =
		openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return ey_error_create(EY_ERR_NOT_FOUND, "there is no %s", name);
	// ENXIO: a socket.
	if (fd < 0)
		return ey_error_errno(errno == ELOOP || errno == ENXIO ? EY_ERR_INPUT : EY_ERR_IO,
				      errno, "cannot open %s", name);
	if (fstat(fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat %s", name);
	if (!S_ISREG(st.st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s is not a regular file", name);
	if (size_ret)
		*size_ret = (uint64_t)st.st_size;
	*fd_ret = no_cleanup_fd(fd);
	return NULL;
}

struct dir_reader {
	struct store_reader reader;
	int fd;
};

static struct ey_error *reader_read(struct store_reader *reader, uint64_t offset, void *buf,
				    size_t len, size_t *ret)
{
	ssize_t n;

	do {
		n = pread(((struct dir_reader *)reader)->fd, buf, len, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot read");
	*ret = (size_t)n;
	return NULL;
}

static void reader_destroy(struct store_reader *reader)
{
	close(((struct dir_reader *)reader)->fd);
	free(reader);
}

static const struct store_reader_ops reader_ops = {reader_read, reader_destroy};

struct ey_error *store_dir_open_reader(int dirfd, const char *name, struct store_reader **ret)
{
	_cleanup_free_ struct dir_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return &ey_error_nomem;
	reader->reader.ops = &reader_ops;
	struct ey_error *err = store_open_regular(dirfd, name, &reader->fd, &reader->reader.size);
	if (!err)
		*ret = &no_cleanup_ptr(reader)->reader;
	return err;
}

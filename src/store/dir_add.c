/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that come to a crash that is filed: texts, and the dump. Each appears whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/internal.h"

/** A file beside its place, removed again unless it took it. */
struct newfile {
	int dirfd;
	int fd;
	char *name;
};

static void newfile_deinit(struct newfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->name)
		unlinkat(f->dirfd, f->name, 0);
	free(f->name);
}

static struct ey_error *newfile_open(const struct store_entry *entry, struct newfile *ret)
{
	int dirfd = entry->own.dirfd;

	*ret = (struct newfile){.dirfd = dirfd, .fd = -1};
	struct ey_error *err = store_temp_create(dirfd, store_dir_of(entry->store)->file_mode,
						 &ret->name, &ret->fd);
	if (!err)
		store_temp_clean_files(dirfd, ret->fd);
	return err;
}

static struct ey_error *sync_dir(int dirfd)
{
	if (fsync(dirfd) < 0 && errno != EINVAL)
		return ey_error_errno(EY_ERR_IO, errno, "cannot sync the folder");
	return NULL;
}

// One writer at a time to `checksums`; on NFS, where a folder takes no lock, the center alone does.
static int lock(const struct store_entry *entry)
{
	int fd = openat(entry->own.dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		flock(fd, LOCK_EX);
	return fd;
}

static struct ey_error *write_whole(const struct store_entry *entry, const char *name,
				    const char *data, size_t len)
{
	_cleanup_(newfile_deinit) struct newfile f;
	struct ey_error *err = newfile_open(entry, &f);

	if (!err)
		err = ey_write_all(f.fd, data, len);
	if (err)
		return ey_error_prefix(err, "%s", name);
	if (fsync(f.fd) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write %s", name);
	if (renameat(f.dirfd, f.name, f.dirfd, name) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot rename to %s", name);
	free(no_cleanup_ptr(f.name));
	return sync_dir(f.dirfd);
}

static struct ey_error *note_checksum(const struct store_entry *entry, const char *name,
				      const char *hex)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	_cleanup_free_ char *text = NULL;
	char noted[STORE_DIGEST_TEXT];
	struct ey_error *err = store_checksums_read(entry, &text);

	if (!err && store_checksums_find(text, name, noted) && !strcmp(noted, hex))
		return NULL;
	store_checksums_set(&buf, text, name, hex);
	if (!err)
		err = ey_buf_error(&buf);
	return err ? err : write_whole(entry, STORE_CHECKSUMS, buf.data, buf.len);
}

struct ey_error *store_dir_put(const struct store_entry *entry, const char *name, const char *data,
			       size_t len)
{
	_cleanup_close_ int locked = lock(entry);
	char hex[STORE_DIGEST_TEXT];
	struct ey_error *err = write_whole(entry, name, data, len);

	if (err || !strcmp(name, STORE_CHECKSUMS))
		return ey_error_prefix(err, "%s", entry->path);
	store_hash_bytes(data, len, hex);
	return ey_error_prefix(note_checksum(entry, name, hex), "%s", entry->path);
}

static struct ey_error *check_digest(const struct store_new_dump *dump, const char *hex)
{
	if (!dump->sha256 || !strcasecmp(dump->sha256, hex))
		return NULL;
	return ey_error_create(EY_ERR_INPUT, "%s was changed on its way: its checksum differs",
			       dump->name);
}

// It is there. Its line is missing where a writer died between the two.
static struct ey_error *is_there(const struct store_entry *entry, const char *name)
{
	_cleanup_store_reader_ struct store_reader *reader = NULL;
	char hex[STORE_DIGEST_TEXT];
	_cleanup_free_ char *text = NULL;
	struct ey_error *err = store_checksums_read(entry, &text);

	if (err || store_checksums_find(text, name, hex))
		return err;
	err = store_entry_open_reader(entry, name, &reader);
	if (!err)
		err = store_reader_hash(reader, hex);
	return err ? err : note_checksum(entry, name, hex);
}

// Give the file behind @p fd, which is synced, its name; EEXIST is no error.
static struct ey_error *give_name(const struct store_entry *entry, int fd, const char *name,
				  bool *already_ret)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	*already_ret = linkat(AT_FDCWD, self, entry->own.dirfd, name, AT_SYMLINK_FOLLOW) < 0;
	if (*already_ret && errno != EEXIST)
		return ey_error_errno(EY_ERR_IO, errno, "cannot add %s", name);
	return sync_dir(entry->own.dirfd);
}

static bool same_file_system(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev && x.st_nlink;
}

// The file itself goes into the folder: it is the caller's to remove under its other name.
static struct ey_error *link_dump(const struct store_entry *entry,
				  const struct store_new_dump *dump,
				  char hex_ret[STORE_DIGEST_TEXT], bool *already_ret)
{
	struct stat folder, st;

	// Best effort: of a file of another user neither can be changed, nor need be.
	if (!fstat(entry->own.dirfd, &folder) && !fstat(dump->fd, &st) &&
	    (folder.st_gid == st.st_gid || !fchown(dump->fd, (uid_t)-1, folder.st_gid)))
		fchmod(dump->fd, store_dir_of(entry->store)->file_mode);
	if (fsync(dump->fd) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot sync the dump");
	struct ey_error *err = store_hash_fd(dump->fd, hex_ret);
	if (!err)
		err = check_digest(dump, hex_ret);
	return err ? err : give_name(entry, dump->fd, dump->name, already_ret);
}

static struct ey_error *copy_dump(const struct store_entry *entry,
				  const struct store_new_dump *dump,
				  char hex_ret[STORE_DIGEST_TEXT], bool *already_ret)
{
	_cleanup_(newfile_deinit) struct newfile f;
	struct ey_error *err = newfile_open(entry, &f);

	if (!err)
		err = store_copy_dump(dump->fd, f.fd, hex_ret);
	if (!err)
		err = check_digest(dump, hex_ret);
	if (!err && fsync(f.fd) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot write %s", dump->name);
	// A link and not a rename: the second of two writers must lose.
	return err ? err : give_name(entry, f.fd, dump->name, already_ret);
}

struct ey_error *store_dir_add_dump(const struct store_entry *entry,
				    const struct store_new_dump *dump, bool *already_ret)
{
	struct store_file_info info;
	char hex[STORE_DIGEST_TEXT];
	struct ey_error *err = store_entry_stat(entry, dump->name, &info);

	*already_ret = !err;
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		if (dump->may_link && same_file_system(dump->fd, entry->own.dirfd))
			err = link_dump(entry, dump, hex, already_ret);
		else
			err = copy_dump(entry, dump, hex, already_ret);
	}
	if (err)
		return err;
	_cleanup_close_ int locked = lock(entry);
	return *already_ret ? is_there(entry, dump->name) : note_checksum(entry, dump->name, hex);
}

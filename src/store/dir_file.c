/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filing a crash: built beside its place, synced, renamed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "store/internal.h"
#include "store/sealed.h"

enum {
	/** Left free on the repository's file system after a dump is copied, bytes. */
	SPARE_BYTES = 16 << 20,
};

static struct ey_error *make_dir(int dirfd, const char *name, mode_t mode, int *fd_ret)
{
	if (!mkdirat(dirfd, name, mode)) {
		if (fsync(dirfd) < 0 && errno != EINVAL)
			return ey_error_errno(EY_ERR_IO, errno, "cannot sync the folder of %s",
					      name);
	} else if (errno != EEXIST) {
		return ey_error_errno(EY_ERR_IO, errno, "cannot create %s", name);
	}
	*fd_ret = store_open_dir(dirfd, name);
	if (*fd_ret < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", name);
	return NULL;
}

// A crash that is filed keeps its id, also if its folder's time was once computed differently.
static struct ey_error *find_by_id(int dirfd, const char *id, char **name_ret)
{
	char **names;
	size_t count;
	bool more;
	struct ey_error *err = store_list(dirfd, SIZE_MAX, &names, &count, &more);

	*name_ret = NULL;
	if (err)
		return err;
	for (size_t i = 0; i < count && !*name_ret; i++) {
		char its[STORE_ID_DIGITS + 1];
		int64_t time;

		store_parse_name(names[i], &time, its);
		if (!strcmp(its, id)) {
			*name_ret = strdup(names[i]);
			if (!*name_ret)
				err = &ey_error_nomem;
		}
	}
	store_names_free(names, count);
	return err;
}

// An error of a NFS server or a full disk may show only here.
static struct ey_error *sync_and_close(int *fd, const char *name)
{
	int ret = fsync(*fd);
	int errnum = errno;

	if (close(no_cleanup_fd(*fd)) < 0 && !ret) {
		ret = -1;
		errnum = errno;
	}
	return ret ? ey_error_errno(EY_ERR_IO, errnum, "cannot write %s", name) : NULL;
}

/** A folder being built. */
struct building {
	int fd;
	mode_t file_mode;
	const struct store_crash *crash;
	const struct store *store;
	/** The text of STORE_CHECKSUMS. */
	struct ey_buf sums;
};

static int create(const struct building *b, const char *name)
{
	return openat(b->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      b->file_mode);
}

static struct ey_error *write_part(struct building *b, const char *name,
				   const struct store_part *part)
{
	char hex[STORE_DIGEST_TEXT];

	if (!part->data)
		return NULL;
	_cleanup_close_ int fd = create(b, name);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create %s", name);
	struct ey_error *err = ey_write_all(fd, part->data, part->len);
	if (!err)
		err = store_hash_fd(fd, hex);
	if (err)
		return ey_error_prefix(err, "%s", name);
	ey_buf_printf(&b->sums, "%s  %s\n", hex, name);
	return sync_and_close(&fd, name);
}

struct ey_error *store_check_space(int dirfd, const struct stat *dump)
{
	struct statvfs vfs;
	uint64_t need = (uint64_t)dump->st_blocks * 512 + SPARE_BYTES;

	if (fstatvfs(dirfd, &vfs) < 0 || !vfs.f_blocks)
		return NULL;
	uint64_t have = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	if (have >= need)
		return NULL;
	return ey_error_create(EY_ERR_IO,
			       "no space for the dump: it needs %llu MiB and %llu MiB are free",
			       (unsigned long long)(need >> 20), (unsigned long long)(have >> 20));
}

struct ey_error *store_copy_dump(int source, int fd, char hex_ret[STORE_DIGEST_TEXT])
{
	struct stat before, after;

	if (fstat(source, &before) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat the dump");
	struct ey_error *err = store_check_space(fd, &before);
	if (!err)
		err = ey_error_prefix(store_copy_fd(source, fd, hex_ret), "%s", STORE_VMCORE);
	if (err)
		return err;
	if (fstat(source, &after) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat the dump");
	if (after.st_size != before.st_size || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
		return ey_error_create(EY_ERR_IO, "the dump changes while it is copied");
	return NULL;
}

// Straight into its place: the original never lies in the repository.
static struct ey_error *seal_dump(const struct building *b, const struct stat *before,
				  char hex_ret[STORE_DIGEST_TEXT])
{
	int source = b->crash->vmcore_fd;
	struct stat after;
	struct ey_error *err = store_check_space(b->fd, before);

	if (err)
		return err;
	_cleanup_close_ int fd = create(b, STORE_VMCORE);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create %s", STORE_VMCORE);
	if (lseek(source, 0, SEEK_SET) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot read the dump");
	err = seal_fd(source, fd, b->store->seal_to, SEAL_DUMPS, NULL);
	if (!err)
		err = store_hash_fd(fd, hex_ret);
	if (err)
		return ey_error_prefix(err, "%s", STORE_VMCORE);
	if (fstat(source, &after) < 0 || after.st_size != before->st_size ||
	    after.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != before->st_mtim.tv_nsec)
		return ey_error_create(EY_ERR_IO, "the dump changes while it is copied");
	return sync_and_close(&fd, STORE_VMCORE);
}

static struct ey_error *copy_dump(const struct building *b, char hex_ret[STORE_DIGEST_TEXT])
{
	_cleanup_close_ int fd = create(b, STORE_VMCORE);

	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create %s", STORE_VMCORE);
	struct ey_error *err = store_copy_dump(b->crash->vmcore_fd, fd, hex_ret);
	return err ? err : sync_and_close(&fd, STORE_VMCORE);
}

// The dump has two names now. It is read by who reads the folder; its first name goes soon.
static struct ey_error *adopt_dump(const struct building *b, const struct stat *dump,
				   char hex_ret[STORE_DIGEST_TEXT])
{
	int fd = b->crash->vmcore_fd;
	struct stat folder;

	// Best effort: of a file of another user neither can be changed, nor need be.
	if (!fstat(b->fd, &folder) &&
	    (folder.st_gid == dump->st_gid || !fchown(fd, (uid_t)-1, folder.st_gid)))
		fchmod(fd, b->file_mode);
	if (fsync(fd) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot sync the dump");
	return store_hash_fd(fd, hex_ret);
}

static struct ey_error *write_dump(struct building *b)
{
	int source = b->crash->vmcore_fd;
	char self[64], hex[STORE_DIGEST_TEXT];
	struct ey_error *err;
	struct stat st;

	if (source < 0)
		return NULL;
	if (fstat(source, &st) < 0 || !S_ISREG(st.st_mode))
		return ey_error_create(EY_ERR_INPUT, "the dump is not a regular file");
	if (store_seals(b->store, SEAL_DUMPS)) {
		err = seal_dump(b, &st, hex);
		if (!err)
			ey_buf_printf(&b->sums, "%s  %s\n", hex, STORE_VMCORE);
		return err;
	}
	// By the descriptor, not by name: exactly the file that was looked at.
	snprintf(self, sizeof(self), "/proc/self/fd/%d", source);
	if (b->crash->may_link && !linkat(AT_FDCWD, self, b->fd, STORE_VMCORE, AT_SYMLINK_FOLLOW))
		err = adopt_dump(b, &st, hex);
	else
		err = copy_dump(b, hex);
	if (!err)
		ey_buf_printf(&b->sums, "%s  %s\n", hex, STORE_VMCORE);
	return err;
}

static struct ey_error *build(struct building *b)
{
	struct ey_error *err = write_part(b, STORE_RECORD, &b->crash->record);

	if (!err)
		err = write_part(b, STORE_ANALYSIS, &b->crash->analysis);
	if (!err)
		err = write_part(b, STORE_DMESG, &b->crash->dmesg);
	if (!err)
		err = write_dump(b);
	if (!err)
		err = ey_buf_error(&b->sums);
	if (err)
		return err;
	// A copy: writing it adds its own line to the buffer, which nobody needs.
	_cleanup_free_ char *sums = strdup(ey_buf_str(&b->sums));
	if (!sums)
		return &ey_error_nomem;
	err = write_part(b, STORE_CHECKSUMS, &(struct store_part){sums, strlen(sums)});
	if (!err && fsync(b->fd) < 0 && errno != EINVAL)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot sync the new folder");
	return err;
}

static struct ey_error *publish(int hostfd, const char *temp, int fd, const char *name,
				bool *already_ret)
{
	struct stat ours, theirs;

	if (renameat(hostfd, temp, hostfd, name) < 0) {
		int errnum = errno;

		// A NFS client that repeats a lost answer is told that the old name is not there.
		bool renamed = !fstat(fd, &ours) &&
			       !fstatat(hostfd, name, &theirs, AT_SYMLINK_NOFOLLOW) &&
			       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
		if (!renamed && (errnum == EEXIST || errnum == ENOTEMPTY)) {
			*already_ret = true;
			return NULL;
		}
		if (!renamed)
			return ey_error_errno(EY_ERR_IO, errnum, "cannot rename to %s", name);
	}
	if (fsync(hostfd) < 0 && errno != EINVAL)
		return ey_error_errno(EY_ERR_IO, errno, "cannot sync the folder of %s", name);
	return NULL;
}

static struct ey_error *file_in(const struct store_dir *store, int hostfd,
				const struct store_crash *crash, const char *name,
				bool *already_ret)
{
	struct building b = {
		.fd = -1, .file_mode = store->file_mode, .crash = crash, .store = &store->store};
	_cleanup_free_ char *temp = NULL;

	// Before the next one is made, so that a writer that is killed again and again leaves one.
	store_temp_clean(hostfd, crash->writer, -1, NULL);
	struct ey_error *err =
		store_temp_make(hostfd, store->crash_mode, crash->writer, &temp, &b.fd);
	if (err)
		return err;
	store_temp_clean(hostfd, NULL, b.fd, temp);
	err = build(&b);
	if (!err)
		err = publish(hostfd, temp, b.fd, name, already_ret);
	close(b.fd);
	ey_buf_deinit(&b.sums);
	if (err || *already_ret)
		store_temp_remove(hostfd, temp);
	return err;
}

struct ey_error *store_dir_file(struct store *store, const struct store_crash *crash,
				const struct store_place *place, bool *already_ret, char **name_ret)
{
	struct store_dir *dir = store_dir_of(store);
	_cleanup_close_ int sitefd = -1, hostfd = -1;
	struct ey_error *err = make_dir(dir->fd, place->site, dir->dir_mode, &sitefd);

	if (!err)
		err = make_dir(sitefd, place->host, dir->dir_mode, &hostfd);
	if (!err)
		err = find_by_id(hostfd, place->id, name_ret);
	*already_ret = *name_ret;
	if (!err && !*name_ret)
		err = file_in(dir, hostfd, crash, place->name, already_ret);
	return err;
}

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

enum {
	MAX_WRITER_LENGTH = 64,
	/** Left free on the repository's file system after a dump is copied, bytes. */
	SPARE_BYTES = 16 << 20,
};

static struct ey_error *folder_name(const struct store_crash *crash, char *ret, size_t size,
				    char id_ret[STORE_ID_DIGITS + 1])
{
	time_t t = (time_t)crash->time;
	struct tm tm;
	char text[32];

	if (crash->time < 0 || !gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900)
		return ey_error_create(EY_ERR_INPUT, "a crash's time must be within 1970 to 9999");
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	store_short_id(crash->id, id_ret);
	snprintf(ret, size, "%s-%s", text, id_ret);
	return NULL;
}

static struct ey_error *make_dir(int dirfd, const char *name, int *fd_ret)
{
	if (!mkdirat(dirfd, name, 0755)) {
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

static int create(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
}

static struct ey_error *write_part(int dirfd, const char *name, const struct store_part *part,
				   struct ey_buf *sums)
{
	char hex[STORE_DIGEST_TEXT];

	if (!part->data)
		return NULL;
	_cleanup_close_ int fd = create(dirfd, name);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create %s", name);
	struct ey_error *err = ey_write_all(fd, part->data, part->len);
	if (!err && sums) {
		err = store_hash_fd(fd, hex);
		ey_buf_printf(sums, "%s  %s\n", hex, name);
	}
	return err ? ey_error_prefix(err, "%s", name) : sync_and_close(&fd, name);
}

static struct ey_error *check_space(int dirfd, const struct stat *dump)
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

static struct ey_error *copy_dump(int dirfd, const struct store_crash *crash,
				  const struct stat *before, char hex_ret[STORE_DIGEST_TEXT])
{
	struct stat after;
	struct ey_error *err = check_space(dirfd, before);

	if (err)
		return err;
	_cleanup_close_ int fd = create(dirfd, STORE_VMCORE);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create %s", STORE_VMCORE);
	err = ey_error_prefix(store_copy_fd(crash->vmcore_fd, fd, hex_ret), "%s", STORE_VMCORE);
	if (err)
		return err;
	if (fstat(crash->vmcore_fd, &after) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat the dump");
	if (after.st_size != before->st_size || after.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != before->st_mtim.tv_nsec)
		return ey_error_create(EY_ERR_IO, "the dump changes while it is copied");
	return sync_and_close(&fd, STORE_VMCORE);
}

static struct ey_error *write_dump(int dirfd, const struct store_crash *crash, struct ey_buf *sums)
{
	char self[64], hex[STORE_DIGEST_TEXT];
	struct stat st;
	struct ey_error *err;

	if (crash->vmcore_fd < 0)
		return NULL;
	if (fstat(crash->vmcore_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return ey_error_create(EY_ERR_INPUT, "the dump is not a regular file");
	// By the descriptor, not by name: exactly the file that was looked at.
	snprintf(self, sizeof(self), "/proc/self/fd/%d", crash->vmcore_fd);
	if (crash->may_link && !linkat(AT_FDCWD, self, dirfd, STORE_VMCORE, AT_SYMLINK_FOLLOW)) {
		err = fsync(crash->vmcore_fd) < 0
			      ? ey_error_errno(EY_ERR_IO, errno, "cannot sync the dump")
			      : store_hash_fd(crash->vmcore_fd, hex);
	} else {
		err = copy_dump(dirfd, crash, &st, hex);
	}
	ey_buf_printf(sums, "%s  %s\n", err ? "" : hex, STORE_VMCORE);
	return err;
}

static struct ey_error *build(int dirfd, const struct store_crash *crash)
{
	_cleanup_buf_ struct ey_buf sums = EY_BUF_INIT;
	struct ey_error *err = write_part(dirfd, STORE_RECORD, &crash->record, &sums);

	if (!err)
		err = write_part(dirfd, STORE_ANALYSIS, &crash->analysis, &sums);
	if (!err)
		err = write_part(dirfd, STORE_DMESG, &crash->dmesg, &sums);
	if (!err)
		err = write_dump(dirfd, crash, &sums);
	if (!err)
		err = ey_buf_error(&sums);
	struct store_part part = {sums.data, sums.len};
	if (!err)
		err = write_part(dirfd, STORE_CHECKSUMS, &part, NULL);
	if (!err && fsync(dirfd) < 0 && errno != EINVAL)
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

static struct ey_error *file_in(int hostfd, const struct store_crash *crash, const char *name,
				bool *already_ret)
{
	_cleanup_free_ char *temp = NULL;
	_cleanup_close_ int fd = -1;

	// Before the next one is made, so that a writer that is killed again and again leaves one.
	store_temp_clean(hostfd, crash->writer, -1, NULL);
	struct ey_error *err = store_temp_make(hostfd, crash->writer, &temp, &fd);
	if (err)
		return err;
	store_temp_clean(hostfd, NULL, fd, temp);
	err = build(fd, crash);
	if (!err)
		err = publish(hostfd, temp, fd, name, already_ret);
	if (err || *already_ret)
		store_temp_remove(hostfd, temp);
	return err;
}

struct ey_error *store_file(struct store *store, const struct store_crash *crash,
			    struct store_filed *ret)
{
	_cleanup_free_ char *host = store_host_folder(crash->hostname);
	_cleanup_free_ char *found = NULL;
	_cleanup_close_ int sitefd = -1, hostfd = -1;
	char name[64], id[STORE_ID_DIGITS + 1];

	*ret = (struct store_filed){0};
	if (!host)
		return &ey_error_nomem;
	if (!ey_name_is_safe(crash->site))
		return ey_error_create(EY_ERR_INPUT, "not a site's name: \"%.100s\"", crash->site);
	if (crash->writer &&
	    (!ey_name_is_safe(crash->writer) || strlen(crash->writer) > MAX_WRITER_LENGTH))
		return ey_error_create(EY_ERR_INPUT, "not a writer's name: \"%.100s\"",
				       crash->writer);
	if (!crash->record.data)
		return ey_error_create(EY_ERR_INPUT, "a crash without a record cannot be filed");
	struct ey_error *err = folder_name(crash, name, sizeof(name), id);
	if (!err)
		err = make_dir(store->fd, crash->site, &sitefd);
	if (!err)
		err = make_dir(sitefd, host, &hostfd);
	if (!err)
		err = find_by_id(hostfd, id, &found);
	ret->already = found;
	if (!err && !found)
		err = file_in(hostfd, crash, name, &ret->already);
	if (!err && asprintf(&ret->path, "%s/%s/%s", crash->site, host, found ? found : name) < 0) {
		ret->path = NULL;
		err = &ey_error_nomem;
	}
	return ey_error_prefix(err, "%s/%s/%s", store->root, crash->site, host);
}

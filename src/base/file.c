/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	if (slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}

struct ey_error *ey_newfile_open(struct ey_newfile *f, const char *path, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = directory_of(path);

	*f = EY_NEWFILE_INIT;
	if (!dir)
		return &ey_error_nomem;
	f->name = strdup(slash ? slash + 1 : path);
	if (!f->name)
		return &ey_error_nomem;
	f->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dirfd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open directory %s", dir);
	for (unsigned int attempt = 0; attempt < 100; attempt++) {
		struct timespec now;
		char *temp;

		clock_gettime(CLOCK_MONOTONIC, &now);
		if (asprintf(&temp, EY_TEMP_PREFIX "%.180s-%d-%lx%x", f->name, (int)getpid(),
			     (unsigned long)now.tv_nsec, attempt) < 0)
			return &ey_error_nomem;
		f->fd = openat(f->dirfd, temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			       mode);
		if (f->fd >= 0) {
			f->temp_name = temp;
			return NULL;
		}
		free(temp);
		if (errno != EEXIST)
			break;
	}
	return ey_error_errno(EY_ERR_IO, errno, "cannot create a file in %s", dir);
}

struct ey_error *ey_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot write");
		p += n;
		len -= (size_t)n;
	}
	return NULL;
}

struct ey_error *ey_newfile_write(struct ey_newfile *f, const void *data, size_t len)
{
	return ey_error_prefix(ey_write_all(f->fd, data, len), "%s", f->name);
}

struct ey_error *ey_newfile_commit(struct ey_newfile *f)
{
	int fd = no_cleanup_fd(f->fd);
	int ret = fsync(fd);
	int errnum = errno;

	if (close(fd) < 0 && !ret) {
		ret = -1;
		errnum = errno;
	}
	if (ret)
		return ey_error_errno(EY_ERR_IO, errnum, "cannot write %s", f->name);
	if (renameat(f->dirfd, f->temp_name, f->dirfd, f->name) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot rename to %s", f->name);
	free(f->temp_name);
	f->temp_name = NULL;
	if (fsync(f->dirfd) < 0 && errno != EINVAL)
		return ey_error_errno(EY_ERR_IO, errno, "cannot sync the directory of %s", f->name);
	return NULL;
}

void ey_newfile_deinit(struct ey_newfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->temp_name)
		unlinkat(f->dirfd, f->temp_name, 0);
	if (f->dirfd >= 0)
		close(f->dirfd);
	free(f->temp_name);
	free(f->name);
	*f = EY_NEWFILE_INIT;
}

struct ey_error *ey_file_write_whole(const char *path, mode_t mode, const void *data, size_t len)
{
	_cleanup_newfile_ struct ey_newfile f = EY_NEWFILE_INIT;
	struct ey_error *err = ey_newfile_open(&f, path, mode);

	if (!err)
		err = ey_newfile_write(&f, data, len);
	if (!err)
		err = ey_newfile_commit(&f);
	return err;
}

struct ey_error *ey_file_write_output(const char *path, mode_t mode, const void *data, size_t len)
{
	struct stat st;

	if (lstat(path, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return ey_file_write_whole(path, mode, data, len);
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, mode);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", path);
	return ey_error_prefix(ey_write_all(fd, data, len), "%s", path);
}

struct ey_error *ey_file_read_whole(const char *path, size_t max, char **data_ret, size_t *len_ret)
{
	// O_NONBLOCK: opening a FIFO must not hang.
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat %s", path);
	if (!S_ISREG(st.st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s is not a regular file", path);
	// Files below /proc and /sys have size 0 or 4096 whatever they hold: read until the end.
	size_t capacity = EY_MIN((size_t)st.st_size, max) + 1;
	size_t len = 0;
	_cleanup_free_ char *data = malloc(capacity + 1);
	if (!data)
		return &ey_error_nomem;
	for (;;) {
		if (len == capacity) {
			capacity = EY_MIN(capacity * 2, max + 1);
			char *more = len > max ? NULL : realloc(data, capacity + 1);
			if (len > max)
				return ey_error_create(EY_ERR_INPUT, "%s is larger than %zu bytes",
						       path, max);
			if (!more)
				return &ey_error_nomem;
			data = more;
		}
		ssize_t n = read(fd, data + len, capacity - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot read %s", path);
		if (!n)
			break;
		len += (size_t)n;
	}
	if (len > max)
		return ey_error_create(EY_ERR_INPUT, "%s is larger than %zu bytes", path, max);
	data[len] = '\0';
	*data_ret = no_cleanup_ptr(data);
	if (len_ret)
		*len_ret = len;
	return NULL;
}

struct ey_error *ey_mkdir_parents(const char *path, mode_t mode)
{
	char copy[PATH_MAX];
	size_t len = strlen(path);

	if (!len || len >= sizeof(copy))
		return ey_error_create(EY_ERR_INPUT, "not a usable path: \"%.100s\"", path);
	memcpy(copy, path, len + 1);
	for (char *p = copy + 1;; p++) {
		if (*p && *p != '/')
			continue;
		char c = *p;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return ey_error_errno(EY_ERR_IO, errno, "cannot create directory %s", copy);
		if (!c)
			break;
		*p = c;
	}
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return ey_error_create(EY_ERR_IO, "%s is not a directory", path);
	return NULL;
}

struct ey_error *ey_sync_dir(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return ey_error_errno(EY_ERR_IO, errno, "cannot sync %s", path);
	return NULL;
}

bool ey_name_is_safe(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (!isalnum(c) && !strchr("._-:@+", c))
			return false;
	}
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders being built, and what is left of them when their builder dies. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/internal.h"

// A builder that is alive has the form PREFIX "w-" [WRITER] "-" RANDOM.
#define BUILDING EY_TEMP_PREFIX "w-"
// A single file being built.
#define FILE_BUILDING EY_TEMP_PREFIX "f"
// What is being removed: whoever finds it may go on with that.
#define DEAD EY_TEMP_PREFIX "dead-"

static struct ey_error *random_name(const char *prefix, const char *writer, char **ret)
{
	uint64_t nonce;

	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return ey_error_errno(EY_ERR_IO, errno, "cannot get random bytes");
	if (asprintf(ret, "%s%s-%016llx", prefix, writer ? writer : "", (unsigned long long)nonce) <
	    0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

struct ey_error *store_temp_make(int dirfd, mode_t mode, const char *writer, char **name_ret,
				 int *fd_ret)
{
	_cleanup_free_ char *name = NULL;
	struct ey_error *err = random_name(BUILDING, writer, &name);

	if (err)
		return err;
	if (mkdirat(dirfd, name, mode) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create a folder");
	int fd = store_open_dir(dirfd, name);
	if (fd < 0) {
		err = ey_error_errno(EY_ERR_IO, errno, "cannot open a new folder");
		unlinkat(dirfd, name, AT_REMOVEDIR);
		return err;
	}
	*name_ret = no_cleanup_ptr(name);
	*fd_ret = fd;
	return NULL;
}

struct ey_error *store_temp_create(int dirfd, mode_t mode, char **name_ret, int *fd_ret)
{
	_cleanup_free_ char *name = NULL;
	struct ey_error *err = random_name(FILE_BUILDING, NULL, &name);

	if (err)
		return err;
	*fd_ret = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (*fd_ret < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create a file");
	*name_ret = no_cleanup_ptr(name);
	return NULL;
}

// Calls fn for each name in the folder but "." and ".."; best effort, for cleaning.
static void for_names(int dirfd, void (*fn)(int dirfd, const char *name, void *arg), void *arg)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);

	if (!d) {
		if (copy >= 0)
			close(copy);
		return;
	}
	for (struct dirent *de; (de = readdir(d));) {
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			fn(dirfd, de->d_name, arg);
	}
}

static void remove_file(int dirfd, const char *name, void *arg)
{
	unlinkat(dirfd, name, 0);
}

void store_temp_remove(int dirfd, const char *name)
{
	{
		_cleanup_close_ int fd = store_open_dir(dirfd, name);

		if (fd >= 0)
			for_names(fd, remove_file, NULL);
	}
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

static void newest(int dirfd, const char *name, void *arg)
{
	struct stat st;
	int64_t *ret = arg;

	if (!fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		*ret = EY_MAX(*ret, (int64_t)st.st_mtim.tv_sec);
}

// When something last happened in the folder, by the clock of the file system's server.
static int64_t last_use(int dirfd, const char *name)
{
	_cleanup_close_ int fd = store_open_dir(dirfd, name);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return INT64_MAX;
	int64_t t = st.st_mtim.tv_sec;
	for_names(fd, newest, &t);
	return t;
}

struct cleaning {
	const char *own_prefix;
	const char *but;
	int64_t before;
};

static void clean_one(int dirfd, const char *name, void *arg)
{
	const struct cleaning *c = arg;
	_cleanup_free_ char *dead = NULL;

	if (strncmp(name, EY_TEMP_PREFIX, strlen(EY_TEMP_PREFIX)) != 0 ||
	    (c->but && !strcmp(name, c->but)))
		return;
	if (!strncmp(name, DEAD, strlen(DEAD))) {
		store_temp_remove(dirfd, name);
		return;
	}
	bool own = c->own_prefix && !strncmp(name, c->own_prefix, strlen(c->own_prefix)) &&
		   strlen(name) == strlen(c->own_prefix) + 16;
	if (!own && last_use(dirfd, name) >= c->before)
		return;
	// Take the name away first: a builder that was only slow can then no longer rename a
	// folder into place from which files are missing.
	_cleanup_error_ struct ey_error *err = random_name(DEAD, NULL, &dead);
	if (!err && !renameat(dirfd, name, dirfd, dead))
		store_temp_remove(dirfd, dead);
}

void store_temp_clean(int dirfd, const char *writer, int now_fd, const char *but)
{
	_cleanup_free_ char *own_prefix = NULL;
	struct cleaning c = {.but = but, .before = INT64_MIN};
	struct stat now;

	if (now_fd >= 0 && !fstat(now_fd, &now))
		c.before = (int64_t)now.st_mtim.tv_sec - STORE_TEMP_MAX_AGE;
	if (writer && asprintf(&own_prefix, BUILDING "%s-", writer) < 0)
		own_prefix = NULL;
	c.own_prefix = own_prefix;
	for_names(dirfd, clean_one, &c);
}

struct file_cleaning {
	int64_t before;
};

static void clean_file(int dirfd, const char *name, void *arg)
{
	const struct file_cleaning *c = arg;
	struct stat st;

	if (strncmp(name, FILE_BUILDING, strlen(FILE_BUILDING)) != 0 ||
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (int64_t)st.st_mtim.tv_sec >= c->before)
		return;
	unlinkat(dirfd, name, 0);
}

void store_temp_clean_files(int dirfd, int now_fd)
{
	struct stat now;

	if (fstat(now_fd, &now) < 0)
		return;
	for_names(dirfd, clean_file,
		  &(struct file_cleaning){(int64_t)now.st_mtim.tv_sec - STORE_TEMP_MAX_AGE});
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

/** A database file under a name for the time being, removed with SQLite's own files beside it. */
struct working_file {
	char *path;
};

static void working_file_deinit(struct working_file *f)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	for (size_t i = 0; f->path && i < EY_ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s%s", f->path, suffixes[i]) >= 0)
			unlink(path);
	}
	free(f->path);
}
#define _cleanup_working_file_ _cleanup_(working_file_deinit)

static struct ey_error *working_file_init(struct working_file *f, const char *folder_of,
					  const char *name)
{
	const char *slash = strrchr(folder_of, '/');
	int len = slash ? (int)(slash - folder_of + 1) : 0;

	if (asprintf(&f->path, "%.*s.%s-%ld", len, folder_of, name, (long)getpid()) < 0) {
		f->path = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

static struct ey_error *sync_file(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write %s", path);
	return NULL;
}

static struct ey_error *sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder =
		slash ? strndup(path, (size_t)(slash - path + 1)) : strdup(".");

	return folder ? ey_sync_dir(folder) : &ey_error_nomem;
}

// Never over a file that came meanwhile.
static struct ey_error *give_name(const char *file, const char *name)
{
	if (link(file, name) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot make %s", name);
	return sync_folder_of(name);
}

static struct ey_error *fill_backup(struct db *db, const char *path, int64_t *rows_ret)
{
	_cleanup_db_ struct db *to = NULL;
	struct ey_error *err = db_open(path, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &to);

	return err ? err : db_copy(db, to, DB_COPY_INTO_EMPTY, NULL, NULL, rows_ret);
}

struct ey_error *db_backup(struct db *db, const char *path, int64_t *rows_ret)
{
	_cleanup_working_file_ struct working_file file = {0};
	struct ey_error *err = working_file_init(&file, path, "eyrie-backup");

	if (!err && access(path, F_OK) == 0)
		err = ey_error_create(EY_ERR_USAGE,
				      "%s exists; a backup is a new file: choose another name",
				      path);
	// Closing the last connection leaves one file, without a log beside it.
	if (!err)
		err = fill_backup(db, file.path, rows_ret);
	if (!err)
		err = sync_file(file.path);
	return err ? err : give_name(file.path, path);
}

static struct ey_error *copy_file(const char *from, const char *to)
{
	_cleanup_close_ int src = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_close_ int dst = -1;
	struct stat st;
	ssize_t n = 1;

	if (src < 0 || fstat(src, &st) < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot read %s", from);
	if (!S_ISREG(st.st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s is no file", from);
	dst = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (dst < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot make %s", to);
	while (n > 0)
		n = copy_file_range(src, NULL, dst, NULL, 1 << 30, 0);
	if (n < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot copy %s to %s", from, to);
	return NULL;
}

struct ey_error *db_restore(struct db *db, const char *path, enum db_copy_mode mode,
			    int64_t *rows_ret)
{
	_cleanup_working_file_ struct working_file file = {0};
	_cleanup_db_ struct db *from = NULL;
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *folder = NULL;

	if (asprintf(&folder, "%s/", tmp && *tmp ? tmp : "/var/tmp") < 0) {
		folder = NULL;
		return &ey_error_nomem;
	}
	struct ey_error *err = working_file_init(&file, folder, "eyrie-restore");
	if (!err)
		err = copy_file(path, file.path);
	// Of an older Eyrie: its schema is brought up to date, in the copy.
	if (!err)
		err = ey_error_prefix(
			db_open(file.path, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &from),
			"backup %s", path);
	return err ? err : db_copy(from, db, mode, NULL, NULL, rows_ret);
}

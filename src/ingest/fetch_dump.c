/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/fetch_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/unwrap.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "store/seal.h"
#include "store/sealed.h"

enum {
	UNWRAP_SECONDS = 1800,
	BLOCK = 1 << 20,
};

static struct ey_error *make_copy(struct fetched_dump *dump, int *fd_ret)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || *tmp != '/' || strlen(tmp) > PATH_MAX - 64)
		tmp = "/var/tmp";
	snprintf(dump->folder, sizeof(dump->folder), "%s/eyrie-dump-XXXXXX", tmp);
	if (!mkdtemp(dump->folder)) {
		int errnum = errno;

		dump->folder[0] = '\0';
		return ey_error_errno(EY_ERR_IO, errnum, "cannot make a folder in %s", tmp);
	}
	dump->copy = true;
	if (snprintf(dump->path, sizeof(dump->path), "%s/vmcore", dump->folder) >=
	    (int)sizeof(dump->path))
		return ey_error_create(EY_ERR_IO, "the path of %s is too long", tmp);
	*fd_ret = open(dump->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *fd_ret < 0 ? ey_error_errno(EY_ERR_IO, errno, "cannot write %s", dump->path) : NULL;
}

void fetched_dump_deinit(struct fetched_dump *dump)
{
	if (!dump->copy)
		return;
	unlink(dump->path);
	rmdir(dump->folder);
	dump->copy = false;
}

// Zeros, of which dumps of idle memory have many, become holes.
static struct ey_error *copy_into(int in, int out, const char *path)
{
	_cleanup_free_ char *block = calloc(2, BLOCK);
	off_t at = 0;
	ssize_t n = 1;

	if (!block)
		return &ey_error_nomem;
	while ((n = pread(in, block, BLOCK, at)) > 0) {
		if (memcmp(block, block + BLOCK, (size_t)n) != 0) {
			if (lseek(out, at, SEEK_SET) < 0)
				return ey_error_errno(EY_ERR_IO, errno, "cannot write %s", path);
			struct ey_error *err = ey_write_all(out, block, (size_t)n);

			if (err)
				return err;
		}
		at += n;
	}
	if (n < 0 || ftruncate(out, at) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot copy the dump to %s", path);
	return NULL;
}

static struct ey_error *open_sealed(int *fd, const struct ey_config *config,
				    struct fetched_dump *dump)
{
	_cleanup_seal_secret_ struct seal_secret secret = {0};
	_cleanup_close_ int out = -1;
	unsigned char head[SEAL_MAGIC_BYTES];
	const char *key = ey_config_string(config, "repository", "seal_secret", NULL);
	ssize_t n = pread(*fd, head, sizeof(head), 0);

	if (n != sizeof(head) || !seal_is_sealed(head, sizeof(head)))
		return NULL;
	if (!key)
		return ey_error_create(EY_ERR_INPUT, "the dump is sealed, and [repository] "
						     "seal_secret names no key that opens it");
	struct ey_error *err = seal_secret_load(key, NULL, &secret);
	if (!err)
		err = make_copy(dump, &out);
	if (!err)
		err = unseal_fd(*fd, out, &secret, NULL);
	if (err)
		return err;
	close(*fd);
	*fd = out;
	out = -1;
	return NULL;
}

// The file's own name, where it has one and is that file.
static bool name_of(int fd, char path[PATH_MAX])
{
	char link[64];
	struct stat a, b;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

struct ey_error *fetch_dump(const struct store_entry *entry, const struct ey_config *config,
			    struct fetched_dump *ret)
{
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int out = -1;
	struct analysis_unwrapped unwrapped = {0};
	struct ey_error *err;

	*ret = (struct fetched_dump){0};
	err = store_entry_verify_file(entry, STORE_VMCORE);
	ret->damaged = err && err->code == EY_ERR_INPUT;
	if (!err)
		err = store_entry_open_file(entry, STORE_VMCORE, &fd, NULL);
	if (!err)
		err = open_sealed(&fd, config, ret);
	if (!err && lseek(fd, 0, SEEK_SET) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot read the dump of %s", entry->path);
	if (!err)
		err = unwrap_open(&fd, UNWRAP_SECONDS, &unwrapped);
	// Decompressed, or fetched from S3: a file without a name.
	if (!err && (unwrapped.what || !name_of(fd, ret->path))) {
		fetched_dump_deinit(ret);
		err = make_copy(ret, &out);
		if (!err)
			err = copy_into(fd, out, ret->path);
	}
	if (err)
		fetched_dump_deinit(ret);
	return err;
}

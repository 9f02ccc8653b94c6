/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { MIN_SHM_BYTES = 40 << 20 };

char *make_tree(void)
{
	struct statvfs vfs;
	// The tests of kills and failures sync thousands of times, which says nothing on a disk.
	bool shm = !statvfs("/dev/shm", &vfs) && !access("/dev/shm", W_OK) &&
		   vfs.f_bavail * vfs.f_frsize > MIN_SHM_BYTES;
	char *path = strdup(shm ? "/dev/shm/eyrie-test-XXXXXX" : "/tmp/eyrie-test-XXXXXX");

	assert_non_null(mkdtemp(path));
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

char *in_tree(const char *dir, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

void write_text(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = in_tree(dir, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

char *read_text(const char *dir, const char *name)
{
	_cleanup_free_ char *path = in_tree(dir, name);
	char *text;

	assert_null(ey_file_read_whole(path, 1 << 26, &text, NULL));
	return text;
}

void write_dump(const char *dir, const char *name, size_t size)
{
	_cleanup_free_ char *path = in_tree(dir, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	_cleanup_free_ uint32_t *data = calloc(1, size + 4);
	uint32_t x = 2463534242;

	assert_true(fd >= 0);
	assert_non_null(data);
	for (size_t i = 0; i < size / 4; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		data[i] = i * 4 >= size / 3 && i * 4 < size / 3 * 2 ? 0 : x;
	}
	assert_int_equal(write(fd, data, size), size);
}

static int counted;
static const char *wanted;

static int count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	counted += strstr(path + ftw->base, wanted) != NULL;
	return 0;
}

int count_names(const char *dir, const char *part)
{
	counted = 0;
	wanted = part;
	nftw(dir, count_one, 16, FTW_PHYS);
	return counted;
}

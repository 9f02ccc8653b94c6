/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/split.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vmcore/diskdump_format.h"
#include "vmcore/dump_formats.h"

enum {
	// More entries of a crash folder are not looked at.
	MAX_ENTRIES = 10000,
	// The parts are written at the same time, each by its own process.
	MAX_SECONDS_APART = 3600,
};

static bool read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	do {
		n = pread(fd, buf, len, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)len;
}

bool split_look(int fd, struct split_part *ret)
{
	struct disk_dump_header h;
	struct kdump_sub_header sub;

	*ret = (struct split_part){0};
	if (!read_at(fd, &h, sizeof(h), 0) || memcmp(h.signature, DISKDUMP_SIGNATURE, 8) != 0 ||
	    !read_at(fd, &sub, sizeof(sub), DUMP_PAGE_SIZE) ||
	    !diskdump_split(&h, &sub, &ret->start_pfn, &ret->end_pfn))
		return false;
	ret->max_mapnr = diskdump_max_mapnr(&h, &sub);
	ret->timestamp = h.timestamp[0];
	ret->dump_level = sub.dump_level;
	memcpy(ret->utsname, h.utsname, sizeof(ret->utsname));
	if (h.header_version >= 3 && sub.offset_vmcoreinfo > 0) {
		size_t len = (size_t)EY_MIN(sub.size_vmcoreinfo, (uint64_t)SPLIT_INFO_SIZE);

		if (read_at(fd, ret->info, len, (uint64_t)sub.offset_vmcoreinfo))
			ret->info_len = len;
	}
	return true;
}

bool split_is_same_dump(const struct split_part *a, const struct split_part *b)
{
	int64_t apart;

	// VMCOREINFO has the time of the crash and where KASLR put the kernel: no two crashes share
	// it.
	return a->max_mapnr == b->max_mapnr && a->dump_level == b->dump_level &&
	       !memcmp(a->utsname, b->utsname, sizeof(a->utsname)) && a->info_len == b->info_len &&
	       !memcmp(a->info, b->info, a->info_len) &&
	       !__builtin_sub_overflow(a->timestamp, b->timestamp, &apart) &&
	       apart <= MAX_SECONDS_APART && apart >= -MAX_SECONDS_APART;
}

static bool is_same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) < 0 || fstat(b, &y) < 0 ||
	       (x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

// Opened so that neither a FIFO nor a link does anything.
static int open_sister(int dir, const char *name, int first, const struct split_part *part)
{
	_cleanup_close_ int fd =
		openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct split_part other;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || is_same_file(fd, first) ||
	    !split_look(fd, &other) || !split_is_same_dump(part, &other))
		return -1;
	return no_cleanup_fd(fd);
}

void split_find_sisters(const char *path, int fd, const struct split_part *part,
			int fds_ret[static SPLIT_MAX_PARTS], size_t *count_ret)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_closedir_ DIR *d = copy ? opendir(dirname(copy)) : NULL;

	*count_ret = 0;
	for (size_t seen = 0; d && seen < MAX_ENTRIES && *count_ret < SPLIT_MAX_PARTS; seen++) {
		const struct dirent *de = readdir(d);

		if (!de)
			break;
		int sister = open_sister(dirfd(d), de->d_name, fd, part);
		if (sister >= 0)
			fds_ret[(*count_ret)++] = sister;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct dump *const *x = a, *const *y = b;

	return (*x)->start_pfn < (*y)->start_pfn ? -1 : (*x)->start_pfn > (*y)->start_pfn;
}

// Frames that no part has, as text; nothing where their pages were left out anyway.
static void add_hole(struct dump *d, char *text, size_t size, uint64_t start, uint64_t end)
{
	size_t len = strlen(text);

	if (start < end && diskdump_frames(d, start, end))
		snprintf(text + len, size - len, "%s0x%" PRIx64 "-0x%" PRIx64, len ? ", " : "",
			 start, end - 1);
}

void dump_settle_parts(struct dump *d)
{
	const struct dump *order[SPLIT_MAX_PARTS + 1] = {d};
	size_t count = 1;
	uint64_t at = 0;
	char holes[DUMP_WHY_SIZE / 2] = "";

	for (size_t i = 0; i < d->part_count && count < EY_ARRAY_SIZE(order); i++)
		order[count++] = &d->parts[i];
	qsort(order, count, sizeof(*order), by_start);
	for (size_t i = 0; i < count; i++) {
		add_hole(d, holes, sizeof(holes), at, order[i]->start_pfn);
		at = EY_MAX(at, order[i]->end_pfn);
	}
	add_hole(d, holes, sizeof(holes), at, diskdump_end(d));
	if (holes[0])
		dump_is_incomplete(d, "not all parts of the split dump are here: page frames %s",
				   holes);
}

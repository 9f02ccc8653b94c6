/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing what has been filed from the crash directory (remove_source). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/finder.h"

#define REMOVED_PREFIX EY_TEMP_PREFIX "removed-"

static void empty_and_remove(int top, const char *name)
{
	int fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	{
		_cleanup_closedir_ DIR *d = fdopendir(fd);

		if (!d) {
			close(fd);
			return;
		}
		// Folders in it are not kdump's: unlinkat() leaves them, and rmdir the rest.
		for (struct dirent *de; (de = readdir(d));)
			unlinkat(dirfd(d), de->d_name, 0);
	}
	unlinkat(top, name, AT_REMOVEDIR);
}

struct ey_error *host_dump_remove(const char *crash_dir, const char *folder)
{
	_cleanup_close_ int top = open(crash_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[sizeof(REMOVED_PREFIX) + NAME_MAX];

	if (top < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open %s", crash_dir);
	snprintf(name, sizeof(name), REMOVED_PREFIX "%.200s", folder);
	if (renameat(top, folder, top, name) < 0 && errno != ENOENT)
		return ey_error_errno(EY_ERR_IO, errno, "cannot remove %s/%s", crash_dir, folder);
	empty_and_remove(top, name);
	return NULL;
}

void host_dump_remove_leftovers(const char *crash_dir)
{
	_cleanup_closedir_ DIR *d = opendir(crash_dir);

	for (struct dirent *de; d && (de = readdir(d));) {
		if (!strncmp(de->d_name, REMOVED_PREFIX, strlen(REMOVED_PREFIX)))
			empty_and_remove(dirfd(d), de->d_name);
	}
}

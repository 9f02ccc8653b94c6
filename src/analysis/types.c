// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/types.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"

const char *const types_folders[] = {"/var/lib/eyrie/types", EYRIE_DATADIR "/types",
				     "/usr/share/eyrie/types", NULL};

// It comes from the dump and becomes part of a path.
static bool is_build_id(const char *s)
{
	size_t n = strlen(s);

	return n >= 8 && n <= 128 && strspn(s, "0123456789abcdef") == n;
}

static int open_in(const char *folder, const char *build_id)
{
	_cleanup_buf_ struct ey_buf path = EY_BUF_INIT;

	ey_buf_printf(&path, "%s/%s.btf", folder, build_id);
	return path.failed ? -1 : open(path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

struct ey_error *types_open(const char *named, const char *build_id, int *fd_ret)
{
	struct stat st;

	*fd_ret = -1;
	if (named && stat(named, &st) < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot open %s", named);
	if (named && !S_ISDIR(st.st_mode)) {
		*fd_ret = open(named, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		return *fd_ret >= 0 ? NULL
				    : ey_error_errno(EY_ERR_IO, errno, "cannot open %s", named);
	}
	if (!is_build_id(build_id))
		return NULL;
	if (named) {
		*fd_ret = open_in(named, build_id);
		return NULL;
	}
	for (size_t i = 0; types_folders[i] && *fd_ret < 0; i++)
		*fd_ret = open_in(types_folders[i], build_id);
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/repository.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/internal.h"

// Whether something is mounted at this directory; true where the kernel cannot tell.
static bool is_mount_root(int fd)
{
	struct statx here;
	struct stat self, parent;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_INO, &here) &&
	    (here.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return here.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	if (fstat(fd, &self) < 0 || fstatat(fd, "..", &parent, 0) < 0)
		return true;
	return self.st_dev != parent.st_dev || self.st_ino == parent.st_ino;
}

struct ey_error *store_open(const char *root, unsigned int flags, struct store **ret)
{
	_cleanup_store_ struct store *store = calloc(1, sizeof(*store));
	struct stat st;

	if (!store)
		return &ey_error_nomem;
	store->fd = -1;
	store->root = strdup(root);
	if (!store->root)
		return &ey_error_nomem;
	if ((flags & STORE_CREATE) && mkdir(root, 0755) < 0 && errno != EEXIST)
		return ey_error_errno(EY_ERR_IO, errno, "cannot create the repository %s", root);
	store->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open the repository %s", root);
	if ((flags & STORE_MUST_BE_MOUNTED) && !is_mount_root(store->fd))
		return ey_error_create(
			EY_ERR_IO,
			"nothing is mounted at the repository %s; mount it, or unset "
			"must_be_mounted in [repository]",
			root);
	if (fstat(store->fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat the repository %s", root);
	store->dir_mode = (st.st_mode & 0777) | 0700;
	store->crash_mode = (st.st_mode & 0770) | 0700;
	store->file_mode = (st.st_mode & 0660) | 0600;
	*ret = no_cleanup_ptr(store);
	return NULL;
}

void store_destroy(struct store *store)
{
	if (!store)
		return;
	if (store->fd >= 0)
		close(store->fd);
	free(store->root);
	free(store);
}

const char *store_root(const struct store *store)
{
	return store->root;
}

void store_short_id(const char *id, char ret[STORE_ID_DIGITS + 1])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, (const unsigned char *)id, strlen(id));
	sodium_bin2hex(ret, STORE_ID_DIGITS + 1, digest, STORE_ID_DIGITS / 2);
}

char *store_host_folder(const char *hostname)
{
	if (!hostname || !*hostname)
		return strdup("unknown");
	char *name = strndup(hostname, NAME_MAX);
	for (char *p = name; p && *p; p++) {
		char one[2] = {*p, '\0'};

		// One byte alone is safe or not as it is within a name, but for the dot in front.
		if (!ey_name_is_safe(one) && (*p != '.' || p == name))
			*p = '_';
	}
	return name;
}

static bool all_of(const char *s, size_t n, int (*is)(int))
{
	for (size_t i = 0; i < n; i++) {
		if (!is((unsigned char)s[i]))
			return false;
	}
	return true;
}

static int is_lower_hex(int c)
{
	return isdigit(c) || (c >= 'a' && c <= 'f');
}

void store_parse_name(const char *name, int64_t *time_ret, char id_ret[STORE_ID_DIGITS + 1])
{
	enum { TIME_LENGTH = 16 }; // YYYYMMDDTHHMMSSZ
	struct tm tm = {0};

	*time_ret = -1;
	id_ret[0] = '\0';
	if (strlen(name) != TIME_LENGTH + 1 + STORE_ID_DIGITS || name[TIME_LENGTH] != '-' ||
	    name[8] != 'T' || name[15] != 'Z' || !all_of(name, 8, isdigit) ||
	    !all_of(name + 9, 6, isdigit) ||
	    !all_of(name + TIME_LENGTH + 1, STORE_ID_DIGITS, is_lower_hex))
		return;
	if (strptime(name, "%Y%m%dT%H%M%SZ", &tm) != name + TIME_LENGTH)
		return;
	*time_ret = timegm(&tm);
	memcpy(id_ret, name + TIME_LENGTH + 1, STORE_ID_DIGITS + 1);
}

int store_open_dir(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

struct ey_error *store_open_regular(int dirfd, const char *name, int *fd_ret, uint64_t *size_ret)
{
	// O_NONBLOCK: opening a FIFO must not wait for its other end.
	_cleanup_close_ int fd =
		openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return ey_error_create(EY_ERR_NOT_FOUND, "there is no %s", name);
	// ENXIO: a socket.
	if (fd < 0)
		return ey_error_errno(errno == ELOOP || errno == ENXIO ? EY_ERR_INPUT : EY_ERR_IO,
				      errno, "cannot open %s", name);
	if (fstat(fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat %s", name);
	if (!S_ISREG(st.st_mode))
		return ey_error_create(EY_ERR_INPUT, "%s is not a regular file", name);
	if (size_ret)
		*size_ret = (uint64_t)st.st_size;
	*fd_ret = no_cleanup_fd(fd);
	return NULL;
}

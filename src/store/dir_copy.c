/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps are copied and hashed in one pass: they may be as large as memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "store/internal.h"

enum { CHUNK = 256 << 10 };

static struct ey_error *read_chunk(int fd, char *buf, off_t at, size_t *ret)
{
	ssize_t n;

	do {
		n = pread(fd, buf, CHUNK, at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot read");
	*ret = (size_t)n;
	return NULL;
}

static struct ey_error *write_chunk(int fd, const char *buf, size_t len, off_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, buf, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot write");
		buf += n;
		at += n;
		len -= (size_t)n;
	}
	return NULL;
}

static bool all_zero(const char *buf, size_t len)
{
	return !len || (!buf[0] && !memcmp(buf, buf + 1, len - 1));
}

// Hash src and, where dst is a file, write it there.
static struct ey_error *hash_and_copy(int src, int dst, char hex_ret[STORE_DIGEST_TEXT])
{
	_cleanup_free_ char *buf = malloc(CHUNK);
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	off_t at = 0;

	if (!buf)
		return &ey_error_nomem;
	posix_fadvise(src, 0, 0, POSIX_FADV_SEQUENTIAL);
	crypto_hash_sha256_init(&state);
	for (;;) {
		size_t n = 0;
		struct ey_error *err = read_chunk(src, buf, at, &n);

		if (!err && n && dst >= 0 && !all_zero(buf, n))
			err = write_chunk(dst, buf, n, at);
		if (err)
			return err;
		if (!n)
			break;
		crypto_hash_sha256_update(&state, (unsigned char *)buf, n);
		// A dump must not push everything else out of the page cache.
		posix_fadvise(src, at, (off_t)n, POSIX_FADV_DONTNEED);
		at += (off_t)n;
	}
	if (dst >= 0 && ftruncate(dst, at) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write");
	crypto_hash_sha256_final(&state, digest);
	sodium_bin2hex(hex_ret, STORE_DIGEST_TEXT, digest, sizeof(digest));
	return NULL;
}

struct ey_error *store_hash_fd(int fd, char hex_ret[STORE_DIGEST_TEXT])
{
	return hash_and_copy(fd, -1, hex_ret);
}

struct ey_error *store_copy_fd(int src, int dst, char hex_ret[STORE_DIGEST_TEXT])
{
	// Btrfs and XFS share the blocks of the two files.
	if (!ioctl(dst, FICLONE, src))
		return hash_and_copy(dst, -1, hex_ret);
	return hash_and_copy(src, dst, hex_ret);
}

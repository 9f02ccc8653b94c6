/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/passphrase.h"

static struct ey_error *no_key(const char *path, const unsigned char *head, size_t len)
{
	struct seal_header header;
	struct ey_error *err = seal_header_read(head, len, &header);

	if (err)
		return ey_error_prefix(err, "%s", path);
	return ey_error_create(
		EY_ERR_INPUT,
		"%s is sealed to key %s%s: give its secret key by --key FILE, or unseal "
		"it where that key is (eyrie unseal)",
		path, header.ids[0], header.count > 1 ? " and others" : "");
}

static struct ey_error *unseal_to_tmp(int in, const char *path, const struct seal_secret *secret,
				      struct unsealed *ret)
{
	const char *dir = getenv("TMPDIR");

	dir = dir && *dir ? dir : "/var/tmp";
	_cleanup_close_ int out = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (out < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot make a file in %s", dir);
	struct ey_error *err = unseal_fd(in, out, secret, NULL);
	if (err)
		return ey_error_prefix(err, "%s", path);
	// By this process's id, since the crash utility reads it, too.
	snprintf(ret->name, sizeof(ret->name), "/proc/%d/fd/%d", (int)getpid(), out);
	ret->path = ret->name;
	ret->fd = no_cleanup_fd(out);
	return NULL;
}

struct ey_error *unsealed_open(const struct ey_config *config, const char *path, const char *key,
			       const char *passphrase_file, struct unsealed *ret)
{
	_cleanup_seal_secret_ struct seal_secret secret = {0};
	unsigned char head[SEAL_HEADER_MAX];
	struct stat st;

	ret->path = path;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
	if (n < 0 || !seal_is_sealed(head, (size_t)n))
		return NULL;
	if (!key && !ey_config_string(config, "repository", "seal_secret", NULL))
		return no_key(path, head, (size_t)n);
	struct ey_error *err = secret_key_open(config, key, passphrase_file, &secret);
	return err ? err : unseal_to_tmp(fd, path, &secret, ret);
}

void unsealed_deinit(struct unsealed *unsealed)
{
	if (unsealed->fd >= 0)
		close(unsealed->fd);
	*unsealed = UNSEALED_INIT;
}

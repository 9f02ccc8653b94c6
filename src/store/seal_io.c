/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealing and unsealing between descriptors, and in memory. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/seal.h"

struct fds {
	int in;
	int out;
	/** Zeros are left out: the file is made longer at the end. */
	bool sparse;
	/** The last thing done was to leave out, so the file's end is not there yet. */
	bool hole;
};

static struct ey_error *fd_read(void *arg, void *buf, size_t len, size_t *n_ret)
{
	const struct fds *f = arg;
	ssize_t n;

	do {
		n = read(f->in, buf, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot read");
	*n_ret = (size_t)n;
	return NULL;
}

static bool all_zero(const char *p, size_t len)
{
	return len && !p[0] && !memcmp(p, p + 1, len - 1);
}

static struct ey_error *fd_write(void *arg, const void *data, size_t len)
{
	struct fds *f = arg;

	f->hole = f->sparse && all_zero(data, len);
	if (!f->hole)
		return ey_write_all(f->out, data, len);
	if (lseek(f->out, (off_t)len, SEEK_CUR) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write");
	return NULL;
}

static struct ey_error *end_hole(const struct fds *f)
{
	if (f->hole && ftruncate(f->out, lseek(f->out, 0, SEEK_CUR)) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write");
	return NULL;
}

struct ey_error *seal_fd(int in, int out, const struct seal_recipients *to,
			 enum seal_purpose purpose, struct seal_original *ret)
{
	struct fds f = {.in = in, .out = out};
	const struct seal_io io = {fd_read, fd_write, &f};

	return seal_stream(&io, to, purpose, ret);
}

struct ey_error *unseal_fd(int in, int out, const struct seal_secret *secret,
			   struct seal_original *ret)
{
	struct fds f = {.in = in, .out = out};
	const struct seal_io io = {fd_read, fd_write, &f};
	struct stat st;

	f.sparse = !fstat(out, &st) && S_ISREG(st.st_mode) && !st.st_size;
	struct ey_error *err = unseal_stream(&io, secret, ret);
	return err ? err : end_hole(&f);
}

struct memory {
	const char *data;
	size_t len;
	struct ey_buf *out;
	size_t max;
};

static struct ey_error *memory_read(void *arg, void *buf, size_t len, size_t *n_ret)
{
	struct memory *m = arg;
	size_t n = EY_MIN(len, m->len);

	if (n)
		memcpy(buf, m->data, n);
	m->data += n;
	m->len -= n;
	*n_ret = n;
	return NULL;
}

static struct ey_error *memory_write(void *arg, const void *data, size_t len)
{
	struct memory *m = arg;

	if (len > m->max - m->out->len)
		return ey_error_create(EY_ERR_INPUT, "larger than %zu bytes", m->max);
	ey_buf_add(m->out, data, len);
	return ey_buf_error(m->out);
}

struct ey_error *seal_memory(const void *data, size_t len, const struct seal_recipients *to,
			     enum seal_purpose purpose, struct ey_buf *ret)
{
	struct memory m = {data, len, ret, SIZE_MAX};

	return seal_stream(&(struct seal_io){memory_read, memory_write, &m}, to, purpose, NULL);
}

struct ey_error *unseal_memory(const void *data, size_t len, const struct seal_secret *secret,
			       size_t max, struct ey_buf *ret)
{
	struct memory m = {data, len, ret, max};

	return unseal_stream(&(struct seal_io){memory_read, memory_write, &m}, secret, NULL);
}

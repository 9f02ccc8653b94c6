/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/unwrap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "analysis/sandbox.h"
#include "analysis/unwrap_codec.h"
#include "base/cleanup.h"

enum {
	CHUNK = 1 << 18,
	PAGE = 4096,
	DEFAULT_TIMEOUT_SECONDS = 120,
};
// Windows of zstd and xz are at most 128 MiB here.
static const size_t memory_limit = 512UL << 20;
// No machine has more memory than 5-level paging can address twice over.
static const uint64_t max_size = 1ULL << 53;
// How much is written between two looks at what is free.
static const uint64_t check_every = 64ULL << 20;

struct work {
	int from, to;
	/** It must not become longer. */
	uint64_t limit;
	/** Length so far, and bytes written since the free space was looked at. */
	uint64_t len, unchecked;
};

static bool is_zeros(const uint8_t *p, size_t len)
{
	return !p[0] && !memcmp(p, p + 1, len - 1);
}

static struct ey_error *check_room(struct work *w)
{
	struct statfs fs;

	w->unchecked = 0;
	if (fstatfs(w->to, &fs) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot tell what is free for it");
	if (fs.f_bavail < fs.f_blocks / 100 * UNWRAP_KEEP_FREE)
		return ey_error_create(EY_ERR_IO,
				       "after %" PRIu64 " MiB less than %d %% of the file system "
				       "with the temporary file is free; set TMPDIR to a folder "
				       "with more room",
				       w->len >> 20, UNWRAP_KEEP_FREE);
	return NULL;
}

static struct ey_error *write_at(struct work *w, const uint8_t *data, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pwrite(w->to, data, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot write the temporary file");
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
		w->unchecked += (uint64_t)n;
	}
	return w->unchecked >= check_every ? check_room(w) : NULL;
}

// What is zero becomes a hole: the memory of a machine is, for a good part.
static struct ey_error *put(struct work *w, const uint8_t *data, size_t len)
{
	if (len > w->limit - w->len)
		return ey_error_create(EY_ERR_INPUT,
				       "it grows to more than %" PRIu64
				       " MiB, %d times its size: not a sound dump",
				       w->limit >> 20, UNWRAP_MAX_RATIO);
	for (size_t at = 0; at < len;) {
		size_t end = at;

		while (end < len && !is_zeros(data + end, EY_MIN((size_t)PAGE, len - end)))
			end = EY_MIN(end + PAGE, len);
		struct ey_error *err = write_at(w, data + at, end - at, w->len + at);
		if (err)
			return err;
		at = EY_MIN(end + (end < len ? PAGE : 0), len);
	}
	w->len += len;
	return NULL;
}

static struct ey_error *fill(struct work *w, uint8_t *buf, size_t *len_ret)
{
	*len_ret = 0;
	while (*len_ret < CHUNK) {
		ssize_t n = read(w->from, buf + *len_ret, CHUNK - *len_ret);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot read it");
		if (!n)
			break;
		*len_ret += (size_t)n;
	}
	return NULL;
}

struct buffers {
	uint8_t in[CHUNK], out[CHUNK];
};

// Give out all that the input has for now.
static struct ey_error *drain(struct work *w, struct unwrap_stream *s, struct buffers *b,
			      size_t have, bool last, enum unwrap_status *status_ret)
{
	const uint8_t *in = b->in;
	size_t in_len = have;

	for (;;) {
		uint8_t *out = b->out;
		size_t out_len = CHUNK;

		*status_ret = unwrap_stream_step(s, &in, &in_len, &out, &out_len, last);
		size_t given = (size_t)(out - b->out);
		struct ey_error *err = given ? put(w, b->out, given) : NULL;
		if (err || *status_ret != UNWRAP_MORE)
			return err;
		// A full buffer may not be all that there is; and xz wants to be told of the end.
		if (out_len && !in_len && (!last || !given))
			return NULL;
	}
}

// In the child. The answer: the codec, then what is wrong with the stream, if anything.
static struct ey_error *run(void *arg, struct ey_buf *ret)
{
	struct work *w = arg;
	_cleanup_free_ struct buffers *b = malloc(sizeof(*b));
	enum unwrap_status status = UNWRAP_MORE;
	size_t have;

	if (!b)
		return &ey_error_nomem;
	struct ey_error *err = fill(w, b->in, &have);
	if (err)
		return err;
	enum unwrap_codec codec = unwrap_codec_of(b->in, have);
	struct unwrap_stream *s = unwrap_stream_create(codec);
	if (!s)
		return &ey_error_nomem;
	while (!err && status == UNWRAP_MORE) {
		bool last = have < CHUNK;

		err = drain(w, s, b, have, last, &status);
		if (err || last)
			break;
		err = fill(w, b->in, &have);
	}
	bool whole = status == UNWRAP_END || unwrap_stream_is_complete(s);
	unwrap_stream_destroy(s);
	if (!err && !w->len)
		err = ey_error_create(EY_ERR_INPUT, codec == UNWRAP_NONE ? "the file is empty"
						    : status == UNWRAP_DAMAGED
							    ? "the compressed data is damaged"
							    : "nothing is in the compressed file");
	if (!err && ftruncate(w->to, (off_t)w->len) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot write the temporary file");
	ey_buf_addc(ret, (char)('0' + codec));
	ey_buf_addc(ret, status == UNWRAP_DAMAGED ? 'd' : whole ? '.' : 'e');
	return err;
}

// Gone with the process, however that ends.
static struct ey_error *open_temporary(int *ret)
{
	const char *folder = getenv("TMPDIR");
	char path[PATH_MAX];

	if (!folder || folder[0] != '/')
		folder = "/var/tmp";
	int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	// NFS and older overlays have no files without a name.
	if (fd < 0 &&
	    snprintf(path, sizeof(path), "%s/.eyrie-XXXXXX", folder) < (int)sizeof(path)) {
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno,
				      "cannot make a temporary file in %s (TMPDIR names another "
				      "folder)",
				      folder);
	*ret = fd;
	return NULL;
}

static const char *damage_name(char c)
{
	return c == 'd'	  ? "the compressed file is damaged; what comes before the damage is used"
	       : c == 'e' ? "the compressed file ends early; what is there is used"
			  : NULL;
}

struct ey_error *unwrap_open(int *fd, unsigned int timeout_seconds, struct analysis_unwrapped *ret)
{
	_cleanup_buf_ struct ey_buf answer = EY_BUF_INIT;
	_cleanup_close_ int to = -1;
	uint8_t head[UNWRAP_MAGIC_SIZE];
	struct stat st;

	*ret = (struct analysis_unwrapped){0};
	if (fstat(*fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat it");
	bool is_file = S_ISREG(st.st_mode);
	ssize_t n = is_file ? pread(*fd, head, sizeof(head), 0) : 0;
	if (is_file && (n <= 0 || unwrap_codec_of(head, (size_t)n) == UNWRAP_NONE))
		return NULL;
	if (is_file && lseek(*fd, 0, SEEK_SET) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot read it");
	struct ey_error *err = open_temporary(&to);
	if (err)
		return err;
	struct work w = {.from = *fd, .to = to, .limit = max_size};
	if (is_file && (uint64_t)st.st_size < max_size / UNWRAP_MAX_RATIO)
		w.limit = EY_MAX((uint64_t)st.st_size * UNWRAP_MAX_RATIO, UNWRAP_SMALL);
	err = check_room(&w);
	if (err)
		return err;
	struct sandbox_limits limits = {
		.timeout_seconds = timeout_seconds ? timeout_seconds : DEFAULT_TIMEOUT_SECONDS,
		.memory = memory_limit,
		.output = PAGE,
		.input_fd = *fd,
		.file_fd = to,
		.file_size = max_size,
	};
	err = sandbox_run(run, &w, &limits, &answer);
	if (err)
		return ey_error_prefix(err, is_file ? "decompressing it" : "copying it");
	if (answer.len != 2 || answer.data[0] < '0' + UNWRAP_NONE ||
	    answer.data[0] > '0' + UNWRAP_ZSTD)
		return ey_error_create(EY_ERR_INPUT, "decompressing it gave a broken answer");
	ret->what = unwrap_codec_name((enum unwrap_codec)(answer.data[0] - '0'));
	ret->damage = damage_name(answer.data[1]);
	close(*fd);
	*fd = no_cleanup_fd(to);
	return NULL;
}

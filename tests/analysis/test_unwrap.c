/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is compressed around a dump: each format, streams in a row, cut, damaged, and bombs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "analysis/unwrap.h"
#include "base/buf.h"
#include "base/cleanup.h"

enum {
	TIMEOUT = 60,
	// More than the buffers hold, and no multiple of a page.
	LEN = (1 << 20) + 12345,
};

static char dir[] = "/tmp/eyrie-test-unwrap-XXXXXX";

static const char *const codecs[] = {"gzip", "xz", "zstd"};

// Bytes that hardly compress, zeros for the length of pages, and a pattern.
static uint8_t *make_content(void)
{
	uint8_t *p = malloc(LEN);
	uint64_t x = 1;

	for (size_t i = 0; i < LEN; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		p[i] = i < LEN / 3 ? (uint8_t)(x >> 56) : i < LEN / 3 * 2 ? 0 : (uint8_t)(i / 100);
	}
	return p;
}

static void compress_to(struct ey_buf *ret, size_t codec, const void *data, size_t len)
{
	size_t room = len + len / 2 + 1000, n = 0;
	uint8_t *out = malloc(room);
	z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
		      .avail_in = (uInt)len,
		      .next_out = out,
		      .avail_out = (uInt)room};

	switch (codec) {
	case 0:
		assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		n = z.total_out;
		deflateEnd(&z);
		break;
	case 1:
		assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, data, len, out,
							 &n, room),
				 LZMA_OK);
		break;
	case 2:
		n = ZSTD_compress(out, room, data, len, 1);
		assert_false(ZSTD_isError(n));
		break;
	}
	ey_buf_add(ret, out, n);
	free(out);
}

static int file_of(const struct ey_buf *buf)
{
	int fd = memfd_create("compressed", MFD_CLOEXEC);

	assert_int_equal(write(fd, buf->data, buf->len), buf->len);
	return fd;
}

static void assert_content(int fd, const uint8_t *expected, size_t len)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, len);
	const uint8_t *got = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(got, MAP_FAILED);
	assert_memory_equal(got, expected, len);
	munmap((void *)(uintptr_t)got, len);
}

static void unwrap(int *fd, struct analysis_unwrapped *ret)
{
	_cleanup_error_ struct ey_error *err = unwrap_open(fd, TIMEOUT, ret);

	if (err)
		fail_msg("%s", err->message);
}

static void assert_refused(int fd, enum ey_error_code code, const char *text)
{
	struct analysis_unwrapped u;
	int before = fd;
	_cleanup_error_ struct ey_error *err = unwrap_open(&fd, TIMEOUT, &u);

	assert_non_null(err);
	if (err->code != code || !strstr(err->message, text))
		fail_msg("code %d, \"%s\"", (int)err->code, err->message);
	assert_int_equal(fd, before); // still the caller's
	close(fd);
}

static void each_format_is_opened(void **state)
{
	_cleanup_free_ uint8_t *content = make_content();

	for (size_t i = 0; i < EY_ARRAY_SIZE(codecs); i++) {
		_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
		struct analysis_unwrapped u;
		struct stat st;

		compress_to(&buf, i, content, LEN);
		_cleanup_close_ int fd = file_of(&buf);
		unwrap(&fd, &u);
		assert_string_equal(u.what, codecs[i]);
		assert_null(u.damage);
		assert_content(fd, content, LEN);
		// Without a name, and the zeros take no room.
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_nlink, 0);
		assert_true(st.st_blocks * 512 < LEN);
	}
}

static void streams_in_a_row_are_one_file(void **state)
{
	_cleanup_free_ uint8_t *content = make_content();

	for (size_t i = 0; i < EY_ARRAY_SIZE(codecs); i++) {
		_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
		struct analysis_unwrapped u;

		compress_to(&buf, i, content, 1000);
		compress_to(&buf, i, content + 1000, LEN - 1000);
		_cleanup_close_ int fd = file_of(&buf);
		unwrap(&fd, &u);
		assert_null(u.damage);
		assert_content(fd, content, LEN);
	}
}

static void what_is_not_compressed_stays(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	struct analysis_unwrapped u;

	ey_buf_adds(&buf, "KDUMP   and so on");
	_cleanup_close_ int fd = file_of(&buf);
	int before = fd;
	unwrap(&fd, &u);
	assert_int_equal(fd, before);
	assert_null(u.what);
}

// A pipe has no positions: its bytes are copied, or decompressed.
static void pipe_becomes_a_file(void **state)
{
	for (int compressed = 0; compressed < 2; compressed++) {
		_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
		struct analysis_unwrapped u;
		int fds[2];

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		if (compressed)
			compress_to(&buf, 2, "through a pipe", 14);
		else
			ey_buf_adds(&buf, "through a pipe");
		assert_int_equal(write(fds[1], buf.data, buf.len), buf.len);
		close(fds[1]);
		_cleanup_close_ int fd = fds[0];
		unwrap(&fd, &u);
		assert_null(u.damage);
		assert_int_equal(u.what != NULL, compressed);
		assert_content(fd, (const uint8_t *)"through a pipe", 14);
	}
}

static void cut_stream_gives_what_is_there(void **state)
{
	_cleanup_free_ uint8_t *content = make_content();

	for (size_t i = 0; i < EY_ARRAY_SIZE(codecs); i++) {
		_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
		struct analysis_unwrapped u;
		struct stat st;

		compress_to(&buf, i, content, LEN);
		buf.len = buf.len * 3 / 4;
		_cleanup_close_ int fd = file_of(&buf);
		unwrap(&fd, &u);
		assert_non_null(u.damage);
		assert_non_null(strstr(u.damage, "ends early"));
		assert_int_equal(fstat(fd, &st), 0);
		assert_true(st.st_size > LEN / 8 && st.st_size < LEN);
		assert_content(fd, content, (size_t)st.st_size);
	}
}

static void damaged_stream_gives_what_comes_before(void **state)
{
	_cleanup_free_ uint8_t *content = make_content();

	for (size_t i = 0; i < EY_ARRAY_SIZE(codecs); i++) {
		_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
		struct analysis_unwrapped u;

		compress_to(&buf, i, content, LEN);
		memset(buf.data + buf.len - 200, 0xa5, 150);
		_cleanup_close_ int fd = file_of(&buf);
		unwrap(&fd, &u);
		assert_non_null(u.damage);
		assert_non_null(strstr(u.damage, "damaged"));
	}
}

static void nothing_is_refused(void **state)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(codecs); i++) {
		_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

		compress_to(&buf, i, "", 0);
		assert_refused(file_of(&buf), EY_ERR_INPUT, "nothing is in");
		memset(buf.data + 6, 0xff, buf.len - 6);
		assert_refused(file_of(&buf), EY_ERR_INPUT, "");
	}
}

// More than a thousand times its size, and more than is small.
static void bomb_is_refused(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	size_t len = (1UL << 30) + 4096;
	void *zeros =
		mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ZSTD_CStream *z = ZSTD_createCStream();
	uint8_t out[1 << 17];
	ZSTD_inBuffer in = {zeros, len, 0};
	size_t left;

	assert_ptr_not_equal(zeros, MAP_FAILED);
	do {
		ZSTD_outBuffer to = {out, sizeof(out), 0};

		left = ZSTD_compressStream2(z, &to, &in, ZSTD_e_end);
		assert_false(ZSTD_isError(left));
		ey_buf_add(&buf, out, to.pos);
	} while (left);
	ZSTD_freeCStream(z);
	munmap(zeros, len);
	assert_refused(file_of(&buf), EY_ERR_INPUT, "1000 times its size");
}

static void folder_without_room_is_named(void **state)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

	compress_to(&buf, 0, "text", 4);
	setenv("TMPDIR", "/proc/self/nowhere", 1);
	assert_refused(file_of(&buf), EY_ERR_IO, "/proc/self/nowhere");
	setenv("TMPDIR", dir, 1);
}

static size_t entries(void)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	size_t count = 0;

	for (const struct dirent *de; (de = readdir(d));)
		count += de->d_name[0] != '.' || strlen(de->d_name) > 2;
	return count;
}

static int set_up(void **state)
{
	return !mkdtemp(dir) || setenv("TMPDIR", dir, 1);
}

static int tear_down(void **state)
{
	// Nothing was left by any of them.
	return entries() ? -1 : rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format_is_opened),
		cmocka_unit_test(streams_in_a_row_are_one_file),
		cmocka_unit_test(what_is_not_compressed_stays),
		cmocka_unit_test(pipe_becomes_a_file),
		cmocka_unit_test(cut_stream_gives_what_is_there),
		cmocka_unit_test(damaged_stream_gives_what_comes_before),
		cmocka_unit_test(nothing_is_refused),
		cmocka_unit_test(bomb_is_refused),
		cmocka_unit_test(folder_without_room_is_named),
	};

	return cmocka_run_group_tests_name("unwrap", tests, set_up, tear_down);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/unwrap_codec.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"

// xz -9 wants 65 MiB to decompress.
static const uint64_t xz_memory = 256ULL << 20;

struct unwrap_stream {
	enum unwrap_codec codec;
	/** Between two streams, or behind the last one. */
	bool complete;
	z_stream zlib;
	lzma_stream lzma;
	ZSTD_DStream *zstd;
};

enum unwrap_codec unwrap_codec_of(const uint8_t *head, size_t len)
{
	if (len >= 3 && !memcmp(head, "\x1f\x8b\x08", 3))
		return UNWRAP_GZIP;
	if (len >= 6 && !memcmp(head,
				"\xfd"
				"7zXZ",
				6))
		return UNWRAP_XZ;
	if (len >= 4 && !memcmp(head, "\x28\xb5\x2f\xfd", 4))
		return UNWRAP_ZSTD;
	// A skippable frame, with which pzstd and the seekable format begin.
	if (len >= 4 && (head[0] & 0xf0) == 0x50 && !memcmp(head + 1, "\x2a\x4d\x18", 3))
		return UNWRAP_ZSTD;
	return UNWRAP_NONE;
}

const char *unwrap_codec_name(enum unwrap_codec codec)
{
	static const char *const names[] = {
		[UNWRAP_NONE] = NULL,
		[UNWRAP_GZIP] = "gzip",
		[UNWRAP_XZ] = "xz",
		[UNWRAP_ZSTD] = "zstd",
	};

	return names[codec];
}

struct unwrap_stream *unwrap_stream_create(enum unwrap_codec codec)
{
	struct unwrap_stream *s = calloc(1, sizeof(*s));
	bool good = s;

	if (!s)
		return NULL;
	s->codec = codec;
	switch (codec) {
	case UNWRAP_NONE:
		s->complete = true;
		break;
	case UNWRAP_GZIP:
		// 15: the largest window; 16: gzip's header and trailer.
		good = inflateInit2(&s->zlib, 15 + 16) == Z_OK;
		break;
	case UNWRAP_XZ:
		s->lzma = (lzma_stream)LZMA_STREAM_INIT;
		good = lzma_stream_decoder(&s->lzma, xz_memory, LZMA_CONCATENATED) == LZMA_OK;
		break;
	case UNWRAP_ZSTD:
		s->zstd = ZSTD_createDStream();
		good = s->zstd;
		break;
	}
	if (!good) {
		unwrap_stream_destroy(s);
		return NULL;
	}
	return s;
}

void unwrap_stream_destroy(struct unwrap_stream *s)
{
	if (!s)
		return;
	if (s->codec == UNWRAP_GZIP)
		inflateEnd(&s->zlib);
	if (s->codec == UNWRAP_XZ)
		lzma_end(&s->lzma);
	ZSTD_freeDStream(s->zstd);
	free(s);
}

static enum unwrap_status copy(const uint8_t **in, size_t *in_len, uint8_t **out, size_t *out_len)
{
	size_t n = EY_MIN(*in_len, *out_len);

	memcpy(*out, *in, n);
	*in += n;
	*in_len -= n;
	*out += n;
	*out_len -= n;
	return UNWRAP_MORE;
}

// Members may follow each other (gzip's own program, pigz); behind the last one tapes have zeros.
static enum unwrap_status next_member(struct unwrap_stream *s, const uint8_t *in, size_t in_len)
{
	if (!in_len)
		return UNWRAP_MORE;
	if (in[0] != 0x1f)
		return UNWRAP_END;
	s->complete = false;
	return inflateReset(&s->zlib) == Z_OK ? UNWRAP_MORE : UNWRAP_DAMAGED;
}

static enum unwrap_status step_gzip(struct unwrap_stream *s, const uint8_t **in, size_t *in_len,
				    uint8_t **out, size_t *out_len)
{
	if (s->complete) {
		enum unwrap_status status = next_member(s, *in, *in_len);

		if (status != UNWRAP_MORE || s->complete)
			return status;
	}
	s->zlib.next_in = (Bytef *)(uintptr_t)*in;
	s->zlib.avail_in = (uInt)*in_len;
	s->zlib.next_out = *out;
	s->zlib.avail_out = (uInt)*out_len;
	int ret = inflate(&s->zlib, Z_NO_FLUSH);
	*in = s->zlib.next_in;
	*in_len = s->zlib.avail_in;
	*out = s->zlib.next_out;
	*out_len = s->zlib.avail_out;
	s->complete = ret == Z_STREAM_END;
	// Z_BUF_ERROR: nothing could be done for want of input or room; that is no error.
	return ret == Z_OK || ret == Z_STREAM_END || ret == Z_BUF_ERROR ? UNWRAP_MORE
									: UNWRAP_DAMAGED;
}

static enum unwrap_status step_xz(struct unwrap_stream *s, const uint8_t **in, size_t *in_len,
				  uint8_t **out, size_t *out_len, bool last)
{
	s->lzma.next_in = *in;
	s->lzma.avail_in = *in_len;
	s->lzma.next_out = *out;
	s->lzma.avail_out = *out_len;
	lzma_ret ret = lzma_code(&s->lzma, last && !*in_len ? LZMA_FINISH : LZMA_RUN);
	*in = s->lzma.next_in;
	*in_len = s->lzma.avail_in;
	*out = s->lzma.next_out;
	*out_len = s->lzma.avail_out;
	s->complete = ret == LZMA_STREAM_END;
	if (ret == LZMA_STREAM_END)
		return UNWRAP_END;
	return ret == LZMA_OK || ret == LZMA_BUF_ERROR ? UNWRAP_MORE : UNWRAP_DAMAGED;
}

static enum unwrap_status step_zstd(struct unwrap_stream *s, const uint8_t **in, size_t *in_len,
				    uint8_t **out, size_t *out_len)
{
	ZSTD_inBuffer from = {*in, *in_len, 0};
	ZSTD_outBuffer to = {*out, *out_len, 0};
	size_t ret = ZSTD_decompressStream(s->zstd, &to, &from);

	*in += from.pos;
	*in_len -= from.pos;
	*out += to.pos;
	*out_len -= to.pos;
	// 0: a frame is whole; another may follow.
	if (!ZSTD_isError(ret) && (from.pos || to.pos))
		s->complete = !ret;
	return ZSTD_isError(ret) ? UNWRAP_DAMAGED : UNWRAP_MORE;
}

enum unwrap_status unwrap_stream_step(struct unwrap_stream *s, const uint8_t **in, size_t *in_len,
				      uint8_t **out, size_t *out_len, bool last)
{
	switch (s->codec) {
	case UNWRAP_GZIP:
		return step_gzip(s, in, in_len, out, out_len);
	case UNWRAP_XZ:
		return step_xz(s, in, in_len, out, out_len, last);
	case UNWRAP_ZSTD:
		return step_zstd(s, in, in_len, out, out_len);
	default:
		return copy(in, in_len, out, out_len);
	}
}

bool unwrap_stream_is_complete(const struct unwrap_stream *s)
{
	return s->complete;
}

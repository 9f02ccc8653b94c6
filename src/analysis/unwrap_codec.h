/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A stream decompressor, of whatever format. Internal to unwrap.c. */
#ifndef EYRIE_ANALYSIS_UNWRAP_CODEC_H
#define EYRIE_ANALYSIS_UNWRAP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unwrap_codec {
	/** Not compressed: copied. */
	UNWRAP_NONE,
	UNWRAP_GZIP,
	UNWRAP_XZ,
	UNWRAP_ZSTD,
};

enum {
	/** Bytes of a file's beginning that tell the format. */
	UNWRAP_MAGIC_SIZE = 6,
};

enum unwrap_status {
	/** More input is wanted, or there is more to give. */
	UNWRAP_MORE,
	/** This is the end of the data; what follows is not of it. */
	UNWRAP_END,
	UNWRAP_DAMAGED,
};

struct unwrap_stream;

enum unwrap_codec unwrap_codec_of(const uint8_t *head, size_t len);
/** "gzip", "xz", "zstd"; NULL for UNWRAP_NONE. */
const char *unwrap_codec_name(enum unwrap_codec codec);

/** NULL where there is no memory. */
struct unwrap_stream *unwrap_stream_create(enum unwrap_codec codec);
void unwrap_stream_destroy(struct unwrap_stream *s);
/**
 * Take from [*in, *in + *in_len) and give to [*out, *out + *out_len), moving both on. @p last says
 * that no input follows.
 */
enum unwrap_status unwrap_stream_step(struct unwrap_stream *s, const uint8_t **in, size_t *in_len,
				      uint8_t **out, size_t *out_len, bool last);
/** Whether the input may end here: a stream is complete. */
bool unwrap_stream_is_complete(const struct unwrap_stream *s);

#endif

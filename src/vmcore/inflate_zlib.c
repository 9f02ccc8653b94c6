/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
// Input is only read.
#define ZLIB_CONST
#include <zlib.h>

#include "vmcore/inflate.h"

struct inflater {
	z_stream stream;
};

struct inflater *inflater_create(void)
{
	struct inflater *f = calloc(1, sizeof(*f));

	if (f && inflateInit(&f->stream) != Z_OK) {
		free(f);
		return NULL;
	}
	return f;
}

void inflater_destroy(struct inflater *f)
{
	if (f)
		inflateEnd(&f->stream);
	free(f);
}

bool inflater_run(struct inflater *f, const uint8_t *data, size_t len, uint8_t *dest, size_t size)
{
	inflateReset(&f->stream);
	f->stream.next_in = data;
	f->stream.avail_in = (uInt)len;
	f->stream.next_out = dest;
	f->stream.avail_out = (uInt)size;
	return inflate(&f->stream, Z_FINISH) == Z_STREAM_END && !f->stream.avail_out;
}

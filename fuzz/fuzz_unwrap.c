/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A compressed stream, in pieces of odd sizes: no more than so much comes out of it. */
#include <stdlib.h>

#include "analysis/unwrap_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { ROOM = 4096, MAX_OUTPUT = 1 << 22, MAX_STEPS = 1 << 14 };
	struct unwrap_stream *s = unwrap_stream_create(unwrap_codec_of(data, size));
	size_t total = 0, piece = size % 97 + 1;
	uint8_t *room = malloc(ROOM);

	for (size_t steps = 0; s && room && total < MAX_OUTPUT && steps < MAX_STEPS; steps++) {
		const uint8_t *in = data;
		size_t in_len = size < piece ? size : piece;
		uint8_t *out = room;
		size_t out_len = ROOM, before = in_len;
		enum unwrap_status status =
			unwrap_stream_step(s, &in, &in_len, &out, &out_len, size <= piece);

		if (in < data || in > data + before || out < room || out > room + ROOM ||
		    (size_t)(in - data) != before - in_len ||
		    (size_t)(out - room) != ROOM - out_len)
			abort();
		size -= (size_t)(in - data);
		data = in;
		total += (size_t)(out - room);
		if (status != UNWRAP_MORE || (!size && out == room))
			break;
	}
	if (s)
		unwrap_stream_is_complete(s);
	unwrap_stream_destroy(s);
	free(room);
	return 0;
}

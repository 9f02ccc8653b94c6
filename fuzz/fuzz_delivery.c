/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A delivery of a crash: the multipart body with its parts, and the headers of an upload. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ingest/delivery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct delivery_options options = {.site = "north", .now = 1795435200};
	_cleanup_delivery_ struct delivery delivery = {0};
	// The first line is the Content-Type.
	const char *text = (const char *)data;
	const char *eol = size ? memchr(text, '\n', size) : NULL;
	size_t head = eol ? (size_t)(eol - text) : size;
	_cleanup_free_ char *type = strndup(text, head);
	// A copy of its exact size, so that one byte too far is seen.
	size_t len = eol ? size - head - 1 : 0;
	_cleanup_free_ char *body = malloc(len ? len : 1);

	if (!type || !body)
		abort();
	if (len)
		memcpy(body, eol + 1, len);
	struct ey_error *err = delivery_read(type, body, len, &options, &delivery);
	if (err) {
		if (strchr(err->message, '\n'))
			abort();
		ey_error_destroy(err);
		return 0;
	}
	if (!delivery.path || strstr(delivery.path, "/../") || strstr(delivery.path, "//") ||
	    delivery.path[0] == '/' || !delivery.take.intake.parts[DB_PART_RECORD].data)
		abort();
	return 0;
}

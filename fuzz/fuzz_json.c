/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever bytes a dump holds, what the JSON writer makes of them must be JSON. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	struct ey_json w;

	ey_json_init(&w, &buf, size % 3);
	ey_json_object_begin(&w);
	ey_json_key(&w, "text");
	ey_json_stringn(&w, (const char *)data, size);
	ey_json_key(&w, "list");
	ey_json_array_begin(&w);
	for (size_t i = 0; i < size && i < 64; i++)
		ey_json_stringn(&w, (const char *)data + i, 1);
	ey_json_array_end(&w);
	ey_json_object_end(&w);
	if (ey_buf_error(&buf))
		return 0;

	json_t *json = json_loadb(ey_buf_str(&buf), buf.len, JSON_ALLOW_NUL, NULL);
	if (!json)
		abort();
	json_decref(json);
	return 0;
}

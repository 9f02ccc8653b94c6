/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers that say what an upload is: length, metadata and checksum, a line each. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "server/upload_meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	unsigned char sha256[32];
	struct upload_meta meta;
	char *rest = text;
	bool has;

	if (!text)
		abort();
	const char *length = strsep(&rest, "\n"), *metadata = strsep(&rest, "\n");
	struct ey_error *err = upload_meta_read(length, metadata, &meta);
	if (!err &&
	    (meta.size < 1 || meta.crash_id < 1 || (*meta.sha256 && strlen(meta.sha256) != 64)))
		abort();
	ey_error_destroy(err);
	ey_error_destroy(upload_checksum_read(rest, sha256, &has));
	return 0;
}

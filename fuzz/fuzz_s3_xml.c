/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An answer of an S3 store: whatever it is, what is read of it keeps to its limits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s)
{
	if (s && strlen(s) > S3_XML_MAX_TEXT)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_s3_answer_ struct s3_answer a;
	_cleanup_error_ struct ey_error *err = s3_xml_read((const char *)data, size, &a);

	if (err) {
		if (a.count || a.root || a.code)
			abort();
		return 0;
	}
	if (!a.root || a.count > S3_XML_MAX_ITEMS || a.next_part > 10000)
		abort();
	for (size_t i = 0; i < a.count; i++) {
		check_text(a.items[i].key);
		check_text(a.items[i].etag);
		check_text(a.items[i].upload_id);
		if (a.items[i].size > INT64_MAX || a.items[i].part > 10000)
			abort();
	}
	check_text(a.code);
	check_text(a.message);
	check_text(a.next);
	return 0;
}

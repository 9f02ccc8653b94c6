/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers that say who asks, and for which part of a dump, as anybody may send them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth_header.h"
#include "server/http_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be(bool condition)
{
	if (!condition)
		abort();
}

static void check_range(const char *text, uint64_t size)
{
	uint64_t first = 0, len = 0;

	if (http_range_parse(text, size, &first, &len) == HTTP_RANGE_PART)
		must_be(len > 0 && first < size && len <= size - first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char proxies[] = "127.0.0.1 ::1 10.0.0.0/8";
	char value[64], bucket[64], bad[64];
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (auth_header_bearer(text, value, sizeof(value)))
		must_be(strlen(value) < sizeof(value) && strstr(text, value));
	if (auth_header_cookie(text, "eyrie", value, sizeof(value)))
		must_be(*value && strstr(text, value));
	if (auth_name_is_valid(text))
		must_be(strlen(text) <= 64);
	if (auth_header_forwarded(text, proxies, value, sizeof(value))) {
		// Whom a proxy names is never a proxy.
		must_be(!auth_address_in(value, proxies));
		auth_address_bucket(value, bucket, sizeof(bucket));
		must_be(*bucket);
	}
	if (auth_address_list_check(text, bad, sizeof(bad)))
		auth_address_in("192.0.2.1", text);
	check_range(text, 0);
	check_range(text, 1);
	check_range(text, 1000);
	check_range(text, UINT64_MAX);
	free(text);
	return 0;
}

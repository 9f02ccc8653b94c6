/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fuzz target with a mistake that a few mutations find, for test_checks.py. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 3 && !memcmp(data, "boo", 3))
		abort();
	return 0;
}

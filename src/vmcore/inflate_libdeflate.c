/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libdeflate.h>

#include "vmcore/inflate.h"

// libdeflate's own object is the inflater; there is nothing to add to it.
struct inflater *inflater_create(void)
{
	return (struct inflater *)libdeflate_alloc_decompressor();
}

void inflater_destroy(struct inflater *f)
{
	if (f)
		libdeflate_free_decompressor((struct libdeflate_decompressor *)f);
}

bool inflater_run(struct inflater *f, const uint8_t *data, size_t len, uint8_t *dest, size_t size)
{
	// NULL: the output must have just this size.
	return libdeflate_zlib_decompress((struct libdeflate_decompressor *)f, data, len, dest,
					  size, NULL) == LIBDEFLATE_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The header Range (RFC 9110, 14.2), as far as a download needs it. */
#ifndef EYRIE_SERVER_HTTP_RANGE_H
#define EYRIE_SERVER_HTTP_RANGE_H

#include <stdint.h>

enum http_range {
	/** Not asked for a part, or in a way that is to be passed over: all of it. */
	HTTP_RANGE_WHOLE,
	HTTP_RANGE_PART,
	/** Nothing of what is there was asked for: 416. */
	HTTP_RANGE_BEYOND,
};

/**
 * What of @p size bytes the header @p text (may be NULL) asks for: @p len_ret bytes from
 * @p first_ret. Several ranges in one request are passed over, which a server may.
 */
enum http_range http_range_parse(const char *text, uint64_t size, uint64_t *first_ret,
				 uint64_t *len_ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Take a multipart/form-data body (RFC 7578) apart, without copying what it holds.
 * Everything here is text that anybody may send.
 */
#ifndef EYRIE_BASE_MULTIPART_H
#define EYRIE_BASE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
	/** Longest boundary (RFC 2046), and headers of one part, bytes. */
	EY_MULTIPART_BOUNDARY_MAX = 70,
	EY_MULTIPART_HEADERS_MAX = 4096,
};

/** One part; what it points to belongs to the body. Nothing is NUL-terminated. */
struct ey_multipart_part {
	const char *name;
	size_t name_len;
	/** The media type without parameters; length 0 where it is not said. */
	const char *type;
	size_t type_len;
	const char *data;
	size_t len;
};

/** Whether @p content_type (a header's value, may be NULL) is multipart/form-data. */
bool ey_multipart_is(const char *content_type);
/**
 * Find the at most @p max parts of @p body. EY_ERR_INPUT says what is not as it should be: no
 * boundary, a part without a name, more parts, an end that is missing (the body was cut).
 */
struct ey_error *ey_multipart_parse(const char *content_type, const char *body, size_t len,
				    struct ey_multipart_part *parts, size_t max,
				    size_t *count_ret) EY_MUST_CHECK;
/** Whether a part has this name, and whether it has this type. */
bool ey_multipart_is_named(const struct ey_multipart_part *part, const char *name);
bool ey_multipart_is_type(const struct ey_multipart_part *part, const char *type);

#endif

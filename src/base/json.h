/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A JSON writer that appends to a buffer: no tree, no copies, output always well-formed.
 * (To read JSON, use jansson.) Bytes of strings that are not valid UTF-8 are written as U+FFFD,
 * so that the output is valid JSON whatever a hostile dump or log held.
 */
#ifndef EYRIE_BASE_JSON_H
#define EYRIE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct ey_json {
	struct ey_buf *buf;
	/** Spaces an indentation level; 0: everything on one line. */
	unsigned int indent;
	unsigned int depth;
	bool first;
	bool after_key;
};

/** @p indent 0 for one line. The writer holds nothing to free. */
void ey_json_init(struct ey_json *w, struct ey_buf *buf, unsigned int indent);
void ey_json_object_begin(struct ey_json *w);
void ey_json_object_end(struct ey_json *w);
void ey_json_array_begin(struct ey_json *w);
void ey_json_array_end(struct ey_json *w);
/** The key of the next value of an object. */
void ey_json_key(struct ey_json *w, const char *key);
/** A string; NULL writes null. */
void ey_json_string(struct ey_json *w, const char *s);
void ey_json_stringn(struct ey_json *w, const char *s, size_t len);
void ey_json_int(struct ey_json *w, int64_t v);
void ey_json_uint(struct ey_json *w, uint64_t v);
void ey_json_double(struct ey_json *w, double v, int decimals);
void ey_json_bool(struct ey_json *w, bool v);
void ey_json_null(struct ey_json *w);
/** A kernel address: a string of 16 hexadecimal digits. */
void ey_json_address(struct ey_json *w, uint64_t address);
/** Text that is already one well-formed JSON value, or members of the object that is open. */
void ey_json_raw(struct ey_json *w, const char *json, size_t len);

/** Key and value in one. */
void ey_json_kv_string(struct ey_json *w, const char *key, const char *s);
void ey_json_kv_int(struct ey_json *w, const char *key, int64_t v);
void ey_json_kv_uint(struct ey_json *w, const char *key, uint64_t v);
void ey_json_kv_bool(struct ey_json *w, const char *key, bool v);
void ey_json_kv_address(struct ey_json *w, const char *key, uint64_t address);

/**
 * Bound what a parser will build before it builds it: a few bytes of JSON become some hundred bytes
 * of tree, and parsers recurse a level each. More than @p max_depth objects and lists within each
 * other or more than @p max_values keys and values are EY_ERR_INPUT. This does not validate.
 */
struct ey_error *ey_json_check_limits(const char *json, size_t len, size_t max_depth,
				      size_t max_values) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A growing string of bytes. Appending never fails in the middle of a function: when memory
 * runs out the buffer remembers it, ignores what follows, and ey_buf_error() tells at the end.
 */
#ifndef EYRIE_BASE_BUF_H
#define EYRIE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

struct ey_buf {
	/** The bytes, always followed by a NUL that @p len does not count; NULL while empty. */
	char *data;
	size_t len;
	size_t capacity;
	bool failed;
};

#define EY_BUF_INIT     \
	(struct ey_buf) \
	{               \
		0       \
	}

void ey_buf_deinit(struct ey_buf *buf);
#define _cleanup_buf_ _cleanup_(ey_buf_deinit)

/** Make room for @p more bytes beyond len; false (and failed set) when memory is out. */
bool ey_buf_reserve(struct ey_buf *buf, size_t more);
/** ey_buf_add() where there may be no room yet. */
void ey_buf_add_growing(struct ey_buf *buf, const void *data, size_t len);
static inline void ey_buf_add(struct ey_buf *buf, const void *data, size_t len)
{
	if (len < buf->capacity - buf->len && !buf->failed) {
		memcpy(buf->data + buf->len, data, len);
		buf->len += len;
		buf->data[buf->len] = '\0';
	} else {
		ey_buf_add_growing(buf, data, len);
	}
}
static inline void ey_buf_adds(struct ey_buf *buf, const char *s)
{
	ey_buf_add(buf, s, strlen(s));
}
static inline void ey_buf_addc(struct ey_buf *buf, char c)
{
	ey_buf_add(buf, &c, 1);
}
void ey_buf_printf(struct ey_buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Empty it, keeping the memory. */
static inline void ey_buf_clear(struct ey_buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}
/** The NUL-terminated text, "" while empty; owned by the buffer. */
static inline const char *ey_buf_str(const struct ey_buf *buf)
{
	return buf->data ? buf->data : "";
}
/** Hand the NUL-terminated bytes to the caller (free()); NULL when memory ran out. */
char *ey_buf_steal(struct ey_buf *buf, size_t *len_ret);
/** The out-of-memory error if any append failed. */
struct ey_error *ey_buf_error(const struct ey_buf *buf) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ey_buf_deinit(struct ey_buf *buf)
{
	free(buf->data);
	*buf = EY_BUF_INIT;
}

bool ey_buf_reserve(struct ey_buf *buf, size_t more)
{
	size_t need;

	if (buf->failed)
		return false;
	if (__builtin_add_overflow(buf->len, more, &need) ||
	    __builtin_add_overflow(need, 1, &need)) {
		buf->failed = true;
		return false;
	}
	if (need <= buf->capacity)
		return true;
	size_t capacity = EY_MAX(buf->capacity + buf->capacity / 2, need);
	if (capacity < 64)
		capacity = 64;
	char *data = realloc(buf->data, capacity);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

void ey_buf_add_growing(struct ey_buf *buf, const void *data, size_t len)
{
	if (!ey_buf_reserve(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void ey_buf_printf(struct ey_buf *buf, const char *format, ...)
{
	va_list ap;

	if (!ey_buf_reserve(buf, 64))
		return;
	size_t room = buf->capacity - buf->len;
	va_start(ap, format);
	int n = vsnprintf(buf->data + buf->len, room, format, ap);
	va_end(ap);
	if (n < 0) {
		buf->failed = true;
		return;
	}
	if ((size_t)n >= room) {
		if (!ey_buf_reserve(buf, (size_t)n))
			return;
		va_start(ap, format);
		vsnprintf(buf->data + buf->len, (size_t)n + 1, format, ap);
		va_end(ap);
	}
	buf->len += (size_t)n;
}

char *ey_buf_steal(struct ey_buf *buf, size_t *len_ret)
{
	if (!ey_buf_reserve(buf, 0)) {
		ey_buf_deinit(buf);
		return NULL;
	}
	buf->data[buf->len] = '\0';
	if (len_ret)
		*len_ret = buf->len;
	char *data = buf->data;
	*buf = EY_BUF_INIT;
	return data;
}

struct ey_error *ey_buf_error(const struct ey_buf *buf)
{
	return buf->failed ? &ey_error_nomem : NULL;
}

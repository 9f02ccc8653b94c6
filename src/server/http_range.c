/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/http_range.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

// Digits, and nothing that strtoull() would take besides them. What is too large is the largest.
static bool read_number(const char **s, uint64_t *ret)
{
	char *end;

	if (**s < '0' || **s > '9')
		return false;
	errno = 0;
	*ret = strtoull(*s, &end, 10);
	*s = end;
	return true;
}

enum http_range http_range_parse(const char *text, uint64_t size, uint64_t *first_ret,
				 uint64_t *len_ret)
{
	static const char unit[] = "bytes=";
	uint64_t first = 0, last = UINT64_MAX;

	*first_ret = 0;
	*len_ret = size;
	if (!text || strncasecmp(text, unit, sizeof(unit) - 1) != 0)
		return HTTP_RANGE_WHOLE;
	const char *s = text + sizeof(unit) - 1;
	bool from = read_number(&s, &first);
	if (*s++ != '-')
		return HTTP_RANGE_WHOLE;
	bool to = read_number(&s, &last);
	if (*s || (!from && !to) || (from && to && last < first))
		return HTTP_RANGE_WHOLE;
	if (!from) { // so many at the end
		if (!last || !size)
			return HTTP_RANGE_BEYOND;
		*len_ret = EY_MIN(last, size);
		*first_ret = size - *len_ret;
		return HTTP_RANGE_PART;
	}
	if (first >= size)
		return HTTP_RANGE_BEYOND;
	*first_ret = first;
	*len_ret = EY_MIN(last, size - 1) - first + 1;
	return HTTP_RANGE_PART;
}

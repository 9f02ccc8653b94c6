/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oops/scan.h"

#include <string.h>

bool oops_scan_line(const char *line, size_t len)
{
	return len > 0;
}

const char *oops_scan(const char *p, const char *end, uint64_t *lines)
{
	return p;
}

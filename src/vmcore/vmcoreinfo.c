/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/vmcoreinfo.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *vmcoreinfo_find(const char *info, const char *key)
{
	size_t len = strlen(key);

	while (info && *info) {
		if (!strncmp(info, key, len) && info[len] == '=')
			return info + len + 1;
		info = strchr(info, '\n');
		if (info)
			info++;
	}
	return NULL;
}

static bool parse(const char *value, int base, uint64_t *ret)
{
	char *end;

	if (!value || isspace((unsigned char)*value))
		return false;
	errno = 0;
	// Negative decimals wrap, as the caller expects.
	unsigned long long v = strtoull(value, &end, base);
	if (errno || end == value || (*end && !isspace((unsigned char)*end)))
		return false;
	*ret = v;
	return true;
}

static bool find_quoted(const char *info, const char *what, const char *name, int base,
			uint64_t *ret)
{
	char key[160];
	int n = snprintf(key, sizeof(key), "%s(%s)", what, name);

	return n > 0 && (size_t)n < sizeof(key) && parse(vmcoreinfo_find(info, key), base, ret);
}

bool vmcoreinfo_symbol(const char *info, const char *name, uint64_t *ret)
{
	return find_quoted(info, "SYMBOL", name, 16, ret);
}

bool vmcoreinfo_number(const char *info, const char *name, int64_t *ret)
{
	uint64_t v;

	if (!find_quoted(info, "NUMBER", name, 10, &v))
		return false;
	*ret = (int64_t)v;
	return true;
}

bool vmcoreinfo_offset(const char *info, const char *member, uint64_t *ret)
{
	return find_quoted(info, "OFFSET", member, 10, ret);
}

bool vmcoreinfo_size(const char *info, const char *type, uint64_t *ret)
{
	return find_quoted(info, "SIZE", type, 10, ret);
}

bool vmcoreinfo_decimal(const char *info, const char *key, int64_t *ret)
{
	uint64_t v;

	if (!parse(vmcoreinfo_find(info, key), 10, &v))
		return false;
	*ret = (int64_t)v;
	return true;
}

bool vmcoreinfo_hex(const char *info, const char *key, uint64_t *ret)
{
	return parse(vmcoreinfo_find(info, key), 16, ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a crash is to those who look at it: new, worked on, patched already. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "db/issue.h"

// Length of "X.Y" in "[EPOCH:]X.Y.Z-REVISION", which begins at *at_ret.
static size_t branch(const char *version, const char **at_ret)
{
	const char *colon = strchr(version, ':'), *digits = "0123456789";
	const char *at = colon ? colon + 1 : version;
	size_t len = strspn(at, digits);

	*at_ret = at;
	if (at[len] == '.')
		len += 1 + strspn(at + len + 1, digits);
	return len;
}

// ".el9" of "5.14.0-427.13.1.el9_4": the last part that begins with a letter, up to its number.
static size_t mark(const char *version, const char **at_ret)
{
	size_t len = 0;

	*at_ret = "";
	for (const char *p = strchr(version, '.'); p; p = strchr(p + 1, '.')) {
		size_t letters = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz");

		if (!letters)
			continue;
		*at_ret = p;
		len = 1 + letters + strspn(p + 1 + letters, "0123456789");
	}
	return len;
}

static bool same(const char *a, const char *b, size_t (*part)(const char *, const char **))
{
	const char *at_a, *at_b;
	size_t len_a = part(a, &at_a), len_b = part(b, &at_b);

	return len_a == len_b && !memcmp(at_a, at_b, len_a);
}

static bool speaks_of(const struct db_issue_fix *fix, enum ey_package_format format,
		      const char *version)
{
	return fix->format == format && same(fix->version, version, branch) &&
	       (format == EY_PACKAGE_DPKG || same(fix->version, version, mark));
}

enum db_verdict db_verdict_of(enum db_reason_state state, const struct db_issue_fix_list *fixes,
			      const char *release, const char *version)
{
	enum ey_package_format format = EY_PACKAGE_DPKG;
	_cleanup_free_ char *package = NULL;

	if (state == DB_REASON_NEW)
		return DB_VERDICT_NEW;
	if (state == DB_REASON_HARDWARE)
		return DB_VERDICT_HARDWARE;
	if (fixes->count)
		package = ey_package_version_of_kernel(release, version, &format);
	for (size_t i = 0; package && i < fixes->count; i++) {
		if (!speaks_of(&fixes->items[i], format, package))
			continue;
		return ey_package_version_compare(format, package, fixes->items[i].version) < 0
			       ? DB_VERDICT_PATCHED
			       : DB_VERDICT_REGRESSION;
	}
	// No word on this kernel: what people say of the issue goes for it.
	return state == DB_REASON_FIX_AVAILABLE || state == DB_REASON_ROLLED_OUT ||
			       state == DB_REASON_RESOLVED
		       ? DB_VERDICT_PATCHED
		       : DB_VERDICT_INVESTIGATED;
}

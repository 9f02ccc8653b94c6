/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Versions of packages, in the order that the package managers themselves keep: which of two
 * kernels is the newer one, and so whether a fix is in it.
 */
#ifndef EYRIE_BASE_PACKAGE_VERSION_H
#define EYRIE_BASE_PACKAGE_VERSION_H

#include <stdbool.h>

enum ey_package_format {
	EY_PACKAGE_DPKG,
	EY_PACKAGE_RPM,
};
/** "dpkg", "rpm". */
const char *ey_package_format_name(enum ey_package_format format);
bool ey_package_format_parse(const char *name, enum ey_package_format *ret);

/**
 * Less than, equal to or greater than 0, as @p a is older than, as old as or newer than @p b.
 * Both are [EPOCH:]VERSION[-REVISION]; anything else is compared as far as it goes.
 * Source: deb-version(7); rpm-version(7) with "~" and "^".
 */
int ey_package_version_compare(enum ey_package_format format, const char *a, const char *b);

/**
 * The version of the package that a running kernel came from, out of what it says of itself:
 * @p release (uname -r, "6.1.0-56-amd64") and @p version (uname -v, "#1 SMP PREEMPT_DYNAMIC Debian
 * 6.1.147-1 (2025-08-02)"); either may be NULL. Known are Debian and Ubuntu, and the kernels of
 * rpm whose release is the package's (Red Hat and its kin, Fedora, Amazon; not SUSE, which leaves
 * the last number out). NULL where it is none of these or memory is out; to be freed.
 */
char *ey_package_version_of_kernel(const char *release, const char *version,
				   enum ey_package_format *format_ret);

#endif

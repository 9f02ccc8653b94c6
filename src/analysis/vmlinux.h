/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Find the vmlinux with debuginfo that a dump's kernel was built as. */
#ifndef EYRIE_ANALYSIS_VMLINUX_H
#define EYRIE_ANALYSIS_VMLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	/** Hexadecimal digits of a build id and a NUL: 20 bytes are usual, 64 the most. */
	VMLINUX_BUILD_ID_SIZE = 129,
};

struct vmlinux_query {
	/** BUILD-ID and OSRELEASE of the dump's VMCOREINFO; NULL: it does not say. */
	const char *build_id;
	const char *release;
	/** The file that the user named, NULL for none. */
	const char *file;
	/** Folders of debuginfo, separated by ':'; NULL: /usr/lib/debug. */
	const char *debug_path;
	/** Ask the servers of DEBUGINFOD_URLS. */
	bool download;
	/** Where what was downloaded is kept; NULL: /var/cache/eyrie/debuginfod. */
	const char *cache;
	/** Longest time, and largest file, of a download; 0: 1800 seconds, 2 GiB. */
	unsigned int download_seconds;
	uint64_t download_bytes;
};

/**
 * Find it: @p ret is its path (free()). EY_ERR_NOT_FOUND: there is none, the message says what was
 * looked for and how to get it; EY_ERR_INPUT: the file that the user named is another kernel's, or
 * has no debuginfo. @p checked_ret: the build id was compared; without one in the dump (kernels
 * before 5.9) the release alone speaks for the file, and crash compares the version strings.
 */
struct ey_error *vmlinux_find(const struct vmlinux_query *query, char **ret,
			      bool *checked_ret) EY_MUST_CHECK;

/**
 * Read the build id of the ELF file at @p path as hexadecimal digits ("" for none) and whether it
 * has DWARF debuginfo. EY_ERR_INPUT: no ELF file of 64 bits.
 */
struct ey_error *vmlinux_read_build_id(const char *path, char build_id_ret[VMLINUX_BUILD_ID_SIZE],
				       bool *debuginfo_ret) EY_MUST_CHECK;

/**
 * Read the section @p name of the ELF file at @p path: @p ret (free()) and @p len_ret, NULL and 0
 * where it has none. EY_ERR_INPUT: no ELF file of 64 bits, or more than @p max bytes.
 */
struct ey_error *vmlinux_read_section(const char *path, const char *name, size_t max, void **ret,
				      size_t *len_ret) EY_MUST_CHECK;

#endif

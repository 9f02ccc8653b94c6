/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Make a file of types out of a vmlinux, for kernels built without BTF. */
#ifndef EYRIE_ANALYSIS_TYPES_MAKE_H
#define EYRIE_ANALYSIS_TYPES_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct types_made {
	/** The file: FOLDER/BUILD-ID.btf (free()). */
	char *path;
	uint64_t bytes;
	/** Made from DWARF by pahole; else the vmlinux had a section .BTF, which was copied. */
	bool from_dwarf;
};

/**
 * Write the types of @p vmlinux to @p folder, which is made if need be. The file appears whole.
 * EY_ERR_INPUT: no vmlinux, or it has neither BTF nor DWARF; EY_ERR_IO: it could not be
 * written, or there is DWARF but no pahole on this machine.
 */
struct ey_error *types_make(const char *vmlinux, const char *folder,
			    struct types_made *ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Types of kernels that were built without BTF, each in a file BUILD-ID.btf: the bytes of a section
 * .BTF, as `eyrie types make` writes them.
 */
#ifndef EYRIE_ANALYSIS_TYPES_H
#define EYRIE_ANALYSIS_TYPES_H

#include "base/error.h"

/** Where they are looked for, one after the other, ended by NULL. */
extern const char *const types_folders[];

/**
 * Open the types of the kernel with @p build_id (hexadecimal digits; "" where it is not known).
 * @p named: the file or folder that the user named, NULL: types_folders. *@p fd_ret is -1 where
 * there is no such file; EY_ERR_NOT_FOUND only for what the user named.
 */
struct ey_error *types_open(const char *named, const char *build_id, int *fd_ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Files that are something else than a dump that we read: named, with what to do. */
#ifndef EYRIE_VMCORE_FOREIGN_H
#define EYRIE_VMCORE_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	/** As much of a file's beginning as is looked at: swap space has its name at byte 4086. */
	FOREIGN_HEAD_SIZE = 4096,
};

/**
 * EY_ERR_INPUT with a sentence that says what a file is, by its first @p len bytes, and what to do
 * with it. @p size is the file's.
 */
struct ey_error *foreign_error(const uint8_t *head, size_t len, uint64_t size) EY_MUST_CHECK;

#endif

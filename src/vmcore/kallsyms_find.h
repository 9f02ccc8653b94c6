/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Where kallsyms is in a kernel whose VMCOREINFO does not say it (before 6.0): found by the form of
 * its parts, as scripts/kallsyms.c writes them. Internal to the room.
 */
#ifndef EYRIE_VMCORE_KALLSYMS_FIND_H
#define EYRIE_VMCORE_KALLSYMS_FIND_H

#include "vmcore/kallsyms.h"

enum { KALLSYMS_FIND_MAX = 4 };

/**
 * Search the kernel's image from `_stext` on, once and in its order; the time that it takes is
 * linear in the image's size.
 *
 * The names, their number and their tokens are sure; how addresses are written is not, so there
 * are up to KALLSYMS_FIND_MAX places, the likelier first, of which the caller takes the one whose
 * addresses are sorted. EY_ERR_INPUT where there is no such table: a kernel without
 * CONFIG_KALLSYMS, or its pages are not in the dump.
 */
struct ey_error *kallsyms_find(struct memory *m, struct kallsyms_place ret[KALLSYMS_FIND_MAX],
			       size_t *count_ret) EY_MUST_CHECK;

#endif

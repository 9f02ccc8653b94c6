/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file VMCOREINFO searched in the memory itself, where the dump's notes lack it. */
#ifndef EYRIE_VMCORE_FIND_INFO_H
#define EYRIE_VMCORE_FIND_INFO_H

#include "vmcore/dump.h"

/**
 * Look through all pages of the dump for the page of VMCOREINFO that every kernel with kexec keeps
 * from early boot on (crash_save_vmcoreinfo_init(), kernel/crash_core.c or kernel/vmcore_info.c),
 * and put it in d->vmcoreinfo. It counts only if the kernel that it describes is there: its page
 * tables lead to a release of the same name. Where several kernels are in memory (one has started
 * another by kexec), the one that the CPUs' CR3 belong to is taken. Nothing found is no error:
 * a kernel that died earlier is then looked for by the page tables of the dump's first CPU
 * (d->vmcoreinfo_made).
 */
struct ey_error *find_info(struct dump *d) EY_MUST_CHECK;

#endif

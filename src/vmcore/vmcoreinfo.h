/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * VMCOREINFO: lines "KEY=value" that the kernel leaves for dump tools
 * (Documentation/admin-guide/kdump/vmcoreinfo.rst, kernel/vmcore_info.c or kernel/crash_core.c).
 */
#ifndef EYRIE_VMCORE_VMCOREINFO_H
#define EYRIE_VMCORE_VMCOREINFO_H

#include <stdbool.h>
#include <stdint.h>

/** The value of "KEY=", ended by a newline, not NUL; NULL where there is none. */
const char *vmcoreinfo_find(const char *info, const char *key);
/** "SYMBOL(name)": an address. */
bool vmcoreinfo_symbol(const char *info, const char *name, uint64_t *ret);
/** "NUMBER(name)", which may be negative. */
bool vmcoreinfo_number(const char *info, const char *name, int64_t *ret);
/** "OFFSET(type.member)", bytes. */
bool vmcoreinfo_offset(const char *info, const char *member, uint64_t *ret);
/** "SIZE(type)", bytes. */
bool vmcoreinfo_size(const char *info, const char *type, uint64_t *ret);
/** "KEY=decimal" and "KEY=hexadecimal". */
bool vmcoreinfo_decimal(const char *info, const char *key, int64_t *ret);
bool vmcoreinfo_hex(const char *info, const char *key, uint64_t *ret);

#endif

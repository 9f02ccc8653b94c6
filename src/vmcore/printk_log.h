/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The log of kernels before 5.10: records one after the other in log_buf. */
#ifndef EYRIE_VMCORE_PRINTK_LOG_H
#define EYRIE_VMCORE_PRINTK_LOG_H

#include "base/buf.h"
#include "vmcore/kernel.h"

/** Whether VMCOREINFO tells of such a log. */
bool printk_log_is_there(struct kernel *k);
/** Append the log as printk_read() does. */
struct ey_error *printk_log_read(struct kernel *k, struct ey_buf *ret) EY_MUST_CHECK;

/** One record as crash's `log` prints it: "[    0.000000] text", further lines indented. */
void printk_add_lines(struct ey_buf *out, uint64_t ts_nsec, const char *text, size_t len);

#endif

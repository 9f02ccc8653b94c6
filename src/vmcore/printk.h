/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The kernel's log from the printk ring buffer (kernel/printk/printk_ringbuffer.c). */
#ifndef EYRIE_VMCORE_PRINTK_H
#define EYRIE_VMCORE_PRINTK_H

#include "base/buf.h"
#include "vmcore/kernel.h"

/** Append the log, a line each as crash's `log` prints it: "[    0.000000] text". */
struct ey_error *printk_read(struct kernel *k, struct ey_buf *ret) EY_MUST_CHECK;

#endif

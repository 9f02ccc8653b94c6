/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The kernel's log as a file (vmcore-dmesg.txt, dmesg.STAMP, a serial console's) in place of a
 * dump: the event, and what the log says of the machine.
 */
#ifndef EYRIE_ANALYSIS_DMESG_H
#define EYRIE_ANALYSIS_DMESG_H

#include <stdbool.h>

#include "analysis/facts.h"

/** Whether the file @p fd begins as text. */
bool dmesg_is_text(int fd);

/**
 * Read the log @p fd into facts of a kernel without a dump; what a log cannot tell becomes gaps of
 * @p k, which this zeroes (kernel_close() in any case). EY_ERR_INPUT: not a line of a kernel log.
 */
struct ey_error *dmesg_collect(struct facts *f, struct kernel *k, int fd,
			       const char *name) EY_MUST_CHECK;

/** What the lines of @p log up to line @p last_line (0: all) say of the machine, into @p s. */
void dmesg_read_system(const char *log, size_t len, uint64_t last_line, struct system_info *s);

#endif

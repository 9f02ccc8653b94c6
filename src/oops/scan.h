/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The fast road past the lines that say nothing. */
#ifndef EYRIE_OOPS_SCAN_H
#define EYRIE_OOPS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The beginning of the first line in [p, end) that holds an anchor (a fragment that every header
 * line has), or of the last line if that one has no newline yet, or @p end. @p p is the beginning
 * of a line. Adds the newlines passed to *@p lines.
 */
const char *oops_scan(const char *p, const char *end, uint64_t *lines);
/** Whether one line (without its newline) holds an anchor. */
bool oops_scan_line(const char *line, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A folder without a record: what the crash utility wrote, else the kernel's log; for this room
 * only.
 */
#ifndef EYRIE_INGEST_TAKE_TEXT_H
#define EYRIE_INGEST_TAKE_TEXT_H

#include "store/repository.h"

struct take_text {
	/** record.json as the text tells it (free()). */
	char *record;
	size_t record_len;
	/** The analysis: crash's text itself, or what our own says of the log (free()). */
	char *text;
	size_t text_len;
};
void take_text_deinit(struct take_text *t);
#define _cleanup_take_text_ __attribute__((cleanup(take_text_deinit)))

/**
 * Read analysis.txt, else the first file "*.txt" by name, that holds crash's text, at most @p max
 * bytes. EY_ERR_NOT_FOUND: there is none; EY_ERR_IO: it was changed within the last minute (@p
 * now), and is perhaps still being written: others' files do not appear whole.
 */
struct ey_error *take_text_read(const struct store_entry *entry, size_t max, int64_t now,
				struct take_text *ret) EY_MUST_CHECK;

/**
 * Read the kernel log as kdump leaves it: dmesg.txt, vmcore-dmesg.txt (kdump-utils) or dmesg.STAMP
 * (kdump-tools), at most @p max bytes. EY_ERR_NOT_FOUND: there is none that tells of a crash;
 * EY_ERR_IO: a file of the folder was changed within the last hour: the dump, or who says more, may
 * still come.
 */
struct ey_error *take_log_read(const struct store_entry *entry, size_t max, int64_t now,
			       struct take_text *ret) EY_MUST_CHECK;

#endif

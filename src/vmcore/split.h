/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Split dumps (makedumpfile --split): one dump in several files, each with the header, the notes
 * and both bitmaps of the whole, and the pages of some of its frames.
 */
#ifndef EYRIE_VMCORE_SPLIT_H
#define EYRIE_VMCORE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	/** Parts of one dump; makedumpfile makes as many as it is given names. */
	SPLIT_MAX_PARTS = 64,
	SPLIT_INFO_SIZE = 4096,
};

/** What a part says of itself and of the dump that it belongs to. */
struct split_part {
	/** Frames whose pages it has: [start_pfn, end_pfn); may be none. */
	uint64_t start_pfn, end_pfn;
	uint64_t max_mapnr;
	/** Seconds since 1970. */
	int64_t timestamp;
	int32_t dump_level;
	char utsname[6][65];
	/** The beginning of VMCOREINFO, and how much of it. */
	uint8_t info[SPLIT_INFO_SIZE];
	size_t info_len;
};

/**
 * Look at the beginning of the file @p fd: fixed places only, so this is safe on any file. False
 * where it is no part of a split dump.
 */
bool split_look(int fd, struct split_part *ret);

/** Whether the two are parts of one dump. */
bool split_is_same_dump(const struct split_part *a, const struct split_part *b);

/**
 * Find the other parts of the dump of which @p fd, opened as @p path, is one: files of the same
 * folder, by what their headers say. Fills @p fds_ret (the caller closes them) with at most
 * SPLIT_MAX_PARTS descriptors, @p count_ret says how many. A folder that cannot be read has none.
 */
void split_find_sisters(const char *path, int fd, const struct split_part *part,
			int fds_ret[static SPLIT_MAX_PARTS], size_t *count_ret);

#endif

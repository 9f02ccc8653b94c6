/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The bytes of a dump file by position, whatever they are wrapped in: a plain file, or
 * makedumpfile's flattened stream (makedumpfile -F, which Debian's kdump-tools always uses).
 */
#ifndef EYRIE_VMCORE_SOURCE_H
#define EYRIE_VMCORE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct source_segment {
	/** Where the bytes belong, where they are in the file, and how many. */
	uint64_t offset;
	uint64_t file_offset;
	uint64_t len;
};

enum {
	/** A power of two: the unit of reading, and how many units are kept. */
	SOURCE_BLOCK_SIZE = 1 << 16,
	SOURCE_BLOCKS = 16,
};

struct source {
	int fd;
	/** Size of the file, and of the dump that it holds (the same unless flattened), bytes. */
	uint64_t file_size;
	uint64_t size;
	bool flattened;
	/** The flattened stream lacks its end mark: the writer did not finish. */
	bool cut_off;
	struct source_segment *segments;
	size_t segment_count;
	size_t segment_capacity;
	/** Last segment used; most reads go on where the one before ended. */
	size_t hint;
	uint8_t *blocks;
	/** Number of the block in each place plus one; 0: empty. */
	uint64_t block_numbers[SOURCE_BLOCKS];
	size_t block_lens[SOURCE_BLOCKS];
};

/** Take over @p fd (a regular file open for reading). */
struct ey_error *source_init(struct source *s, int fd) EY_MUST_CHECK;
void source_deinit(struct source *s);

/** Read exactly @p len bytes at @p offset; EY_ERR_FAULT where the file does not have them all. */
struct ey_error *source_read(struct source *s, uint64_t offset, void *buf,
			     size_t len) EY_MUST_CHECK;

/** Whether the dump has all of [offset, offset + len). */
bool source_has(const struct source *s, uint64_t offset, uint64_t len);

#endif

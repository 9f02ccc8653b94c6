/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A fuzz input as several pieces: each begins with its length in two bytes. */
#ifndef EYRIE_FUZZ_PIECES_H
#define EYRIE_FUZZ_PIECES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct piece {
	const uint8_t *data;
	size_t len;
};

/** Take the next piece off the input; empty at its end, shorter where the input ends. */
static inline struct piece next_piece(const uint8_t **data, size_t *size)
{
	struct piece p = {*data, 0};
	uint16_t len;

	if (*size < sizeof(len))
		return p;
	memcpy(&len, *data, sizeof(len));
	*data += sizeof(len);
	*size -= sizeof(len);
	p.data = *data;
	p.len = len < *size ? len : *size;
	*data += p.len;
	*size -= p.len;
	return p;
}

/** A number at a place of a piece, 0 behind its end. */
static inline uint64_t piece_number(const struct piece *p, size_t at)
{
	uint64_t value = 0;

	if (at < p->len)
		memcpy(&value, p->data + at, p->len - at < 8 ? p->len - at : 8);
	return value;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the parsers of hardware errors share: words and numbers of a line, records. */
#ifndef EYRIE_OOPS_HARDWARE_PARSE_H
#define EYRIE_OOPS_HARDWARE_PARSE_H

#include <stdio.h>
#include <string.h>

#include "oops/hardware.h"
#include "oops/line.h"

/** What is left of a line. */
struct rest {
	const char *p, *end;
};

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** Where the words behind @p words begin; false if they are not there. */
static inline bool after(struct rest line, const char *words, struct rest *ret)
{
	const char *at = oops_find(line.p, (size_t)(line.end - line.p), words);

	if (!at)
		return false;
	*ret = (struct rest){at + strlen(words), line.end};
	return true;
}

static inline bool begins(struct rest line, const char *words)
{
	return oops_has_prefix(line.p, (size_t)(line.end - line.p), words);
}

static inline bool take_hex(struct rest *line, uint64_t *ret)
{
	const char *p = line->p;
	uint64_t v = 0;
	int digits = 0;

	if (line->end - p > 2 && p[0] == '0' && p[1] == 'x')
		p += 2;
	for (; p < line->end && hex_digit(*p) >= 0 && digits < 16; p++, digits++)
		v = v << 4 | (uint64_t)hex_digit(*p);
	if (!digits)
		return false;
	line->p = p;
	*ret = v;
	return true;
}

static inline bool take_int(struct rest *line, int *ret)
{
	int v = 0, digits = 0;

	for (; line->p < line->end && is_digit(*line->p) && digits < 9; line->p++, digits++)
		v = v * 10 + (*line->p - '0');
	if (!digits)
		return false;
	*ret = v;
	return true;
}

static inline bool hex_after(struct rest line, const char *words, uint64_t *ret)
{
	struct rest at;

	return after(line, words, &at) && take_hex(&at, ret);
}

static inline bool int_after(struct rest line, const char *words, int *ret)
{
	struct rest at;

	return after(line, words, &at) && take_int(&at, ret);
}

/** Text up to one of @p stops, without blanks at its end. */
static inline void keep(char *to, size_t size, struct rest line, const char *stops)
{
	size_t n = 0;

	while (line.p + n < line.end && !strchr(stops, line.p[n]))
		n++;
	while (n && line.p[n - 1] == ' ')
		n--;
	if (n >= size)
		n = size - 1;
	memcpy(to, line.p, n);
	to[n] = '\0';
}

/** A record begins: false if it is milder than what is there. */
static inline bool new_record(struct oops_hardware *hw, enum oops_hw_source source,
			      enum oops_hw_severity severity)
{
	unsigned int count = hw->count + 1;
	bool keep_old = hw->count && severity < hw->severity;

	if (!keep_old)
		oops_hardware_init(hw);
	hw->count = count;
	hw->passing = keep_old;
	if (!keep_old) {
		hw->source = source;
		hw->severity = severity;
	}
	return !keep_old;
}

static inline void set_status(struct oops_hardware *hw, uint64_t status, uint64_t number)
{
	hw->status = status;
	hw->have_status = true;
	hw->lines[OOPS_HW_LINE_STATUS] = number;
}

static inline void set_address(struct oops_hardware *hw, uint64_t address, uint64_t number)
{
	hw->address = address;
	hw->have_address = true;
	hw->lines[OOPS_HW_LINE_ADDRESS] = number;
}

/** Lines of NMIs, of temperature, of memory that the kernel gave up (hardware_other.c). */
bool oops_hardware_take_other(struct oops_hardware *hw, struct rest line, uint64_t number);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Pages that makedumpfile -c compressed, which is what Debian's kdump-tools does: with libdeflate
 * where it is there at build time (half of zlib's time), else with zlib.
 */
#ifndef EYRIE_VMCORE_INFLATE_H
#define EYRIE_VMCORE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inflater;

/** NULL: out of memory. */
struct inflater *inflater_create(void);
/** @p f may be NULL. */
void inflater_destroy(struct inflater *f);
/** Whether [data, data + len) is a zlib stream (RFC 1950) of just @p size bytes, then at @p dest.
 */
bool inflater_run(struct inflater *f, const uint8_t *data, size_t len, uint8_t *dest, size_t size);

#endif

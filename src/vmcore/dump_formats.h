/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What a dump format gives to dump.c. Internal to the room. */
#ifndef EYRIE_VMCORE_DUMP_FORMATS_H
#define EYRIE_VMCORE_DUMP_FORMATS_H

#include "vmcore/dump.h"

/** Whether the first bytes (at least 8) are of the format. */
bool diskdump_matches(const uint8_t *head);
struct ey_error *diskdump_open(struct dump *d) EY_MUST_CHECK;
void diskdump_close(struct diskdump *dd);
struct ey_error *diskdump_read_page(struct dump *d, uint64_t pfn, void *dest) EY_MUST_CHECK;
bool diskdump_page_may_be_zero(struct dump *d, uint64_t pfn);

bool elfcore_matches(const uint8_t *head);
struct ey_error *elfcore_open(struct dump *d) EY_MUST_CHECK;
void elfcore_close(struct elfcore *e);
struct ey_error *elfcore_read_page(struct dump *d, uint64_t pfn, void *dest) EY_MUST_CHECK;

/** Read the notes at [offset, offset + size) of the file into d->notes. */
struct ey_error *dump_load_notes(struct dump *d, uint64_t offset, uint64_t size) EY_MUST_CHECK;

#endif

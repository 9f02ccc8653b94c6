/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What a dump format gives to dump.c. Internal to the room. */
#ifndef EYRIE_VMCORE_DUMP_FORMATS_H
#define EYRIE_VMCORE_DUMP_FORMATS_H

#include "vmcore/dump.h"

struct dump_count {
	uint64_t expected, found;
};

/** Whether the first bytes (at least 8) are of the format. */
bool diskdump_matches(const uint8_t *head);
struct ey_error *diskdump_open(struct dump *d) EY_MUST_CHECK;
void diskdump_close(struct diskdump *dd);
struct ey_error *diskdump_read_page(struct dump *d, uint64_t pfn, void *dest) EY_MUST_CHECK;
bool diskdump_page_may_be_zero(struct dump *d, uint64_t pfn);
bool diskdump_next_page(struct dump *d, uint64_t *pfn);
/** Pages that this file should have, and about how many it has. */
struct dump_count diskdump_count(struct dump *d);
/** The frame behind the machine's last. */
uint64_t diskdump_end(const struct dump *d);
/** Frames of [start, end) whose pages are in the whole dump, in whatever part; 0 on error. */
uint64_t diskdump_frames(struct dump *d, uint64_t start, uint64_t end);

bool elfcore_matches(const uint8_t *head);
struct ey_error *elfcore_open(struct dump *d) EY_MUST_CHECK;
void elfcore_close(struct elfcore *e);
struct ey_error *elfcore_read_page(struct dump *d, uint64_t pfn, void *dest) EY_MUST_CHECK;
bool elfcore_page_may_be_zero(struct dump *d, uint64_t pfn);
bool elfcore_next_page(struct dump *d, uint64_t *pfn);
struct dump_count elfcore_count(struct dump *d);

/** Note why the dump is incomplete; the first reason stays. */
void dump_is_incomplete(struct dump *d, const char *why, ...) __attribute__((format(printf, 2, 3)));
/** A split dump whose parts are open: which frames nobody has. */
void dump_settle_parts(struct dump *d);

/** Add the notes at [offset, offset + size) of the file to d->notes. */
struct ey_error *dump_load_notes(struct dump *d, uint64_t offset, uint64_t size) EY_MUST_CHECK;

#endif

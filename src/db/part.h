/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The heavy parts of a crash, compressed on the way in; for this room only. */
#ifndef EYRIE_DB_PART_H
#define EYRIE_DB_PART_H

#include "db/crash.h"
#include "db/intake.h"

/** A part is never larger than this, whatever the row says. */
enum { DB_PART_MAX_BYTES = 256 << 20 };

struct ey_error *db_part_add(struct db *db, int64_t crash_id, enum db_part part,
			     const struct db_intake_part *data) EY_MUST_CHECK;

#endif

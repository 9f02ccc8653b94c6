/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What a report's own words and registers say of broken hardware. */
#ifndef EYRIE_OOPS_HINTS_H
#define EYRIE_OOPS_HINTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "oops/report.h"

/**
 * Add to @p why a sentence on what software does not do: a pointer with one wrong bit, an
 * instruction that the processor should not have refused. False where there is none.
 */
bool oops_hint_state(const struct report *r, struct ey_buf *why);

#endif

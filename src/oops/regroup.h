/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What another version of the rules would do to groups: merge them, split them. */
#ifndef EYRIE_OOPS_REGROUP_H
#define EYRIE_OOPS_REGROUP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/** Pairs of a stored reason and the one that this version makes. */
struct oops_regroup {
	struct oops_regroup_pair {
		char *stored;
		char *made;
	} * pairs;
	size_t count, capacity;
};

/** Add a crash. @p made may be NULL: this version finds no event in its log. */
struct ey_error *oops_regroup_add(struct oops_regroup *regroup, const char *stored,
				  const char *made) EY_MUST_CHECK;
/**
 * Append the preview to @p out: a line for each group that would be split ("split REASON: ...") or
 * merged ("merge REASON: ..."), each with the numbers of crashes, then a line of totals. The
 * version in front of a reason makes no difference by itself.
 */
void oops_regroup_report(struct oops_regroup *regroup, struct ey_buf *out);
void oops_regroup_deinit(struct oops_regroup *regroup);
#define _cleanup_oops_regroup_ __attribute__((cleanup(oops_regroup_deinit)))

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What two records of the same dump say differently. */
#ifndef EYRIE_ANALYSIS_COMPARE_H
#define EYRIE_ANALYSIS_COMPARE_H

#include "analysis/analysis.h"

/**
 * Compare the native engine's result with the crash utility's and add what differs to the first: in
 * its record the list "comparison" of {"field", "native", "crash"}, empty where both say the same,
 * in its text a section. Differences that are none are passed over: crash rounds the memory, and
 * what one of them does not say at all is a gap there.
 */
struct ey_error *compare_results(struct analysis_result *native,
				 const struct analysis_result *crash) EY_MUST_CHECK;

/** Add a gap to the record, and a section with it to the text. */
struct ey_error *compare_add_gap(struct analysis_result *result, const char *what,
				 const char *why) EY_MUST_CHECK;

#endif

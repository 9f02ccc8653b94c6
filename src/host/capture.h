/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Triage in the crash kernel: analyse /proc/vmcore in place and save what is found, before the
 * collector writes the dump, so that even a full disk or a failing dump leaves it.
 */
#ifndef EYRIE_HOST_CAPTURE_H
#define EYRIE_HOST_CAPTURE_H

#include "base/error.h"

struct capture_options {
	/** The memory of the kernel that died, usually /proc/vmcore. */
	const char *vmcore;
	/** Existing or new folder; the analysis goes to a folder of its own in it. */
	const char *output;
	/** Seconds that the analysis may take. */
	unsigned int timeout_seconds;
};

/**
 * Analyse and save: a folder `<output>/<time of the crash>/` with record.json and analysis.txt,
 * which appears whole and is synced. @p folder_ret: its path (free()). An error means only that
 * there is no analysis: the dump must be written all the same.
 */
struct ey_error *capture_save(const struct capture_options *options,
			      char **folder_ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Which kernel a dump is of: the little that finding its vmlinux needs. */
#ifndef EYRIE_ANALYSIS_IDENTIFY_H
#define EYRIE_ANALYSIS_IDENTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/analysis.h"

struct dump_identity {
	/** BUILD-ID and OSRELEASE of VMCOREINFO, "" where it does not say. */
	char build_id[132];
	char release[132];
	/** As in a record's dump.format. */
	char format[64];
	uint64_t bytes;
	bool incomplete;
	/** What the file is compressed with, "" where it is not. */
	char wrapper[16];
};

/** Look at the dump at @p path in a child process, as analysis_run() does. */
struct ey_error *analysis_identify(const char *path, const struct analysis_options *options,
				   struct dump_identity *ret) EY_MUST_CHECK;

#endif

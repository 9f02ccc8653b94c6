/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Make record, analysis and log of a dump, whatever state it is in. */
#ifndef EYRIE_HOST_EVIDENCE_H
#define EYRIE_HOST_EVIDENCE_H

#include "analysis/analysis.h"
#include "host/finder.h"
#include "host/identity.h"
#include "host/spool.h"

enum {
	/** A kdump log file of more bytes is left where it is: in JSON a byte can become six. */
	HOST_MAX_DMESG_BYTES = 8 << 20,
	/** Seconds for which a dump that cannot be read (not: that is broken) is tried again. */
	HOST_RETRY_FOR = 24 * 3600,
};

/**
 * Analyse @p dump and add to its record what the host knows and a dump does not: the machine-id,
 * the DMI ids, the time by the folder's name; and from kdump's own log file the log and its event
 * where the dump gave none. A dump that cannot be analysed still gives a record, whose gaps say
 * why. @p now decides whether a failure to read (EY_ERR_IO) is returned, to be tried again.
 * The same dump gives the same record.
 */
struct ey_error *host_evidence_make(const char *crash_dir, const struct host_dump *dump,
				    const struct host_identity *identity,
				    const struct analysis_options *options, int64_t now,
				    struct host_evidence *ret) EY_MUST_CHECK;

#endif

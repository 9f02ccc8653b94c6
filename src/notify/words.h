/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Words that the mails share. Private to the room. */
#ifndef EYRIE_NOTIFY_WORDS_H
#define EYRIE_NOTIFY_WORDS_H

#include "base/buf.h"
#include "notify/compose.h"
#include "notify/document.h"

/** "3 d 4 h", "2 h 5 min", "40 s"; exact windows as "24 h" or "7 d". */
void notify_add_duration(struct ey_buf *buf, int64_t seconds);
/** "2026-11-23 14:35:46 UTC". */
void notify_add_time(struct ey_buf *buf, int64_t time);
/** "1 crash", "5 crashes". */
void notify_add_count(struct ey_buf *buf, uint64_t n, const char *one, const char *many);
/** "NULL-DEREF in lkdtm_ACCESS_NULL", or the best there is. */
void notify_add_reason_label(struct ey_buf *buf, const struct notify_reason *reason);
/** "G           OE" as "G OE"; @p taint may be NULL. */
void notify_add_taint(struct ey_buf *buf, const char *taint);
/** The rows of a crash, its links, call trace and log. */
void notify_add_crash_rows(struct notify_document *d, const struct notify_crash *crash);
void notify_add_crash_lines(struct notify_document *d, const struct notify_crash *crash,
			    unsigned int max_log_lines);
/** Finish the document and move its texts into @p ret. */
struct ey_error *notify_finish(struct notify_document *d, struct ey_buf *subject,
			       struct ey_buf *key, struct ey_buf *thread_key,
			       struct notify_text *ret) EY_MUST_CHECK;

#endif

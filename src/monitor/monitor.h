/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Raise an alert when a host, a model or a reason exceeds its threshold in its window, end it when
 * that has been over for a window, and queue the mails that tell of alerts and of new reasons.
 *
 * Windows slide over the times of the crashes. A host's threshold counts its crashes; a model's
 * and a reason's count distinct hosts: one machine in a crash loop is one sick machine, not an
 * outbreak.
 */
#ifndef EYRIE_MONITOR_MONITOR_H
#define EYRIE_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "db/alert.h"
#include "db/db.h"

/** An alert is raised when there are more than `threshold` in `window` seconds. */
struct monitor_rule {
	uint64_t threshold;
	int64_t window;
};

/** Defaults of [monitor], also documented in eyrie.conf(5). */
enum {
	MONITOR_HOST_THRESHOLD = 2,
	MONITOR_MODEL_THRESHOLD = 4,
	MONITOR_REASON_THRESHOLD = 2,
	MONITOR_WINDOW = 24 * 3600,
	/** Crashes that are reported later than this raise nothing: history, not news. */
	MONITOR_MAX_AGE = 90 * 24 * 3600,
};

struct monitor_event {
	/** raised, resolved, or a new reason whose mail was queued (then only `reason_id`). */
	enum { MONITOR_RAISED, MONITOR_RESOLVED, MONITOR_NEW_REASON } what;
	int64_t alert_id;
	int64_t reason_id;
	/** The alert's summary or the reason's title; until the callback returns. */
	const char *text;
};

struct monitor_options {
	/** By db_alert_scope. */
	struct monitor_rule rules[3];
	/** Seconds; 0: no limit. */
	int64_t max_age;
	/** Queue no mails; what was seen in this run is not mailed later either. */
	bool no_mail;
	void (*on_event)(const struct monitor_event *event, void *arg);
	void *arg;
};

struct monitor_result {
	uint64_t raised;
	uint64_t resolved;
	/** Not resolved after the run. */
	uint64_t active;
	uint64_t new_reasons;
	uint64_t mails_queued;
};

/** Options from [monitor]. */
struct ey_error *monitor_options_load(struct monitor_options *options,
				      const struct ey_config *config) EY_MUST_CHECK;
/** Look at what came in since the last run. Sends nothing: monitor/mailer.h does. */
struct ey_error *monitor_run(struct db *db, const struct monitor_options *options,
			     struct monitor_result *ret) EY_MUST_CHECK;

#endif

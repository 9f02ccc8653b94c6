/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Windows that slide over the times of crashes; for this room only. */
#ifndef EYRIE_MONITOR_WINDOW_H
#define EYRIE_MONITOR_WINDOW_H

#include <stdbool.h>

#include "db/watch.h"
#include "monitor/monitor.h"

/** What a look over a subject's crashes found. */
struct window_finding {
	/** Some window that holds a crash with an id above `after` exceeds the threshold. */
	bool exceeded;
	/** The fullest of these windows: crashes, distinct hosts, distinct reasons. */
	uint64_t crashes;
	uint64_t hosts;
	uint64_t reasons;
	/** Ids of the crashes of all these windows (free()). */
	int64_t *ids;
	size_t id_count;
};
void window_finding_deinit(struct window_finding *finding);
#define _cleanup_window_finding_ __attribute__((cleanup(window_finding_deinit)))

/**
 * Slide a window of rule->window seconds over @p crashes (sorted by time): for each crash, the
 * window that ends with it. Counted are crashes, or with @p count_hosts distinct hosts. Time and
 * memory are linear in the number of crashes.
 */
struct ey_error *window_slide(const struct db_watch_crash_list *crashes,
			      const struct monitor_rule *rule, bool count_hosts, int64_t after,
			      struct window_finding *ret) EY_MUST_CHECK;

#endif

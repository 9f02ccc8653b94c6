/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "oops/parser.h"

// Panics that only carry out what an earlier report led to.
static bool is_after_report(const struct oops_event *e)
{
	return e->panic &&
	       (strstr(e->panic, "Fatal exception") || strstr(e->panic, "panic_on_warn") ||
		strstr(e->panic, "panic_on_oops") || strstr(e->panic, "softlockup") ||
		strstr(e->panic, "hung_task") || strstr(e->panic, "Hard LOCKUP") ||
		strstr(e->panic, "RCU Stall") || strstr(e->panic, "killing interrupt") ||
		strstr(e->panic, "kill the idle task"));
}

static bool could_lead_to(const struct oops_event *e, const char *panic)
{
	switch (e->kind) {
	case OOPS_WARNING:
	case OOPS_LOCKDEP:
		return e->died || strstr(panic, "panic_on_warn") != NULL;
	case OOPS_SOFT_LOCKUP:
		return strstr(panic, "softlockup") != NULL;
	case OOPS_HANG:
		return strstr(panic, "hung_task") != NULL;
	case OOPS_HARD_LOCKUP:
		return strstr(panic, "Hard LOCKUP") != NULL;
	case OOPS_RCU_STALL:
		return strstr(panic, "RCU Stall") != NULL;
	default:
		return e->died && !strstr(panic, "panic_on_warn");
	}
}

const struct oops_event *oops_pick_fatal(const struct oops_event *events, size_t count)
{
	// A machine panics once; a second panic line is the end of the same.
	for (size_t i = 0; i < count; i++) {
		if (!events[i].panic)
			continue;
		if (is_after_report(&events[i]) && events[i].kind == OOPS_PANIC) {
			// The report was too far away to be one with its panic.
			for (size_t j = i; j-- > 0;) {
				if (could_lead_to(&events[j], events[i].panic))
					return &events[j];
			}
		}
		return &events[i];
	}
	// No panic line: kdump may have taken over in the oops itself, before it.
	for (size_t i = count; i-- > 0;) {
		if (events[i].died)
			return &events[i];
	}
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What is wanted of a crash: everything of what is new, the first few dumps of a reason on each
 * kernel and model, each Nth after them, and otherwise the log or nothing. One decision without any
 * state of its own; section [policy] of eyrie.conf says the numbers by the reason's state.
 */
#ifndef EYRIE_INGEST_POLICY_H
#define EYRIE_INGEST_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "db/reason.h"

/** The answers, and their words in the same order (policy_want_name()). */
#define POLICY_WANTS(X)       \
	X(VMCORE, "vmcore")   \
	X(DMESG, "dmesg")     \
	X(NOTHING, "nothing") \
	X(LATER, "later")

enum policy_want {
#define X(id, name) POLICY_WANT_##id,
	POLICY_WANTS(X)
#undef X
};
const char *policy_want_name(enum policy_want want);

enum {
	POLICY_STATES = DB_REASON_HARDWARE + 1,
	/** [policy] slots and retry_after where they are not set. */
	POLICY_SLOTS_DEFAULT = 8,
	POLICY_RETRY_DEFAULT = 60,
};

/** What is wanted of the reasons in one state. */
struct policy_rule {
	/** All dumps. */
	bool all;
	/** The first dumps of each kernel and model. */
	int64_t first;
	/** Of the crashes after them each Nth; 0: none. */
	int64_t each;
	/** Of the rest: POLICY_WANT_DMESG or POLICY_WANT_NOTHING. */
	enum policy_want otherwise;
};

struct policy_rules {
	struct policy_rule states[POLICY_STATES];
	/** Dumps of a site that may be on their way at a time. */
	int64_t slots;
	/** Seconds after which who was put off asks again. */
	int64_t retry_after;
};

/** A crash to be decided on. */
struct policy_case {
	enum db_reason_state state;
	/** The record holds no event: each may be another bug. */
	bool no_event;
	/** The host has a dump, and the center does not. */
	bool has_dump;
	/** It was asked for the dump before, and its slot is still kept. */
	bool promised;
	/** Dumps of the reason that are here or on their way, on any kernel and model. */
	int64_t reason_dumps;
	/** The same for this kernel and model only, and the crashes of these. */
	int64_t dumps;
	int64_t crashes;
	/** Slots of its site that are taken. */
	int64_t slots_taken;
	/** The repository has room for it. */
	bool has_room;
};

/** Decide. POLICY_WANT_LATER: the dump is wanted, and not now. */
enum policy_want policy_decide(const struct policy_rules *rules, const struct policy_case *c);

/** The defaults; @p first is [repository] keep_dumps. */
void policy_rules_default(struct policy_rules *rules, int64_t first);
/**
 * Read [policy]: a key for each state ("new = first 3, each 100, else dmesg", "all", "nothing"),
 * slots, retry_after. EY_ERR_USAGE names what is wrong.
 */
struct ey_error *policy_rules_load(struct policy_rules *rules,
				   const struct ey_config *config) EY_MUST_CHECK;

#endif

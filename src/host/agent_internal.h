/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A run of the agent; for src/host/agent*.c only. */
#ifndef EYRIE_HOST_AGENT_INTERNAL_H
#define EYRIE_HOST_AGENT_INTERNAL_H

#include "analysis/record_read.h"
#include "client/client.h"
#include "host/agent.h"
#include "host/finder.h"
#include "host/identity.h"
#include "host/spool.h"
#include "store/policy.h"
#include "store/repository.h"

/** A run: everything that is open. */
struct run {
	const struct agent_options *options;
	struct agent_result *result;
	struct host_spool *spool;
	struct host_identity identity;
	/** Opened when there is something to file. */
	struct store *store;
	struct store_policy policy;
	struct client *client;
	/** The center did not answer: the others wait for the next run. */
	bool unreachable;
	int64_t now;
};

/** What is filed of a crash. */
struct filing {
	const char *key;
	/** The folder's name, for messages. */
	const char *name;
	/** NULL: its source is gone. */
	const struct host_dump *dump;
	const struct host_evidence *evidence;
	const struct record *record;
	const char *id;
	/** Set: the source must stay. */
	bool keep;
};

/** The one line for the operator: name, what happened, @p outcome. Any text may be in them. */
void agent_report(const struct run *r, const struct filing *f, const char *outcome);

/** File at the center; the crash is done unless the center wants its dump later. */
struct ey_error *agent_file_at_center(struct run *r, struct filing *f) EY_MUST_CHECK;

/** Tell the center that the host lives, where it is time to. */
struct ey_error *agent_heartbeat(struct run *r) EY_MUST_CHECK;

#endif

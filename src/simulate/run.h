/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Deliver the crashes of a plan: into a repository, or to a center over HTTP. */
#ifndef EYRIE_SIMULATE_RUN_H
#define EYRIE_SIMULATE_RUN_H

#include "client/client.h"
#include "simulate/plan.h"

struct sim_run_options {
	/** Folder for scenario, truth and, without a center, `repository/`; NULL: none. */
	const char *output;
	/** NULL: into output/repository. */
	const struct client_options *center;
	/** Send a heartbeat of each host each day, too (only to a center). */
	bool heartbeats;
	/** Simulated seconds a second; 0: as fast as it goes. */
	double speed;
	enum sim_evidence evidence;
	/** Make a file of so many zeros (sparse) as each dump; 0: no dumps. */
	uint64_t dump_bytes;
	/** Called after each delivery; may be NULL. */
	void (*on_progress)(uint64_t delivered, uint64_t all, int64_t time, void *arg);
	void *arg;
};

struct sim_run_result {
	uint64_t delivered;
	/** Were there before. */
	uint64_t already;
	/** Never reported, as the scenario wants it. */
	uint64_t lost;
	uint64_t heartbeats;
	/** The center said later, or did not answer, so often. */
	uint64_t retries;
};

struct ey_error *sim_run(const struct sim_plan *plan, const struct sim_run_options *options,
			 struct sim_run_result *ret) EY_MUST_CHECK;

/** Write truth.json, truth.csv and changes.ndjson into @p folder, which is made. */
struct ey_error *sim_truth_write(const struct sim_plan *plan, const char *folder) EY_MUST_CHECK;

/** An alert that ought to be raised, the first time of its subject. */
struct sim_alert {
	enum { SIM_ALERT_HOST, SIM_ALERT_MODEL, SIM_ALERT_REASON } scope;
	/** Host number, model's index, number of a crash of the reason. */
	uint64_t subject;
	int64_t since;
};
/**
 * What exceeds the thresholds of the scenario's [alerts] by crashes that are reported; sorted by
 * scope and subject (free()).
 */
struct ey_error *sim_truth_alerts(const struct sim_plan *plan, struct sim_alert **ret,
				  size_t *count_ret) EY_MUST_CHECK;

/** The folder of crash number @p i in a repository: "site/host/time-id" (free()). */
char *sim_crash_path(const struct sim_plan *plan, size_t i);

#endif

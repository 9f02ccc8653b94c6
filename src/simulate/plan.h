/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What happens to a fleet: the same scenario and seed give the same crashes, always. Causes strike
 * as Poisson processes over the hosts that they can strike; a host that is down is not struck.
 */
#ifndef EYRIE_SIMULATE_PLAN_H
#define EYRIE_SIMULATE_PLAN_H

#include "simulate/rng.h"
#include "simulate/scenario.h"

#define SIM_CAUSES(X)               \
	X(BACKGROUND, "background") \
	X(BUG, "bug")               \
	X(DYING, "dying host")      \
	X(LOOP, "crash loop")       \
	X(STORM, "storm")

enum sim_cause_kind {
#define X(id, name) SIM_CAUSE_##id,
	SIM_CAUSES(X)
#undef X
};
const char *sim_cause_kind_name(enum sim_cause_kind kind);

/** Why hosts crash: one row a reason, or a dying host or looping host. */
struct sim_cause {
	enum sim_cause_kind kind;
	/** The section's name, with "-N" where it stands for several; owned by the plan. */
	char name[96];
	/** The bug; NULL for other causes. */
	const struct sim_bug *bug;
	/** What they crash of; of dying hosts each crash has its own. */
	struct sim_fault fault;
	/** Crashes a host and year, of hosts that it can strike. */
	double incidence;
	/** From when to when, seconds since 1970. */
	int64_t start;
	int64_t end;
	/** Dying and looping hosts: which. */
	uint32_t host;
	int model_index;
	int site_index;
	/** What came of it: crashes, distinct hosts, the first one's time, crashes to be expected.
	 */
	uint64_t crashes;
	uint64_t hosts;
	int64_t first;
	double expected;
};

struct sim_crash {
	int64_t time;
	/** When it is delivered; of those that never are, when it would have been. */
	int64_t reported;
	int64_t booted;
	uint32_t host;
	uint32_t cause;
	/** Index of the roll-out that the host's kernel or firmware came by; -1: the first one. */
	int16_t kernel;
	int16_t firmware;
	/** For dying hosts: sim_fault_numbered(), -1 is a machine check. */
	int32_t fault;
	bool lost;
};

struct sim_host {
	uint64_t hash;
	uint32_t number;
	uint16_t site;
	uint16_t model;
	/** Kept while the plan is made: up since its last crash. */
	int64_t up;
};

enum { SIM_ID_SIZE = 48, SIM_HOSTNAME_SIZE = 96 };
/** Names and ids of a host, which live as long as this. */
struct sim_host_names {
	char hostname[SIM_HOSTNAME_SIZE];
	char machine_id[SIM_ID_SIZE];
	char dmi_uuid[SIM_ID_SIZE];
	char dmi_serial[SIM_ID_SIZE];
};

struct sim_plan {
	const struct sim_scenario *scenario;
	uint64_t seed;
	struct sim_host *hosts;
	struct sim_cause *causes;
	size_t cause_count;
	/** In the order of time. */
	struct sim_crash *crashes;
	size_t crash_count;
};
void sim_plan_deinit(struct sim_plan *plan);
#define _cleanup_plan_ __attribute__((cleanup(sim_plan_deinit)))

/** Make it; @p scenario must outlive it. */
struct ey_error *sim_plan_make(const struct sim_scenario *scenario, uint64_t seed,
			       struct sim_plan *ret) EY_MUST_CHECK;

void sim_host_names(const struct sim_plan *plan, uint32_t host, struct sim_host_names *ret);
/** The id of the boot that began at @p booted; @p ret has SIM_ID_SIZE bytes. */
void sim_boot_id(const struct sim_plan *plan, uint32_t host, int64_t booted, char *ret);
/** When host gets roll-out @p rollout, seconds since 1970; INT64_MAX: never. */
int64_t sim_rollout_time(const struct sim_plan *plan, const struct sim_host *host, size_t rollout);
/** Whether @p cause can strike @p host at @p time, seconds since 1970. */
bool sim_cause_active(const struct sim_plan *plan, const struct sim_cause *cause,
		      const struct sim_host *host, int64_t time);
/** The roll-out of @p kind that @p host had last at @p time, -1: none. */
int sim_rollout_at(const struct sim_plan *plan, const struct sim_host *host,
		   enum sim_rollout_kind kind, int64_t time);

/** When the boot began that @p host was in at @p time. Reads all crashes: not for many. */
int64_t sim_boot_at(const struct sim_plan *plan, uint32_t host, int64_t time);

/** The evidence of crash number @p i. */
struct ey_error *sim_plan_texts(const struct sim_plan *plan, size_t i, enum sim_evidence evidence,
				struct sim_texts *ret) EY_MUST_CHECK;
void sim_crash_fault(const struct sim_plan *plan, const struct sim_crash *crash,
		     struct sim_fault *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What is to be simulated: an ini file, described in eyrie-simulate(1), or one of the presets.
 * Times are seconds from the beginning; names refer to other sections.
 */
#ifndef EYRIE_SIMULATE_SCENARIO_H
#define EYRIE_SIMULATE_SCENARIO_H

#include "base/config.h"
#include "base/error.h"
#include "simulate/record.h"

enum {
	SIM_DAY = 86400,
	SIM_YEAR = 365 * SIM_DAY,
	/** A fleet larger than that is a slip of the keyboard. */
	SIM_HOSTS_MAX = 5000000,
};

struct sim_fleet {
	uint64_t hosts;
	/** Seconds since 1970; how long. */
	int64_t start;
	int64_t duration;
	const char *kernel;
	const char *package;
	/** Crashes a host and year of causes that nobody planted, of so many reasons. */
	double background;
	uint64_t background_reasons;
	/** Mean of the time from the next boot to the report; the part that is never reported. */
	int64_t lag;
	double loss;
	/** From a crash to the next boot. */
	int64_t downtime;
};

struct sim_site {
	const char *name;
	uint64_t share;
};

#define SIM_ROLLOUTS(X)         \
	X(KERNEL, "kernel")     \
	X(FIRMWARE, "firmware") \
	X(IMAGE, "image")       \
	X(CONFIG, "config")

enum sim_rollout_kind {
#define X(id, name) SIM_ROLLOUT_##id,
	SIM_ROLLOUTS(X)
#undef X
};
const char *sim_rollout_kind_name(enum sim_rollout_kind kind);

/** What hosts get one after the other. */
struct sim_rollout {
	const char *name;
	const char *kind_name;
	enum sim_rollout_kind kind;
	/** Release, firmware version, image or setting; version of the package, date of the
	 * firmware.
	 */
	const char *value;
	const char *package;
	int64_t start;
	int64_t over;
	/** The part of the hosts that get it. Those held back are the same for each roll-out. */
	double coverage;
	/** Only these; NULL: all. */
	const char *model;
	const char *site;
	int model_index;
	int site_index;
};

/** A planted bug, or `count` of them. */
struct sim_bug {
	const char *name;
	/** Crashes a host and year, of each. */
	double incidence;
	uint64_t count;
	const char *kind;
	const char *function;
	/** Names of roll-outs: hosts that have the one and not the other are struck. */
	const char *since;
	const char *fixed;
	const char *model;
	const char *site;
	int64_t start;
	/** 0: to the end. */
	int64_t end;
	int since_index;
	int fixed_index;
	int model_index;
	int site_index;
};

/** Hosts whose hardware breaks: machine checks, and crashes of any kind anywhere. */
struct sim_dying {
	const char *name;
	uint64_t hosts;
	int64_t start;
	/** Crashes a day of each. */
	double rate;
};

/** Hosts that crash again and again for one reason. */
struct sim_loop {
	const char *name;
	uint64_t hosts;
	int64_t start;
	int64_t every;
	uint64_t crashes;
	const char *kind;
	const char *function;
};

/** Many hosts at once, each once. */
struct sim_storm {
	const char *name;
	/** 0: all. */
	uint64_t hosts;
	int64_t start;
	int64_t over;
	const char *kind;
	const char *function;
};

/** What a center is set to (eyrie.conf(5), [monitor]): more than `threshold` in `window`. */
struct sim_alerts {
	uint64_t host_threshold;
	uint64_t model_threshold;
	uint64_t reason_threshold;
	int64_t window;
};

#define SIM_LIST(type)    \
	struct {          \
		type *at; \
		size_t n; \
	}

struct sim_scenario {
	/** Holds all strings. */
	struct ey_config config;
	struct sim_fleet fleet;
	struct sim_alerts alerts;
	SIM_LIST(struct sim_site) sites;
	SIM_LIST(struct sim_model) models;
	SIM_LIST(struct sim_rollout) rollouts;
	SIM_LIST(struct sim_bug) bugs;
	SIM_LIST(struct sim_dying) dying;
	SIM_LIST(struct sim_loop) loops;
	SIM_LIST(struct sim_storm) storms;
};
void sim_scenario_deinit(struct sim_scenario *s);
#define _cleanup_scenario_ __attribute__((cleanup(sim_scenario_deinit)))

/**
 * Load @p name: a preset, or where there is none of that name (or it has a '/') a file; then
 * @p settings, each "section.key=value". EY_ERR_USAGE: what is unknown, out of range or refers to
 * nothing.
 */
struct ey_error *sim_scenario_load(const char *name, const char *const *settings, size_t count,
				   struct sim_scenario *ret) EY_MUST_CHECK;

/** A preset's text and what it is for in a line; NULL beyond the last. */
struct sim_preset {
	const char *name;
	const char *summary;
	const char *text;
};
const struct sim_preset *sim_preset_at(size_t i);

#endif

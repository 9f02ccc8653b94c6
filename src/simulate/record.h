/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The evidence of one crash as a host would deliver it: kernel log, record and analysis, made by
 * templates from what happened. The record follows docs/record.schema.json.
 */
#ifndef EYRIE_SIMULATE_RECORD_H
#define EYRIE_SIMULATE_RECORD_H

#include "base/buf.h"
#include "base/error.h"
#include "simulate/fault.h"

/** A kind of machine. Strings are the scenario's. */
struct sim_model {
	const char *name;
	const char *vendor;
	const char *product;
	const char *bios;
	const char *bios_date;
	uint64_t cpus;
	uint64_t memory_gib;
	/** Of all hosts, in parts of the sum of all models' shares. */
	uint64_t share;
};

/** What happened to which host. Nothing is owned. */
struct sim_case {
	const char *hostname;
	const char *machine_id;
	const char *boot_id;
	const char *dmi_uuid;
	const char *dmi_serial;
	const struct sim_model *model;
	/** The firmware at that boot, which may be newer than the model's first. */
	const char *bios;
	const char *bios_date;
	/** Release and version of the kernel, "6.1.0-56-amd64" and "6.1.192-2". */
	const char *kernel;
	const char *package;
	/** When it crashed, seconds since 1970, and how long it had been up. */
	int64_t time;
	int64_t uptime;
	const struct sim_fault *fault;
	/** The same number makes the same bytes. */
	uint64_t seed;
};

/** How much is made. */
enum sim_evidence {
	/** A record of about 44 kB with the whole log and the tasks, and an analysis with both. */
	SIM_EVIDENCE_FULL,
	/** A short boot log and few tasks: about 9 kB. */
	SIM_EVIDENCE_SMALL,
};

struct sim_texts {
	struct ey_buf log;
	/** record.json whole, and without log, tasks and other stacks. */
	struct ey_buf record;
	struct ey_buf light;
	struct ey_buf analysis;
};
void sim_texts_deinit(struct sim_texts *texts);
#define _cleanup_sim_texts_ __attribute__((cleanup(sim_texts_deinit)))

/** Make all texts of @p c, replacing what is in @p ret. */
struct ey_error *sim_texts_make(const struct sim_case *c, enum sim_evidence evidence,
				struct sim_texts *ret) EY_MUST_CHECK;

#endif

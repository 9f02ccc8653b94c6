/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What an analysis can look at beyond the log, the CPUs' stacks, the tasks and the modules: each
 * thing a pass of its own, which can fail without spoiling the rest.
 */
#ifndef EYRIE_ANALYSIS_PASSES_H
#define EYRIE_ANALYSIS_PASSES_H

#include "analysis/facts.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

/** A pass at work. */
struct pass_run {
	/** What has been collected; a pass may add stacks by facts_add_stack(). */
	struct facts *facts;
	struct kernel *kernel;
	/** What stands behind the colon in --with=NAME:ARGUMENT; NULL for none. */
	const char *argument;
	/** It was not asked for, but runs by default: nothing to tell is then not told. */
	bool by_default;
	/** Receives the value of the record's key; left empty where there is nothing. */
	struct ey_json json;
	/** Receives sections, each with its heading. */
	struct ey_buf *text;
};

struct pass {
	/** In --with=, as the name of the pass's gap, and (without a key of its own) nowhere else.
	 */
	const char *name;
	/** Key of the record; NULL for a pass that adds to "stacks". */
	const char *key;
	/** NULL where it takes none. */
	const char *argument;
	const char *help;
	bool by_default;
	/**
	 * An error becomes a gap of the pass's name, and what was written is dropped. It must end:
	 * every loop over what the dump holds is bounded.
	 */
	struct ey_error *(*run)(struct pass_run *p);
};

extern const struct pass pass_bt, pass_code, pass_cpus, pass_memory, pass_un, pass_waits;

/**
 * Check a list of passes ("un,bt:17"; NULL for the default): EY_ERR_USAGE names the word that is
 * none. "all" stands for all that need no argument, "none" for not even the default ones.
 */
struct ey_error *passes_check(const char *with) EY_MUST_CHECK;
/** Run the default passes and those of @p with (checked before) on what was collected. */
void passes_run(struct facts *f, const char *with);
/** A table of the passes, for people. */
void passes_describe(struct ey_buf *ret);

#endif

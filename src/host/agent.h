/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The agent's run: what kdump left on this host is analysed and filed into the repository, or at a
 * center, each dump once. A center is also told that the host lives.
 */
#ifndef EYRIE_HOST_AGENT_H
#define EYRIE_HOST_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/analysis.h"
#include "base/config.h"
#include "base/error.h"
#include "store/s3.h"

/** Nothing in it is owned. */
struct agent_options {
	/** Where kdump writes. */
	const char *crash_dir;
	/** The repository's root, and what else store_open_with() takes. */
	const char *repository;
	unsigned int store_flags;
	struct store_s3_options s3;
	/** [repository] seal_to, see store_set_recipients(); NULL: "auto". */
	const char *seal_to;
	const char *site;
	/**
	 * The center's address: then crashes go there, and not into a repository. Its CA file
	 * (NULL: the system's), the token's file (NULL: "token" in state_dir, if it is there), the
	 * site that is told (NULL: none, the token says).
	 */
	const char *center;
	const char *ca_file;
	const char *token_file;
	const char *center_site;
	/** Seconds between heartbeats in one boot; 0: none are sent. */
	int64_t heartbeat;
	/** What the host was installed from, where the system does not say; may be NULL. */
	const char *image;
	/** With a section [labels]; may be NULL. */
	const struct ey_config *config;
	/** Where the agent remembers what it did. */
	const char *state_dir;
	/** Prefix of /etc, /proc and /sys; "" but in tests. */
	const char *sysroot;
	/** Seconds without a write after which a dump counts as finished. */
	int64_t settle;
	/** Remove the dump's folder from crash_dir once it is filed. */
	bool remove_source;
	struct analysis_options analysis;
	/** Called with one line for each dump that was handled, safe for terminals. May be NULL. */
	void (*report)(const char *line, void *arg);
	void *report_arg;
};

struct agent_result {
	/** Crashes filed by this run, and how many of them with their dump. */
	size_t filed;
	size_t with_dump;
	/** Found, but filed before: by this host's agent, or by another road. */
	size_t known;
	/** Still being written. */
	size_t waiting;
	/** At the center, which wants the dump later. */
	size_t deferred;
	/** Could not be filed; the next run tries again. */
	size_t failed;
};

/**
 * Read sections [agent] and [repository] into @p ret, which borrows strings from @p config.
 * EY_ERR_USAGE for values that cannot be.
 */
struct ey_error *agent_options_load(const struct ey_config *config,
				    struct agent_options *ret) EY_MUST_CHECK;

/**
 * One run. What goes wrong with one dump is logged and does not stop the others; EY_ERR_IO is
 * returned at the end. EY_ERR_IO at once where another agent holds the state folder.
 */
struct ey_error *agent_run(const struct agent_options *options,
			   struct agent_result *ret) EY_MUST_CHECK;

#endif

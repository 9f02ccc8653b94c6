/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What the agent remembers between runs, so that each dump is handled exactly once however often
 * the agent is killed:
 *
 *	<state>/lock		held by the agent that is at work
 *	<state>/writer		this agent's name in repositories
 *	<state>/spool/KEY/	what was made of a dump and is not yet filed: record.json, ...
 *	<state>/done/KEY	the dump is filed; the text says where
 *
 * A dump goes from nothing to spool/KEY (one rename) to done/KEY (one rename). What is filed from
 * the spool is the same each time, so the repository knows it again when the agent died between
 * filing and noting it.
 */
#ifndef EYRIE_HOST_SPOOL_H
#define EYRIE_HOST_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct host_spool;

/** What was made of a dump. Text is NUL-terminated; dmesg may be NULL. */
struct host_evidence {
	char *record;
	size_t record_len;
	char *analysis;
	size_t analysis_len;
	char *dmesg;
	size_t dmesg_len;
};
void host_evidence_deinit(struct host_evidence *evidence);
#define _cleanup_evidence_ __attribute__((cleanup(host_evidence_deinit)))

/**
 * Open the state folder (it and its parents are created), take its lock, and clean up after a dead
 * agent. EY_ERR_IO: another agent is at work.
 */
struct ey_error *host_spool_open(const char *state_dir, struct host_spool **ret) EY_MUST_CHECK;
void host_spool_destroy(struct host_spool *spool);
static inline void host_spool_destroyp(struct host_spool **spool)
{
	host_spool_destroy(*spool);
}
#define _cleanup_host_spool_ __attribute__((cleanup(host_spool_destroyp)))

/** A random name of this state folder, for store_crash.writer; owned by the spool. */
const char *host_spool_writer(const struct host_spool *spool);

struct ey_error *host_spool_is_done(const struct host_spool *spool, const char *key,
				    bool *ret) EY_MUST_CHECK;
/** Note that the dump is filed, with a line for the curious, and empty its spool. */
struct ey_error *host_spool_done(struct host_spool *spool, const char *key,
				 const char *line) EY_MUST_CHECK;

/** Put @p evidence into the spool, whole. */
struct ey_error *host_spool_put(struct host_spool *spool, const char *key,
				const struct host_evidence *evidence) EY_MUST_CHECK;
/** Take a copy of what is there; EY_ERR_NOT_FOUND: nothing is. */
struct ey_error *host_spool_get(const struct host_spool *spool, const char *key,
				struct host_evidence *ret) EY_MUST_CHECK;
enum {
	/** Longest wait that is kept to, seconds. */
	HOST_WAIT_MAX = 86400,
};
/** Note that what is in the spool of @p key is not to be filed before @p until. */
struct ey_error *host_spool_wait(struct host_spool *spool, const char *key,
				 int64_t until) EY_MUST_CHECK;
/** Until when it waits; 0: it does not. */
struct ey_error *host_spool_waits(const struct host_spool *spool, const char *key,
				  int64_t *until_ret) EY_MUST_CHECK;

/** Forget what is in the spool of @p key: it cannot be read. */
void host_spool_drop(struct host_spool *spool, const char *key);

/** The keys in the spool (free each and the list). */
struct ey_error *host_spool_keys(const struct host_spool *spool, char ***keys_ret,
				 size_t *count_ret) EY_MUST_CHECK;

#endif

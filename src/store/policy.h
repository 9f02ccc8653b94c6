/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What the center wants of a crash, by its reason: the policy document `eyrie/policy/1`.
 *
 *	{"schema": "eyrie/policy/1", "group_version": "g1", "default": "vmcore",
 *	 "reasons": {"g1:BUG:foo": {"state": "known", "want": "dmesg", "have": 3}}}
 *
 * It saves disks and network; it must never cost a dump that someone needs. Whatever is not
 * understood (a group version other than the reason's, an unknown word) means the whole dump.
 */
#ifndef EYRIE_STORE_POLICY_H
#define EYRIE_STORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "store/repository.h"

#define POLICY_SCHEMA "eyrie/policy/1"
#define POLICY_FILE   "policy.json"

enum {
	POLICY_MAX_BYTES = 16 << 20,
	POLICY_MAX_DEPTH = 16,
	POLICY_MAX_VALUES = 1 << 20,
};

/** What is wanted of a crash, and the words of the document in the same order. */
enum policy_want {
	/** The record, the analysis, the log and the dump. */
	POLICY_WANT_VMCORE,
	/** All but the dump. */
	POLICY_WANT_DMESG,
	/** Only the record and the analysis, which say that it happened. */
	POLICY_WANT_NOTHING,
};
const char *policy_want_name(enum policy_want want);

struct policy_reason {
	char *key;
	enum policy_want want;
};

struct policy {
	/** NULL: no policy; everything is wanted. */
	char *group_version;
	enum policy_want fallback;
	/** Sorted by key. */
	struct policy_reason *reasons;
	size_t count;
};

/** Read a document. On error (EY_ERR_INPUT) @p ret wants every dump. */
struct ey_error *policy_read(const char *json, size_t len, struct policy *ret) EY_MUST_CHECK;
/** Read the repository's policy.json; where there is none, @p ret wants every dump. */
struct ey_error *policy_load(struct store *store, struct policy *ret) EY_MUST_CHECK;
void policy_deinit(struct policy *policy);
#define _cleanup_policy_ __attribute__((cleanup(policy_deinit)))

/** What is wanted of a crash with the group key @p reason ("g1:..."), which may be NULL. */
enum policy_want policy_decide(const struct policy *policy, const char *reason);

/** Check @p json as a policy and put it in place, whole, for the hosts to read. */
struct ey_error *policy_publish(struct store *store, const char *json, size_t len) EY_MUST_CHECK;

#endif

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

#define STORE_POLICY_SCHEMA "eyrie/policy/1"
#define STORE_POLICY_FILE   "policy.json"

enum {
	STORE_POLICY_MAX_BYTES = 16 << 20,
	STORE_POLICY_MAX_DEPTH = 16,
	STORE_POLICY_MAX_VALUES = 1 << 20,
};

/** What is wanted of a crash, and the words of the document in the same order. */
enum store_want {
	/** The record, the analysis, the log and the dump. */
	STORE_WANT_VMCORE,
	/** All but the dump. */
	STORE_WANT_DMESG,
	/** Only the record and the analysis, which say that it happened. */
	STORE_WANT_NOTHING,
};
const char *store_want_name(enum store_want want);

struct store_policy_reason {
	char *key;
	enum store_want want;
};

struct store_policy {
	/** NULL: no policy; everything is wanted. */
	char *group_version;
	enum store_want fallback;
	/** Sorted by key. */
	struct store_policy_reason *reasons;
	size_t count;
};

/** Read a document. On error (EY_ERR_INPUT) @p ret wants every dump. */
struct ey_error *store_policy_read(const char *json, size_t len,
				   struct store_policy *ret) EY_MUST_CHECK;
/** Read the repository's policy.json; where there is none, @p ret wants every dump. */
struct ey_error *store_policy_load(struct store *store, struct store_policy *ret) EY_MUST_CHECK;
void store_policy_deinit(struct store_policy *policy);
#define _cleanup_store_policy_ __attribute__((cleanup(store_policy_deinit)))

/** What is wanted of a crash with the group key @p reason ("g1:..."), which may be NULL. */
enum store_want store_policy_decide(const struct store_policy *policy, const char *reason);

/** Check @p json as a policy and put it in place, whole, for the hosts to read. */
struct ey_error *store_policy_publish(struct store *store, const char *json,
				      size_t len) EY_MUST_CHECK;

#endif

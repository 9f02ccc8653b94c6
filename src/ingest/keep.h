/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * How long dumps stay: the time that each state has, quotas, and which dump is worth the least.
 * What is decided here depends on nothing but its arguments.
 */
#ifndef EYRIE_INGEST_KEEP_H
#define EYRIE_INGEST_KEEP_H

#include "base/config.h"
#include "db/kept.h"
#include "store/repository.h"

enum {
#define X(id, name) +1
	KEEP_STATES = 0 DB_REASON_STATES(X),
#undef X
	/** Longest sentence about a dump. */
	KEEP_WHY_SIZE = 320,
};

/** Seconds after the filing for dumps of each state of the reason; or as long as it has that. */
struct keep_rules {
	int64_t seconds[KEEP_STATES];
};
enum { KEEP_HOLD = -1 };

/** The rules where nothing is set but @p fallback seconds: known ones shorter, reported held. */
void keep_rules_default(struct keep_rules *ret, int64_t fallback);
/** The same time for all states. */
void keep_rules_same(struct keep_rules *ret, int64_t seconds);
/** Section [retention]; its default: [repository] retention. */
struct ey_error *keep_rules_load(struct keep_rules *ret,
				 const struct ey_config *config) EY_MUST_CHECK;
/** The shortest time: no dump that is younger need be looked at. */
int64_t keep_rules_shortest(const struct keep_rules *rules);
/** Whether the dump's time is over; @p why says by which rule it goes or stays. */
bool keep_is_over(const struct keep_rules *rules, const struct db_kept *dump, int64_t now,
		  char why[KEEP_WHY_SIZE]);

/** Section [quota]; 0: none. */
struct keep_quotas {
	/** Bytes of dumps of one host, one site, all. */
	int64_t host;
	int64_t site;
	int64_t repository;
	/** Bytes or percent that stay free on the file system. */
	int64_t free_bytes;
	unsigned int free_percent;
};
struct ey_error *keep_quotas_load(struct keep_quotas *ret,
				  const struct ey_config *config) EY_MUST_CHECK;
/** "500G": a number with nothing, K, M, G, T or P behind it, powers of 1024. */
bool keep_size_parse(const char *text, int64_t *ret);

/**
 * Which of two dumps goes first: negative where @p a is worth less than @p b. Damaged ones, then
 * those whose bug is known and patched, then of hardware and bugs that nobody will fix, then the
 * others, and those reported to the vendor; within these where the reason has many, then the older,
 * then the larger. The last dump of a reason stays longer than any that is not.
 */
int keep_compare(const struct db_kept *a, const struct db_kept *b, int64_t now);
/** Why, for the log. */
void keep_describe(const struct db_kept *dump, int64_t now, char why[KEEP_WHY_SIZE]);

/** Dumps of one host, one site or all that could go. */
struct keep_pool {
	struct db_kept_list dumps;
	/** Those that may go, a heap with the least worth first. */
	struct db_kept **heap;
	size_t count;
	/** Dumps left of each reason, by its id. */
	struct keep_reason {
		int64_t id;
		int64_t dumps;
	} * reasons;
	size_t reason_count;
	/** Bytes of all that is counted, held ones included. */
	int64_t bytes;
	int64_t now;
};
/**
 * Make the pool of what @p filter leaves. Where @p rules are given, dumps whose time is over are
 * left out: they go anyway.
 */
struct ey_error *keep_pool_load(struct keep_pool *pool, struct db *db,
				const struct db_kept_filter *filter, const struct keep_rules *rules,
				int64_t now) EY_MUST_CHECK;
void keep_pool_deinit(struct keep_pool *pool);
#define _cleanup_pool_ __attribute__((cleanup(keep_pool_deinit)))
/** Take the least worth out of the pool; NULL: there is none that may go. */
struct db_kept *keep_pool_pop(struct keep_pool *pool);

#endif

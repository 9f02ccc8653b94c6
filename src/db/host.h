/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Hosts (machines), their models and their boots. */
#ifndef EYRIE_DB_HOST_H
#define EYRIE_DB_HOST_H

#include "db/arena.h"
#include "db/db.h"

struct db_host {
	int64_t id;
	const char *site;
	/** Its folder in the repository, and its name as it said last. */
	const char *folder;
	const char *hostname;
	/** The identity last seen; "" where not known. Earlier ones are kept as aliases. */
	const char *machine_id;
	const char *dmi_uuid;
	const char *dmi_serial;
	/** As it said last; 0 and "" where not known. */
	int64_t model_id;
	const char *vendor;
	const char *product;
	const char *firmware;
	const char *kernel;
	/** "" where not known. */
	const char *image;
	/** A word of enum db_life. */
	const char *life;
	/** Its last heartbeat. */
	int64_t last_beat;
	/** Times of its first and last crash. */
	int64_t first_seen;
	int64_t last_seen;
	int64_t crashes;
	/** Distinct reasons that it had. */
	int64_t reasons;
	/** An alert of the host itself that is not resolved; 0 for none. */
	int64_t alert_id;
};

enum db_host_order {
	DB_HOSTS_BY_LAST_SEEN,
	DB_HOSTS_BY_CRASHES,
};

/** Zero and NULL are "any". */
struct db_host_filter {
	enum db_host_order order;
	const char *site;
	/** Its name, in whole; or its begin: "web-*". */
	const char *hostname;
	int64_t model_id;
	const char *vendor;
	const char *product;
	const char *firmware;
	/** uname -r. */
	const char *kernel;
	int64_t reason_id;
	/** since <= time of its last crash < until. */
	int64_t seen_since;
	int64_t seen_until;
	int64_t min_crashes;
	/** A word of enum db_life. */
	const char *life;
	/** Part of the host name, the folder, the model or an id, in any case. */
	const char *text;
};

struct db_host_list {
	struct db_arena arena;
	struct db_host *items;
	size_t count;
	const char *next;
	/** The page ended where enough rows had been looked at: there may be more behind `next`. */
	bool bounded;
};

struct ey_error *db_host_list(struct db *db, const struct db_host_filter *filter,
			      const struct db_page *page, struct db_host_list *ret) EY_MUST_CHECK;
struct ey_error *db_host_get(struct db *db, int64_t id, struct db_host_list *ret) EY_MUST_CHECK;
void db_host_list_deinit(struct db_host_list *list);
#define _cleanup_hosts_ __attribute__((cleanup(db_host_list_deinit)))

/** Which host: the first of these that is set decides; all may be NULL. */
struct db_host_key {
	const char *dmi_uuid;
	const char *dmi_serial;
	const char *hostname;
	/** Of the name; NULL: any. */
	const char *site;
};
/** The host, and how many there are: @p id_ret is 0 where it is not one. */
struct ey_error *db_host_find(struct db *db, const struct db_host_key *key, int64_t *id_ret,
			      size_t *found_ret) EY_MUST_CHECK;

/** A model: vendor and product as the firmware names them. */
struct db_model {
	int64_t id;
	const char *vendor;
	const char *product;
	/** Hosts of the model that crashed at some time, and the crashes. */
	int64_t hosts;
	int64_t crashes;
	int64_t last_seen;
};

struct db_model_list {
	struct db_arena arena;
	struct db_model *items;
	size_t count;
};

/** All models, the one with the most crashes first, at most DB_PAGE_MAX. */
struct ey_error *db_model_list(struct db *db, struct db_model_list *ret) EY_MUST_CHECK;
struct ey_error *db_model_get(struct db *db, int64_t id, struct db_model_list *ret) EY_MUST_CHECK;
void db_model_list_deinit(struct db_model_list *list);
#define _cleanup_models_ __attribute__((cleanup(db_model_list_deinit)))

/** A boot of a host, as far as crashes and heartbeats tell of it. */
struct db_boot {
	int64_t id;
	/** "" where not known. */
	const char *boot_uuid;
	const char *kernel;
	const char *firmware;
	/** When it began, 0 where not known. */
	int64_t started;
	int64_t last_seen;
	int64_t crash_id;
	const char *image;
	/** What its configuration is; 0 where not known. */
	int64_t configuration_id;
};

struct db_boot_list {
	struct db_arena arena;
	struct db_boot *items;
	size_t count;
};

/** The host's boots, the latest first, at most @p limit (0: 100). */
struct ey_error *db_host_boots(struct db *db, int64_t host_id, unsigned int limit,
			       struct db_boot_list *ret) EY_MUST_CHECK;
void db_boot_list_deinit(struct db_boot_list *list);
#define _cleanup_boots_ __attribute__((cleanup(db_boot_list_deinit)))

#endif

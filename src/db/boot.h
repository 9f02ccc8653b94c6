/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Heartbeats: what a living host says of itself and of its boot. */
#ifndef EYRIE_DB_BOOT_H
#define EYRIE_DB_BOOT_H

#include "db/arena.h"
#include "db/db.h"
#include "db/life.h"

enum {
	/** Longest configuration, bytes of JSON. */
	DB_CONFIGURATION_MAX = 32 << 10,
	/** A boot id that is missing is found by when the boot began, within so many seconds. */
	DB_SAME_BOOT = 120,
};

/** Strings are the caller's; NULL where not known. */
struct db_heartbeat {
	/** Must be set, as must boot_uuid. */
	const char *site;
	/** The host's folder in the repository (store_host_folder()). */
	const char *folder;
	const char *hostname;
	const char *machine_id;
	const char *boot_uuid;
	const char *dmi_uuid;
	const char *dmi_serial;
	/** Seconds, from 0. */
	int64_t uptime;
	const char *kernel;
	const char *vendor;
	const char *product;
	const char *firmware;
	const char *image;
	/** The whole of it, JSON with sorted keys, so that the same is the same text. */
	const char *configuration;
	const struct db_label *labels;
	size_t label_count;
};

struct db_heartbeat_result {
	int64_t host_id;
	int64_t boot_id;
	enum db_life life;
	bool new_host;
	bool new_boot;
};

/**
 * Take it in, in one transaction: the host and its aliases, the boot with its inventory, the
 * exposure since the last one, the labels. The same again adds nothing. EY_ERR_INPUT where it has
 * no usable boot id.
 */
struct ey_error *db_heartbeat(struct db *db, const struct db_heartbeat *beat, int64_t now,
			      struct db_heartbeat_result *ret) EY_MUST_CHECK;

/**
 * The boot of a crash whose record holds no boot id: the host's own that began within DB_SAME_BOOT
 * of @p started, the nearest, and has no crash yet. @p ret is 0 where there is none. For intake.
 */
struct ey_error *db_boot_find(struct db *db, int64_t host_id, int64_t started, int64_t crashed,
			      int64_t *ret) EY_MUST_CHECK;

/**
 * A crash that ended (or hit) the boot: the boot lived until then, and tells the crash what the
 * dump did not (kernel, firmware, model). Inside the transaction that added the crash.
 */
struct ey_error *db_boot_crashed(struct db *db, int64_t boot_id, int64_t crash_id,
				 int64_t time) EY_MUST_CHECK;

/** The text of a boot's configuration; "" in @p ret where it has none. */
struct ey_error *db_boot_configuration(struct db *db, int64_t boot_id, struct db_arena *arena,
				       const char **ret) EY_MUST_CHECK;

/** Another machine with one of the host's install ids, or another install id of the host. */
struct db_twin {
	/** 0: the host itself, re-imaged. */
	int64_t host_id;
	const char *hostname;
	const char *site;
	const char *machine_id;
	int64_t first_seen;
	int64_t last_seen;
	/** It was in use on both machines at a time: a clone, no disk that was moved. */
	bool at_once;
};
struct db_twin_list {
	struct db_arena arena;
	struct db_twin *items;
	size_t count;
};
/** At most 100 of each. A host with one install id that nobody else has is not in the list. */
struct ey_error *db_host_twins(struct db *db, int64_t host_id,
			       struct db_twin_list *ret) EY_MUST_CHECK;
void db_twin_list_deinit(struct db_twin_list *list);
#define _cleanup_twins_ __attribute__((cleanup(db_twin_list_deinit)))

/** The hosts with an install id that is in use on several machines, latest first, at most 1000. */
struct ey_error *db_clones(struct db *db, struct db_twin_list *ret) EY_MUST_CHECK;

#endif

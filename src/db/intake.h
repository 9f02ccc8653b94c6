/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Take one crash in: everything that a new crash changes, in one transaction.
 *
 * Which machine: its hardware id (DMI UUID with serial), else its install id (machine-id), else
 * its folder. Which crash: machine and boot id; where a boot id is missing, machine, exact key and
 * boot time within two minutes (within two seconds when both records come from dumps, which
 * hold the times themselves: a machine in a crash loop crashes more often than that).
 */
#ifndef EYRIE_DB_INTAKE_H
#define EYRIE_DB_INTAKE_H

#include "db/crash.h"
#include "db/db.h"
#include "db/reason.h"

enum {
	/**
	 * Bytes of a text that an index holds; what is longer is cut to so many on the way in.
	 * Three of them and a few numbers fit an entry of PostgreSQL's indexes, which has 2,700 at
	 * most.
	 */
	DB_INDEXED_TEXT_MAX = 500,
};

/** A heavy part of a crash as it comes in; data NULL: there is none. */
struct db_intake_part {
	const char *data;
	size_t len;
	/** It is one zstd frame, stored as it is, of this many bytes unpacked; 0: it is plain. */
	size_t packed_size;
};

/** A crash as its record tells it; strings are the caller's. NULL (or -1, 0) where not known. */
struct db_intake {
	/** No crash, but a host that tells who it is; for src/db/boot.c. */
	bool heartbeat;
	/** Folder below the repository's root, "site/host/time-id", and its first two parts. */
	const char *path;
	const char *site;
	const char *folder;

	const char *hostname;
	const char *machine_id;
	const char *boot_uuid;
	const char *dmi_uuid;
	const char *dmi_serial;
	const char *vendor;
	const char *product;
	const char *firmware;
	const char *kernel;
	const char *kernel_version;
	const char *machine;

	/** Of the crash, and when its folder was filed (from then its retention counts); must be
	 * set.
	 */
	int64_t time;
	int64_t filed;
	/** Seconds, -1 where not known. */
	int64_t uptime;
	/** Whether time and uptime come from a dump's memory. */
	bool from_dump;

	const char *reason;
	const char *kind;
	const char *title;
	const char *function;
	const char *module;
	const char *guilty;
	const char *signature;
	const char *comm;
	const char *taint;
	int64_t cpu;
	int64_t pid;
	bool corrupted;

	const char *engine;
	int64_t gaps;
	enum db_dump dump;
	int64_t dump_bytes;
	const char *dump_format;
	bool dump_complete;

	/** By enum db_part; compressed on the way in. */
	struct db_intake_part parts[3];
	/** The schema of the record where it is not one known here, else NULL. */
	const char *schema;
};

enum db_intake_verdict {
	/** The first crash of its reason. */
	DB_INTAKE_NEW,
	/** A new crash of a reason that was known. */
	DB_INTAKE_KNOWN,
	/** This very crash was there already; its folder is noted, nothing is counted. */
	DB_INTAKE_DOUBLE,
};

struct db_intake_result {
	enum db_intake_verdict verdict;
	int64_t crash_id;
	int64_t reason_id;
	int64_t host_id;
	/** Crashes of the reason and distinct hosts that had it, this one counted. */
	int64_t reason_crashes;
	int64_t reason_hosts;
	/** Dumps of it in the repository, its state, and the issue it belongs to (0: none). */
	int64_t reason_dumps;
	enum db_reason_state reason_state;
	int64_t issue_id;
	/** Whether the dump of this very crash is in the repository. */
	bool has_dump;
};

struct ey_error *db_intake(struct db *db, const struct db_intake *in, int64_t now,
			   struct db_intake_result *ret) EY_MUST_CHECK;
/**
 * The same for several, all in one transaction: after an error none of them is in. The results
 * stand in the order of the intakes, of which one may be a double of another.
 */
struct ey_error *db_intake_many(struct db *db, const struct db_intake *const *in, size_t count,
				int64_t now, struct db_intake_result *results) EY_MUST_CHECK;

#endif

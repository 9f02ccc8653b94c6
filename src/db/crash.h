/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Crashes: one row each, kept for good. */
#ifndef EYRIE_DB_CRASH_H
#define EYRIE_DB_CRASH_H

#include "db/arena.h"
#include "db/db.h"
#include "db/flag.h"

/** What became of the dump, and its names in the same order (db_dump_name()). */
#define DB_DUMPS(X)                                                                  \
	X(NONE, "none")	      /* there never was one (a crash known from its log) */ \
	X(KEPT, "kept")	      /* in the repository */                                \
	X(SKIPPED, "skipped") /* not filed: there were enough of its reason */       \
	X(PURGED, "purged")   /* removed when its retention was over */

enum db_dump {
#define X(id, name) DB_DUMP_##id,
	DB_DUMPS(X)
#undef X
};
const char *db_dump_name(enum db_dump dump);
bool db_dump_parse(const char *name, enum db_dump *ret);

struct db_crash {
	int64_t id;
	/** When the machine crashed, by its own clock; when the row was made; seconds it was up
	 *  before, -1 where not known. */
	int64_t time;
	int64_t received;
	int64_t uptime;

	int64_t host_id;
	const char *site;
	const char *hostname;
	/** The boot that ended in this crash; boot_uuid is "" where not known. */
	int64_t boot_id;
	const char *boot_uuid;
	/** Model and firmware of that boot; model_id 0 and "" where not known. */
	int64_t model_id;
	const char *vendor;
	const char *product;
	const char *firmware;
	/** Release ("6.1.0-56-amd64"), version ("#1 SMP ..."), architecture; "" where not known. */
	const char *kernel;
	const char *kernel_version;
	const char *machine;

	int64_t reason_id;
	const char *reason_key;
	const char *reason_state;
	/** The issue that the reason belongs to; 0 for none. */
	int64_t issue_id;
	/** Crashes counted under the reason, all in all. */
	int64_t reason_crashes;
	/** The crash that made its reason known. */
	bool is_new;

	/** The event; "" and -1 where the record does not say. */
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
	/** How many things the analysis could not read (the record says which). */
	int64_t gaps;
	/** Folder below the repository's root, "site/host/time-id". */
	const char *path;
	enum db_dump dump;
	/** Bytes of the dump, 0 where there is none; format "" likewise. */
	int64_t dump_bytes;
	const char *dump_format;
	bool dump_complete;
	int64_t purged;
};

/** Everything set must hold; zero and NULL are "any". */
struct db_crash_filter {
	int64_t host_id;
	int64_t model_id;
	int64_t reason_id;
	/** Crashes that an alert gathered. */
	int64_t alert_id;
	int64_t issue_id;
	/** since <= time < until. */
	int64_t since;
	int64_t until;
	/** Crashes that made a reason known; not: those of known reasons. */
	enum db_flag is_new;
	enum db_flag corrupted;
	const char *site;
	/** Name of the host, in whole. */
	const char *hostname;
	const char *vendor;
	const char *product;
	/** uname -r, and a part of uname -v. */
	const char *kernel;
	const char *kernel_version;
	const char *machine;
	const char *firmware;
	const char *kind;
	/** Where the event is, and what is blamed; "ext4_*": those that begin so. */
	const char *function;
	const char *guilty;
	const char *module;
	const char *signature;
	const char *comm;
	const char *engine;
	/** A letter of the kernel's taint. */
	const char *taint;
	/** State of the dump: a name of DB_DUMPS. */
	const char *dump;
	/** State of the reason: a name of DB_REASON_STATES. */
	const char *reason_state;
	/** Part of the title, host name, function, command or kernel, in any case. */
	const char *text;
};

struct db_crash_list {
	struct db_arena arena;
	struct db_crash *items;
	size_t count;
	/** Cursor of the next page; NULL on the last. */
	const char *next;
	/** The page ended where enough rows had been looked at: there may be more behind `next`. */
	bool bounded;
};

/** Newest first (by time, then id). @p filter and @p page may be NULL. */
struct ey_error *db_crash_list(struct db *db, const struct db_crash_filter *filter,
			       const struct db_page *page, struct db_crash_list *ret) EY_MUST_CHECK;
/** One crash as a list of one; EY_ERR_NOT_FOUND where there is none. */
struct ey_error *db_crash_get(struct db *db, int64_t id, struct db_crash_list *ret) EY_MUST_CHECK;
void db_crash_list_deinit(struct db_crash_list *list);
#define _cleanup_crashes_ __attribute__((cleanup(db_crash_list_deinit)))

/**
 * How many crashes @p filter (NULL: any) leaves. Where counting would take long, @p exact_ret
 * (may be NULL) is false and there are at least so many.
 */
struct ey_error *db_crash_count(struct db *db, const struct db_crash_filter *filter, int64_t *ret,
				bool *exact_ret) EY_MUST_CHECK;

/** The heavy parts, which live outside the hot table, compressed. */
#define DB_PARTS(X)             \
	X(RECORD, "record")     \
	X(ANALYSIS, "analysis") \
	X(LOG, "log")           \
	X(CRASH, "crash")

enum db_part {
#define X(id, name) DB_PART_##id,
	DB_PARTS(X)
#undef X
};
const char *db_part_name(enum db_part part);

/**
 * The text of a part: record.json byte for byte, analysis.txt, or the kernel log (out of the
 * record, where no log of its own was stored). @p data_ret is NUL-terminated (free());
 * EY_ERR_NOT_FOUND where the crash has no such part. Hostile text: escape it where it is shown.
 */
struct ey_error *db_crash_part(struct db *db, int64_t id, enum db_part part, char **data_ret,
			       size_t *len_ret) EY_MUST_CHECK;

#endif

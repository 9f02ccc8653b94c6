/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Issues as JSON (docs/issues.schema.json), so that sites share what they know.
 *
 * An issue has one uid everywhere, and a digest of what it says. Each document carries the digests
 * that the issue had before: whoever reads it can tell whether it is older than what is here,
 * newer, or whether both were changed since they were last the same.
 */
#ifndef EYRIE_DB_ISSUE_SHARE_H
#define EYRIE_DB_ISSUE_SHARE_H

#include "base/buf.h"
#include "db/issue.h"

#define DB_ISSUES_SCHEMA "eyrie/issues/1"

enum {
	/** Largest document that is read, bytes. */
	DB_ISSUES_MAX_BYTES = 16 << 20,
};

struct db_issue_export {
	/** 0: all issues. */
	int64_t issue_id;
	bool comments;
	int64_t now;
};

/** Append the document to @p out; gives issues that have none a uid (so @p db is writable). */
struct ey_error *db_issues_export(struct db *db, const struct db_issue_export *options,
				  struct ey_buf *out) EY_MUST_CHECK;

struct db_issue_import {
	/** Where both sides changed an issue, take theirs. */
	bool theirs;
	/** For the history, with why (may be NULL). */
	const char *who;
	const char *why;
	int64_t now;
};

/** What became of an issue of the document, and the names in the same order. */
#define DB_IMPORTS(X)                                      \
	X(CREATED, "created")                              \
	X(UPDATED, "updated")                              \
	/* The same here, or here it is newer. */          \
	X(UNCHANGED, "unchanged")                          \
	/* Both sides changed it: nothing was done. */     \
	X(CONFLICT, "conflict")                            \
	/* Both sides changed it, and theirs was taken. */ \
	X(OVERWRITTEN, "overwritten")

enum db_import {
#define X(id, name) DB_IMPORT_##id,
	DB_IMPORTS(X)
#undef X
};
const char *db_import_name(enum db_import import);

struct db_imported {
	const char *uid;
	const char *title;
	int64_t issue_id;
	enum db_import result;
	/** Its reasons that belong to another issue here, and stay there. */
	int64_t taken;
};

struct db_imported_list {
	struct db_arena arena;
	struct db_imported *items;
	size_t count;
	int64_t conflicts;
};

/**
 * Read a document into the database, in one transaction. EY_ERR_INPUT with a sentence, and nothing
 * done, where it is none: whatever it holds, it is checked before anything is written.
 */
struct ey_error *db_issues_import(struct db *db, const char *json, size_t len,
				  const struct db_issue_import *options,
				  struct db_imported_list *ret) EY_MUST_CHECK;
void db_imported_list_deinit(struct db_imported_list *list);
#define _cleanup_imported_ __attribute__((cleanup(db_imported_list_deinit)))

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The audit log: who changed or took away what, from where, when. Rows are only ever added. No
 * password, token or key may stand in one.
 */
#ifndef EYRIE_DB_AUDIT_H
#define EYRIE_DB_AUDIT_H

#include "db/arena.h"
#include "db/db.h"

struct db_audit_row {
	int64_t id;
	int64_t time;
	/** A name of AUTH_KINDS, or "command" for the command line. */
	const char *kind;
	/** A user's, host's or login name; "" for nobody known. */
	const char *who;
	/** Numeric; "" for the command line. */
	const char *address;
	/** "issue.change", "dump.download", "sign-in.failed": a subject and what was done to it. */
	const char *action;
	/** Its id or name. */
	const char *object;
	/** One line more; cut at 500 bytes. */
	const char *detail;
};

/** Add a row (its id is not read; NULL texts are ""), in the transaction that is open, if any. */
struct ey_error *db_audit_add(struct db *db, const struct db_audit_row *row) EY_MUST_CHECK;

struct db_audit_filter {
	/** Exactly; NULL: any. */
	const char *who;
	/** Exactly, or all of a subject by "issue.". */
	const char *action;
	const char *object;
	/** Not before, and before; 0: any. */
	int64_t since;
	int64_t until;
};

struct db_audit_list {
	struct db_arena arena;
	struct db_audit_row *items;
	size_t count;
	const char *next;
};

/** The latest first. */
struct ey_error *db_audit_list(struct db *db, const struct db_audit_filter *filter,
			       const struct db_page *page, struct db_audit_list *ret) EY_MUST_CHECK;
void db_audit_list_deinit(struct db_audit_list *list);
#define _cleanup_audit_ __attribute__((cleanup(db_audit_list_deinit)))

#endif

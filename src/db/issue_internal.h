/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the files of issues share: each change has its line of history. */
#ifndef EYRIE_DB_ISSUE_INTERNAL_H
#define EYRIE_DB_ISSUE_INTERNAL_H

#include "db/issue.h"
#include "db/sql.h"

/** A line of history, within the transaction of the change. */
struct ey_error *db_issue_note(struct db *db, const struct db_issue_edit *edit, const char *what,
			       const char *old_value, const char *new_value) EY_MUST_CHECK;
/** It changed: a new version. EY_ERR_NOT_FOUND where there is no such issue. */
struct ey_error *db_issue_touch(struct db *db, const struct db_issue_edit *edit) EY_MUST_CHECK;

#endif

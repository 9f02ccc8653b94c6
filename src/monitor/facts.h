/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file From rows of the database to the facts that mails are composed from; for this room only.
 */
#ifndef EYRIE_MONITOR_FACTS_H
#define EYRIE_MONITOR_FACTS_H

#include "db/outbox.h"
#include "notify/compose.h"

/** What mails point to. */
struct facts_places {
	/** Address of the console; may be NULL. */
	const char *console_url;
	/** Root of the repository. */
	const char *repository;
};

/** A composed mail and what it borrows from. */
struct facts_mail {
	struct notify_text text;
	/** The analysis of a new reason's crash (free()); NULL: none to attach. */
	char *analysis;
	size_t analysis_len;
};
void facts_mail_deinit(struct facts_mail *mail);
#define _cleanup_facts_mail_ __attribute__((cleanup(facts_mail_deinit)))

/**
 * Compose @p mail from what the database says now. EY_ERR_NOT_FOUND: what it tells of is no longer
 * there.
 */
struct ey_error *facts_compose(struct db *db, const struct db_mail *mail,
			       const struct facts_places *places,
			       struct facts_mail *ret) EY_MUST_CHECK;

#endif

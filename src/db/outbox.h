/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Mails to be sent. A mail is queued in the transaction of what it tells, under a key that is
 * unique for ever, so that it is queued once; a sender claims it for a time, sends, and says so.
 * A sender that is killed between the server's "accepted" and its own note sends it again with the
 * same Message-ID (made from the key), by which mail programs show it once.
 */
#ifndef EYRIE_DB_OUTBOX_H
#define EYRIE_DB_OUTBOX_H

#include "db/arena.h"
#include "db/db.h"

/** What a mail tells, and its names in the same order. */
#define DB_MAIL_KINDS(X)                            \
	X(NEW_REASON, "new-reason")                 \
	X(ALERT_FIRING, "alert-firing")             \
	X(ALERT_ACKNOWLEDGED, "alert-acknowledged") \
	X(ALERT_RESOLVED, "alert-resolved")

enum db_mail_kind {
#define X(id, name) DB_MAIL_##id,
	DB_MAIL_KINDS(X)
#undef X
};
const char *db_mail_kind_name(enum db_mail_kind kind);
bool db_mail_kind_parse(const char *name, enum db_mail_kind *ret);

struct db_mail {
	int64_t id;
	/** "new-reason:17": kind and subject; make the Message-ID from it. */
	const char *key;
	enum db_mail_kind kind;
	/** Id of the reason or of the alert. */
	int64_t subject_id;
	int64_t created;
	/** Times that it was tried before. */
	int64_t attempts;
	/** Only to these ("a@x, b@x"); "" to all that the configuration names. */
	const char *recipients;
};

struct db_mail_list {
	struct db_arena arena;
	struct db_mail *items;
	size_t count;
};

/** Queue a mail unless one of this kind for this subject was ever queued. */
struct ey_error *db_outbox_add(struct db *db, enum db_mail_kind kind, int64_t subject_id,
			       int64_t now, bool *added_ret) EY_MUST_CHECK;

/** Whether a mail of this kind for this subject was ever queued. */
struct ey_error *db_outbox_has(struct db *db, enum db_mail_kind kind, int64_t subject_id,
			       bool *ret) EY_MUST_CHECK;

/**
 * Take up to @p limit mails that are due (oldest first) for @p lease seconds: no other sender gets
 * them before that.
 */
struct ey_error *db_outbox_claim(struct db *db, int64_t now, int64_t lease, unsigned int limit,
				 struct db_mail_list *ret) EY_MUST_CHECK;
void db_mail_list_deinit(struct db_mail_list *list);
#define _cleanup_mails_ __attribute__((cleanup(db_mail_list_deinit)))

/** The server accepted it. */
struct ey_error *db_outbox_sent(struct db *db, int64_t id, int64_t now) EY_MUST_CHECK;
/**
 * It could not be sent: @p why is kept, and it is due again after a time that doubles from one
 * minute to six hours, then only to @p recipients where that is not NULL. @p final: the server
 * will never take it (it refused it for good); it is not tried again but stays listed.
 */
struct ey_error *db_outbox_failed(struct db *db, int64_t id, const char *why, bool final,
				  const char *recipients, int64_t now) EY_MUST_CHECK;

struct db_outbox_counts {
	int64_t waiting;
	int64_t sent;
	int64_t given_up;
};
struct ey_error *db_outbox_counts(struct db *db, struct db_outbox_counts *ret) EY_MUST_CHECK;

#endif

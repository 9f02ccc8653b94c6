/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Alerts: a host, a model or a reason that left the normal. */
#ifndef EYRIE_DB_ALERT_H
#define EYRIE_DB_ALERT_H

#include "db/arena.h"
#include "db/db.h"
#include "db/flag.h"

/** What an alert is about, and its names in the same order. */
#define DB_ALERT_SCOPES(X) \
	X(HOST, "host")    \
	X(MODEL, "model")  \
	X(REASON, "reason")

enum db_alert_scope {
#define X(id, name) DB_ALERT_##id,
	DB_ALERT_SCOPES(X)
#undef X
};
const char *db_alert_scope_name(enum db_alert_scope scope);
bool db_alert_scope_parse(const char *name, enum db_alert_scope *ret);

#define DB_ALERT_STATES(X)              \
	X(FIRING, "firing")             \
	X(ACKNOWLEDGED, "acknowledged") \
	X(RESOLVED, "resolved")

enum db_alert_state {
#define X(id, name) DB_ALERT_##id,
	DB_ALERT_STATES(X)
#undef X
};
const char *db_alert_state_name(enum db_alert_state state);
bool db_alert_state_parse(const char *name, enum db_alert_state *ret);

struct db_alert {
	int64_t id;
	enum db_alert_scope scope;
	/** Id of the host, model or reason. */
	int64_t subject_id;
	/** Its name for people: "web-01", "Example Corp Server 9", the reason's title. */
	const char *subject;
	/** One sentence: what, how many, in how long, and the hint. */
	const char *summary;
	/** "" or what the pattern looks like ("hardware"). */
	const char *hint;
	enum db_alert_state state;
	/** Raised; condition last seen; ended (0 while it lasts). */
	int64_t since;
	int64_t updated;
	int64_t resolved;
	/** When somebody acknowledged it and who ("" for nobody). */
	int64_t acknowledged;
	const char *who;
	/** What exceeded the threshold: crashes for a host, distinct hosts for a model or reason.
	 *  The highest number seen in one window while the alert lasted. */
	int64_t count;
	int64_t threshold;
	/** Seconds. */
	int64_t window;
	/** Crashes linked to it, their distinct hosts and reasons. */
	int64_t crashes;
	int64_t hosts;
	int64_t reasons;
};

/** Zero and NULL are "any". */
struct db_alert_filter {
	/** Only alerts that are not resolved. */
	bool only_active;
	/** Names of DB_ALERT_STATES and DB_ALERT_SCOPES. */
	const char *state;
	const char *scope;
	int64_t subject_id;
	/** Somebody has it, or nobody yet; and who. */
	enum db_flag acknowledged;
	const char *who;
	/** since <= raised < until. */
	int64_t since;
	int64_t until;
};

struct db_alert_list {
	struct db_arena arena;
	struct db_alert *items;
	size_t count;
	const char *next;
};

/** Latest raised first. The crashes of an alert: db_crash_list() with its alert_id. */
struct ey_error *db_alert_list(struct db *db, const struct db_alert_filter *filter,
			       const struct db_page *page, struct db_alert_list *ret) EY_MUST_CHECK;
struct ey_error *db_alert_get(struct db *db, int64_t id, struct db_alert_list *ret) EY_MUST_CHECK;
void db_alert_list_deinit(struct db_alert_list *list);
#define _cleanup_alerts_ __attribute__((cleanup(db_alert_list_deinit)))

/**
 * Somebody takes it on. An acknowledged alert stays one and sends no more mail until it resolves,
 * but the one that says who (where the alert itself was mailed).
 * Acknowledging it again keeps the first name; EY_ERR_INPUT when it is resolved already.
 */
struct ey_error *db_alert_acknowledge(struct db *db, int64_t id, const char *who,
				      int64_t now) EY_MUST_CHECK;

/** What the monitor found of a subject; see struct db_alert. Strings are copied. */
struct db_alert_finding {
	enum db_alert_scope scope;
	int64_t subject_id;
	const char *subject;
	const char *summary;
	const char *hint;
	int64_t count;
	int64_t threshold;
	int64_t window;
	/** Crashes to link. */
	const int64_t *crash_ids;
	size_t crash_count;
};

/**
 * Raise an alert, or bring the subject's unresolved one up to date: there is never more than one.
 * @p raised_ret tells whether it is a new one. Crashes that are linked already stay so.
 */
struct ey_error *db_alert_raise(struct db *db, const struct db_alert_finding *finding, int64_t now,
				int64_t *id_ret, bool *raised_ret) EY_MUST_CHECK;
/** End it. */
struct ey_error *db_alert_resolve(struct db *db, int64_t id, int64_t now) EY_MUST_CHECK;

#endif

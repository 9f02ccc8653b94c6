/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What becomes of deliveries: written in one transaction, and the answer to each. */
#ifndef EYRIE_SERVER_INTAKE_ANSWER_H
#define EYRIE_SERVER_INTAKE_ANSWER_H

#include "base/config.h"
#include "db/intake.h"
#include "db/issue.h"
#include "ingest/delivery.h"
#include "ingest/policy.h"
#include "ingest/purge.h"
#include "server/message.h"

struct intake_settings {
	struct policy_rules rules;
	/** Root of the repository; the configuration's. */
	const char *root;
	/** Quotas, for intake_make_room(). */
	struct purge_options purge;
};

/** What is answered to a delivery that is in the database. */
struct intake_outcome {
	struct db_intake_result result;
	enum db_verdict triage;
	enum policy_want want;
	/** With POLICY_WANT_LATER: seconds. */
	int64_t retry_after;
};

struct ey_error *intake_settings_load(struct intake_settings *settings,
				      const struct ey_config *config) EY_MUST_CHECK;

/**
 * Make room for the dump of a crash, @p bytes long, by removing what is worth less. @p fits_ret:
 * false where only what is worth more could go.
 */
struct ey_error *intake_make_room(struct db *db, const struct intake_settings *settings,
				  int64_t crash_id, uint64_t bytes, bool *fits_ret) EY_MUST_CHECK;

/** Write all of @p deliveries in one transaction; after an error none of them is in. */
struct ey_error *intake_write(struct db *db, const struct intake_settings *settings,
			      const struct delivery *const *deliveries, size_t count, int64_t now,
			      struct intake_outcome *outcomes) EY_MUST_CHECK;

/** Seconds after which who was put off may ask again. */
int64_t intake_retry_after(const struct intake_settings *settings, int64_t crash_id);
/** Bytes that the repository at @p root has room for; UINT64_MAX where nobody can tell. */
uint64_t intake_room(const char *root);

/**
 * What is wanted of the crash @p crash_id, of which the host has a dump of @p bytes (0: none). A
 * slot is kept where it is the dump. Inside a transaction.
 */
struct ey_error *intake_decide(struct db *db, const struct intake_settings *settings,
			       int64_t crash_id, uint64_t bytes, uint64_t room, int64_t now,
			       enum policy_want *ret) EY_MUST_CHECK;

/** The answer to a delivery that was written. */
void intake_answer(const struct delivery *delivery, const struct intake_outcome *outcome,
		   struct server_response *response);

#endif

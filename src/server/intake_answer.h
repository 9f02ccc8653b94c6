/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What becomes of deliveries: written in one transaction, and the answer to each. */
#ifndef EYRIE_SERVER_INTAKE_ANSWER_H
#define EYRIE_SERVER_INTAKE_ANSWER_H

#include "base/config.h"
#include "db/intake.h"
#include "db/issue.h"
#include "ingest/delivery.h"
#include "server/message.h"
#include "store/policy.h"

struct intake_settings {
	unsigned int keep_dumps;
};

/** What is answered to a delivery that is in the database. */
struct intake_outcome {
	struct db_intake_result result;
	enum db_verdict triage;
	enum store_want want;
};

struct ey_error *intake_settings_load(struct intake_settings *settings,
				      const struct ey_config *config) EY_MUST_CHECK;

/** Write all of @p deliveries in one transaction; after an error none of them is in. */
struct ey_error *intake_write(struct db *db, const struct intake_settings *settings,
			      const struct delivery *const *deliveries, size_t count, int64_t now,
			      struct intake_outcome *outcomes) EY_MUST_CHECK;

/** The answer to a delivery that was written. */
void intake_answer(const struct delivery *delivery, const struct intake_outcome *outcome,
		   struct server_response *response);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record that anyone may have written, all the way into the database and out again: whatever it
 * holds, it is one crash, also when it comes a second time, and every list can be read.
 */
#include <stdint.h>
#include <stdlib.h>

#include "db/host.h"
#include "db/reason.h"
#include "db/sql.h"
#include "db/stats.h"
#include "ingest/policy_make.h"
#include "ingest/take.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1795435200 };

static void must(struct ey_error *err)
{
	if (err)
		abort();
}

static void must_be(bool condition)
{
	if (!condition)
		abort();
}

static void read_back(struct db *db, const struct db_intake *in, int64_t crash_id)
{
	_cleanup_crashes_ struct db_crash_list crash = {0}, found = {0};
	_cleanup_hosts_ struct db_host_list hosts = {0};
	_cleanup_reasons_ struct db_reason_list reasons = {0};
	_cleanup_buf_ struct ey_buf policy = EY_BUF_INIT;
	struct store_policy parsed = {0};
	struct db_stats_now overview;
	struct db_stats_sums sums;

	must(db_crash_get(db, crash_id, &crash));
	must_be(crash.items[0].time == in->time);
	must(db_crash_list(db, &(struct db_crash_filter){.text = in->title}, NULL, &found));
	must_be(found.count == 1);
	// Longer ones are there under their first bytes.
	if (!in->hostname || strlen(in->hostname) <= DB_INDEXED_TEXT_MAX) {
		must(db_host_list(db, &(struct db_host_filter){.text = in->hostname}, NULL,
				  &hosts));
		must_be(hosts.count == 1);
	}
	if (strlen(in->reason) <= DB_INDEXED_TEXT_MAX && !strchr(in->reason, '~'))
		must(db_reason_get_key(db, in->reason, &reasons));
	must(db_stats_now(db, &overview));
	must(db_stats_sums(db, NOW, &sums));
	must_be(overview.crashes == 1 && sums.hosts == 1 && overview.reasons == 1);
	struct policy_rules rules;
	policy_rules_default(&rules, 1);
	must(policy_make(db, &rules, &policy));
	must(store_policy_read(policy.data, policy.len, &parsed));
	must_be(parsed.count == 1);
	store_policy_deinit(&parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct db *db;
	_cleanup_take_ struct take take = {0};
	_cleanup_txn_ struct db_txn txn = {0};
	struct db_intake_result first, second;

	if (!db)
		must(db_open(":memory:", DB_OPEN_WRITE, &db));
	struct ey_error *err = record_read((const char *)data, size, &take.record);
	if (err) {
		ey_error_destroy(err);
		return 0;
	}
	take.intake.path = "north/web-01/20261123T120000Z-0000000000000001";
	take.intake.site = "north";
	take.intake.folder = "web-01";
	take.intake.filed = NOW;
	take.intake.parts[DB_PART_RECORD].data = (const char *)data;
	take.intake.parts[DB_PART_RECORD].len = size;
	must(take_from_record(&take, -1, NOW));
	must(db_begin(db, &txn)); // never committed: the next input finds it empty
	must(db_intake(db, &take.intake, NOW, &first));
	must_be(first.verdict == DB_INTAKE_NEW);
	take.intake.path = "north/web-01/20261123T120000Z-0000000000000002";
	must(db_intake(db, &take.intake, NOW, &second));
	must_be(second.verdict == DB_INTAKE_DOUBLE && second.crash_id == first.crash_id);
	read_back(db, &take.intake, first.crash_id);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Issues that another site shares, as anybody may have written them: what is taken in can be given
 * out, and that is what is there already.
 */
#include <stdint.h>
#include <stdlib.h>

#include "db/issue_share.h"
#include "db/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1795435200 };

static void must(struct ey_error *err)
{
	if (err)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct db *db;
	const struct db_issue_import import = {.theirs = true, .who = "site", .now = NOW};
	struct db_imported_list first = {0}, second = {0};
	_cleanup_buf_ struct ey_buf out = EY_BUF_INIT;
	_cleanup_txn_ struct db_txn txn = {0};

	if (!db)
		must(db_open(":memory:", DB_OPEN_WRITE, &db));
	must(db_begin(db, &txn)); // never committed: the next input finds it empty
	struct ey_error *err = db_issues_import(db, (const char *)data, size, &import, &first);
	if (err) {
		ey_error_destroy(err);
		return 0;
	}
	must(db_issues_export(db, &(struct db_issue_export){.comments = true, .now = NOW}, &out));
	must(db_issues_import(db, out.data, out.len, &import, &second));
	for (size_t i = 0; i < second.count; i++) {
		if (second.items[i].result != DB_IMPORT_UNCHANGED)
			abort();
	}
	db_imported_list_deinit(&first);
	db_imported_list_deinit(&second);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/scrub_job.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "db/kept.h"
#include "ingest/scrub.h"

static bool is_stopping(void *arg)
{
	const struct api *api = arg;

	return atomic_load(&api->stopping);
}

// What is damaged stays a failure of the job, for the console to show, until it is mended.
static struct ey_error *tell_damage(struct db *db)
{
	enum { SOME = 100 };
	_cleanup_dumps_ struct db_kept_list list = {0};
	const struct db_kept_filter filter = {.damaged = true, .limit = SOME};
	struct ey_error *err = db_kept_list(db, &filter, ey_time_now(), &list);

	if (err || !list.count)
		return err;
	return ey_error_create(EY_ERR_INPUT,
			       "%zu%s crashes are not as they were filed, such as %s (%s); see "
			       "/api/v1/repository",
			       list.count, list.count == SOME ? " or more" : "", list.items[0].path,
			       list.items[0].damage);
}

struct ey_error *server_scrub_run(void *arg, struct ey_buf *said, bool *kick)
{
	const struct api *api = arg;
	_cleanup_db_ struct db *db = NULL;
	struct scrub_options options = {0};
	struct scrub_result r = {0};

	struct ey_error *err = scrub_options_load(&options, api->config);
	if (!err)
		err = db_open_config(api->config, DB_OPEN_WRITE, &db);
	options.stop = is_stopping;
	options.arg = arg;
	if (!err)
		err = scrub_run(db, &options, &r);
	if (!err)
		err = tell_damage(db);
	if (err)
		return err;
	ey_buf_printf(said,
		      "%" PRIu64 " crashes compared, %" PRIu64 " MB; %" PRIu64 " could not be read",
		      r.crashes, r.bytes / 1000000, r.failed);
	return NULL;
}

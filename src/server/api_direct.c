/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps that hosts put into the store themselves: whether, sealed to whom, and where to. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/upload.h"
#include "ingest/upload_direct.h"
#include "server/api.h"
#include "server/upload_worker.h"

struct ey_error *api_direct(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	struct ey_error *err = server_query_only(&request->target, known);

	return err ? err : upload_worker_offer(api->uploads, request);
}

struct ey_error *api_upload_direct(const struct api *api, struct db *db,
				   const struct server_request *request,
				   struct server_response *response)
{
	static const char *const known[] = {"begin", NULL};
	struct db_upload upload;
	int64_t begin = 0;
	bool has_dump;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = server_query_int(&request->target, "begin", 0, 1, 0, &begin);
	if (!err)
		err = db_upload_get(db, request->id, ey_time_now(), &upload);
	if (!err)
		err = upload_check_host(db, request, upload.crash_id, &has_dump);
	return err ? err : upload_worker_direct(api->uploads, &upload, begin, request);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dump of a crash, as it lies in the repository: sealed where it is sealed there. */
#include "server/api.h"
#include "server/download.h"

struct ey_error *api_crash_dump(const struct api *api, struct db *db,
				const struct server_request *request,
				struct server_response *response)
{
	static const char *const known[] = {NULL};
	int64_t id;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = api_id(request, &id);
	return err ? err : server_downloads_add(api->downloads, id, request);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Dumps on their way out of the repository. Each has a thread that reads (from a disk, an NFS
 * server or a bucket: all may take their time) into a ring of DOWNLOAD_RING bytes, from which the
 * connection is fed; so no thread of the HTTP server waits, and no dump is in memory.
 *
 * What is sent whole is compared with its checksum on the way, and its last bytes are held back
 * until that is done: a damaged dump never arrives complete. A part of one is sent unchecked; the
 * header Repr-Digest says what all parts together must be.
 */
#ifndef EYRIE_SERVER_DOWNLOAD_H
#define EYRIE_SERVER_DOWNLOAD_H

#include "base/config.h"
#include "server/db_pool.h"
#include "server/message.h"

enum {
	DOWNLOAD_RING = 1 << 20,
	/** Who comes while so many are under way is asked to come later. */
	DOWNLOADS_MAX = 16,
};

struct server_downloads;

struct ey_error *server_downloads_create(const struct ey_config *config,
					 struct server_db_pool *pool,
					 struct server_downloads **ret) EY_MUST_CHECK;
/** Break off all of them; call it before the HTTP server goes. */
void server_downloads_stop(struct server_downloads *all);
/**
 * Release them, after the HTTP server. False where one still waits for its store after
 * @p seconds: then nothing is released, and the process had better end.
 */
bool server_downloads_destroy(struct server_downloads *all, unsigned int seconds);

/** Answer @p request later with the dump of crash @p crash_id. EY_ERR_IO: too many already. */
struct ey_error *server_downloads_add(struct server_downloads *all, int64_t crash_id,
				      const struct server_request *request) EY_MUST_CHECK;

#endif

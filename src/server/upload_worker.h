/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Uploads that are whole are filed in threads of their own: checksums of dumps take seconds, and
 * those who answer requests have others to answer.
 */
#ifndef EYRIE_SERVER_UPLOAD_WORKER_H
#define EYRIE_SERVER_UPLOAD_WORKER_H

#include "base/config.h"
#include "db/upload.h"
#include "server/db_pool.h"
#include "server/message.h"

struct upload_worker;

/** Make it; @p config and @p pool must outlive it. */
struct ey_error *upload_worker_create(const struct ey_config *config, struct server_db_pool *pool,
				      struct upload_worker **ret) EY_MUST_CHECK;
/** Wait until all are filed and answered; no more are taken. */
void upload_worker_stop(struct upload_worker *worker);
void upload_worker_destroy(struct upload_worker *worker);

/** File @p upload and answer @p request with @p status and Upload-Offset, or with what failed. */
struct ey_error *upload_worker_add(struct upload_worker *worker, const struct db_upload *upload,
				   unsigned int status,
				   const struct server_request *request) EY_MUST_CHECK;

/** Answer @p request with whether and how dumps go into the store directly. */
struct ey_error *upload_worker_offer(struct upload_worker *worker,
				     const struct server_request *request) EY_MUST_CHECK;
/** Answer @p request with what is missing of @p upload; file it where nothing is. */
struct ey_error *upload_worker_direct(struct upload_worker *worker, const struct db_upload *upload,
				      bool begin,
				      const struct server_request *request) EY_MUST_CHECK;

/** What every answer of tus has. */
void upload_headers(struct server_response *response, unsigned int status);
/** An answer with an error and the headers of tus. */
struct ey_error *upload_refuse(struct server_response *response, unsigned int status,
			       const char *message);
/** Whether the request is of tus 1.0.0; else the answer says so. */
bool upload_speaks_tus(const struct server_request *request, struct server_response *response);
/** Whether @p request may speak for the host of a crash, and whether that has its dump. */
struct ey_error *upload_check_host(struct db *db, const struct server_request *request,
				   int64_t crash_id, bool *has_dump_ret) EY_MUST_CHECK;

#endif

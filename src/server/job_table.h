/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The center's jobs as the scheduler runs them; each is also a command of its own. */
#ifndef EYRIE_SERVER_JOB_TABLE_H
#define EYRIE_SERVER_JOB_TABLE_H

#include "server/config.h"
#include "server/jobs.h"

/** The table for server_jobs_create(), in the order of the chain; both configs must outlive it. */
struct ey_error *server_job_table_create(const struct ey_config *config,
					 const struct server_config *server,
					 struct server_job **ret) EY_MUST_CHECK;
void server_job_table_destroy(struct server_job *jobs);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The scrub as a job: in a thread of its own, since it reads for hours. */
#ifndef EYRIE_SERVER_SCRUB_JOB_H
#define EYRIE_SERVER_SCRUB_JOB_H

#include "server/api.h"

/** A job's function; @p arg is the struct api, whose `stopping` ends it. */
struct ey_error *server_scrub_run(void *arg, struct ey_buf *said, bool *kick);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file eyried serve: the jobs on schedule, the API and the console, until told to stop. */
#ifndef EYRIE_SERVER_SERVER_H
#define EYRIE_SERVER_SERVER_H

#include "base/config.h"
#include "base/error.h"

/**
 * Serve until SIGTERM or SIGINT. Errors are those of starting: a bad setting, a database that
 * cannot be opened, an address that is taken.
 */
struct ey_error *server_run(const struct ey_config *config) EY_MUST_CHECK;

#endif

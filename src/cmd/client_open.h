/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The center that a command talks to: as its options say, else section [client]. */
#ifndef EYRIE_CMD_CLIENT_OPEN_H
#define EYRIE_CMD_CLIENT_OPEN_H

#include "base/config.h"
#include "client/client.h"

/** Of the command line; NULL: the configuration's. */
struct client_choice {
	const char *center;
	const char *token_file;
	const char *ca_file;
};

struct ey_error *client_open(const struct client_choice *choice, const struct ey_config *config,
			     struct client **ret) EY_MUST_CHECK;

#endif

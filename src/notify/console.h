/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Links from mails and reports into the console. */
#ifndef EYRIE_NOTIFY_CONSOLE_H
#define EYRIE_NOTIFY_CONSOLE_H

#include <stdint.h>

#include "base/config.h"
#include "base/error.h"

/**
 * The address under which people reach the console, [server] url, without a slash at its end
 * (free()); NULL where it is not set. EY_ERR_USAGE where it is no http(s) address.
 */
struct ey_error *notify_console_url(const struct ey_config *config, char **ret) EY_MUST_CHECK;

/** "URL/crashes/7" (free()) of kind "crashes", "reasons", "hosts", "alerts"; NULL without URL. */
char *notify_console_link(const char *console_url, const char *kind, int64_t id);

#endif

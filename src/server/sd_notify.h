/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Tell the service manager how we are: the protocol of sd_notify(3), without libsystemd. */
#ifndef EYRIE_SERVER_SD_NOTIFY_H
#define EYRIE_SERVER_SD_NOTIFY_H

/**
 * Send @p state ("READY=1", "STOPPING=1", "STATUS=...") to the socket that NOTIFY_SOCKET names.
 * Does nothing where there is none; that it could not be sent is logged at debug level only.
 */
void server_sd_notify(const char *state);

#endif

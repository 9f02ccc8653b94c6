/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EYRIE_SERVER_HTTP_LISTEN_H
#define EYRIE_SERVER_HTTP_LISTEN_H

#include <stdint.h>

#include "base/error.h"

/** A socket that listens at a numeric address; @p port_ret: the port, also where @p port is 0. */
struct ey_error *http_listen(const char *address, uint16_t port, int *fd_ret,
			     uint16_t *port_ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file How a response travels: headers, ETag, compression. For http.c alone. */
#ifndef EYRIE_SERVER_HTTP_RESPONSE_H
#define EYRIE_SERVER_HTTP_RESPONSE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "server/message.h"

/**
 * Queue @p response, whose body is consumed. @p allow: methods for the Allow header of a 405.
 */
enum MHD_Result http_respond(struct MHD_Connection *connection, struct server_response *response,
			     unsigned int allow);

#endif

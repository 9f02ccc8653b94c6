/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Headers of a request that came more than once. For http.c alone. */
#ifndef EYRIE_SERVER_HTTP_HEADER_H
#define EYRIE_SERVER_HTTP_HEADER_H

#include <microhttpd.h>
#include <stddef.h>

/** How often header @p name was sent. */
size_t http_header_count(struct MHD_Connection *connection, const char *name);
/**
 * All values of it as the one list that they are, in their order, commas between: a proxy may add a
 * line of its own to what a client sent, and the first alone is the client's word. The caller's to
 * free(); NULL when out of memory.
 */
char *http_header_join(struct MHD_Connection *connection, const char *name);

#endif

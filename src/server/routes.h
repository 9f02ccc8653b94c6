/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Which address is answered by what: the API's routes, and the console's pages. */
#ifndef EYRIE_SERVER_ROUTES_H
#define EYRIE_SERVER_ROUTES_H

#include "server/api.h"
#include "server/http.h"

/** The handler for http_server_create(); @p api must outlive the server. */
struct http_handler server_routes(struct api *api);

/** How many addresses server_route_at() knows. */
size_t server_route_count(void);
/**
 * The @p i-th address, "{id}" and all, and its method; NULL behind the last. Pages and files of the
 * console are none: docs/openapi.json describes these and nothing else.
 */
const char *server_route_at(size_t i, enum server_method *method_ret);

/** A row of the table, for tests and lists. */
struct server_route_row {
	enum server_method method;
	const char *pattern;
	unsigned int permissions;
	/** NULL: not in the audit log. */
	const char *action;
};
/** The @p i-th row; false behind the last. */
bool server_route_row(size_t i, struct server_route_row *ret);

#endif

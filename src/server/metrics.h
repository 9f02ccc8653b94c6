/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Counters of this process, and all that GET /metrics tells. */
#ifndef EYRIE_SERVER_METRICS_H
#define EYRIE_SERVER_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "db/db.h"
#include "server/jobs.h"

struct server_metrics;

/** @p routes: how many there are; server_metrics_route() counts by their numbers. */
struct ey_error *server_metrics_create(size_t routes, struct server_metrics **ret) EY_MUST_CHECK;
void server_metrics_destroy(struct server_metrics *metrics);

/** A request of a route was answered. From any thread; no lock. */
void server_metrics_request(struct server_metrics *metrics, size_t route, unsigned int status,
			    double seconds);
/** A crash was taken in over HTTP and is committed. */
void server_metrics_ingest(struct server_metrics *metrics, double seconds);
/** The database could not be reached or did not do what was asked. */
void server_metrics_database_error(struct server_metrics *metrics);

/** What a route is called in labels. */
typedef const char *server_metrics_route_name(size_t route, const char **method_ret);

/**
 * Write all metrics: in the text format of Prometheus (0.0.4), or OpenMetrics 1.0. What the
 * database tells is asked at most each METRICS_CACHE_SECONDS; where it does not answer, that part
 * is left out and eyrie_database_up says so.
 */
enum { METRICS_CACHE_SECONDS = 15 };
struct ey_error *server_metrics_write(struct server_metrics *metrics, struct db *db,
				      struct server_jobs *jobs, server_metrics_route_name *name,
				      bool openmetrics, struct ey_buf *out) EY_MUST_CHECK;

#endif

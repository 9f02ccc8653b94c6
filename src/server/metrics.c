/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "db/counters.h"

static const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
				0.25,  0.5,    1,     2.5,  5,	   10};

enum { BUCKETS = sizeof(bounds) / sizeof(bounds[0]) + 1, CLASSES = 5 };

struct histogram {
	atomic_uint_fast64_t buckets[BUCKETS];
	atomic_uint_fast64_t microseconds;
};

struct server_metrics {
	struct histogram requests;
	struct histogram ingest;
	atomic_uint_fast64_t database_errors;
	struct timespec started;
	/** What the database told last, and when (monotonic seconds); -1: never. */
	pthread_mutex_t lock;
	struct db_counters counters;
	int64_t counted;
	bool up;
	size_t routes;
	/** Requests by route and class of status (1xx to 5xx). */
	atomic_uint_fast64_t by_route[];
};

static int64_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

struct ey_error *server_metrics_create(size_t routes, struct server_metrics **ret)
{
	struct server_metrics *m =
		calloc(1, sizeof(*m) + routes * CLASSES * sizeof(m->by_route[0]));

	if (!m)
		return &ey_error_nomem;
	m->routes = routes;
	m->counted = -1;
	pthread_mutex_init(&m->lock, NULL);
	clock_gettime(CLOCK_REALTIME, &m->started);
	*ret = m;
	return NULL;
}

void server_metrics_destroy(struct server_metrics *m)
{
	if (!m)
		return;
	db_counters_deinit(&m->counters);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static void observe(struct histogram *h, double seconds)
{
	size_t i = 0;

	while (i < EY_ARRAY_SIZE(bounds) && seconds > bounds[i])
		i++;
	atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->microseconds, (uint64_t)(seconds * 1e6),
				  memory_order_relaxed);
}

void server_metrics_request(struct server_metrics *m, size_t route, unsigned int status,
			    double seconds)
{
	if (!m || route >= m->routes || status < 100 || status > 599)
		return;
	atomic_fetch_add_explicit(&m->by_route[route * CLASSES + status / 100 - 1], 1,
				  memory_order_relaxed);
	observe(&m->requests, seconds);
}

void server_metrics_ingest(struct server_metrics *m, double seconds)
{
	if (m)
		observe(&m->ingest, seconds);
}

void server_metrics_database_error(struct server_metrics *m)
{
	if (m)
		atomic_fetch_add_explicit(&m->database_errors, 1, memory_order_relaxed);
}

/** The text as it grows. OpenMetrics names a counter's family without "_total". */
struct writer {
	struct ey_buf *out;
	bool openmetrics;
	const char *name;
	const char *suffix;
};

static void family(struct writer *w, const char *name, const char *type, const char *help)
{
	bool counter = !strcmp(type, "counter");

	w->name = name;
	w->suffix = counter ? "_total" : "";
	const char *shown = counter && !w->openmetrics ? "_total" : "";
	ey_buf_printf(w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, shown, help, name, shown,
		      type);
}

// Label values come from hosts: a line break in one would begin a metric of its own.
static void label(struct ey_buf *out, const char *name, const char *value)
{
	ey_buf_printf(out, "%s=\"", name);
	for (const char *p = value; *p; p++) {
		if (*p == '\n')
			ey_buf_adds(out, "\\n");
		else if (*p == '"' || *p == '\\')
			ey_buf_printf(out, "\\%c", *p);
		else if ((unsigned char)*p >= 0x20)
			ey_buf_addc(out, *p);
	}
	ey_buf_addc(out, '"');
}

static void sample(struct writer *w, const char *name1, const char *value1, int64_t v)
{
	ey_buf_printf(w->out, "%s%s", w->name, w->suffix);
	if (name1) {
		ey_buf_addc(w->out, '{');
		label(w->out, name1, value1);
		ey_buf_addc(w->out, '}');
	}
	ey_buf_printf(w->out, " %" PRId64 "\n", v);
}

static void one(struct writer *w, const char *name, const char *type, const char *help, int64_t v)
{
	family(w, name, type, help);
	sample(w, NULL, NULL, v);
}

static void write_histogram(struct writer *w, const char *name, const char *help,
			    const struct histogram *h)
{
	uint64_t count = 0;

	family(w, name, "histogram", help);
	for (size_t i = 0; i < BUCKETS; i++) {
		count += atomic_load(&h->buckets[i]);
		if (i < EY_ARRAY_SIZE(bounds))
			ey_buf_printf(
				w->out, "%s_bucket{le=\"%g%s\"} %" PRIu64 "\n", name, bounds[i],
				bounds[i] >= 1 && bounds[i] == (int)bounds[i] ? ".0" : "", count);
		else
			ey_buf_printf(w->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
	}
	uint64_t us = atomic_load(&h->microseconds);
	ey_buf_printf(w->out, "%s_sum %" PRIu64 ".%06" PRIu64 "\n%s_count %" PRIu64 "\n", name,
		      us / 1000000, us % 1000000, name, count);
}

static void write_process(struct writer *w, const struct server_metrics *m)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	char text[128] = "";

	if (f) {
		if (fgets(text, sizeof(text), f)) {
			const char *resident = strchr(text, ' ');

			pages = resident ? strtoul(resident, NULL, 10) : 0;
		}
		fclose(f);
	}
	family(w, "eyrie_build_info", "gauge", "The version that runs.");
	sample(w, "version", EYRIE_VERSION, 1);
	one(w, "process_resident_memory_bytes", "gauge", "Memory of this eyried.",
	    (int64_t)pages * sysconf(_SC_PAGESIZE));
	one(w, "process_start_time_seconds", "gauge", "When it started, since 1970.",
	    m->started.tv_sec);
}

static void write_requests(struct writer *w, const struct server_metrics *m,
			   server_metrics_route_name *name)
{
	static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

	family(w, "eyrie_http_requests", "counter", "Requests by route and class of status.");
	for (size_t i = 0; i < m->routes * CLASSES; i++) {
		const char *method, *path = name(i / CLASSES, &method);
		uint64_t n = atomic_load(&m->by_route[i]);

		if (!n)
			continue;
		ey_buf_printf(w->out, "eyrie_http_requests_total{method=\"%s\",", method);
		label(w->out, "route", path);
		ey_buf_printf(w->out, ",status=\"%s\"} %" PRIu64 "\n", classes[i % CLASSES], n);
	}
	write_histogram(w, "eyrie_http_request_seconds", "Time to answer.", &m->requests);
	write_histogram(w, "eyrie_ingest_seconds",
			"Time from a delivery's first byte to its commit.", &m->ingest);
	one(w, "eyrie_database_errors", "counter", "Requests that the database failed.",
	    (int64_t)atomic_load(&m->database_errors));
}

static void write_jobs(struct writer *w, const struct server_job_status *jobs, size_t count)
{
	family(w, "eyrie_job_last_success_timestamp_seconds", "gauge",
	       "When the job last went well; 0: not yet.");
	for (size_t i = 0; i < count; i++)
		sample(w, "job", jobs[i].name, jobs[i].last_ok);
	family(w, "eyrie_job_runs", "counter", "Runs that ended.");
	for (size_t i = 0; i < count; i++)
		sample(w, "job", jobs[i].name, (int64_t)jobs[i].runs);
	family(w, "eyrie_job_failures", "counter", "Runs that failed.");
	for (size_t i = 0; i < count; i++)
		sample(w, "job", jobs[i].name, (int64_t)jobs[i].failures);
}

static void write_counters(struct writer *w, const struct db_counters *c)
{
	static const struct {
		enum db_counter_kind kind;
		const char *name, *type, *label, *help;
	} families[] = {
		{DB_COUNT_SITE, "eyrie_crashes", "counter", "site", "Crashes in the database."},
		{DB_COUNT_KIND, "eyrie_crashes_by_kind", "gauge", "kind",
		 "Crashes by kind of their reason."},
		{DB_COUNT_STATE, "eyrie_reasons", "gauge", "state",
		 "Reasons by what is known of them."},
		{DB_COUNT_SCOPE, "eyrie_alerts_active", "gauge", "scope", "Alerts not resolved."},
		{DB_COUNT_SITE_WAITING, "eyrie_site_waiting_records", "gauge", "site",
		 "Records that wait at a site, as it said last."},
		{DB_COUNT_SITE_SEEN, "eyrie_site_last_seen_timestamp_seconds", "gauge", "site",
		 "When the site was last heard."},
		{DB_COUNT_SITE_REFUSED, "eyrie_site_refused_records", "counter", "site",
		 "Records of a site that were not taken."},
	};

	for (size_t f = 0; f < EY_ARRAY_SIZE(families); f++) {
		family(w, families[f].name, families[f].type, families[f].help);
		for (size_t i = 0; i < c->count; i++) {
			if (c->items[i].kind == families[f].kind)
				sample(w, families[f].label, c->items[i].name, c->items[i].value);
		}
	}
	one(w, "eyrie_hosts", "gauge", "Hosts in the database.", c->hosts);
	one(w, "eyrie_repository_dumps", "gauge", "Dumps in the repository.", c->dumps);
	one(w, "eyrie_repository_dump_bytes", "gauge", "Bytes of these.", c->dump_bytes);
	one(w, "eyrie_mails_waiting", "gauge", "Mails that wait to be sent.", c->mails_waiting);
	one(w, "eyrie_forward_waiting_records", "gauge", "Records queued to be forwarded.",
	    c->forward_waiting);
	one(w, "eyrie_forward_refused_records", "counter",
	    "Records that were set aside, as they are never taken.", c->forward_refused);
	one(w, "eyrie_forward_down", "gauge", "1 while the line on which is forwarded is down.",
	    c->forward_down);
}

struct ey_error *server_metrics_write(struct server_metrics *m, struct db *db,
				      struct server_jobs *jobs, server_metrics_route_name *name,
				      bool openmetrics, struct ey_buf *out)
{
	struct writer w = {.out = out, .openmetrics = openmetrics};
	struct server_job_status *status = NULL;
	size_t count = 0;
	struct ey_error *err = jobs ? server_jobs_status(jobs, &status, &count) : NULL;

	if (err)
		return err;
	write_process(&w, m);
	write_requests(&w, m, name);
	write_jobs(&w, status, count);
	server_jobs_status_free(status, count);
	pthread_mutex_lock(&m->lock);
	if (m->counted < 0 || monotonic() - m->counted >= METRICS_CACHE_SECONDS) {
		err = db ? db_counters_read(db, &m->counters) : NULL;
		m->up = db && !err;
		ey_error_destroy(err);
		m->counted = m->up ? monotonic() : -1;
	}
	one(&w, "eyrie_database_up", "gauge", "1 while the database answers.", m->up);
	if (m->up)
		write_counters(&w, &m->counters);
	pthread_mutex_unlock(&m->lock);
	if (openmetrics)
		ey_buf_adds(out, "# EOF\n");
	return NULL;
}

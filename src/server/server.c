/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/server.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/event.h"
#include "notify/console.h"
#include "server/config.h"
#include "server/download.h"
#include "server/events.h"
#include "server/forward.h"
#include "server/intake_queue.h"
#include "server/job_table.h"
#include "server/metrics.h"
#include "server/routes.h"
#include "server/scrub_job.h"
#include "server/sd_notify.h"
#include "server/summary.h"
#include "server/upload_worker.h"

enum {
	/** Seconds that a running job gets to end by itself when the server stops. */
	STOP_SECONDS = 20,
};

struct server {
	struct server_config config;
	struct api api;
	struct tls_keys *tls;
	struct http_server *http;
	struct server_job *jobs;
	struct server_job scrub[2];
	struct forwarder *forwarder;
	struct server_job forward[2];
};

// The names under which browsers may come: those of the setting, and that of [server] url.
static struct ey_error *own_names(const struct ey_config *config, const char *names, char **ret)
{
	_cleanup_free_ char *url = NULL;
	struct ey_error *err = notify_console_url(config, &url);

	if (err)
		return err;
	const char *host = url ? strstr(url, "://") : NULL;
	host = host ? host + 3 : "";
	if (asprintf(ret, "%s %.*s", names ? names : "", (int)strcspn(host, ":/"), host) < 0) {
		*ret = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

// Those who follow see that a job ended; what is old goes.
static void job_finished(void *arg, const char *name)
{
	struct api *api = arg;
	struct db *db = NULL;
	struct ey_error *err = server_db_pool_take(api->pool, &db);

	if (!err) {
		err = db_event_add(db, DB_EVENT_JOB, 0, name);
		if (!err)
			err = db_event_expire(db, ey_time_now());
		server_db_pool_give(api->pool, db, err != NULL);
	}
	// The job itself says what is wrong with the database.
	ey_error_destroy(err);
}

static struct ey_error *start(struct server *s, const struct ey_config *config)
{
	_cleanup_db_ struct db *db = NULL;
	_cleanup_free_ char *names = NULL;
	struct ey_error *err = server_config_read(config, &s->config);

	if (err)
		return err;
	if (sodium_init() < 0)
		return ey_error_create(EY_ERR_IO, "cannot start libsodium");
	// Create the database or bring its schema up to date before anybody asks for it.
	err = db_open_config(config, DB_OPEN_WRITE, &db);
	if (err)
		return err;
	err = server_db_pool_create(config, s->config.threads, &s->api.pool);
	if (err)
		return err;
	server_db_pool_give(s->api.pool, no_cleanup_ptr(db), false);
	s->api.config = config;
	s->api.started = ey_time_now();
	err = auth_create(config, s->config.loopback, s->config.secure, &s->api.auth);
	if (err)
		return err;
	err = server_job_table_create(config, &s->config, &s->jobs);
	if (!err)
		err = server_jobs_create(s->jobs, &s->api.jobs);
	s->scrub[0] =
		(struct server_job){"scrub", s->config.scrub_interval, server_scrub_run, &s->api};
	if (!err)
		err = server_jobs_create(s->scrub, &s->api.scrub);
	if (!err)
		err = forwarder_create(&s->api, &s->forwarder);
	if (!err)
		s->forward[0] = forwarder_job(s->forwarder);
	if (!err)
		err = server_jobs_create(s->forward, &s->api.forward);
	if (!err)
		err = intake_queue_create(config, &s->api.intake);
	if (!err)
		err = server_metrics_create(server_route_count(), &s->api.metrics);
	if (!err)
		err = server_events_create(s->api.pool, s->api.auth, &s->api.events);
	if (!err)
		err = server_summaries_create(s->api.pool, s->config.summaries_from,
					      &s->api.summaries);
	if (!err)
		server_jobs_on_finished(s->api.jobs, job_finished, &s->api);
	if (!err)
		err = upload_worker_create(config, s->api.pool, &s->api.uploads);
	if (!err)
		err = server_downloads_create(config, s->api.pool, &s->api.downloads);
	if (!err)
		err = own_names(config, s->config.host_names, &names);
	if (err)
		return err;
	if (s->config.tls_key)
		err = tls_keys_create(s->config.tls_certificate, s->config.tls_key, &s->tls);
	if (err)
		return err;
	const struct http_options http = {
		.tls = s->tls,
		.connections = s->config.connections,
		.address = s->config.address,
		.port = s->config.port,
		.threads = s->config.threads,
		.host_names = names,
		.handler = server_routes(&s->api),
	};
	err = http_server_create(&http, &s->http);
	// Only who has the address works: a second server must end at once, and mail nothing.
	if (!err)
		err = server_jobs_start(s->api.jobs);
	if (!err)
		api_overview_prepare(&s->api);
	if (!err)
		err = server_jobs_start(s->api.scrub);
	return err ? err : server_jobs_start(s->api.forward);
}

static void stop(struct server *s)
{
	http_server_quiesce(s->http);
	// Who waits for an answer gets it before the connections are closed.
	intake_queue_stop(s->api.intake);
	upload_worker_stop(s->api.uploads);
	server_events_stop(s->api.events);
	server_downloads_stop(s->api.downloads);
	http_server_destroy(s->http);
	tls_keys_destroy(s->tls);
	server_events_destroy(s->api.events);
	server_summaries_destroy(s->api.summaries);
	intake_queue_destroy(s->api.intake);
	upload_worker_destroy(s->api.uploads);
	if (!server_downloads_destroy(s->api.downloads, STOP_SECONDS) ||
	    !server_jobs_stop(s->api.scrub, STOP_SECONDS) ||
	    !server_jobs_stop(s->api.forward, STOP_SECONDS) ||
	    !server_jobs_stop(s->api.jobs, STOP_SECONDS)) {
		// Its work is one transaction after the other: what is not committed is done again.
		ey_log_warning("a job or a download still runs after %d s; leaving without it",
			       STOP_SECONDS);
		fflush(NULL);
		_exit(0);
	}
	server_job_table_destroy(s->jobs);
	forwarder_destroy(s->forwarder);
	auth_destroy(s->api.auth);
	server_db_pool_destroy(s->api.pool);
	server_metrics_destroy(s->api.metrics);
}

// In plain words: an open door is to be seen in the log.
static void say_who_may(struct server *s)
{
	struct db *db = NULL;
	bool open = false, any = true;
	struct ey_error *err = server_db_pool_take(s->api.pool, &db);

	if (!err)
		err = auth_is_open(s->api.auth, db, &open);
	if (!err)
		err = db_user_any(db, &any);
	if (db)
		server_db_pool_give(s->api.pool, db, err != NULL);
	if (err) {
		ey_log_warning("%s", err->message);
		ey_error_destroy(err);
		return;
	}
	if (open)
		ey_log_warning("there is no user yet: everybody on this machine is administrator; "
			       "'eyrie user add NAME --role administrator' ends that");
	else if (!any)
		ey_log_warning("there is no user yet, so nobody can sign in: "
			       "'eyrie user add NAME --role administrator'");
	if (!s->config.loopback && !s->config.tls_key)
		ey_log_warning("no TLS: passwords and tokens that come to %s travel in the clear",
			       s->config.address);
}

// Who gets its certificates anew sends SIGHUP; requests that are under way notice nothing of it.
static void reload(const struct server *s)
{
	bool changed = false;

	if (!s->tls) {
		ey_log_info("got SIGHUP: without TLS there is nothing to read again");
		return;
	}
	server_sd_notify("RELOADING=1");
	struct ey_error *err = tls_keys_reload(s->tls, &changed);
	if (err)
		ey_log_error("%s; going on with the certificate that was there", err->message);
	else
		ey_log_info("got SIGHUP: the certificate %s",
			    changed ? "is another one for who comes from now on"
				    : "is the one that was there");
	ey_error_destroy(err);
	server_sd_notify("READY=1");
}

struct ey_error *server_run(const struct ey_config *config)
{
	struct server s = {0};
	sigset_t signals;
	int signum = 0;

	// Blocked before any thread is made, so that only sigwait() below gets them.
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	struct ey_error *err = start(&s, config);
	if (!err) {
		const char *v6 = strchr(s.config.address, ':');

		ey_log_info("console and API at http%s://%s%s%s:%u/", s.config.tls_key ? "s" : "",
			    v6 ? "[" : "", s.config.address, v6 ? "]" : "",
			    http_server_port(s.http));
		say_who_may(&s);
		server_sd_notify("READY=1");
		while (sigwait(&signals, &signum) || signum == SIGHUP) {
			if (signum == SIGHUP)
				reload(&s);
			signum = 0;
		}
		ey_log_info("stopping: got %s", strsignal(signum));
		server_sd_notify("STOPPING=1");
		s.api.stopping = true;
	}
	stop(&s);
	return err;
}

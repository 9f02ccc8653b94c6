/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/job_table.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "db/job.h"
#include "db/reason_move.h"
#include "ingest/crash_run.h"
#include "ingest/populate.h"
#include "ingest/purge.h"
#include "monitor/mailer.h"
#include "monitor/monitor.h"
#include "report/report.h"

static struct ey_error *run_populate(void *arg, struct ey_buf *said, bool *kick)
{
	const struct ey_config *config = arg;
	_cleanup_db_ struct db *db = NULL;
	struct populate_options options = {0};
	struct populate_result r = {0};

	struct ey_error *err = populate_options_load(&options, config);
	if (!err)
		err = db_open_config(config, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &db);
	if (!err)
		err = populate_run(db, &options, &r);
	if (err)
		return err;
	// What came in is to be judged now, not at the monitor's next turn.
	*kick = r.fresh + r.known > 0;
	ey_buf_printf(said,
		      "%" PRIu64 " folders: %" PRIu64 " crashes of new reasons, %" PRIu64
		      " of known ones",
		      r.folders, r.fresh, r.known);
	if (r.rejected + r.rejected_before)
		ey_buf_printf(said, ", %" PRIu64 " that cannot be read",
			      r.rejected + r.rejected_before);
	if (*kick)
		ey_log_info("populate: %s", ey_buf_str(said));
	return NULL;
}

static void log_monitor(const struct monitor_event *event, void *arg)
{
	static const char *const words[] = {"alert", "resolved", "new reason"};

	ey_log_info("%s: %s", words[event->what], event->text);
}

static struct ey_error *run_monitor(void *arg, struct ey_buf *said, bool *kick)
{
	const struct ey_config *config = arg;
	_cleanup_db_ struct db *db = NULL;
	_cleanup_mail_options_ struct mail_options mail = {0};
	struct monitor_options options = {0};
	struct monitor_result r = {0};

	struct ey_error *err = monitor_options_load(&options, config);
	if (!err)
		err = mail_options_load(&mail, config);
	if (!err)
		err = db_open_config(config, DB_OPEN_WRITE, &db);
	options.on_event = log_monitor;
	options.no_mail = !mail_is_on(&mail);
	if (!err)
		err = monitor_run(db, &options, &r);
	if (err)
		return err;
	*kick = r.mails_queued > 0;
	ey_buf_printf(said,
		      "%" PRIu64 " alerts raised, %" PRIu64 " resolved, %" PRIu64
		      " active, %" PRIu64 " new reasons, %" PRIu64 " mails queued",
		      r.raised, r.resolved, r.active, r.new_reasons, r.mails_queued);
	return NULL;
}

static void log_mail(const struct mailer_event *event, void *arg)
{
	if (!event->error)
		ey_log_info("mailed: %s", event->subject);
}

static struct ey_error *run_mail(void *arg, struct ey_buf *said, bool *kick)
{
	const struct ey_config *config = arg;
	_cleanup_db_ struct db *db = NULL;
	_cleanup_mailer_config_ struct mailer_config mailer = {0};
	struct mailer_result r = {0};

	struct ey_error *err = mailer_config_load(&mailer, config);
	if (err)
		return err;
	if (!mail_is_on(&mailer.mail)) {
		ey_buf_adds(said, "nothing is mailed: [mail] server is not set in eyrie.conf");
		return NULL;
	}
	err = db_open_config(config, DB_OPEN_WRITE, &db);
	if (!err)
		err = mailer_run(
			db, &(struct mailer_options){.config = &mailer, .on_mail = log_mail}, &r);
	if (err)
		return err;
	ey_buf_printf(said, "%" PRIu64 " mails sent, %" PRIu64 " wait, %" PRIu64 " given up",
		      r.sent, r.waiting, r.given_up);
	return NULL;
}

static struct ey_error *run_report(void *arg, struct ey_buf *said, bool *kick)
{
	const struct ey_config *config = arg;
	_cleanup_report_result_ struct report_result r = {0};
	_cleanup_db_ struct db *db = NULL;
	char month[REPORT_MONTH_TEXT_SIZE];

	struct ey_error *err = db_open_config(config, DB_OPEN_WRITE, &db);
	if (!err)
		err = report_run(db, config, &r);
	if (err)
		return err;
	if (r.path)
		ey_buf_printf(said, "%u files written, the last %s", r.written, r.path);
	else
		ey_buf_adds(said, "no file written: [report] directory is not set");
	if (r.mailed.year) {
		ey_buf_printf(said, "; %s mailed", report_month_format(r.mailed, month));
		ey_log_info("report: %s", ey_buf_str(said));
	}
	return NULL;
}

static struct ey_error *run_purge(void *arg, struct ey_buf *said, bool *kick)
{
	const struct ey_config *config = arg;
	_cleanup_db_ struct db *db = NULL;
	struct purge_options options = {0};
	struct purge_result r = {0};

	struct ey_error *err = purge_options_load(&options, config);
	if (!err)
		err = db_open_config(config, DB_OPEN_WRITE, &db);
	if (!err)
		err = purge_run(db, &options, &r);
	if (err)
		return err;
	if (r.failed)
		return ey_error_create(EY_ERR_IO, "%" PRIu64 " dumps could not be removed",
				       r.failed);
	ey_buf_printf(said, "%" PRIu64 " dumps removed, %" PRIu64 " MB", r.dumps,
		      r.bytes / 1000000);
	if (r.evicted)
		ey_buf_printf(said, ", %" PRIu64 " of them for quotas", r.evicted);
	if (r.over)
		ey_buf_printf(said, "; %" PRIu64 " quotas still exceeded", r.over);
	if (r.dumps)
		ey_log_info("purge: %s", ey_buf_str(said));
	return NULL;
}

static struct ey_error *run_move(void *arg, struct ey_buf *said, bool *kick)
{
	const struct ey_config *config = arg;
	_cleanup_db_ struct db *db = NULL;
	struct db_move_result r = {0};

	struct ey_error *err = db_open_config(config, DB_OPEN_WRITE | DB_OPEN_FAST_COMMITS, &db);
	if (!err)
		err = db_reason_move_run(db, 0, &r);
	if (err)
		return err;
	ey_buf_printf(said, "%" PRId64 " crashes taken to other reasons", r.moved);
	if (r.moved)
		ey_log_info("move: %s", ey_buf_str(said));
	return NULL;
}

/*
 * Of several eyrieds on one database one runs a job, as long as it lives; the others stand by. The
 * connection that says so is kept between the runs.
 */
struct job_lead {
	const struct ey_config *config;
	struct db *db;
};

struct job_led {
	struct job_lead *lead;
	struct server_job job;
};

enum { JOBS_MAX = 24 };

struct job_table {
	struct job_lead lead;
	struct job_led led[JOBS_MAX];
	/** What the scheduler sees. */
	struct server_job jobs[JOBS_MAX];
};

static struct ey_error *run_led(void *arg, struct ey_buf *said, bool *kick)
{
	struct job_led *led = arg;
	struct job_lead *lead = led->lead;
	bool leads = false;
	struct ey_error *err = NULL;

	if (!lead->db)
		err = db_open_config(lead->config, DB_OPEN_WRITE, &lead->db);
	if (!err)
		err = db_job_lead(lead->db, led->job.name, &leads);
	if (err) {
		// Perhaps on another server the next time.
		if (lead->db)
			db_close(lead->db);
		lead->db = NULL;
		return err;
	}
	if (leads)
		return led->job.run(led->job.arg, said, kick);
	ey_buf_adds(said, "another eyried on this database runs it");
	return NULL;
}

/** Dumps a turn: other jobs wait for this one. */
enum { CRASH_TURN = 3 };

static struct ey_error *run_crash(void *arg, struct ey_buf *said, bool *kick)
{
	const struct ey_config *config = arg;
	_cleanup_db_ struct db *db = NULL;
	struct crash_run_options options = {.config = config, .max = CRASH_TURN};
	struct crash_run_result r = {0};

	symbols_options_load(&options.symbols, config);
	struct ey_error *err = db_open_config(config, DB_OPEN_WRITE, &db);
	if (!err)
		err = crash_run(db, &options, &r);
	if (err)
		return err;
	ey_buf_printf(said,
		      "%" PRIu64 " dumps read by crash, %" PRIu64 " with differences, %" PRIu64
		      " without symbols, %" PRIu64 " failed",
		      r.done, r.differ, r.no_symbols, r.failed);
	return NULL;
}

struct ey_error *server_job_table_create(const struct ey_config *config,
					 const struct server_config *server,
					 struct server_job **ret)
{
	const struct server_job table[] = {
		{"populate", server->populate_interval, run_populate, (void *)(uintptr_t)config},
		{"monitor", server->monitor_interval, run_monitor, (void *)(uintptr_t)config},
		{"mail", server->mail_interval, run_mail, (void *)(uintptr_t)config},
		{"purge", server->purge_interval, run_purge, (void *)(uintptr_t)config},
		{"report", server->report_interval, run_report, (void *)(uintptr_t)config},
		{"move", server->move_interval, run_move, (void *)(uintptr_t)config},
		{"crash", server->crash_interval, run_crash, (void *)(uintptr_t)config},
		{0},
	};
	struct job_table *t = calloc(1, sizeof(*t));

	static_assert(EY_ARRAY_SIZE(table) <= JOBS_MAX, "JOBS_MAX");
	if (!t)
		return &ey_error_nomem;
	t->lead.config = config;
	for (size_t i = 0; table[i].name; i++) {
		t->led[i] = (struct job_led){&t->lead, table[i]};
		t->jobs[i] = table[i];
		t->jobs[i].run = run_led;
		t->jobs[i].arg = &t->led[i];
	}
	*ret = t->jobs;
	return NULL;
}

void server_job_table_destroy(struct server_job *jobs)
{
	struct job_table *t;

	if (!jobs)
		return;
	t = (struct job_table *)(void *)((char *)jobs - offsetof(struct job_table, jobs));
	if (t->lead.db)
		db_close(t->lead.db);
	free(t);
}

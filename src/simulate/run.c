/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "store/repository.h"

enum { RETRY_SECONDS = 5, PATH_SIZE = 4096 };

struct run {
	const struct sim_plan *plan;
	const struct sim_run_options *options;
	struct sim_run_result *result;
	struct client *client;
	struct sim_texts texts;
	/** Crashes by the time of their report. */
	size_t *order;
	/** Monotonic time and simulated time of the beginning. */
	double began;
	int64_t from;
};

char *sim_crash_path(const struct sim_plan *plan, size_t i)
{
	const struct sim_crash *c = &plan->crashes[i];
	char boot[SIM_ID_SIZE], id[STORE_ID_DIGITS + 1], text[160], when[32], *path;
	time_t t = (time_t)c->time;
	struct sim_host_names names;
	struct tm tm;

	sim_host_names(plan, c->host, &names);
	sim_boot_id(plan, c->host, c->booted, boot);
	// As record_crash_id() makes it: ids without dashes.
	for (char *p = boot, *q = boot; (*q = *p); p++)
		q += *p != '-';
	snprintf(text, sizeof(text), "boot:%s:%s", names.machine_id, boot);
	store_short_id(text, id);
	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	return asprintf(&path, "%s/%s/%s-%s",
			plan->scenario->sites.at[plan->hosts[c->host].site].name, names.hostname,
			when, id) < 0
		       ? NULL
		       : path;
}

static double monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void pause_for(double seconds)
{
	struct timespec ts = {.tv_sec = (time_t)seconds,
			      .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

	while (seconds > 0 && nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

// Wait until the simulated clock shows @time.
static void wait_until(const struct run *r, int64_t time)
{
	if (r->options->speed > 0)
		pause_for(r->began + (double)(time - r->from) / r->options->speed - monotonic());
}

// @bytes: how long the file is to be; what @text does not fill is a hole.
static struct ey_error *write_file(const char *folder, const char *name, const struct ey_buf *text,
				   uint64_t bytes)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write %s", path);
	struct ey_error *err = text ? ey_write_all(fd, text->data, text->len) : NULL;
	return err ? ey_error_prefix(err, "%s", path) : NULL;
}

// The folder is built beside its place and appears whole. Nothing is synced: it can be made again.
static struct ey_error *file_crash(struct run *r, size_t i)
{
	_cleanup_free_ char *path = sim_crash_path(r->plan, i);
	char folder[PATH_SIZE], temp[PATH_SIZE];
	const struct timespec times[2] = {{.tv_sec = r->plan->crashes[i].reported},
					  {.tv_sec = r->plan->crashes[i].reported}};

	if (!path)
		return &ey_error_nomem;
	snprintf(folder, sizeof(folder), "%s/repository/%s", r->options->output, path);
	if (access(folder, F_OK) == 0) {
		r->result->already++;
		return NULL;
	}
	*strrchr(path, '/') = '\0';
	snprintf(temp, sizeof(temp), "%s/repository/%s/" EY_TEMP_PREFIX "simulate",
		 r->options->output, path);
	struct ey_error *err = ey_mkdir_parents(temp, 0755);
	if (!err)
		err = write_file(temp, STORE_RECORD, &r->texts.record, 0);
	if (!err)
		err = write_file(temp, STORE_ANALYSIS, &r->texts.analysis, 0);
	if (!err)
		err = write_file(temp, STORE_DMESG, &r->texts.log, 0);
	if (!err && r->options->dump_bytes)
		err = write_file(temp, STORE_VMCORE, NULL, r->options->dump_bytes);
	if (!err && (utimensat(AT_FDCWD, temp, times, 0) < 0 || rename(temp, folder) < 0))
		err = ey_error_errno(EY_ERR_IO, errno, "cannot make %s", folder);
	r->result->delivered += !err;
	return err;
}

// Again and again until the center takes it: a center that is away does not lose a host's crash.
static struct ey_error *call(struct run *r, const struct client_request *request, bool *already_ret)
{
	for (;;) {
		_cleanup_client_answer_ struct client_answer answer = {0};
		struct ey_error *err = client_call(r->client, request, &answer);

		*already_ret = answer.status == 200;
		if (!err || err->code != EY_ERR_IO)
			return err;
		ey_error_destroy(err);
		r->result->retries++;
		pause_for(answer.retry_after > 0 ? (double)answer.retry_after : RETRY_SECONDS);
	}
}

static struct ey_error *post_crash(struct run *r, size_t i)
{
	const struct sim_texts *t = &r->texts;
	const char *site =
		r->plan->scenario->sites.at[r->plan->hosts[r->plan->crashes[i].host].site].name;
	const struct client_part parts[] = {
		{.name = "record",
		 .filename = "record.json",
		 .content_type = "application/json",
		 .body = {.data = t->light.data, .len = t->light.len}},
		{.name = "whole",
		 .filename = "whole.json",
		 .content_type = "application/json",
		 .body = {.data = t->record.data, .len = t->record.len}},
		{.name = "analysis",
		 .filename = "analysis.txt",
		 .content_type = "text/plain",
		 .body = {.data = t->analysis.data, .len = t->analysis.len}},
		{.name = "dmesg",
		 .filename = "dmesg.txt",
		 .content_type = "text/plain",
		 .body = {.data = t->log.data, .len = t->log.len}},
		{.name = "site", .body = {.data = site, .len = strlen(site)}},
		{.name = "dump_bytes", .body = {.data = "0", .len = 1}},
	};
	bool already = false;
	struct ey_error *err = call(r,
				    &(struct client_request){.method = "POST",
							     .target = "/api/v1/crashes",
							     .parts = parts,
							     .part_count = EY_ARRAY_SIZE(parts)},
				    &already);

	if (!err && already)
		r->result->already++;
	else if (!err)
		r->result->delivered++;
	return err;
}

static void write_heartbeat(const struct run *r, uint32_t host, int64_t time, struct ey_buf *buf)
{
	const struct sim_plan *p = r->plan;
	const struct sim_scenario *s = p->scenario;
	const struct sim_host *h = &p->hosts[host];
	const struct sim_model *model = &s->models.at[h->model];
	int kernel = sim_rollout_at(p, h, SIM_ROLLOUT_KERNEL, time),
	    bios = sim_rollout_at(p, h, SIM_ROLLOUT_FIRMWARE, time),
	    image = sim_rollout_at(p, h, SIM_ROLLOUT_IMAGE, time);
	int64_t booted = sim_boot_at(p, host, time);
	char boot[SIM_ID_SIZE], when[EY_TIME_TEXT_SIZE];
	struct sim_host_names names;
	struct ey_json w;

	sim_host_names(p, host, &names);
	sim_boot_id(p, host, booted, boot);
	ey_buf_clear(buf);
	ey_json_init(&w, buf, 0);
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "schema", "eyrie/heartbeat/1");
	ey_json_kv_string(&w, "site", s->sites.at[h->site].name);
	ey_json_key(&w, "identity");
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "hostname", names.hostname);
	ey_json_kv_string(&w, "machine_id", names.machine_id);
	ey_json_kv_string(&w, "boot_id", boot);
	ey_json_kv_string(&w, "dmi_uuid", names.dmi_uuid);
	ey_json_kv_string(&w, "dmi_serial", names.dmi_serial);
	ey_json_object_end(&w);
	ey_json_kv_string(&w, "time", ey_time_format(time, when));
	ey_json_kv_int(&w, "uptime", time - booted);
	ey_json_key(&w, "kernel");
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "release",
			  kernel < 0 ? s->fleet.kernel : s->rollouts.at[kernel].value);
	ey_json_kv_string(&w, "version",
			  kernel < 0 ? s->fleet.package : s->rollouts.at[kernel].package);
	ey_json_kv_string(&w, "machine", "x86_64");
	ey_json_object_end(&w);
	ey_json_key(&w, "inventory");
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "vendor", model->vendor);
	ey_json_kv_string(&w, "product", model->product);
	ey_json_kv_string(&w, "bios_version", bios < 0 ? model->bios : s->rollouts.at[bios].value);
	ey_json_kv_string(&w, "bios_date",
			  bios < 0 ? model->bios_date : s->rollouts.at[bios].package);
	ey_json_kv_uint(&w, "cpus", model->cpus);
	ey_json_kv_uint(&w, "memory_bytes", model->memory_gib << 30);
	if (image >= 0)
		ey_json_kv_string(&w, "image", s->rollouts.at[image].value);
	ey_json_object_end(&w);
	ey_json_object_end(&w);
}

static struct ey_error *post_heartbeats(struct run *r, int64_t time)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	struct ey_error *err = NULL;
	bool already;

	for (uint32_t host = 0; !err && host < r->plan->scenario->fleet.hosts; host++) {
		write_heartbeat(r, host, time, &text);
		const struct client_body body = {.data = text.data, .len = text.len};
		err = ey_buf_error(&text);
		if (!err)
			err = call(r,
				   &(struct client_request){.method = "POST",
							    .target = "/api/v1/heartbeats",
							    .content_type = "application/json",
							    .body = &body},
				   &already);
		r->result->heartbeats += !err;
	}
	return err;
}

static int by_report(const void *a, const void *b, void *arg)
{
	const struct sim_plan *plan = arg;
	size_t i = *(const size_t *)a, k = *(const size_t *)b;
	int64_t x = plan->crashes[i].reported, y = plan->crashes[k].reported;

	return x != y ? (x > y) - (x < y) : (i > k) - (i < k);
}

static struct ey_error *deliver(struct run *r)
{
	const struct sim_plan *p = r->plan;
	int64_t beat = p->scenario->fleet.start + SIM_DAY;
	struct ey_error *err = NULL;

	for (size_t n = 0; !err && n < p->crash_count; n++) {
		size_t i = r->order[n];
		const struct sim_crash *c = &p->crashes[i];

		for (; !err && r->client && r->options->heartbeats && beat <= c->reported;
		     beat += SIM_DAY) {
			wait_until(r, beat);
			err = post_heartbeats(r, beat);
		}
		if (err)
			break;
		if (c->lost) {
			r->result->lost++;
			continue;
		}
		wait_until(r, c->reported);
		err = sim_plan_texts(p, i, r->options->evidence, &r->texts);
		if (!err)
			err = r->client ? post_crash(r, i) : file_crash(r, i);
		if (!err && r->options->on_progress)
			r->options->on_progress(n + 1, p->crash_count, c->reported,
						r->options->arg);
	}
	for (; !err && r->client && r->options->heartbeats &&
	       beat <= p->scenario->fleet.start + p->scenario->fleet.duration;
	     beat += SIM_DAY) {
		wait_until(r, beat);
		err = post_heartbeats(r, beat);
	}
	return err;
}

struct ey_error *sim_run(const struct sim_plan *plan, const struct sim_run_options *options,
			 struct sim_run_result *ret)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_free_ size_t *order = calloc(plan->crash_count + 1, sizeof(*order));
	struct run r = {.plan = plan,
			.options = options,
			.result = ret,
			.order = order,
			.began = monotonic(),
			.from = plan->scenario->fleet.start};
	struct ey_error *err = NULL;

	*ret = (struct sim_run_result){0};
	if (!order)
		return &ey_error_nomem;
	for (size_t i = 0; i < plan->crash_count; i++)
		order[i] = i;
	qsort_r(order, plan->crash_count, sizeof(*order), by_report, (void *)(uintptr_t)plan);
	if (options->center)
		err = client_create(options->center, &client);
	r.client = client;
	// The truth first: who watches the simulation may look at it.
	if (!err && options->output)
		err = sim_truth_write(plan, options->output);
	if (!err)
		err = deliver(&r);
	sim_texts_deinit(&r.texts);
	return err;
}

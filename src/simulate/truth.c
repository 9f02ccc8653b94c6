/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "simulate/run.h"

/** A crash under what an alert may be raised for. */
struct mark {
	uint64_t subject;
	int64_t time;
	uint32_t host;
};

static int by_subject(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->subject != y->subject)
		return x->subject < y->subject ? -1 : 1;
	return (x->time > y->time) - (x->time < y->time);
}

// How many of the crashes of one subject in the window that ends with @last count: all of them, or
// each host once. More than the threshold need not be counted.
static uint64_t in_window(const struct mark *marks, size_t last, int64_t window, bool distinct,
			  uint64_t enough)
{
	uint32_t hosts[64];
	uint64_t count = 0;

	for (size_t i = last + 1; i-- > 0 && count < enough;) {
		bool seen = false;

		if (marks[i].subject != marks[last].subject ||
		    marks[i].time <= marks[last].time - window)
			break;
		for (uint64_t k = 0; distinct && k < count && !seen; k++)
			seen = hosts[k] == marks[i].host;
		if (!seen)
			hosts[count++] = marks[i].host;
	}
	return count;
}

static struct ey_error *find_alerts(const struct sim_plan *p, struct mark *marks, size_t count,
				    int scope, uint64_t threshold, struct sim_alert **list,
				    size_t *n)
{
	uint64_t done = UINT64_MAX;

	qsort(marks, count, sizeof(*marks), by_subject);
	for (size_t i = 0; i < count; i++) {
		if (marks[i].subject == done ||
		    in_window(marks, i, p->scenario->alerts.window, scope != SIM_ALERT_HOST,
			      EY_MIN(threshold + 1, UINT64_C(64))) <= threshold)
			continue;
		done = marks[i].subject;
		struct sim_alert *more = reallocarray(*list, *n + 1, sizeof(*more));
		if (!more)
			return &ey_error_nomem;
		*list = more;
		more[*n].scope = scope;
		more[*n].subject = done;
		more[(*n)++].since = marks[i].time;
	}
	return NULL;
}

// A number for each reason: two causes may have the same one.
static uint64_t reason_number(const struct sim_plan *p, size_t i)
{
	struct sim_fault fault;

	sim_crash_fault(p, &p->crashes[i], &fault);
	return sim_hash_text(fault.reason) & INT64_MAX;
}

struct ey_error *sim_truth_alerts(const struct sim_plan *p, struct sim_alert **ret,
				  size_t *count_ret)
{
	_cleanup_free_ struct mark *marks = calloc(p->crash_count + 1, sizeof(*marks));
	const struct sim_alerts *a = &p->scenario->alerts;
	const uint64_t thresholds[] = {a->host_threshold, a->model_threshold, a->reason_threshold};
	struct ey_error *err = NULL;

	*ret = NULL;
	*count_ret = 0;
	if (!marks)
		return &ey_error_nomem;
	for (int scope = 0; !err && scope <= SIM_ALERT_REASON; scope++) {
		size_t n = 0;

		for (size_t i = 0; i < p->crash_count; i++) {
			const struct sim_crash *c = &p->crashes[i];

			if (c->lost)
				continue;
			marks[n].host = c->host;
			marks[n].time = c->time;
			marks[n++].subject = scope == SIM_ALERT_HOST	? c->host
					     : scope == SIM_ALERT_MODEL ? p->hosts[c->host].model
									: reason_number(p, i);
		}
		err = find_alerts(p, marks, n, scope, thresholds[scope], ret, count_ret);
	}
	// Reasons are told by a crash of theirs.
	for (size_t k = 0; !err && k < *count_ret; k++) {
		for (size_t i = 0; (*ret)[k].scope == SIM_ALERT_REASON && i < p->crash_count; i++) {
			if (p->crashes[i].time == (*ret)[k].since && !p->crashes[i].lost &&
			    reason_number(p, i) == (*ret)[k].subject) {
				(*ret)[k].subject = i;
				break;
			}
		}
	}
	if (err) {
		free(*ret);
		*ret = NULL;
	}
	return err;
}

static void kv_time(struct ey_json *w, const char *key, int64_t t)
{
	char text[EY_TIME_TEXT_SIZE];

	ey_json_kv_string(w, key, t ? ey_time_format(t, text) : NULL);
}

static void write_causes(struct ey_json *w, const struct sim_plan *p)
{
	const struct sim_scenario *s = p->scenario;

	ey_json_key(w, "causes");
	ey_json_array_begin(w);
	for (size_t i = 0; i < p->cause_count; i++) {
		const struct sim_cause *c = &p->causes[i];

		ey_json_object_begin(w);
		ey_json_kv_string(w, "name", c->name);
		ey_json_kv_string(w, "cause", sim_cause_kind_name(c->kind));
		ey_json_kv_string(w, "reason", c->kind == SIM_CAUSE_DYING ? NULL : c->fault.reason);
		ey_json_kv_string(w, "title", c->fault.title);
		ey_json_key(w, "incidence");
		ey_json_double(w, c->incidence, 6);
		ey_json_kv_string(w, "since", c->bug ? c->bug->since : NULL);
		ey_json_kv_string(w, "fixed", c->bug ? c->bug->fixed : NULL);
		ey_json_kv_string(w, "model",
				  c->model_index < 0 ? NULL : s->models.at[c->model_index].name);
		ey_json_kv_string(w, "site",
				  c->site_index < 0 ? NULL : s->sites.at[c->site_index].name);
		ey_json_key(w, "expected_crashes");
		ey_json_double(w, c->expected, 2);
		ey_json_kv_uint(w, "crashes", c->crashes);
		ey_json_kv_uint(w, "hosts", c->hosts);
		kv_time(w, "first", c->first);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static void write_rollouts(struct ey_json *w, const struct sim_plan *p)
{
	ey_json_key(w, "rollouts");
	ey_json_array_begin(w);
	for (size_t i = 0; i < p->scenario->rollouts.n; i++) {
		const struct sim_rollout *r = &p->scenario->rollouts.at[i];
		uint64_t hosts = 0;

		for (size_t h = 0; h < p->scenario->fleet.hosts; h++)
			hosts += sim_rollout_time(p, &p->hosts[h], i) != INT64_MAX;
		ey_json_object_begin(w);
		ey_json_kv_string(w, "name", r->name);
		ey_json_kv_string(w, "kind", sim_rollout_kind_name(r->kind));
		ey_json_kv_string(w, "value", r->value);
		kv_time(w, "start", p->scenario->fleet.start + r->start);
		kv_time(w, "end", p->scenario->fleet.start + r->start + r->over);
		ey_json_kv_uint(w, "hosts", hosts);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
}

static struct ey_error *write_alerts(struct ey_json *w, const struct sim_plan *p)
{
	static const char *const scopes[] = {"host", "model", "reason"};
	_cleanup_free_ struct sim_alert *alerts = NULL;
	struct sim_host_names names;
	struct sim_fault fault;
	size_t count;
	struct ey_error *err = sim_truth_alerts(p, &alerts, &count);

	if (err)
		return err;
	ey_json_key(w, "alerts");
	ey_json_array_begin(w);
	for (size_t i = 0; i < count; i++) {
		const struct sim_alert *a = &alerts[i];
		const char *subject;

		if (a->scope == SIM_ALERT_HOST) {
			sim_host_names(p, (uint32_t)a->subject, &names);
			subject = names.hostname;
		} else if (a->scope == SIM_ALERT_MODEL) {
			subject = p->scenario->models.at[a->subject].product;
		} else {
			sim_crash_fault(p, &p->crashes[a->subject], &fault);
			subject = fault.reason;
		}
		ey_json_object_begin(w);
		ey_json_kv_string(w, "scope", scopes[a->scope]);
		ey_json_kv_string(w, "subject", subject);
		kv_time(w, "since", a->since);
		ey_json_object_end(w);
	}
	ey_json_array_end(w);
	return NULL;
}

static struct ey_error *write_json(const struct sim_plan *p, const char *path)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	const struct sim_fleet *f = &p->scenario->fleet;
	uint64_t lost = 0;
	struct ey_json w;

	for (size_t i = 0; i < p->crash_count; i++)
		lost += p->crashes[i].lost;
	ey_json_init(&w, &buf, 1);
	ey_json_object_begin(&w);
	ey_json_kv_string(&w, "schema", "eyrie/truth/1");
	ey_json_kv_uint(&w, "seed", p->seed);
	ey_json_kv_uint(&w, "hosts", f->hosts);
	kv_time(&w, "start", f->start);
	kv_time(&w, "end", f->start + f->duration);
	ey_json_kv_uint(&w, "crashes", p->crash_count);
	ey_json_kv_uint(&w, "lost", lost);
	write_rollouts(&w, p);
	write_causes(&w, p);
	struct ey_error *err = write_alerts(&w, p);
	ey_json_object_end(&w);
	ey_buf_addc(&buf, '\n');
	if (!err)
		err = ey_buf_error(&buf);
	return err ? err : ey_file_write_whole(path, 0644, buf.data, buf.len);
}

static struct ey_error *write_csv(const struct sim_plan *p, const char *path)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	char when[EY_TIME_TEXT_SIZE], reported[EY_TIME_TEXT_SIZE];

	ey_buf_adds(&buf,
		    "time,reported,lost,site,host,model,kernel,cause,name,reason,signature,path\n");
	for (size_t i = 0; i < p->crash_count; i++) {
		const struct sim_crash *c = &p->crashes[i];
		const struct sim_scenario *s = p->scenario;
		const char *kernel =
			c->kernel < 0 ? s->fleet.kernel : s->rollouts.at[c->kernel].value;
		_cleanup_free_ char *folder = sim_crash_path(p, i);
		char signature[SIM_SIGNATURE_SIZE];
		struct sim_host_names names;
		struct sim_fault fault;
		const char *function;
		uint32_t offset;

		sim_host_names(p, c->host, &names);
		sim_crash_fault(p, c, &fault);
		sim_fault_where(&fault, kernel, &function, &offset, signature);
		ey_buf_printf(&buf, "%s,%s,%d,%s,%s,%s,%s,%s,%s,%s,%s,%s\n",
			      ey_time_format(c->time, when), ey_time_format(c->reported, reported),
			      c->lost, s->sites.at[p->hosts[c->host].site].name, names.hostname,
			      s->models.at[p->hosts[c->host].model].name, kernel,
			      sim_cause_kind_name(p->causes[c->cause].kind),
			      p->causes[c->cause].name, fault.reason, signature,
			      folder ? folder : "");
	}
	struct ey_error *err = ey_buf_error(&buf);
	return err ? err : ey_file_write_whole(path, 0644, buf.data, buf.len);
}

static struct ey_error *write_changes(const struct sim_plan *p, const char *path)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;
	int64_t end = p->scenario->fleet.start + p->scenario->fleet.duration;
	struct sim_host_names names;
	struct ey_json w;

	for (size_t r = 0; r < p->scenario->rollouts.n; r++) {
		for (uint32_t h = 0; h < p->scenario->fleet.hosts; h++) {
			int64_t t = sim_rollout_time(p, &p->hosts[h], r);

			if (t >= end)
				continue;
			sim_host_names(p, h, &names);
			ey_json_init(&w, &buf, 0);
			ey_json_object_begin(&w);
			kv_time(&w, "time", t);
			ey_json_kv_string(&w, "host", names.hostname);
			ey_json_kv_string(&w, "kind",
					  sim_rollout_kind_name(p->scenario->rollouts.at[r].kind));
			ey_json_kv_string(&w, "value", p->scenario->rollouts.at[r].value);
			ey_json_kv_string(&w, "rollout", p->scenario->rollouts.at[r].name);
			ey_json_object_end(&w);
			ey_buf_addc(&buf, '\n');
		}
	}
	struct ey_error *err = ey_buf_error(&buf);
	return err ? err : ey_file_write_whole(path, 0644, buf.data ? buf.data : "", buf.len);
}

struct ey_error *sim_truth_write(const struct sim_plan *plan, const char *folder)
{
	static const struct {
		const char *name;
		struct ey_error *(*write)(const struct sim_plan *, const char *);
	} files[] = {{"truth.json", write_json},
		     {"truth.csv", write_csv},
		     {"changes.ndjson", write_changes}};
	struct ey_error *err = ey_mkdir_parents(folder, 0755);

	for (size_t i = 0; !err && i < EY_ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", folder, files[i].name) < 0) {
			path = NULL;
			return &ey_error_nomem;
		}
		err = files[i].write(plan, path);
	}
	return err;
}

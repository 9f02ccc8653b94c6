/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/agent_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "host/evidence.h"
#include "store/sealed.h"

enum {
	/** A little less than a day, as the daily run is jittered. */
	HEARTBEAT_SECONDS = 20 * 3600,
};

static void run_deinit(struct run *r)
{
	host_spool_destroy(r->spool);
	host_identity_deinit(&r->identity);
	store_destroy(r->store);
	store_policy_deinit(&r->policy);
	client_destroy(r->client);
}
#define _cleanup_run_ __attribute__((cleanup(run_deinit)))

static int64_t boot_time(const char *sysroot)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *text = NULL;

	if (asprintf(&path, "%s/proc/stat", sysroot) < 0) {
		path = NULL;
		return 0;
	}
	_cleanup_error_ struct ey_error *err = ey_file_read_whole(path, 1 << 24, &text, NULL);
	const char *btime = err ? NULL : strstr(text, "\nbtime ");
	// Unknown: then dumps are old enough by their age alone.
	return btime ? strtoll(btime + strlen("\nbtime "), NULL, 10) : 0;
}

static struct ey_error *open_store(struct run *r)
{
	if (r->store)
		return NULL;
	struct ey_error *err = store_open_with(r->options->repository, r->options->store_flags,
					       &r->options->s3, &r->store);
	if (!err)
		err = store_set_recipients(r->store, r->options->seal_to);
	if (err)
		return err;
	err = store_policy_load(r->store, &r->policy);
	if (err && err->code == EY_ERR_INPUT) {
		ey_log_warning("%s; so every dump is filed", err->message);
		ey_error_destroy(err);
		err = NULL;
	}
	return err;
}

// What happened, in a few words.
static void add_title(struct ey_buf *line, const struct record *record)
{
	const struct record_event *e = &record->event;

	if (record->have_event) {
		const char *title = e->title ? e->title : e->kind;

		ey_text_clean(line, title, strlen(title));
		ey_buf_adds(line, " (");
		ey_text_clean(line, e->reason, strlen(e->reason));
		ey_buf_addc(line, ')');
	} else {
		ey_buf_adds(line, "no crash event found");
	}
	for (size_t i = 0; i < record->gap_count && !record->engine; i++) {
		if (strcmp(record->gaps[i].what, "analysis") != 0)
			continue;
		ey_buf_adds(line, "; not analysed: ");
		ey_text_clean(line, record->gaps[i].why, strlen(record->gaps[i].why));
	}
}

void agent_report(const struct run *r, const struct filing *f, const char *outcome)
{
	_cleanup_buf_ struct ey_buf line = EY_BUF_INIT;

	ey_text_clean(&line, f->name, strlen(f->name));
	ey_buf_adds(&line, ": ");
	add_title(&line, f->record);
	ey_buf_printf(&line, "; %s", outcome);
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == '\n' || line.data[i] == '\t')
			line.data[i] = ' ';
	}
	if (r->options->report)
		r->options->report(ey_buf_str(&line), r->options->report_arg);
}

static void tell(const struct run *r, const struct filing *f, const struct store_filed *filed,
		 enum store_want want)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	ey_buf_printf(&text, "%s %s", filed->already ? "already filed as" : "filed as",
		      filed->path);
	if (!filed->already && (!f->dump || !f->dump->vmcore))
		ey_buf_adds(&text, ", there is no dump");
	else if (!filed->already && want == STORE_WANT_VMCORE)
		ey_buf_printf(&text, " with its dump (%" PRIu64 " MiB)",
			      (f->dump->bytes + (1 << 19)) >> 20);
	else if (!filed->already)
		ey_buf_printf(&text, " without its dump: the policy wants %s of this reason",
			      want == STORE_WANT_DMESG ? "only the log" : "nothing more");
	agent_report(r, f, ey_buf_str(&text));
}

// A crash that came by another road, or when the policy did not want its dump, may be there without
// it: then the source, which is to be removed once it is filed, is the only copy.
static struct ey_error *is_only_copy(struct run *r, const struct store_filed *filed, bool *ret)
{
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	bool had = true;

	*ret = false;
	if (!r->options->remove_source || !filed->already)
		return NULL;
	struct ey_error *err = store_entry_open(r->store, filed->path, &entry);
	if (!err)
		err = store_entry_had_dump(entry, &had);
	*ret = !had;
	return err;
}

static struct ey_error *file_in_repository(struct run *r, struct filing *f)
{
	const struct host_evidence *evidence = f->evidence;
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	struct store_filed filed;
	struct ey_error *err = open_store(r);

	if (err)
		return err;
	enum store_want want = store_policy_decide(
		&r->policy, f->record->have_event ? f->record->event.reason : NULL);
	if (f->dump && f->dump->vmcore && want == STORE_WANT_VMCORE)
		err = host_dump_open(r->options->crash_dir, f->dump->folder, f->dump->vmcore, &fd);
	if (err)
		return err;
	struct store_crash crash = {
		.site = r->options->site,
		.hostname = record_hostname(f->record),
		.time = f->record->system.crash_time,
		.id = f->id,
		.record = {evidence->record, evidence->record_len},
		.analysis = {evidence->analysis, evidence->analysis_len},
		.dmesg = {want == STORE_WANT_NOTHING ? NULL : evidence->dmesg, evidence->dmesg_len},
		.vmcore_fd = fd,
		.may_link = r->options->remove_source,
		.writer = host_spool_writer(r->spool),
	};
	err = store_file(r->store, &crash, &filed);
	if (err)
		return err;
	path = filed.path;
	if (fd >= 0)
		err = is_only_copy(r, &filed, &f->keep);
	if (!err && f->keep) {
		ey_log_warning("%s/%s stays: its crash is filed as %s, but without the dump",
			       r->options->crash_dir, f->name, path);
		r->result->known++;
		return NULL;
	}
	if (!err)
		err = host_spool_done(r->spool, f->key, path);
	if (err)
		return err;
	tell(r, f, &filed, want);
	r->result->known += filed.already;
	r->result->filed += !filed.already;
	r->result->with_dump += !filed.already && fd >= 0;
	return NULL;
}

// File what is in the spool. dump NULL: its source is gone. keep_ret: the source must stay.
static struct ey_error *file_evidence(struct run *r, const char *key, const char *name,
				      const struct host_dump *dump,
				      const struct host_evidence *evidence, bool *keep_ret)
{
	_cleanup_record_ struct record record = {0};
	_cleanup_free_ char *id = NULL;
	struct filing f = {.key = key, .name = name, .dump = dump, .evidence = evidence};
	struct ey_error *err = record_read(evidence->record, evidence->record_len, &record);

	if (!err)
		err = record_crash_id(&record, &id);
	if (err)
		return err;
	f.record = &record;
	f.id = id;
	err = r->options->center ? agent_file_at_center(r, &f) : file_in_repository(r, &f);
	*keep_ret = f.keep;
	return err;
}

static struct ey_error *get_evidence(struct run *r, const struct host_dump *dump,
				     struct host_evidence *ret)
{
	struct ey_error *err = host_spool_get(r->spool, dump->key, ret);

	if (!err)
		return NULL;
	if (err->code == EY_ERR_NOMEM)
		return err;
	if (err->code != EY_ERR_NOT_FOUND) {
		ey_log_warning("%s; the dump is analysed again", err->message);
		host_spool_drop(r->spool, dump->key);
	}
	ey_error_destroy(err);
	err = host_evidence_make(r->options->crash_dir, dump, &r->identity, &r->options->analysis,
				 r->now, ret);
	return err ? err : host_spool_put(r->spool, dump->key, ret);
}

static struct ey_error *handle_dump(struct run *r, const struct host_dump *dump)
{
	_cleanup_evidence_ struct host_evidence evidence = {0};
	bool done, keep = false;
	struct ey_error *err = host_spool_is_done(r->spool, dump->key, &done);

	if (err)
		return err;
	if (done) {
		r->result->known++;
	} else {
		err = get_evidence(r, dump, &evidence);
		if (!err)
			err = file_evidence(r, dump->key, dump->folder, dump, &evidence, &keep);
	}
	if (!err && r->options->remove_source && !keep)
		err = host_dump_remove(r->options->crash_dir, dump->folder);
	return err;
}

// Whether the dump that evidence was made of is gone for good: its crash directory is there, it
// is not. (A crash directory may not be mounted just now.)
static bool source_is_gone(const struct host_evidence *evidence)
{
	json_auto_t *root =
		json_loadb(evidence->record, evidence->record_len, JSON_ALLOW_NUL, NULL);
	const char *source =
		json_string_value(json_object_get(json_object_get(root, "agent"), "source"));
	_cleanup_free_ char *copy = source ? strdup(source) : NULL;

	if (!copy || !access(copy, F_OK) || errno != ENOENT)
		return false;
	return !access(dirname(dirname(copy)), F_OK);
}

// What was analysed when the repository could not be reached, and whose dump has gone since.
static struct ey_error *handle_orphan(struct run *r, const char *key)
{
	_cleanup_evidence_ struct host_evidence evidence = {0};
	struct ey_error *err = host_spool_get(r->spool, key, &evidence);

	if (err || !source_is_gone(&evidence))
		return err;
	bool keep;
	return file_evidence(r, key, "a dump that is gone", NULL, &evidence, &keep);
}

static void count_failure(struct run *r, const char *name, struct ey_error *err)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	if (!err)
		return;
	r->result->failed++;
	ey_text_clean(&text, name, strlen(name));
	ey_log_error("%s: %s", ey_buf_str(&text), err->message);
	ey_error_destroy(err);
}

static struct ey_error *handle_orphans(struct run *r, const struct host_dumps *dumps)
{
	char **keys;
	size_t count;
	struct ey_error *err = host_spool_keys(r->spool, &keys, &count);

	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		bool found = false;

		for (size_t j = 0; j < dumps->count; j++)
			found |= !strcmp(dumps->dumps[j].key, keys[i]);
		if (!found)
			count_failure(r, keys[i], handle_orphan(r, keys[i]));
		free(keys[i]);
	}
	free(keys);
	return NULL;
}

static void on_skip(const char *name, const char *why, void *arg)
{
	const struct agent_options *o = arg;

	ey_log_warning("%s/%s is passed over: %s", o->crash_dir, name, why);
}

struct ey_error *agent_run(const struct agent_options *options, struct agent_result *ret)
{
	_cleanup_run_ struct run r = {.options = options, .result = ret, .now = ey_time_now()};
	_cleanup_host_dumps_ struct host_dumps dumps = {0};
	struct host_find_options find = {
		.crash_dir = options->crash_dir,
		.now = r.now,
		.boot_time = boot_time(options->sysroot),
		.settle = options->settle,
		.on_skip = on_skip,
		.arg = (void *)options,
	};

	*ret = (struct agent_result){0};
	struct ey_error *err = host_spool_open(options->state_dir, &r.spool);
	if (!err)
		err = host_identity_read(options->sysroot, &r.identity);
	if (!err && options->remove_source)
		host_dump_remove_leftovers(options->crash_dir);
	if (!err)
		err = host_find_dumps(&find, &dumps);
	if (err)
		return err;
	ret->waiting = dumps.waiting;
	for (size_t i = 0; i < dumps.count; i++)
		count_failure(&r, dumps.dumps[i].folder, handle_dump(&r, &dumps.dumps[i]));
	err = handle_orphans(&r, &dumps);
	_cleanup_error_ struct ey_error *beat =
		!err && options->center ? agent_heartbeat(&r) : NULL;
	if (!err && !ret->failed)
		return no_cleanup_ptr(beat);
	if (beat)
		ey_log_error("%s", beat->message);
	if (!err && ret->failed)
		err = ey_error_create(EY_ERR_IO,
				      "%zu of %zu crashes could not be filed; the next run tries "
				      "them again",
				      ret->failed, dumps.count);
	return err;
}

struct ey_error *agent_options_load(const struct ey_config *config, struct agent_options *ret)
{
	int64_t timeout;
	uint64_t memory;
	bool mounted;

	*ret = (struct agent_options){
		.crash_dir = ey_config_string(config, "agent", "crash_dir", "/var/crash"),
		.state_dir = ey_config_string(config, "agent", "state_dir", "/var/lib/eyrie/agent"),
		.repository =
			ey_config_string(config, "repository", "path", "/var/lib/eyrie/repository"),
		.site = ey_config_string(config, "repository", "site", "default"),
		.seal_to = ey_config_string(config, "repository", "seal_to", "auto"),
		.center = ey_config_string(config, "agent", "center", NULL),
		.ca_file = ey_config_string(config, "agent", "ca_file", NULL),
		.token_file = ey_config_string(config, "agent", "token_file", NULL),
		.center_site = ey_config_string(config, "repository", "site", NULL),
		.image = ey_config_string(config, "agent", "image", NULL),
		.config = config,
		.sysroot = "",
	};
	struct ey_error *err =
		ey_config_bool(config, "repository", "must_be_mounted", false, &mounted);
	if (!err)
		err = store_s3_options_load(config, &ret->s3);
	if (!err)
		err = ey_config_bool(config, "agent", "remove_source", false, &ret->remove_source);
	if (!err)
		err = ey_config_duration(config, "agent", "settle", 60, &ret->settle);
	if (!err)
		err = ey_config_duration(config, "agent", "heartbeat", HEARTBEAT_SECONDS,
					 &ret->heartbeat);
	if (!err)
		err = ey_config_duration(config, "agent", "analysis_timeout", 120, &timeout);
	if (!err)
		err = ey_config_uint(config, "agent", "analysis_memory_mib", 2048, &memory);
	if (err)
		return err;
	if (timeout < 1 || timeout > 86400)
		return ey_error_create(EY_ERR_USAGE,
				       "[agent] analysis_timeout must be within 1s and 1d");
	if (memory < 64 || memory > 1 << 20)
		return ey_error_create(EY_ERR_USAGE,
				       "[agent] analysis_memory_mib must be within 64 and 1048576");
	if (!ey_name_is_safe(ret->site))
		return ey_error_create(EY_ERR_USAGE,
				       "[repository] site: \"%.100s\" is not a name of letters, "
				       "digits and \"._-:@+\"",
				       ret->site);
	ret->analysis.timeout_seconds = (unsigned int)timeout;
	ret->analysis.memory_limit = (size_t)memory << 20;
	ret->store_flags = mounted ? STORE_MUST_BE_MOUNTED : STORE_CREATE;
	return NULL;
}

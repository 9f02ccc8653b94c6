/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's side of a center: what is filed there, what waits, and the heartbeat. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "host/agent_internal.h"
#include "host/center.h"
#include "host/heartbeat.h"

static struct ey_error *open_client(struct run *r)
{
	const struct agent_options *o = r->options;
	_cleanup_free_ char *token = NULL;

	if (r->unreachable)
		return ey_error_create(EY_ERR_IO, "%s did not answer before", o->center);
	if (r->client)
		return NULL;
	if (o->token_file ? !(token = strdup(o->token_file))
			  : asprintf(&token, "%s/token", o->state_dir) < 0) {
		token = NULL;
		return &ey_error_nomem;
	}
	// A center on this machine may know who asks without a token; one elsewhere says so.
	bool none = access(token, F_OK) < 0 && errno == ENOENT && !o->token_file;
	return client_create(&(struct client_options){.url = o->center,
						      .token_file = none ? NULL : token,
						      .ca_file = o->ca_file},
			     &r->client);
}

static void tell(const struct run *r, const struct filing *f, const struct host_center_filed *filed)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;

	ey_buf_printf(&text, "%s %s",
		      filed->already ? "already at the center as" : "at the center as",
		      filed->path);
	if (filed->later >= 0)
		ey_buf_printf(&text, ", which wants its dump in %" PRId64 " s", filed->later);
	else if (!f->dump || !f->dump->vmcore)
		ey_buf_adds(&text, ", there is no dump");
	else if (filed->uploaded)
		ey_buf_printf(&text, " with its dump (%" PRIu64 " MiB)",
			      (f->dump->bytes + (1 << 19)) >> 20);
	else if (filed->too_large)
		ey_buf_adds(&text, " without its dump, which stays: the center takes none of this "
				   "size");
	else
		ey_buf_printf(&text, " without its dump: the center wants %s of it",
			      filed->want == STORE_WANT_NOTHING ? "nothing more" : "only the log");
	agent_report(r, f, ey_buf_str(&text));
}

struct ey_error *agent_file_at_center(struct run *r, struct filing *f)
{
	_cleanup_center_filed_ struct host_center_filed filed = {0};
	struct host_center_crash crash = {
		.evidence = f->evidence,
		.id = f->id,
		.site = r->options->center_site,
		.crash_dir = r->options->crash_dir,
		.dump = f->dump,
	};
	int64_t until = 0;
	struct ey_error *err = host_spool_waits(r->spool, f->key, &until);

	f->keep = true;
	if (err)
		return err;
	// A clock that was set back must not make it wait for ever.
	if (until > r->now && until - r->now <= HOST_WAIT_MAX) {
		r->result->deferred++;
		return NULL;
	}
	err = open_client(r);
	if (err)
		return err;
	err = host_center_file(r->client, &crash, &filed);
	r->unreachable |= filed.unreachable;
	if (filed.later >= 0) {
		_cleanup_error_ struct ey_error *noted =
			host_spool_wait(r->spool, f->key, r->now + filed.later);

		if (noted)
			ey_log_warning("%s", noted->message);
	}
	if (err)
		return err;
	tell(r, f, &filed);
	if (filed.later >= 0) {
		r->result->deferred++;
		return NULL;
	}
	// Not done: its only dump is here, and the center may take larger ones some day.
	if (filed.too_large) {
		r->result->known++;
		return host_spool_wait(r->spool, f->key, r->now + HOST_WAIT_MAX);
	}
	err = host_spool_done(r->spool, f->key, filed.path);
	if (err)
		return err;
	f->keep = false;
	r->result->known += filed.already;
	r->result->filed += !filed.already;
	r->result->with_dump += filed.uploaded;
	return NULL;
}

// "BOOT-ID TIME" of the last heartbeat that the center took.
static struct ey_error *is_due(const struct run *r, const char *path, const char *boot_id,
			       bool *ret)
{
	_cleanup_free_ char *text = NULL;
	struct ey_error *err = ey_file_read_whole(path, 256, &text, NULL);
	size_t len = strlen(boot_id);

	*ret = true;
	if (err) {
		bool nomem = err == &ey_error_nomem;

		// Whatever is wrong with the note: a heartbeat too many harms nobody.
		if (!nomem)
			ey_error_destroy(err);
		return nomem ? err : NULL;
	}
	if (!strncmp(text, boot_id, len) && text[len] == ' ') {
		int64_t last = strtoll(text + len + 1, NULL, 10);

		*ret = last > r->now || r->now - last >= r->options->heartbeat;
	}
	return NULL;
}

struct ey_error *agent_heartbeat(struct run *r)
{
	const struct agent_options *o = r->options;
	struct host_heartbeat_options options = {
		.sysroot = o->sysroot,
		.identity = &r->identity,
		.site = o->center_site,
		.image = o->image,
		.config = o->config,
		.now = r->now,
	};
	_cleanup_free_ char *path = NULL, *boot_id = NULL, *note = NULL;
	_cleanup_buf_ struct ey_buf body = EY_BUF_INIT;
	bool due = false;

	if (!o->heartbeat)
		return NULL;
	if (asprintf(&path, "%s/beat", o->state_dir) < 0) {
		path = NULL;
		return &ey_error_nomem;
	}
	struct ey_error *err = host_boot_id(o->sysroot, &boot_id);
	if (!err)
		err = is_due(r, path, boot_id, &due);
	if (err || !due)
		return err;
	err = host_heartbeat_make(&options, &body);
	if (!err)
		err = open_client(r);
	if (!err)
		err = client_post_json(r->client, "/api/v1/heartbeats", ey_buf_str(&body), body.len,
				       NULL);
	if (!err && asprintf(&note, "%s %" PRId64 "\n", boot_id, r->now) < 0) {
		note = NULL;
		err = &ey_error_nomem;
	}
	if (!err)
		err = ey_file_write_whole(path, 0600, note, strlen(note));
	return ey_error_prefix(err, "no heartbeat");
}

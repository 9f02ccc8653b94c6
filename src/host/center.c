/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/center.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "host/direct.h"

enum {
	/** record, whole, analysis, dmesg, id, site, dump_bytes. */
	PARTS_MAX = 7,
	/** Where the center says no time. */
	LATER_SECONDS = 300,
	/** Uploads that vanish at the center before this gives up for now. */
	UPLOADS_MAX = 3,
	STATUS_CONFLICT = 409,
	STATUS_TOO_LARGE = 413,
};

/** A delivery being put together. */
struct delivery {
	struct client_part parts[PARTS_MAX];
	size_t count;
	/** Owned: light record and compressed texts. */
	void *made[PARTS_MAX];
	size_t made_count;
};

static void delivery_deinit(struct delivery *d)
{
	for (size_t i = 0; i < d->made_count; i++)
		free(d->made[i]);
}
#define _cleanup_delivery_ __attribute__((cleanup(delivery_deinit)))

void host_center_filed_deinit(struct host_center_filed *filed)
{
	free(filed->path);
	filed->path = NULL;
}

static void add_part(struct delivery *d, const char *name, const char *type, const void *data,
		     size_t len)
{
	d->parts[d->count++] = (struct client_part){
		.name = name,
		// A part with a file's name is one by every server's rules.
		.filename = type ? name : NULL,
		.content_type = type,
		.body = {.data = data, .len = len},
	};
}

// One frame that states its size: the center stores it as it is.
static struct ey_error *add_compressed(struct delivery *d, const char *name, const void *data,
				       size_t len)
{
	if (!data || !len)
		return NULL;
	size_t bound = ZSTD_compressBound(len);
	void *out = malloc(bound);
	if (!out)
		return &ey_error_nomem;
	d->made[d->made_count++] = out;
	size_t n = ZSTD_compress(out, bound, data, len, 3);
	if (ZSTD_isError(n))
		return ey_error_create(EY_ERR_IO, "cannot compress %s: %s", name,
				       ZSTD_getErrorName(n));
	add_part(d, name, "application/zstd", out, n);
	return NULL;
}

// The record without what is heavy: the center parses only this.
static struct ey_error *make_light(const struct host_evidence *e, char **ret)
{
	json_auto_t *root = json_loadb(e->record, e->record_len, JSON_ALLOW_NUL, NULL);
	json_t *stacks = json_object_get(root, "stacks");

	if (!json_is_object(root))
		return ey_error_create(EY_ERR_INPUT, "the record in the spool is no JSON object");
	json_object_del(root, "log");
	json_object_del(root, "tasks");
	while (json_array_size(stacks) > 1)
		json_array_remove(stacks, json_array_size(stacks) - 1);
	*ret = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15));
	return *ret ? NULL : &ey_error_nomem;
}

static struct ey_error *make_delivery(const struct host_center_crash *crash, const char *bytes,
				      struct delivery *d)
{
	const struct host_evidence *e = crash->evidence;
	char *light = NULL;
	struct ey_error *err = make_light(e, &light);

	if (err)
		return err;
	d->made[d->made_count++] = light;
	add_part(d, "record", "application/json", light, strlen(light));
	add_part(d, "id", NULL, crash->id, strlen(crash->id));
	if (crash->site)
		add_part(d, "site", NULL, crash->site, strlen(crash->site));
	add_part(d, "dump_bytes", NULL, bytes, strlen(bytes));
	err = add_compressed(d, "whole", e->record, e->record_len);
	if (!err)
		err = add_compressed(d, "analysis", e->analysis, e->analysis_len);
	if (!err)
		err = add_compressed(d, "dmesg", e->dmesg, e->dmesg_len);
	return err;
}

/** What the center answers to a delivery. */
struct verdict {
	json_int_t id;
	const char *want;
	const char *upload;
	const char *path;
	json_int_t retry_after;
};

static struct ey_error *read_verdict(const struct client *client, json_t *root, struct verdict *v)
{
	*v = (struct verdict){
		.id = json_integer_value(json_object_get(root, "id")),
		.want = json_string_value(json_object_get(root, "want")),
		.upload = json_string_value(json_object_get(root, "upload")),
		.path = json_string_value(json_object_get(root, "path")),
		.retry_after = json_integer_value(json_object_get(root, "retry_after")),
	};
	if (v->id > 0 && v->want && v->path)
		return NULL;
	return ey_error_create(EY_ERR_INPUT, "%s took a crash and does not say what it wants of it",
			       client_url(client));
}

static bool is_changed(const struct stat *a, const struct stat *b)
{
	return a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	       a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

// Asked for and sent; once more where the center has forgotten it meanwhile.
static struct ey_error *upload(struct client *client, const struct verdict *v, int fd,
			       const char *sha256, bool direct, struct host_center_filed *ret)
{
	struct ey_error *err = NULL;
	char crash[32];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot look at the dump");
	snprintf(crash, sizeof(crash), "%" JSON_INTEGER_FORMAT, v->id);
	const struct client_meta meta[] = {
		{"crash", crash}, {"filename", "vmcore"}, {"sha256", sha256}};
	for (int i = 0; i < UPLOADS_MAX; i++) {
		_cleanup_client_answer_ struct client_answer answer = {0};

		ey_error_destroy(err);
		err = client_upload_create(client, v->upload, (uint64_t)st.st_size, meta,
					   EY_ARRAY_SIZE(meta), &answer);
		if (answer.status == STATUS_CONFLICT || answer.status == STATUS_TOO_LARGE) {
			ret->uploaded = answer.status == STATUS_CONFLICT;
			ret->too_large = !ret->uploaded;
			ey_error_destroy(err);
			return NULL;
		}
		ret->later = err ? answer.retry_after : -1;
		ret->unreachable = err && !answer.status;
		if (err)
			return err;
		struct client_upload what = {
			.target = answer.location, .fd = fd, .bytes = (uint64_t)st.st_size};
		// 201: nothing of this came yet; what did of another one is of no use.
		err = direct ? host_direct_upload(client, &what, answer.status == 201, &ret->later)
			     : client_upload(client, &what, &ret->later);
		ret->uploaded = !err;
		if (!err || err->code != EY_ERR_NOT_FOUND)
			return err;
	}
	// It is not lost: the dump is here, and the next run asks again.
	if (err && err != &ey_error_nomem)
		err->code = EY_ERR_IO;
	return err;
}

static struct ey_error *send_dump(struct client *client, const struct host_center_crash *crash,
				  const struct verdict *v, struct host_center_filed *ret)
{
	_cleanup_close_ int fd = -1, sealed = -1;
	char sha256[CLIENT_SHA256_TEXT];
	struct stat before, after, sent;
	struct host_direct direct;

	if (!v->upload)
		return ey_error_create(EY_ERR_INPUT,
				       "%s wants a dump and does not say where to send it",
				       client_url(client));
	struct ey_error *err =
		host_dump_open(crash->crash_dir, crash->dump->folder, crash->dump->vmcore, &fd);
	if (err)
		return err;
	if (fstat(fd, &before) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot look at the dump");
	err = host_direct_ask(client, &direct);
	if (!err && direct.seal)
		err = host_direct_seal(&direct, fd, &sealed);
	int what = sealed < 0 ? fd : sealed;
	if (!err && fstat(what, &sent) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot look at the dump");
	if (!err)
		err = client_sha256(what, 0, (uint64_t)sent.st_size, sha256);
	if (!err)
		err = upload(client, v, what, sha256, direct.on, ret);
	if (!err && (fstat(fd, &after) < 0 || is_changed(&before, &after))) {
		ret->uploaded = false;
		err = ey_error_create(EY_ERR_IO, "the dump changed while it was sent");
	}
	return err;
}

static struct ey_error *take_path(const struct verdict *v, struct host_center_filed *ret)
{
	_cleanup_buf_ struct ey_buf path = EY_BUF_INIT;

	ey_text_clean(&path, v->path, strlen(v->path));
	ey_buf_adds(&path, "");
	for (size_t i = 0; i < path.len; i++) {
		if (path.data[i] == '\n' || path.data[i] == '\t')
			path.data[i] = ' ';
	}
	ret->path = ey_buf_steal(&path, NULL);
	return ret->path ? NULL : &ey_error_nomem;
}

struct ey_error *host_center_file(struct client *client, const struct host_center_crash *crash,
				  struct host_center_filed *ret)
{
	_cleanup_client_answer_ struct client_answer answer = {0};
	_cleanup_delivery_ struct delivery delivery = {0};
	bool have_dump = crash->dump && crash->dump->vmcore;
	json_auto_t *root = NULL;
	struct verdict v;
	char bytes[32];

	*ret = (struct host_center_filed){.later = -1};
	snprintf(bytes, sizeof(bytes), "%" PRIu64, have_dump ? crash->dump->bytes : 0);
	struct ey_error *err = make_delivery(crash, bytes, &delivery);
	if (err)
		return err;
	err = client_call(client,
			  &(struct client_request){.method = "POST",
						   .target = "/api/v1/crashes",
						   .parts = delivery.parts,
						   .part_count = delivery.count},
			  &answer);
	ret->later = answer.retry_after;
	ret->unreachable = err && !answer.status;
	if (!err)
		err = client_answer_json(client, &answer, &root);
	if (!err)
		err = read_verdict(client, root, &v);
	if (!err)
		err = take_path(&v, ret);
	if (err)
		return err;
	ret->later = -1;
	ret->already = answer.status == 200;
	ret->want = STORE_WANT_DMESG;
	if (!strcmp(v.want, "nothing")) {
		ret->want = STORE_WANT_NOTHING;
	} else if (!strcmp(v.want, "later")) {
		ret->want = STORE_WANT_VMCORE;
		ret->later = v.retry_after > 0 ? v.retry_after : LATER_SECONDS;
	} else if (!strcmp(v.want, "vmcore")) {
		ret->want = STORE_WANT_VMCORE;
		if (have_dump)
			err = send_dump(client, crash, &v, ret);
	} else if (strcmp(v.want, "dmesg") != 0) {
		return ey_error_create(EY_ERR_INPUT,
				       "%s wants something of a crash that this version does not "
				       "know; install a newer one",
				       client_url(client));
	}
	return err;
}

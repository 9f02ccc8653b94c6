/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/direct.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	/** "Checksum Mismatch" of tus. */
	STATUS_CHECKSUM = 460,
};

struct ey_error *host_direct_ask(struct client *client, struct host_direct *ret)
{
	json_auto_t *root = NULL;
	struct ey_error *err = client_get_json(client, "/api/v1/direct", &root);

	*ret = (struct host_direct){0};
	// An older one.
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	const char *keys = json_string_value(json_object_get(root, "seal_to"));
	ret->on = json_is_true(json_object_get(root, "direct"));
	ret->seal = ret->on && keys;
	return ret->seal ? ey_error_prefix(seal_public_read(keys, strlen(keys), &ret->to),
					   "the keys that %s wants dumps to be sealed to",
					   client_url(client))
			 : NULL;
}

struct ey_error *host_direct_seal(const struct host_direct *direct, int fd, int *fd_ret)
{
	const char *dir = getenv("TMPDIR");

	dir = dir && *dir ? dir : "/var/tmp";
	_cleanup_close_ int out = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (out < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot make a file in %s", dir);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot read the dump");
	struct ey_error *err = seal_fd(fd, out, &direct->to, SEAL_DUMPS, NULL);
	if (err)
		return ey_error_prefix(err, "cannot seal the dump in %s", dir);
	*fd_ret = no_cleanup_fd(out);
	return NULL;
}

static struct ey_error *put(struct client *client, const struct client_upload *u,
			    const json_t *part, uint64_t part_bytes)
{
	_cleanup_client_answer_ struct client_answer answer = {0};
	json_int_t number = json_integer_value(json_object_get(part, "number"));
	const char *url = json_string_value(json_object_get(part, "url"));

	if (!url || number < 1 || !part_bytes ||
	    (uint64_t)(number - 1) > (u->bytes - 1) / part_bytes)
		return ey_error_create(EY_ERR_INPUT, "%s names no sound part of an upload",
				       client_url(client));
	uint64_t at = (uint64_t)(number - 1) * part_bytes;
	const struct client_body body = {
		.fd = u->fd, .offset = at, .len = EY_MIN(part_bytes, u->bytes - at)};
	struct ey_error *err =
		client_call(client,
			    &(struct client_request){
				    .method = "PUT", .target = url, .body = &body, .patient = true},
			    &answer);
	// An address that is too old, or a store that wants it otherwise: the center signs anew.
	if (err && err->code == EY_ERR_INPUT && answer.status / 100 == 4)
		err->code = EY_ERR_IO;
	return err;
}

static struct ey_error *ask(struct client *client, const struct client_upload *u, bool begin,
			    int64_t *retry_after, json_t **ret)
{
	_cleanup_client_answer_ struct client_answer answer = {0};
	_cleanup_buf_ struct ey_buf target = EY_BUF_INIT;
	const struct client_body body = {.data = "{}", .len = 2};

	ey_buf_printf(&target, "%s/direct%s", u->target, begin ? "?begin=1" : "");
	struct ey_error *err = ey_buf_error(&target);
	if (err)
		return err;
	// The last answer comes when the center has read all of it.
	err = client_call(client,
			  &(struct client_request){.method = "POST",
						   .target = ey_buf_str(&target),
						   .content_type = "application/json",
						   .body = &body,
						   .patient = true},
			  &answer);
	*retry_after = err ? answer.retry_after : -1;
	if (err && answer.status == STATUS_CHECKSUM)
		err->code = EY_ERR_IO; // it was changed on its way: once more from the beginning
	return err ? err : client_answer_json(client, &answer, ret);
}

struct ey_error *host_direct_upload(struct client *client, const struct client_upload *upload,
				    bool begin, int64_t *retry_after_ret)
{
	unsigned int failures = 0;

	for (;;) {
		json_auto_t *root = NULL;
		const json_t *part;
		bool progress = false;
		size_t i;
		struct ey_error *err = ask(client, upload, begin, retry_after_ret, &root);

		if (err)
			return err;
		begin = false;
		if (json_is_true(json_object_get(root, "complete")))
			return NULL;
		const json_t *parts = json_object_get(root, "parts");
		json_int_t bytes = json_integer_value(json_object_get(root, "part_bytes"));
		json_array_foreach(parts, i, part)
		{
			if (!err)
				err = put(client, upload, part, bytes > 0 ? (uint64_t)bytes : 0);
			progress |= !err;
		}
		if (!err && !progress)
			err = ey_error_create(EY_ERR_INPUT,
					      "%s says neither what is missing of an "
					      "upload nor that nothing is",
					      client_url(client));
		failures = progress ? 0 : failures + 1;
		if (err && (err->code != EY_ERR_IO || failures >= CLIENT_UPLOAD_ATTEMPTS))
			return err;
		if (err)
			nanosleep(&(struct timespec){.tv_sec = 1L << failures}, NULL);
		ey_error_destroy(err);
	}
}

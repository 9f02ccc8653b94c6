/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/enroll.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "client/client.h"

void host_enrolled_deinit(struct host_enrolled *enrolled)
{
	free(enrolled->host);
	free(enrolled->site);
	*enrolled = (struct host_enrolled){0};
}

static struct ey_error *make_body(const struct host_identity *identity, struct ey_buf *body)
{
	struct ey_json json;

	ey_json_init(&json, body, 0);
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "hostname", identity->hostname);
	ey_json_kv_string(&json, "machine_id", identity->machine_id);
	ey_json_kv_string(&json, "dmi_uuid", identity->dmi_uuid);
	ey_json_object_end(&json);
	return ey_buf_error(body);
}

// Made before the center is asked: a token that cannot be kept must not be asked for.
static struct ey_error *make_folder(const char *token_file)
{
	_cleanup_free_ char *copy = strdup(token_file);

	if (!copy)
		return &ey_error_nomem;
	const char *folder = dirname(copy);
	struct ey_error *err = ey_mkdir_parents(folder, 0700);
	if (!err && access(folder, W_OK) < 0)
		err = ey_error_errno(EY_ERR_IO, errno, "cannot write into %s; are you root?",
				     folder);
	return err;
}

static bool is_token(const char *s)
{
	return s && *s && strlen(s) <= CLIENT_TOKEN_MAX &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") ==
		       strlen(s);
}

static char *clean(const char *s)
{
	_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

	ey_text_clean(&buf, s ? s : "", s ? strlen(s) : 0);
	ey_buf_adds(&buf, "");
	return ey_buf_steal(&buf, NULL);
}

static struct ey_error *keep(const struct host_enroll_options *o, const char *token)
{
	_cleanup_free_ char *line = NULL;

	if (asprintf(&line, "%s\n", token) < 0) {
		line = NULL;
		return &ey_error_nomem;
	}
	struct ey_error *err = ey_file_write_whole(o->token_file, 0600, line, strlen(line));
	explicit_bzero(line, strlen(line));
	return err;
}

struct ey_error *host_enroll(const struct host_enroll_options *o, struct host_enrolled *ret)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_enrolled_ struct host_enrolled enrolled = {0};
	_cleanup_buf_ struct ey_buf body = EY_BUF_INIT;
	json_auto_t *root = NULL;
	struct client_options options = {.url = o->center,
					 .ca_file = o->ca_file,
					 .token = o->key,
					 .token_file = o->key ? NULL : o->token_file};
	struct ey_error *err = make_folder(o->token_file);

	if (!err)
		err = make_body(o->identity, &body);
	if (!err)
		err = client_create(&options, &client);
	if (!err)
		err = client_post_json(client, "/api/v1/enroll", ey_buf_str(&body), body.len,
				       &root);
	if (err)
		return err;
	const char *token = json_string_value(json_object_get(root, "token"));
	if (!is_token(token))
		return ey_error_create(EY_ERR_INPUT, "%s enrolled the host and gave no token",
				       o->center);
	enrolled.host = clean(json_string_value(json_object_get(root, "host")));
	enrolled.site = clean(json_string_value(json_object_get(root, "site")));
	if (!enrolled.host || !enrolled.site)
		return &ey_error_nomem;
	err = keep(o, token);
	if (err)
		return err;
	*ret = enrolled;
	enrolled = (struct host_enrolled){0};
	return NULL;
}

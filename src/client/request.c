/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests as most callers make them: JSON there and back, targets with escaped values. */
#include <string.h>

#include "base/cleanup.h"
#include "client/client.h"

static struct ey_error *call_json(struct client *c, const struct client_request *request,
				  json_t **ret)
{
	_cleanup_client_answer_ struct client_answer answer = {0};
	struct ey_error *err = client_call(c, request, &answer);

	return err || !ret ? err : client_answer_json(c, &answer, ret);
}

struct ey_error *client_get_json(struct client *c, const char *target, json_t **ret)
{
	return call_json(c, &(struct client_request){.method = "GET", .target = target}, ret);
}

struct ey_error *client_post_json(struct client *c, const char *target, const char *body,
				  size_t len, json_t **ret)
{
	struct client_body bytes = {.data = body, .len = len};

	return call_json(c,
			 &(struct client_request){.method = "POST",
						  .target = target,
						  .content_type = "application/json",
						  .body = &bytes},
			 ret);
}

void client_add_escaped(struct ey_buf *target, const char *text)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++) {
		if (strchr(plain, *text))
			ey_buf_addc(target, *text);
		else
			ey_buf_printf(target, "%%%02X", (unsigned char)*text);
	}
}

void client_add_query(struct ey_buf *target, const char *name, const char *value)
{
	ey_buf_addc(target, strchr(ey_buf_str(target), '?') ? '&' : '?');
	client_add_escaped(target, name);
	ey_buf_addc(target, '=');
	client_add_escaped(target, value);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/message.h"

#include <stdlib.h>

void server_response_deinit(struct server_response *response)
{
	ey_buf_deinit(&response->body);
	free(response->download_name);
	*response = (struct server_response){0};
}

void server_response_json(struct server_response *response, struct ey_json *json)
{
	response->status = 200;
	response->content_type = "application/json";
	ey_json_init(json, &response->body, 0);
}

unsigned int server_status_of(const struct ey_error *err)
{
	switch (err->code) {
	case EY_ERR_USAGE:
	case EY_ERR_INPUT:
		return 400;
	case EY_ERR_NOT_FOUND:
		return 404;
	case EY_ERR_IO:
	case EY_ERR_NOMEM:
		return 503;
	case EY_ERR_FAULT:
		break;
	}
	return 500;
}

void server_response_error(struct server_response *response, unsigned int status,
			   const char *message)
{
	struct ey_json json;

	server_response_deinit(response);
	server_response_json(response, &json);
	response->status = status;
	ey_json_object_begin(&json);
	ey_json_key(&json, "error");
	ey_json_object_begin(&json);
	ey_json_kv_uint(&json, "status", status);
	ey_json_kv_string(&json, "message", message);
	ey_json_object_end(&json);
	ey_json_object_end(&json);
}

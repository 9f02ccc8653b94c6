/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *server_header(const struct server_request *request, const char *name)
{
	return request->header ? request->header(request, name) : NULL;
}

struct server_later *server_later_take(const struct server_request *request)
{
	return request->later(request);
}

void server_response_header(struct server_response *response, const char *name, const char *format,
			    ...)
{
	va_list ap;
	char *value;

	if (response->header_count == SERVER_RESPONSE_HEADERS_MAX)
		return;
	va_start(ap, format);
	if (vasprintf(&value, format, ap) < 0)
		value = NULL;
	va_end(ap);
	if (!value || strpbrk(value, "\r\n")) {
		free(value);
		return;
	}
	response->headers[response->header_count++] =
		(struct server_response_header){.name = name, .value = value};
}

const char *server_method_name(enum server_method method)
{
	switch (method) {
	case SERVER_GET:
		return "GET";
	case SERVER_POST:
		return "POST";
	case SERVER_PATCH:
		return "PATCH";
	case SERVER_DELETE:
		return "DELETE";
	case SERVER_OPTIONS:
		return "OPTIONS";
	}
	return "";
}

void server_response_deinit(struct server_response *response)
{
	ey_buf_deinit(&response->body);
	if (response->source.close)
		response->source.close(response->source.arg);
	free(response->download_name);
	for (size_t i = 0; i < response->header_count; i++)
		free(response->headers[i].value);
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
	case EY_ERR_DENIED:
		return 403;
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

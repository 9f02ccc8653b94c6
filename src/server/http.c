/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "server/http_response.h"

struct http_server {
	struct MHD_Daemon *daemon;
	struct http_handler handler;
	char *host_names;
	uint16_t port;
};

// One request and its answer on its way through libmicrohttpd's callbacks.
struct exchange {
	char *raw_target;
	struct ey_buf body;
	struct server_request request;
	bool head;
	bool started;
	bool too_large;
};

static void *on_target(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	// One byte more than allowed is enough to know that it is too long.
	x->raw_target = strndup(uri, SERVER_TARGET_MAX + 1);
	return x;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *state;

	if (!x)
		return;
	free(x->raw_target);
	ey_buf_deinit(&x->body);
	server_target_deinit(&x->request.target);
	free(x);
	*state = NULL;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

bool http_host_is_ours(const char *host, const char *names)
{
	char name[256];
	struct in6_addr a6;
	struct in_addr a4;
	size_t len;

	if (!host)
		return false;
	if (host[0] == '[') {
		len = strcspn(host + 1, "]");
		if (len >= sizeof(name) || host[1 + len] != ']')
			return false;
		memcpy(name, host + 1, len);
		name[len] = '\0';
		return inet_pton(AF_INET6, name, &a6) == 1;
	}
	len = strcspn(host, ":");
	if (!len || len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	if (inet_pton(AF_INET, name, &a4) == 1 || !strcasecmp(name, "localhost"))
		return true;
	for (const char *s = names; s && *s;) {
		s += strspn(s, " \t,");
		size_t n = strcspn(s, " \t,");

		if (n == len && !strncasecmp(s, name, n))
			return true;
		s += n;
	}
	return false;
}

bool http_is_same_origin(const char *sec_fetch_site, const char *origin, const char *host)
{
	if (sec_fetch_site &&
	    (strcmp(sec_fetch_site, "same-origin") != 0 && strcmp(sec_fetch_site, "none") != 0))
		return false;
	if (!origin)
		return true;
	for (size_t i = 0; i < 2; i++) {
		const char *scheme = i ? "https://" : "http://";

		if (!strncmp(origin, scheme, strlen(scheme)))
			return host && !strcasecmp(origin + strlen(scheme), host);
	}
	return false;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned int status, const char *message,
			      unsigned int allow)
{
	struct server_response response = {0};

	server_response_error(&response, status, message);
	enum MHD_Result result = http_respond(c, &response, allow);
	server_response_deinit(&response);
	return result;
}

// What can be refused before the body has come. Returns whether an answer was sent.
static bool refuse_early(struct http_server *server, struct exchange *x, struct MHD_Connection *c,
			 const char *method, enum MHD_Result *result)
{
	const char *host = header(c, "Host");
	const char *length = header(c, "Content-Length");

	if (!x->raw_target) {
		*result = refuse(c, 503, "out of memory", 0);
		return true;
	}
	struct ey_error *err =
		server_target_parse(&x->request.target, x->raw_target, strlen(x->raw_target));
	if (err) {
		*result = refuse(c, strlen(x->raw_target) > SERVER_TARGET_MAX ? 414 : 400,
				 err->message, 0);
		ey_error_destroy(err);
		return true;
	}
	if (!http_host_is_ours(host, server->host_names)) {
		*result = refuse(c, 421,
				 "this server does not go by that host name; add it to host_names "
				 "in section [server] of eyrie.conf",
				 0);
		return true;
	}
	unsigned int methods = server->handler.methods(server->handler.arg, x->request.target.path);
	if (!methods) {
		*result = refuse(c, 404, "there is nothing at this address", 0);
		return true;
	}
	x->request.method = !strcmp(method, "GET") || x->head ? SERVER_GET
			    : !strcmp(method, "POST")	      ? SERVER_POST
							      : 0;
	if (!(methods & x->request.method)) {
		*result = refuse(c, 405, "this address does not answer that method", methods);
		return true;
	}
	if (x->request.method != SERVER_POST)
		return false;
	if (!http_is_same_origin(header(c, "Sec-Fetch-Site"), header(c, "Origin"), host)) {
		*result = refuse(c, 403, "a page of another site may not change anything here", 0);
		return true;
	}
	const char *type = header(c, "Content-Type");
	if (!type || strncasecmp(type, "application/json", 16) != 0 ||
	    (type[16] && !strchr("; ", type[16]))) {
		*result = refuse(c, 415, "the body must be application/json", 0);
		return true;
	}
	if (length && strtoull(length, NULL, 10) > HTTP_BODY_MAX) {
		*result = refuse(c, 413, "the body is larger than 64 KiB", 0);
		return true;
	}
	return false;
}

static enum MHD_Result answer(struct http_server *server, struct exchange *x,
			      struct MHD_Connection *c)
{
	struct server_response response = {0};

	x->request.body = ey_buf_str(&x->body);
	x->request.body_len = x->body.len;
	struct ey_error *err = server->handler.handle(server->handler.arg, &x->request, &response);
	if (!err)
		err = ey_buf_error(&response.body);
	if (err) {
		unsigned int status = server_status_of(err);

		if (status >= 500)
			ey_log_error("%s: %s", x->request.target.path, err->message);
		server_response_error(&response, status, err->message);
		ey_error_destroy(err);
	}
	enum MHD_Result result = http_respond(c, &response, 0);
	server_response_deinit(&response);
	return result;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct http_server *server = arg;
	struct exchange *x = *state;
	enum MHD_Result result;

	if (!x)
		return MHD_NO;
	if (!x->started) {
		x->started = true;
		x->head = !strcmp(method, "HEAD");
		return refuse_early(server, x, c, method, &result) ? result : MHD_YES;
	}
	if (*size) {
		// A body without Content-Length: read on to be able to answer, but not for ever.
		if (x->body.len + *size > HTTP_BODY_MAX) {
			if (x->too_large)
				return MHD_NO;
			x->too_large = true;
			ey_buf_clear(&x->body);
		}
		if (!x->too_large)
			ey_buf_add(&x->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (x->too_large)
		return refuse(c, 413, "the body is larger than 64 KiB", 0);
	if (x->body.failed)
		return refuse(c, 503, "out of memory", 0);
	return answer(server, x, c);
}

static struct ey_error *listen_on(const char *address, uint16_t port, int *fd_ret,
				  uint16_t *port_ret)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool v6 = inet_pton(AF_INET6, address, &a6.sin6_addr) == 1;

	if (!v6 && inet_pton(AF_INET, address, &a4.sin_addr) != 1)
		return ey_error_create(
			EY_ERR_USAGE, "cannot listen on \"%s\": not a numeric IP address", address);
	_cleanup_close_ int fd =
		socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot make a socket");
	int one = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	struct sockaddr *sa = v6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4;
	socklen_t len = v6 ? sizeof(a6) : sizeof(a4);
	if (bind(fd, sa, len) < 0 || listen(fd, 512) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot listen on %s port %u", address,
				      port);
	if (getsockname(fd, sa, &len) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot ask for the port");
	*port_ret = ntohs(v6 ? a6.sin6_port : a4.sin_port);
	*fd_ret = no_cleanup_fd(fd);
	return NULL;
}

static void on_log(void *arg, const char *format, va_list ap)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, format, ap) < 0) {
		text = NULL;
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	// Mostly clients that hang up: of interest only to who looks for it.
	ey_log_debug("http: %s", text);
}

static void http_server_destroyp(struct http_server **server)
{
	http_server_destroy(*server);
}

struct ey_error *http_server_create(const struct http_options *options, struct http_server **ret)
{
	_cleanup_(http_server_destroyp) struct http_server *server = calloc(1, sizeof(*server));
	_cleanup_close_ int fd = -1;

	if (!server)
		return &ey_error_nomem;
	server->handler = options->handler;
	if (options->host_names) {
		server->host_names = strdup(options->host_names);
		if (!server->host_names)
			return &ey_error_nomem;
	}
	struct ey_error *err = listen_on(options->address, options->port, &fd, &server->port);
	if (err)
		return err;
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, options->threads,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADER_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!server->daemon)
		return ey_error_create(EY_ERR_IO, "cannot start the HTTP server");
	no_cleanup_fd(fd);
	*ret = no_cleanup_ptr(server);
	return NULL;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

void http_server_destroy(struct http_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	free(server->host_names);
	free(server);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/http.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "server/http_header.h"
#include "server/http_listen.h"
#include "server/http_response.h"

enum {
	/** Most room made for a body because its length was announced, bytes. */
	RESERVE_MAX = 256 << 10,
	/** Most that is read of a body that is refused, bytes; then the connection is closed. */
	THROW_AWAY_MAX = 1 << 20,
};

struct http_server {
	struct MHD_Daemon *daemon;
	struct http_handler handler;
	char *host_names;
	struct connections *connections;
	struct tls_keys *tls;
	uint16_t port;
	/** Bytes of bodies that are in memory now. */
	atomic_size_t buffered;
	/** Requests that begin now are told to come again. */
	atomic_bool stopping;
};

struct repeated {
	struct repeated *next;
	char *text;
};

// One request and its answer on its way through libmicrohttpd's callbacks.
struct exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	/** Of the clock; NULL: it is not watched. */
	struct connection *watched;
	char *raw_target;
	/** Headers that came several times and were asked for, each as one. */
	struct repeated *repeated;
	struct ey_buf body;
	/** What of server->buffered is ours. */
	size_t buffered;
	struct server_request request;
	struct timespec begun;
	bool head;
	bool started;
	/** Why the rest of the body is read and thrown away, and how much of it was. */
	unsigned int refused;
	struct ey_error *error;
	size_t thrown_away;
	/** Somebody answers later; the connection was suspended and now goes on. */
	bool later;
	struct server_response response;
};

static void *on_target(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, &x->begun);
	// One byte more than allowed is enough to know that it is too long.
	x->raw_target = strndup(uri, SERVER_TARGET_MAX + 1);
	return x;
}

static void end_stream(struct exchange *x)
{
	if (x->request.stream.close)
		x->request.stream.close(x->request.stream.arg);
	x->request.stream = (struct server_stream){0};
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *state;

	if (!x)
		return;
	end_stream(x);
	if (x->server)
		atomic_fetch_sub(&x->server->buffered, x->buffered);
	if (x->server && x->watched)
		connection_phase(x->server->connections, x->watched, CONNECTION_HEADER);
	free(x->raw_target);
	while (x->repeated) {
		struct repeated *r = x->repeated;

		x->repeated = r->next;
		free(r->text);
		free(r);
	}
	ey_buf_deinit(&x->body);
	ey_error_destroy(x->error);
	server_response_deinit(&x->response);
	server_target_deinit(&x->request.target);
	free(x);
	*state = NULL;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static const char *request_header(const struct server_request *request, const char *name)
{
	struct exchange *x = request->connection;

	if (http_header_count(x->connection, name) < 2)
		return header(x->connection, name);
	struct repeated *r = malloc(sizeof(*r));
	if (!r)
		return "";
	*r = (struct repeated){x->repeated, http_header_join(x->connection, name)};
	x->repeated = r;
	return r->text ? r->text : "";
}

static struct server_later *answer_later(const struct server_request *request)
{
	struct exchange *x = request->connection;

	// First, since it may be resumed from another thread before this one returns.
	x->later = true;
	MHD_suspend_connection(x->connection);
	return (struct server_later *)x;
}

// The answer of a route: an error of it becomes a JSON error.
static void settle(const struct exchange *x, struct server_response *response, struct ey_error *err)
{
	if (!err)
		err = ey_buf_error(&response->body);
	if (!err)
		return;
	unsigned int status = server_status_of(err);
	if (status >= 500)
		ey_log_error("%s: %s", x->request.target.path, err->message);
	server_response_error(response, status, err->message);
	ey_error_destroy(err);
}

void server_later_done(struct server_later *later, struct server_response *response,
		       struct ey_error *err)
{
	struct exchange *x = (struct exchange *)later;

	x->response = *response;
	*response = (struct server_response){0};
	settle(x, &x->response, err);
	MHD_resume_connection(x->connection);
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

static enum server_method method_of(const char *name)
{
	static const struct {
		const char *name;
		enum server_method method;
	} methods[] = {
		{"GET", SERVER_GET},	   {"POST", SERVER_POST},	{"PATCH", SERVER_PATCH},
		{"DELETE", SERVER_DELETE}, {"OPTIONS", SERVER_OPTIONS},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(methods); i++) {
		if (!strcmp(methods[i].name, name))
			return methods[i].method;
	}
	return 0;
}

static bool changes(enum server_method method)
{
	return method == SERVER_POST || method == SERVER_PATCH || method == SERVER_DELETE;
}

static size_t body_max(enum server_body kind)
{
	return kind == SERVER_BODY_DELIVERY ? HTTP_DELIVERY_MAX : HTTP_BODY_MAX;
}

static enum MHD_Result refuse_too_large(const struct exchange *x)
{
	return refuse(x->connection, 413,
		      x->request.body_kind == SERVER_BODY_DELIVERY
			      ? "the body is larger than 40 MiB"
			      : "the body is larger than 64 KiB",
		      0);
}

// The route is found, and may answer at once.
static bool begin(struct http_server *server, struct exchange *x, enum MHD_Result *result)
{
	struct server_response response = {0};
	struct ey_error *err = server->handler.begin(server->handler.arg, &x->request, &response);

	if (!err && !response.status)
		return false;
	settle(x, &response, err);
	*result = http_respond(x->connection, &response, 0);
	server_response_deinit(&response);
	return true;
}

static bool refuse_body(const struct exchange *x, struct MHD_Connection *c, enum MHD_Result *result)
{
	const char *length = header(c, "Content-Length"), *type = header(c, "Content-Type");

	if (!changes(x->request.method) || x->request.body_kind == SERVER_BODY_STREAM)
		return false;
	if (x->request.body_kind == SERVER_BODY_JSON && x->request.method != SERVER_DELETE &&
	    (!type || strncasecmp(type, "application/json", 16) != 0 ||
	     (type[16] && !strchr("; ", type[16])))) {
		*result = refuse(c, 415, "the body must be application/json", 0);
		return true;
	}
	if (!length || strtoull(length, NULL, 10) <= body_max(x->request.body_kind))
		return false;
	*result = refuse_too_large(x);
	return true;
}

// What can be refused before the body has come. Returns whether an answer was sent.
static bool refuse_early(struct http_server *server, struct exchange *x, struct MHD_Connection *c,
			 const char *method, enum MHD_Result *result)
{
	const char *host = header(c, "Host");

	if (!x->raw_target) {
		*result = refuse(c, 503, "out of memory", 0);
		return true;
	}
	if (atomic_load(&server->stopping)) {
		*result = refuse(c, 503, "the server is stopping; try again", 0);
		return true;
	}
	// What a proxy before us may read otherwise than we do is no request.
	if (http_header_count(c, "Host") > 1 || http_header_count(c, "Content-Length") > 1 ||
	    (header(c, "Content-Length") && header(c, "Transfer-Encoding"))) {
		*result = refuse(c, 400,
				 "Host or Content-Length is there twice, or "
				 "Transfer-Encoding beside Content-Length",
				 0);
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
	x->request.method = method_of(x->head ? "GET" : method);
	if (!(methods & x->request.method)) {
		*result = refuse(c, 405, "this address does not answer that method", methods);
		return true;
	}
	if (changes(x->request.method) &&
	    !http_is_same_origin(header(c, "Sec-Fetch-Site"), header(c, "Origin"), host)) {
		*result = refuse(c, 403, "a page of another site may not change anything here", 0);
		return true;
	}
	return begin(server, x, result) || refuse_body(x, c, result);
}

static enum MHD_Result respond(struct exchange *x, struct server_response *response)
{
	const struct http_handler *handler = &x->server->handler;
	struct timespec now;

	// Who has the answer may ask for what the stream held at once.
	end_stream(x);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (handler->done)
		handler->done(handler->arg, &x->request, response->status,
			      (double)(now.tv_sec - x->begun.tv_sec) +
				      (double)(now.tv_nsec - x->begun.tv_nsec) / 1e9);
	connection_phase(x->server->connections, x->watched,
			 response->source.read ? CONNECTION_STREAM : CONNECTION_ANSWER);
	enum MHD_Result result = http_respond(x->connection, response, 0);

	server_response_deinit(response);
	return result;
}

static enum MHD_Result answer(struct http_server *server, struct exchange *x)
{
	struct server_response response = {0};

	connection_phase(server->connections, x->watched, CONNECTION_ANSWER);
	x->request.body = ey_buf_str(&x->body);
	x->request.body_len = x->body.len;
	struct ey_error *err = server->handler.handle(server->handler.arg, &x->request, &response);
	if (x->later)
		return MHD_YES;
	settle(x, &response, err);
	return respond(x, &response);
}

// No more of the body is wanted, for the reason of the status; it is read on to be able to answer.
static void throw_away(struct exchange *x, unsigned int status)
{
	x->refused = status;
	ey_buf_deinit(&x->body);
	atomic_fetch_sub(&x->server->buffered, x->buffered);
	x->buffered = 0;
}

static void gather(struct http_server *server, struct exchange *x, const char *data, size_t size)
{
	const char *length = header(x->connection, "Content-Length");
	size_t max = body_max(x->request.body_kind);

	if (size > max - x->body.len) {
		throw_away(x, 413);
		return;
	}
	if (atomic_fetch_add(&server->buffered, size) > HTTP_BUFFERED_MAX - size) {
		x->buffered += size;
		throw_away(x, 503);
		return;
	}
	x->buffered += size;
	// At once what most have, so that it is not copied as it grows; not on the sender's word
	// alone.
	if (!x->body.data && length)
		ey_buf_reserve(&x->body,
			       EY_MIN(strtoull(length, NULL, 10), (unsigned long long)RESERVE_MAX));
	ey_buf_add_growing(&x->body, data, size);
	if (x->body.failed)
		throw_away(x, 503);
}

static enum MHD_Result take_body(struct http_server *server, struct exchange *x, const char *data,
				 size_t *size)
{
	size_t n = *size;

	*size = 0;
	connection_took(server->connections, x->watched, n);
	if (x->refused) {
		x->thrown_away += n;
		return x->thrown_away > THROW_AWAY_MAX ? MHD_NO : MHD_YES;
	}
	if (x->request.body_kind != SERVER_BODY_STREAM) {
		gather(server, x, data, n);
	} else if (x->request.stream.write) {
		x->error = x->request.stream.write(x->request.stream.arg, data, n);
		if (x->error)
			throw_away(x, server_status_of(x->error));
	}
	return MHD_YES;
}

static enum MHD_Result answer_refused(struct exchange *x)
{
	end_stream(x);
	if (x->error)
		return refuse(x->connection, x->refused, x->error->message, 0);
	if (x->refused == 503)
		return refuse(x->connection, 503, "too much comes in at once; try again later", 0);
	return refuse_too_large(x);
}

static struct connection *watched_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void find_peer(struct exchange *x)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	connections_address(info ? info->client_addr : NULL, x->request.peer,
			    sizeof(x->request.peer));
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
	if (x->later) // it goes on because it was answered
		return respond(x, &x->response);
	if (!x->started) {
		x->started = true;
		x->server = server;
		x->connection = c;
		x->head = x->request.head = !strcmp(method, "HEAD");
		x->request.header = request_header;
		x->request.later = answer_later;
		x->request.connection = x;
		find_peer(x);
		x->watched = watched_of(c);
		connection_phase(server->connections, x->watched, CONNECTION_BODY);
		return refuse_early(server, x, c, method, &result) ? result : MHD_YES;
	}
	if (*size)
		return take_body(server, x, data, size);
	return x->refused ? answer_refused(x) : answer(server, x);
}

static enum MHD_Result on_accept(void *arg, const struct sockaddr *address, socklen_t len)
{
	const struct http_server *server = arg;

	return connections_may_open(server->connections, address) ? MHD_YES : MHD_NO;
}

static void on_connection(void *arg, struct MHD_Connection *c, void **watched,
			  enum MHD_ConnectionNotificationCode code)
{
	const struct http_server *server = arg;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		connections_close(server->connections, *watched);
		*watched = NULL;
		return;
	}
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	int number = fd ? fd->connect_fd : -1;
	const union MHD_ConnectionInfo *peer =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*watched = number < 0 ? NULL
			      : connections_open(server->connections, number,
						 peer ? peer->client_addr : NULL, server->tls);
}

// Which certificate and key a handshake that begins now is made with.
static int on_handshake(gnutls_session_t session, const gnutls_datum_t *request_names,
			int request_name_count, const gnutls_pk_algorithm_t *algorithms,
			int algorithm_count, gnutls_pcert_st **chain, unsigned int *count,
			gnutls_privkey_t *key)
{
	// libmicrohttpd has made this the session's pointer.
	const struct connection *watched = watched_of(gnutls_session_get_ptr(session));

	if (!watched)
		return -1;
	tls_keys_get(connection_tls(watched), chain, count, key);
	return 0;
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
	struct ey_error *err = http_listen(options->address, options->port, &fd, &server->port);
	if (err)
		return err;
	err = connections_create(&options->connections, &server->connections);
	if (err)
		return err;
	server->tls = options->tls;
	struct MHD_OptionItem no_options[] = {{MHD_OPTION_END, 0, NULL}};
	struct MHD_OptionItem tls_options[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)on_handshake},
		{MHD_OPTION_HTTPS_PRIORITIES, 0,
		 (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_"
				     "PRECEDENCE"},
		{MHD_OPTION_END, 0, NULL},
	};
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG |
			MHD_ALLOW_SUSPEND_RESUME | (server->tls ? MHD_USE_TLS : 0),
		0, on_accept, server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, options->threads,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADER_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
		server->tls ? tls_options : no_options, MHD_OPTION_END);
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

void http_server_quiesce(struct http_server *server)
{
	// Not MHD_quiesce_daemon(): a thread of libmicrohttpd 0.9.75 may take the socket out of its
	// epoll set at the same time, and the loser of that race ends the process.
	if (server)
		atomic_store(&server->stopping, true);
}

void http_server_destroy(struct http_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	connections_destroy(server->connections);
	free(server->host_names);
	free(server);
}

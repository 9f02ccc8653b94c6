/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "script.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define CLOSE "Connection: close\r\n"

enum { HEAD_MAX = 1 << 16 };

static size_t body_length(const char *head)
{
	const char *p = strcasestr(head, "\r\nContent-Length:");

	return p ? strtoul(p + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

static bool send_all(int fd, const char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = send(fd, text + done, len - done, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void answer(struct script *s, int fd, const struct script_step *step)
{
	struct script_request *r = &s->requests[s->requested];
	size_t len = 0;
	char *end = NULL;

	r->head = calloc(1, HEAD_MAX);
	while (!end && len < HEAD_MAX - 1) {
		ssize_t n = read(fd, r->head + len, HEAD_MAX - 1 - len);

		if (n <= 0)
			return;
		len += (size_t)n;
		end = strstr(r->head, "\r\n\r\n");
	}
	if (!end)
		return;
	size_t want = body_length(r->head), have = len - (size_t)(end + 4 - r->head);

	if (step->take && step->take < want)
		want = step->take;
	r->body = calloc(1, want + 1);
	if (have > want)
		have = want;
	memcpy(r->body, end + 4, have);
	end[2] = '\0';
	while (have < want) {
		ssize_t n = read(fd, r->body + have, want - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	r->body_len = have;
	s->requested++;
	if (!step->answer)
		return;
	// The connection ends with the answer, and says so: a client that kept it for its next
	// request would find it sometimes still open and sometimes reset.
	const char *rest = strstr(step->answer, "\r\n");

	rest = rest ? rest + 2 : step->answer;
	if (send_all(fd, step->answer, (size_t)(rest - step->answer)) &&
	    (rest == step->answer || send_all(fd, CLOSE, strlen(CLOSE))))
		send_all(fd, rest, strlen(rest));
}

static void *serve(void *arg)
{
	struct script *s = arg;

	for (size_t i = 0; i < s->count; i++) {
		int fd = accept(s->fd, NULL, NULL);

		if (fd < 0)
			break;
		answer(s, fd, &s->steps[i]);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	return NULL;
}

void script_start(struct script *s, const struct script_step *steps, size_t count)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	*s = (struct script){.steps = steps, .count = count};
	assert_in_range(count, 0, sizeof(s->requests) / sizeof(s->requests[0]));
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &len), 0);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

void script_finish(struct script *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
	assert_int_equal(s->requested, s->count);
}

void script_free(struct script *s)
{
	for (size_t i = 0; i < sizeof(s->requests) / sizeof(s->requests[0]); i++) {
		free(s->requests[i].head);
		free(s->requests[i].body);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A server on a loopback port that gives scripted answers, one a request, and keeps what it
 * was asked. */
#ifndef EYRIE_TESTS_CLIENT_SCRIPT_H
#define EYRIE_TESTS_CLIENT_SCRIPT_H

#include <pthread.h>
#include <stddef.h>

struct script_step {
	/** Sent as it is, then the connection is closed; NULL: closed without a word. */
	const char *answer;
	/** Read only so many bytes of the request's body before that; 0: all. */
	size_t take;
};

struct script_request {
	char *head;
	char *body;
	size_t body_len;
};

struct script {
	int fd;
	char url[64];
	pthread_t thread;
	const struct script_step *steps;
	size_t count;
	/** Requests that came, as many as there were steps. */
	struct script_request requests[16];
	size_t requested;
};

/** Listen and answer in a thread. */
void script_start(struct script *s, const struct script_step *steps, size_t count);
/** Wait until every step was used, and stop; script_free() afterwards. */
void script_finish(struct script *s);
void script_free(struct script *s);

#endif

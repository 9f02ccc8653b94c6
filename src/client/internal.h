/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The client's own parts; for this room only. */
#ifndef EYRIE_CLIENT_INTERNAL_H
#define EYRIE_CLIENT_INTERNAL_H

#include <curl/curl.h>

#include "client/client.h"

struct client {
	CURL *curl;
	/** Without a slash at its end. */
	char *url;
	/** "https://host:port" of it: where the token may go. */
	char *origin;
	/** "Authorization: Bearer ..."; NULL: none. */
	char *authorization;
	char *ca_file;
	unsigned int connect_timeout;
	unsigned int stall_timeout;
	size_t answer_max;
};

/** One header line of an answer, without its line end. */
struct ey_error *client_take_header(struct client_answer *answer, const char *line,
				    size_t len) EY_MUST_CHECK;

/** Seconds that a Retry-After header's @p value asks to wait at time @p now; -1: not understood. */
int64_t client_retry_after(const char *value, int64_t now);

/** The error that stands for @p answer's status, with what the center says; @p what: "GET URL". */
struct ey_error *client_refusal(const struct client_answer *answer, const char *what) EY_MUST_CHECK;

/** Append text from outside as part of one line, at most @p max bytes of it. */
void client_add_clean(struct ey_buf *buf, const char *text, size_t len, size_t max);

/**
 * The first line of the token file into "Authorization: Bearer ..."; EY_ERR_USAGE where others can
 * read the file or what it holds is no token.
 */
struct ey_error *client_read_token(const char *path, char **authorization_ret) EY_MUST_CHECK;
/** The same of a token at hand. */
struct ey_error *client_use_token(const char *token, char **authorization_ret) EY_MUST_CHECK;
void client_wipe(char **secret);

#endif

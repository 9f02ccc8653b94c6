/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a center answers: its headers, its errors as sentences, its JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/internal.h"

enum {
	/** Longest wait that a center may ask for, seconds. */
	RETRY_AFTER_MAX = 86400,
	/** So much of a center's message is shown, bytes. */
	MESSAGE_MAX = 500,
	JSON_VALUES_DEPTH = 64,
};

void client_answer_deinit(struct client_answer *answer)
{
	ey_buf_deinit(&answer->body);
	free(answer->content_type);
	free(answer->location);
	free(answer->etag);
	free(answer->digest);
	*answer = (struct client_answer){0};
}

void client_add_clean(struct ey_buf *buf, const char *text, size_t len, size_t max)
{
	size_t start = buf->len;

	ey_text_clean(buf, text, EY_MIN(len, max));
	for (size_t i = start; i < buf->len && !buf->failed; i++) {
		if (buf->data[i] == '\n' || buf->data[i] == '\t')
			buf->data[i] = ' ';
	}
	if (len > max)
		ey_buf_adds(buf, "...");
}

static bool parse_number(const char *s, int64_t *ret)
{
	char *end;

	if (!*s || strspn(s, "0123456789") != strlen(s))
		return false;
	errno = 0;
	*ret = strtoll(s, &end, 10);
	return !errno;
}

int64_t client_retry_after(const char *value, int64_t now)
{
	int64_t seconds;

	if (!parse_number(value, &seconds)) {
		time_t when = curl_getdate(value, NULL);

		if (when < 0)
			return strspn(value, "0123456789") == strlen(value) && *value
				       ? RETRY_AFTER_MAX
				       : -1;
		seconds = when > now ? when - now : 0;
	}
	return EY_MIN(seconds, (int64_t)RETRY_AFTER_MAX);
}

static struct ey_error *set(char **field, const char *value)
{
	free(*field);
	*field = strdup(value);
	return *field ? NULL : &ey_error_nomem;
}

struct ey_error *client_take_header(struct client_answer *answer, const char *line, size_t len)
{
	_cleanup_free_ char *copy = strndup(line, len);
	char *value = copy ? strchr(copy, ':') : NULL;

	if (!copy)
		return &ey_error_nomem;
	if (!value)
		return NULL;
	*value++ = '\0';
	value += strspn(value, " \t");
	for (size_t n = strlen(value); n && strchr(" \t\r\n", value[n - 1]); n--)
		value[n - 1] = '\0';
	if (!strcasecmp(copy, "Retry-After"))
		answer->retry_after = client_retry_after(value, ey_time_now());
	else if (!strcasecmp(copy, "Upload-Offset"))
		(void)parse_number(value, &answer->upload_offset);
	else if (!strcasecmp(copy, "Upload-Length"))
		(void)parse_number(value, &answer->upload_length);
	else if (!strcasecmp(copy, "Content-Type"))
		return set(&answer->content_type, value);
	else if (!strcasecmp(copy, "Location"))
		return set(&answer->location, value);
	else if (!strcasecmp(copy, "Content-Length"))
		(void)parse_number(value, &answer->content_length);
	else if (!strcasecmp(copy, "Repr-Digest"))
		return set(&answer->digest, value);
	else if (!strcasecmp(copy, "ETag"))
		return set(&answer->etag, value);
	return NULL;
}

static enum ey_error_code code_of(unsigned int status)
{
	switch (status) {
	case 404:
	case 410:
		return EY_ERR_NOT_FOUND;
	case 408: // time-out
	case 423: // locked: another upload of the same is at work
	case 425:
	case 429:
		return EY_ERR_IO;
	default:
		return status >= 500 ? EY_ERR_IO : EY_ERR_INPUT;
	}
}

struct ey_error *client_refusal(const struct client_answer *answer, const char *what)
{
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	json_auto_t *root = json_loadb(ey_buf_str(&answer->body), answer->body.len, 0, NULL);
	const json_t *error = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	ey_buf_printf(&text, "%s was answered with %u", what, answer->status);
	if (message) {
		ey_buf_adds(&text, ": ");
		client_add_clean(&text, message, strlen(message), MESSAGE_MAX);
	} else if (answer->status >= 300 && answer->status < 400) {
		ey_buf_adds(&text, ", a redirection, which is not followed; name the center's own "
				   "address");
	} else if (answer->status == 401) {
		ey_buf_adds(&text, ": the token is missing or not valid");
	} else if (answer->status == 403) {
		ey_buf_adds(&text, ": the token may not do that");
	}
	if (ey_buf_error(&text))
		return &ey_error_nomem;
	return ey_error_create(code_of(answer->status), "%s", ey_buf_str(&text));
}

// jansson itself ends at a depth of 2048; no answer of a center is deeper than a few.
static bool is_shallow(const json_t *value, unsigned int depth)
{
	const char *key;
	json_t *child;
	size_t i;

	if (depth > JSON_VALUES_DEPTH)
		return false;
	json_array_foreach(value, i, child)
	{
		if (!is_shallow(child, depth + 1))
			return false;
	}
	json_object_foreach((json_t *)value, key, child)
	{
		if (!is_shallow(child, depth + 1))
			return false;
	}
	return true;
}

struct ey_error *client_answer_json(const struct client *client, const struct client_answer *answer,
				    json_t **ret)
{
	json_auto_t *root = json_loadb(ey_buf_str(&answer->body), answer->body.len,
				       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	*ret = NULL;
	if (!root || !is_shallow(root, 0))
		return ey_error_create(EY_ERR_INPUT,
				       "what %s answered is not the JSON of a center; is the "
				       "address right?",
				       client->url);
	*ret = json_incref(root);
	return NULL;
}

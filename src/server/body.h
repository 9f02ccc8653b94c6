/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The body of a request that changes something: a JSON object of a few known keys. */
#ifndef EYRIE_SERVER_BODY_H
#define EYRIE_SERVER_BODY_H

#include <jansson.h>

#include "base/cleanup.h"
#include "server/message.h"

enum {
	/** Longest name of a person, line of text, and text of several lines, bytes. */
	SERVER_NAME_MAX = 64,
	SERVER_LINE_MAX = 300,
	SERVER_TEXT_MAX = 16 << 10,
};

/**
 * The object in the body, to be released by json_decref(). EY_ERR_INPUT where there is none, or a
 * key in it that is not in @p known (ended by NULL) or twice.
 */
struct ey_error *server_body_read(const struct server_request *request, const char *const *known,
				  json_t **ret) EY_MUST_CHECK;
#define _cleanup_json_ _cleanup_(json_decrefp)

/**
 * The text at @p key, borrowed from @p body; NULL where it is missing. EY_ERR_INPUT where it is no
 * text, longer than @p max bytes, or holds control characters; lines and tabs are allowed where
 * @p max is SERVER_TEXT_MAX.
 */
struct ey_error *server_body_text(json_t *body, const char *key, size_t max,
				  const char **ret) EY_MUST_CHECK;
/** The same for one that must be there, with something visible in it. */
struct ey_error *server_body_need(json_t *body, const char *key, size_t max,
				  const char **ret) EY_MUST_CHECK;
/** A whole number from @p min; @p fallback where it is missing. */
struct ey_error *server_body_int(json_t *body, const char *key, int64_t min, int64_t fallback,
				 int64_t *ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What a request's target says: the path and the parameters behind '?'.
 * Everything here reads text that anybody may send, so it is strict: what is not understood is
 * an EY_ERR_INPUT that names the parameter, never a guess.
 */
#ifndef EYRIE_SERVER_QUERY_H
#define EYRIE_SERVER_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	/** Longest accepted request target, bytes. */
	SERVER_TARGET_MAX = 4096,
	SERVER_QUERY_PARAMS_MAX = 32,
};

struct server_param {
	/** Both decoded, valid UTF-8 without control characters; point into server_target.text. */
	const char *name;
	const char *value;
};

struct server_target {
	/** Decoded path, begins with '/'; points into @p text. */
	const char *path;
	struct server_param params[SERVER_QUERY_PARAMS_MAX];
	size_t param_count;
	/** Owned: all decoded strings. */
	char *text;
};

/**
 * Take a raw request target ("/path?name=value&...") apart. EY_ERR_INPUT where it is longer than
 * SERVER_TARGET_MAX, has a broken %-escape, is not UTF-8, holds a control character, names a
 * parameter twice or more than SERVER_QUERY_PARAMS_MAX of them.
 */
struct ey_error *server_target_parse(struct server_target *target, const char *raw,
				     size_t len) EY_MUST_CHECK;
void server_target_deinit(struct server_target *target);
#define _cleanup_target_ __attribute__((cleanup(server_target_deinit)))

/** The value, or NULL where the parameter is missing or empty. */
const char *server_query_string(const struct server_target *target, const char *name);
/** A whole number between @p min and @p max, or @p fallback where the parameter is missing. */
struct ey_error *server_query_int(const struct server_target *target, const char *name, int64_t min,
				  int64_t max, int64_t fallback, int64_t *ret) EY_MUST_CHECK;
/** A time ("2026-11-23", "2026-11-23T14:35:46Z", or "-24h": so long ago), or @p fallback. */
struct ey_error *server_query_time(const struct server_target *target, const char *name,
				   int64_t fallback, int64_t *ret) EY_MUST_CHECK;
/** EY_ERR_INPUT naming the first parameter that is not in @p names (ended by NULL), and these. */
struct ey_error *server_query_only(const struct server_target *target,
				   const char *const *names) EY_MUST_CHECK;

/** A whole decimal number without sign unless negative, nothing around it. */
bool server_int_parse(const char *s, int64_t *ret);

/**
 * How much @p accept (an Accept-Encoding header, may be NULL) likes @p coding: thousandths of q, by
 * its name or by "*"; 0: not at all.
 */
int server_accepts(const char *accept, const char *coding);

#endif

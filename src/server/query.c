/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/query.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Decode into dst, which has room for len + 1 bytes (decoding never grows).
static struct ey_error *decode(const char *src, size_t len, bool plus_is_space, char *dst)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = src[i];

		if (c == '%') {
			int hi = len - i >= 3 ? hex_digit(src[i + 1]) : -1;
			int lo = hi >= 0 ? hex_digit(src[i + 2]) : -1;
			if (lo < 0)
				return ey_error_create(EY_ERR_INPUT,
						       "the address has a broken %%-escape");
			c = (char)(hi * 16 + lo);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if ((unsigned char)c < 0x20 || c == 0x7f)
			return ey_error_create(EY_ERR_INPUT, "the address has a control character");
		dst[n++] = c;
	}
	dst[n] = '\0';
	return NULL;
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
static bool is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		int more = *p < 0x80		      ? 0
			   : *p >= 0xc2 && *p <= 0xdf ? 1
			   : *p >= 0xe0 && *p <= 0xef ? 2
			   : *p >= 0xf0 && *p <= 0xf4 ? 3
						      : -1;
		unsigned char first = *p++;

		if (more < 0)
			return false;
		for (int i = 0; i < more; i++, p++) {
			unsigned char low = 0x80, high = 0xbf;

			if (i == 0 && first == 0xe0)
				low = 0xa0;
			if (i == 0 && first == 0xed)
				high = 0x9f;
			if (i == 0 && first == 0xf0)
				low = 0x90;
			if (i == 0 && first == 0xf4)
				high = 0x8f;
			if (*p < low || *p > high)
				return false;
		}
	}
	return true;
}

static struct ey_error *decode_part(const char *src, size_t len, bool query, char **next,
				    const char **ret)
{
	char *dst = *next;
	struct ey_error *err = decode(src, len, query, dst);

	if (err)
		return err;
	if (!is_utf8(dst))
		return ey_error_create(EY_ERR_INPUT, "the address is not UTF-8");
	*next = dst + strlen(dst) + 1;
	*ret = dst;
	return NULL;
}

static struct ey_error *add_param(struct server_target *target, const char *s, size_t len,
				  char **next)
{
	const char *equals = memchr(s, '=', len);
	size_t name_len = equals ? (size_t)(equals - s) : len;
	struct server_param p;

	if (target->param_count == SERVER_QUERY_PARAMS_MAX)
		return ey_error_create(EY_ERR_INPUT, "the address has more than %d parameters",
				       SERVER_QUERY_PARAMS_MAX);
	struct ey_error *err = decode_part(s, name_len, true, next, &p.name);
	if (!err)
		err = decode_part(equals ? equals + 1 : "", equals ? len - name_len - 1 : 0, true,
				  next, &p.value);
	if (err)
		return err;
	for (size_t i = 0; i < target->param_count; i++) {
		if (!strcmp(target->params[i].name, p.name))
			return ey_error_create(EY_ERR_INPUT, "parameter \"%s\" is given twice",
					       p.name);
	}
	target->params[target->param_count++] = p;
	return NULL;
}

static struct ey_error *parse(struct server_target *target, const char *raw, size_t len)
{
	const char *mark = memchr(raw, '?', len);
	size_t path_len = mark ? (size_t)(mark - raw) : len;
	char *next = target->text;
	struct ey_error *err = decode_part(raw, path_len, false, &next, &target->path);

	if (err)
		return err;
	if (target->path[0] != '/')
		return ey_error_create(EY_ERR_INPUT, "the address does not begin with /");
	for (const char *s = mark ? mark + 1 : raw + len; s < raw + len;) {
		const char *end = memchr(s, '&', (size_t)(raw + len - s));

		if (!end)
			end = raw + len;
		if (end > s) {
			err = add_param(target, s, (size_t)(end - s), &next);
			if (err)
				return err;
		}
		s = end + 1;
	}
	return NULL;
}

struct ey_error *server_target_parse(struct server_target *target, const char *raw, size_t len)
{
	*target = (struct server_target){0};
	if (len > SERVER_TARGET_MAX)
		return ey_error_create(EY_ERR_INPUT, "the address is longer than %d bytes",
				       SERVER_TARGET_MAX);
	// Each part is at most as long as its source and a NUL, and a part without a value takes
	// one NUL more than its source has separators.
	target->text = malloc(len + 2 * SERVER_QUERY_PARAMS_MAX + 2);
	if (!target->text)
		return &ey_error_nomem;
	struct ey_error *err = parse(target, raw, len);
	if (err)
		server_target_deinit(target);
	return err;
}

void server_target_deinit(struct server_target *target)
{
	free(target->text);
	*target = (struct server_target){0};
}

const char *server_query_string(const struct server_target *target, const char *name)
{
	for (size_t i = 0; i < target->param_count; i++) {
		if (!strcmp(target->params[i].name, name))
			return target->params[i].value[0] ? target->params[i].value : NULL;
	}
	return NULL;
}

bool server_int_parse(const char *s, int64_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)s[*s == '-']))
		return false;
	errno = 0;
	*ret = strtoll(s, &end, 10);
	return !errno && !*end;
}

struct ey_error *server_query_int(const struct server_target *target, const char *name, int64_t min,
				  int64_t max, int64_t fallback, int64_t *ret)
{
	const char *text = server_query_string(target, name);

	*ret = fallback;
	if (!text)
		return NULL;
	if (!server_int_parse(text, ret) || *ret < min || *ret > max)
		return ey_error_create(EY_ERR_INPUT,
				       "parameter \"%s\" is not a whole number from %" PRId64
				       " to %" PRId64,
				       name, min, max);
	return NULL;
}

struct ey_error *server_query_time(const struct server_target *target, const char *name,
				   int64_t fallback, int64_t *ret)
{
	const char *text = server_query_string(target, name);

	*ret = fallback;
	if (!text || ey_time_parse(text, ret))
		return NULL;
	// "-24h": so long ago.
	if (text[0] == '-' && ey_duration_parse(text + 1, ret)) {
		*ret = EY_MAX(ey_time_now() - *ret, (int64_t)1);
		return NULL;
	}
	return ey_error_create(EY_ERR_INPUT,
			       "parameter \"%s\" is not a time such as 2026-11-23, "
			       "2026-11-23T14:35:46Z, or -24h, -30min, -7d for so long ago",
			       name);
}

static struct ey_error *unknown_parameter(const char *name, const char *const *known)
{
	_cleanup_buf_ struct ey_buf list = EY_BUF_INIT;

	if (!known[0])
		return ey_error_create(EY_ERR_INPUT,
				       "there is no parameter \"%s\" here; this address takes none",
				       name);
	for (size_t i = 0; known[i]; i++)
		ey_buf_printf(&list, "%s%s", i ? ", " : "", known[i]);
	return ey_error_create(EY_ERR_INPUT, "there is no parameter \"%s\" here; there are: %s",
			       name, ey_buf_str(&list));
}

struct ey_error *server_query_only(const struct server_target *target, const char *const *names)
{
	for (size_t i = 0; i < target->param_count; i++) {
		size_t n = 0;

		while (names[n] && strcmp(names[n], target->params[i].name) != 0)
			n++;
		if (!names[n])
			return unknown_parameter(target->params[i].name, names);
	}
	return NULL;
}

// The q value of an item "coding;q=0.5" of Accept-Encoding: thousandths, 1000 where none is given.
static int quality(const char *s, size_t len)
{
	const char *q = memmem(s, len, "q=", 2);
	int v = 0, digit = 100;

	if (!q)
		return 1000;
	q += 2;
	if (*q == '1')
		return 1000;
	if (*q != '0' || q[1] != '.')
		return 0;
	for (q += 2; digit && q < s + len && isdigit((unsigned char)*q); q++, digit /= 10)
		v += (*q - '0') * digit;
	return v;
}

int server_accepts(const char *accept, const char *coding)
{
	size_t len = strlen(coding);
	int any = 0;

	for (const char *s = accept; s && *s;) {
		s += strspn(s, " \t,");
		size_t item = strcspn(s, ",");
		size_t token = strcspn(s, " \t;,");

		if (token == len && !strncasecmp(s, coding, len))
			return quality(s, item);
		if (token == 1 && *s == '*')
			any = quality(s, item);
		s += item;
	}
	return any;
}

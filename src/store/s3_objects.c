/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects listed, read whole, written and deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/s3_client.h"

enum { MAX_PAGES = 1000000 };

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Undo encoding-type=url, in place: XML cannot carry every byte that a key may hold.
static void decode_key(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			*to = (char)(hex(s[1]) << 4 | hex(s[2]));
			if (!*to)
				*to = '?'; // no key of ours, and no end of it either
			s += 2;
		} else {
			*to = (char)(*s == '+' ? ' ' : *s);
		}
	}
	*to = '\0';
}

struct listing {
	struct s3 *s3;
	const struct s3_lister *lister;
	size_t count;
	char *last;
	bool enough;
};

static struct ey_error *take_item(struct listing *l, struct s3_item *item)
{
	if (!item->key)
		return ey_error_create(EY_ERR_INPUT, "%s lists an object without a key",
				       l->s3->base);
	decode_key(item->key);
	if (strncmp(item->key, l->lister->prefix, strlen(l->lister->prefix)) != 0)
		return ey_error_create(EY_ERR_INPUT, "%s lists what was not asked for",
				       l->s3->base);
	// Each key once, also where pages overlap or a page comes again and again.
	if (!item->is_prefix && !l->lister->folders) {
		if (l->last && strcmp(item->key, l->last) <= 0)
			return ey_error_create(EY_ERR_INPUT, "%s lists keys out of order",
					       l->s3->base);
		free(l->last);
		l->last = strdup(item->key);
		if (!l->last)
			return &ey_error_nomem;
	}
	l->count++;
	l->enough = l->lister->max && l->count >= l->lister->max;
	return l->lister->on_item(item, l->lister->arg);
}

static struct ey_error *list_page(struct listing *l, char **token)
{
	_cleanup_s3_call_ struct s3_call call = {.method = "GET"};
	_cleanup_s3_answer_ struct s3_answer answer = {0};
	char max[24];

	snprintf(max, sizeof(max), "%zu",
		 l->lister->max ? EY_MIN(l->lister->max, (size_t)1000) : 1000);
	call.query[0] = (struct sigv4_pair){"list-type", "2"};
	call.query[1] = (struct sigv4_pair){"prefix", l->lister->prefix};
	call.query[2] = (struct sigv4_pair){"encoding-type", "url"};
	call.query[3] = (struct sigv4_pair){"max-keys", max};
	if (l->lister->folders)
		call.query[4] = (struct sigv4_pair){"delimiter", "/"};
	if (*token)
		call.query[5] = (struct sigv4_pair){"continuation-token", *token};
	struct ey_error *err = s3_ask(l->s3, &call, &answer);
	if (!err && strcmp(answer.root, "ListBucketResult") != 0)
		err = ey_error_create(EY_ERR_INPUT, "%s does not answer as an S3 store does",
				      l->s3->base);
	for (size_t i = 0; !err && !l->enough && i < answer.count; i++)
		err = take_item(l, &answer.items[i]);
	if (err)
		return err;
	if (answer.truncated && (!answer.next || (*token && !strcmp(*token, answer.next))))
		return ey_error_create(EY_ERR_INPUT, "%s lists the same page again and again",
				       l->s3->base);
	free(*token);
	*token = answer.truncated && !l->enough ? no_cleanup_ptr(answer.next) : NULL;
	return NULL;
}

struct ey_error *s3_list(struct s3 *s3, const struct s3_lister *lister)
{
	struct listing l = {.s3 = s3, .lister = lister};
	_cleanup_free_ char *token = NULL;
	struct ey_error *err;
	int pages = 0;

	do {
		err = list_page(&l, &token);
	} while (!err && token && ++pages < MAX_PAGES);
	free(l.last);
	return err;
}

struct ey_error *s3_get(struct s3 *s3, const char *key, size_t max, char **data_ret,
			size_t *len_ret)
{
	_cleanup_s3_call_ struct s3_call call = {.method = "GET", .key = key, .max = max};
	struct ey_error *err = s3_do(s3, &call);

	// Only an error's text may be longer than what was asked for, and says so by its status.
	if (err && err->code == EY_ERR_INPUT && call.status / 100 == 2) {
		ey_error_destroy(err);
		err = ey_error_create(EY_ERR_INPUT, "larger than %zu bytes", max);
	}
	if (err)
		return err;
	size_t len = call.answer.len;
	*data_ret = len ? ey_buf_steal(&call.answer, NULL) : strdup("");
	if (len_ret)
		*len_ret = len;
	return *data_ret ? NULL : &ey_error_nomem;
}

struct ey_error *s3_put(struct s3 *s3, const char *key, const void *data, size_t len,
			bool exclusive, bool *taken_ret)
{
	_cleanup_s3_call_ struct s3_call call = {
		.method = "PUT", .key = key, .data = data, .len = len};

	if (taken_ret)
		*taken_ret = false;
	if (exclusive)
		call.headers[0] = (struct sigv4_pair){"If-None-Match", "*"};
	struct ey_error *err = s3_do(s3, &call);
	if (err && exclusive && taken_ret && call.status == 412) {
		ey_error_destroy(err);
		*taken_ret = true;
		return NULL;
	}
	// A store that knows no conditions: the caller has looked before, and looks again after.
	if (err && exclusive && (call.status == 501 || !strcmp(call.code, "NotImplemented"))) {
		ey_error_destroy(err);
		return s3_put(s3, key, data, len, false, NULL);
	}
	return err;
}

struct ey_error *s3_delete(struct s3 *s3, const char *key)
{
	_cleanup_s3_call_ struct s3_call call = {.method = "DELETE", .key = key};
	struct ey_error *err = s3_do(s3, &call);

	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		err = NULL;
	}
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/sigv4.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <sodium.h>

#include "base/cleanup.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { HMAC = crypto_auth_hmacsha256_BYTES, MAX_ALL = SIGV4_MAX_PAIRS + 6 };

/** A parameter as it is signed. */
struct encoded {
	char *name;
	char *value;
};

void sigv4_time(int64_t time, char ret[SIGV4_TIME_SIZE])
{
	time_t t = (time_t)time;
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	if (!strftime(ret, SIGV4_TIME_SIZE, "%Y%m%dT%H%M%SZ", &tm))
		ret[0] = '\0'; // a year of five digits
}

void sigv4_encode(struct ey_buf *buf, const char *s, bool path)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c < 128 && isalnum(c)) || strchr("-._~", c) || (path && c == '/'))
			ey_buf_addc(buf, (char)c);
		else
			ey_buf_printf(buf, "%%%02X", c);
	}
}

void sigv4_hash(const void *data, size_t len, char ret[SIGV4_HEX_SIZE])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, data, len);
	sodium_bin2hex(ret, SIGV4_HEX_SIZE, digest, sizeof(digest));
}

static int by_name_and_value(const void *a, const void *b)
{
	const struct encoded *x = a, *y = b;
	int n = strcmp(x->name, y->name);

	return n ? n : strcmp(x->value, y->value);
}

static char *encode(const char *s)
{
	struct ey_buf buf = EY_BUF_INIT;

	sigv4_encode(&buf, s, false);
	return buf.data || buf.failed ? ey_buf_steal(&buf, NULL) : strdup("");
}

void sigv4_query(struct ey_buf *buf, const struct sigv4_pair *query, size_t count)
{
	struct encoded all[MAX_ALL];
	bool failed = false;

	if (count > MAX_ALL) {
		buf->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		all[i] = (struct encoded){encode(query[i].name), encode(query[i].value)};
		failed |= !all[i].name || !all[i].value;
	}
	// The order is that of the encoded names.
	if (!failed && count)
		qsort(all, count, sizeof(*all), by_name_and_value);
	for (size_t i = 0; i < count; i++) {
		if (!failed)
			ey_buf_printf(buf, "%s%s=%s", i ? "&" : "", all[i].name, all[i].value);
		free(all[i].name);
		free(all[i].value);
	}
	buf->failed |= failed;
}

static int by_header(const void *a, const void *b)
{
	return strcasecmp(((const struct sigv4_pair *)a)->name,
			  ((const struct sigv4_pair *)b)->name);
}

static void add_lower(struct ey_buf *buf, const char *s)
{
	for (; *s; s++)
		ey_buf_addc(buf, (char)tolower((unsigned char)*s));
}

// A value without blanks at its ends, and one where there are several.
static void add_trimmed(struct ey_buf *buf, const char *s)
{
	size_t before = buf->len;

	for (; *s; s++) {
		if (*s != ' ' && *s != '\t')
			ey_buf_addc(buf, *s);
		else if (buf->len > before && s[1] && s[1] != ' ' && s[1] != '\t')
			ey_buf_addc(buf, ' ');
	}
}

static void add_signed_headers(struct ey_buf *buf, const struct sigv4_pair *sorted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i && !strcasecmp(sorted[i].name, sorted[i - 1].name))
			continue;
		if (i)
			ey_buf_addc(buf, ';');
		add_lower(buf, sorted[i].name);
	}
}

static size_t sort_headers(const struct sigv4_request *r, struct sigv4_pair sorted[MAX_ALL])
{
	size_t count = EY_MIN(r->header_count, (size_t)MAX_ALL);

	if (!count)
		return 0;
	memcpy(sorted, r->headers, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_header);
	return count;
}

void sigv4_canonical(struct ey_buf *buf, const struct sigv4_request *r)
{
	struct sigv4_pair sorted[MAX_ALL];
	size_t count = sort_headers(r, sorted);

	ey_buf_printf(buf, "%s\n", r->method);
	sigv4_encode(buf, r->path, true);
	ey_buf_addc(buf, '\n');
	sigv4_query(buf, r->query, r->query_count);
	ey_buf_addc(buf, '\n');
	for (size_t i = 0; i < count; i++) {
		add_lower(buf, sorted[i].name);
		ey_buf_addc(buf, ':');
		add_trimmed(buf, sorted[i].value);
		ey_buf_addc(buf, '\n');
	}
	ey_buf_addc(buf, '\n');
	add_signed_headers(buf, sorted, count);
	ey_buf_printf(buf, "\n%s", r->payload);
}

static void hmac(const unsigned char *key, size_t key_len, const char *text,
		 unsigned char ret[HMAC])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, key_len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, strlen(text));
	crypto_auth_hmacsha256_final(&state, ret);
	sodium_memzero(&state, sizeof(state));
}

static void sign(const struct sigv4_key *key, const char *day, const char *text,
		 char ret[SIGV4_HEX_SIZE])
{
	_cleanup_free_ char *first = NULL;
	unsigned char k[HMAC], signature[HMAC];
	int len = asprintf(&first, "AWS4%s", key->secret);

	ret[0] = '\0';
	if (len < 0) {
		first = NULL;
		return;
	}
	hmac((const unsigned char *)first, (size_t)len, day, k);
	sodium_memzero(first, (size_t)len);
	hmac(k, sizeof(k), key->region, k);
	hmac(k, sizeof(k), key->service, k);
	hmac(k, sizeof(k), "aws4_request", k);
	hmac(k, sizeof(k), text, signature);
	sodium_memzero(k, sizeof(k));
	sodium_bin2hex(ret, SIGV4_HEX_SIZE, signature, sizeof(signature));
}

static void signature(const struct sigv4_request *r, const struct sigv4_key *key,
		      struct ey_buf *failed, char ret[SIGV4_HEX_SIZE])
{
	_cleanup_buf_ struct ey_buf canonical = EY_BUF_INIT, text = EY_BUF_INIT;
	char now[SIGV4_TIME_SIZE], hash[SIGV4_HEX_SIZE], day[9];

	sigv4_time(r->time, now);
	snprintf(day, sizeof(day), "%.8s", now);
	sigv4_canonical(&canonical, r);
	sigv4_hash(ey_buf_str(&canonical), canonical.len, hash);
	ey_buf_printf(&text, ALGORITHM "\n%s\n%s/%s/%s/aws4_request\n%s", now, day, key->region,
		      key->service, hash);
	sign(key, day, ey_buf_str(&text), ret);
	failed->failed |= canonical.failed || text.failed || !ret[0];
}

void sigv4_authorization(struct ey_buf *buf, const struct sigv4_request *r,
			 const struct sigv4_key *key)
{
	struct sigv4_pair sorted[MAX_ALL];
	size_t count = sort_headers(r, sorted);
	char now[SIGV4_TIME_SIZE], hex[SIGV4_HEX_SIZE];

	sigv4_time(r->time, now);
	signature(r, key, buf, hex);
	ey_buf_printf(buf, ALGORITHM " Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=",
		      key->access, now, key->region, key->service);
	add_signed_headers(buf, sorted, count);
	ey_buf_printf(buf, ", Signature=%s", hex);
}

void sigv4_presign(struct ey_buf *buf, const struct sigv4_request *r, const struct sigv4_key *key,
		   const char *token, unsigned int expires)
{
	_cleanup_buf_ struct ey_buf credential = EY_BUF_INIT, names = EY_BUF_INIT;
	struct sigv4_pair all[MAX_ALL], sorted[MAX_ALL];
	struct sigv4_request with = *r;
	size_t count = EY_MIN(r->query_count, (size_t)SIGV4_MAX_PAIRS);
	char now[SIGV4_TIME_SIZE], hex[SIGV4_HEX_SIZE], seconds[16];

	sigv4_time(r->time, now);
	snprintf(seconds, sizeof(seconds), "%u", expires);
	ey_buf_printf(&credential, "%s/%.8s/%s/%s/aws4_request", key->access, now, key->region,
		      key->service);
	add_signed_headers(&names, sorted, sort_headers(r, sorted));
	if (count)
		memcpy(all, r->query, count * sizeof(*all));
	all[count++] = (struct sigv4_pair){"X-Amz-Algorithm", ALGORITHM};
	all[count++] = (struct sigv4_pair){"X-Amz-Credential", ey_buf_str(&credential)};
	all[count++] = (struct sigv4_pair){"X-Amz-Date", now};
	all[count++] = (struct sigv4_pair){"X-Amz-Expires", seconds};
	all[count++] = (struct sigv4_pair){"X-Amz-SignedHeaders", ey_buf_str(&names)};
	if (token)
		all[count++] = (struct sigv4_pair){"X-Amz-Security-Token", token};
	with.query = all;
	with.query_count = count;
	signature(&with, key, buf, hex);
	sigv4_query(buf, all, count);
	ey_buf_printf(buf, "&X-Amz-Signature=%s", hex);
	buf->failed |= credential.failed || names.failed;
}

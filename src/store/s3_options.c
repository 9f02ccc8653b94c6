/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the store is and who we are there. Secrets come from a file or the environment. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/s3_client.h"

enum { MAX_KEYS_BYTES = 16 << 10, TIMEOUT_DEFAULT = 60, RETRIES_DEFAULT = 4, RETRIES_MAX = 20 };

struct ey_error *store_s3_options_load(const struct ey_config *config, struct store_s3_options *ret)
{
	static const char section[] = "repository";
	uint64_t retries;

	*ret = (struct store_s3_options){
		.endpoint = ey_config_string(config, section, "s3_endpoint", NULL),
		.region = ey_config_string(config, section, "s3_region", NULL),
		.ca = ey_config_string(config, section, "s3_ca", NULL),
		.keys = ey_config_string(config, section, "s3_keys", NULL),
		.addressing = ey_config_string(config, section, "s3_addressing", NULL),
	};
	struct ey_error *err = ey_config_uint(config, section, "s3_part_mib",
					      STORE_S3_PART_MIB_DEFAULT, &ret->part_mib);
	if (!err)
		err = ey_config_duration(config, section, "s3_timeout", TIMEOUT_DEFAULT,
					 &ret->timeout);
	if (!err)
		err = ey_config_uint(config, section, "s3_retries", RETRIES_DEFAULT, &retries);
	if (err)
		return err;
	if (ret->part_mib < STORE_S3_PART_MIB_MIN || ret->part_mib > 5120)
		return ey_error_create(EY_ERR_USAGE,
				       "[repository] s3_part_mib must be within %d and 5120",
				       STORE_S3_PART_MIB_MIN);
	if (ret->timeout < 1 || ret->timeout > 3600)
		return ey_error_create(EY_ERR_USAGE,
				       "[repository] s3_timeout must be within 1s and 1h");
	if (retries > RETRIES_MAX)
		return ey_error_create(EY_ERR_USAGE, "[repository] s3_retries must be at most %d",
				       RETRIES_MAX);
	ret->retries = retries ? (int)retries : -1;
	return NULL;
}

static const char *or_env(const char *value, const char *name)
{
	const char *env = getenv(name);

	return value ? value : (env && *env ? env : NULL);
}

static struct ey_error *copy(char **ret, const char *value)
{
	if (!value)
		return NULL;
	free(*ret);
	*ret = strdup(value);
	return *ret ? NULL : &ey_error_nomem;
}

// The parts of s3://BUCKET/PREFIX.
static struct ey_error *read_root(struct s3 *s3, const char *root)
{
	const char *s = root + strlen(STORE_S3_SCHEME);
	size_t len = strcspn(s, "/");
	_cleanup_free_ char *rest = strdup(s[len] ? s + len + 1 : "");
	_cleanup_buf_ struct ey_buf prefix = EY_BUF_INIT;
	char *next = rest;

	s3->bucket = strndup(s, len);
	if (!s3->bucket || !rest)
		return &ey_error_nomem;
	if (len < 3 || len > 63 || !isalnum((unsigned char)*s) ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") < len)
		return ey_error_create(EY_ERR_USAGE,
				       "%.200s: not the name of a bucket; the form is "
				       "s3://BUCKET or s3://BUCKET/PREFIX",
				       root);
	for (char *part; (part = strsep(&next, "/"));) {
		if (!*part && !next)
			break; // nothing, or nothing behind the last '/'
		if (!ey_name_is_safe(part))
			return ey_error_create(EY_ERR_USAGE,
					       "%.200s: a prefix is made of names of letters, "
					       "digits and \"._-:@+\"",
					       root);
		ey_buf_printf(&prefix, "%s/", part);
	}
	struct ey_error *err = ey_buf_error(&prefix);
	return err ? err : copy(&s3->prefix, ey_buf_str(&prefix));
}

static struct ey_error *read_endpoint(struct s3 *s3, const struct store_s3_options *o)
{
	const char *endpoint = or_env(o->endpoint, "AWS_ENDPOINT_URL");
	_cleanup_free_ char *amazon = NULL;
	bool by_path = endpoint;

	if (!endpoint) {
		if (asprintf(&amazon, "https://s3.%s.amazonaws.com", s3->region) < 0) {
			amazon = NULL;
			return &ey_error_nomem;
		}
		endpoint = amazon;
		// Its certificate holds for one name in front of it only.
		by_path = strchr(s3->bucket, '.');
	}
	if (o->addressing) {
		by_path = !strcmp(o->addressing, "path");
		if (!by_path && strcmp(o->addressing, "host") != 0)
			return ey_error_create(
				EY_ERR_USAGE, "[repository] s3_addressing is \"path\" or \"host\"");
	}
	size_t scheme = !strncasecmp(endpoint, "https://", 8)  ? 8
			: !strncasecmp(endpoint, "http://", 7) ? 7
							       : 0;
	size_t len = strcspn(endpoint + scheme, "/");
	if (!scheme || !len || (endpoint[scheme + len] && endpoint[scheme + len + 1]) ||
	    strpbrk(endpoint + scheme, "@?# \t\r\n"))
		return ey_error_create(EY_ERR_USAGE,
				       "the S3 endpoint \"%.200s\" is not of the form "
				       "https://HOST or https://HOST:PORT",
				       endpoint);
	s3->by_path = by_path;
	if (asprintf(&s3->host, "%s%s%.*s", by_path ? "" : s3->bucket, by_path ? "" : ".", (int)len,
		     endpoint + scheme) < 0) {
		s3->host = NULL;
		return &ey_error_nomem;
	}
	if (asprintf(&s3->base, "%s://%s", scheme == 8 ? "https" : "http", s3->host) < 0) {
		s3->base = NULL;
		return &ey_error_nomem;
	}
	return NULL;
}

static char *trim(char *s)
{
	size_t len = strlen(s);

	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s + strspn(s, " \t");
}

static struct ey_error *read_key_line(struct s3 *s3, const char *path, int number, char *line)
{
	char *value = strchr(line, '=');
	char *name = trim(line);
	char **ret = NULL;

	if (!*name || *name == '#')
		return NULL;
	if (value) {
		*value++ = '\0';
		name = trim(name);
	}
	if (!strcmp(name, "access_key"))
		ret = &s3->access;
	else if (!strcmp(name, "secret_key"))
		ret = &s3->secret;
	else if (!strcmp(name, "token"))
		ret = &s3->token;
	// The line itself may hold a secret: it is not shown.
	if (!ret || !value)
		return ey_error_create(EY_ERR_USAGE,
				       "%s:%d: not access_key=, secret_key= or token=", path,
				       number);
	return copy(ret, trim(value));
}

static struct ey_error *read_key_file(struct s3 *s3, const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct ey_error *err = NULL;
	struct stat st;
	size_t len = 0;
	int number = 0;

	if (stat(path, &st) < 0)
		return ey_error_errno(EY_ERR_USAGE, errno, "cannot read the S3 keys in %s", path);
	if (st.st_mode & 077)
		return ey_error_create(EY_ERR_USAGE,
				       "the S3 keys in %s can be read by others; chmod 0600 it",
				       path);
	err = ey_file_read_whole(path, MAX_KEYS_BYTES, &text, &len);
	char *next = text;
	for (char *line; !err && (line = strsep(&next, "\n"));)
		err = read_key_line(s3, path, ++number, line);
	if (text)
		sodium_memzero(text, len);
	return err;
}

static struct ey_error *read_keys(struct s3 *s3, const struct store_s3_options *o)
{
	struct ey_error *err;

	if (o->keys) {
		err = read_key_file(s3, o->keys);
	} else {
		err = copy(&s3->access, or_env(NULL, "AWS_ACCESS_KEY_ID"));
		if (!err)
			err = copy(&s3->secret, or_env(NULL, "AWS_SECRET_ACCESS_KEY"));
		if (!err)
			err = copy(&s3->token, or_env(NULL, "AWS_SESSION_TOKEN"));
	}
	if (!err && (!s3->access || !*s3->access || !s3->secret || !*s3->secret))
		err = ey_error_create(EY_ERR_USAGE,
				      "no access_key and secret_key for s3://%s; put them into the "
				      "file that [repository] s3_keys names, or into "
				      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
				      s3->bucket);
	return err;
}

struct ey_error *s3_create(const char *root, const struct store_s3_options *options,
			   struct s3 **ret)
{
	static const struct store_s3_options none = {0};
	const struct store_s3_options *o = options ? options : &none;
	const char *region = or_env(o->region, "AWS_REGION");
	struct s3 *s3 = calloc(1, sizeof(*s3));

	if (!s3)
		return &ey_error_nomem;
	s3->part_bytes = (o->part_mib ? o->part_mib : STORE_S3_PART_MIB_DEFAULT) << 20;
	s3->timeout = o->timeout ? o->timeout : TIMEOUT_DEFAULT;
	s3->retries = !o->retries ? RETRIES_DEFAULT : EY_MAX(o->retries, 0);
	struct ey_error *err = copy(&s3->region, region ? region : "us-east-1");
	if (!err)
		err = copy(&s3->ca, or_env(o->ca, "AWS_CA_BUNDLE"));
	if (!err)
		err = read_root(s3, root);
	if (!err)
		err = read_endpoint(s3, o);
	if (!err)
		err = read_keys(s3, o);
	s3->multi = curl_multi_init();
	s3->easy = curl_easy_init();
	if (!err && (!s3->multi || !s3->easy))
		err = &ey_error_nomem;
	if (err)
		s3_destroy(s3);
	else
		*ret = s3;
	return err;
}

static void forget(char *secret)
{
	if (secret)
		sodium_memzero(secret, strlen(secret));
	free(secret);
}

void s3_destroy(struct s3 *s3)
{
	if (!s3)
		return;
	if (s3->easy)
		curl_easy_cleanup(s3->easy);
	if (s3->multi)
		curl_multi_cleanup(s3->multi);
	forget(s3->secret);
	forget(s3->token);
	free(s3->access);
	free(s3->bucket);
	free(s3->prefix);
	free(s3->base);
	free(s3->host);
	free(s3->region);
	free(s3->ca);
	free(s3);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The section [mail] of eyrie.conf. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "notify/mail.h"

static const char *const starttls_names[] = {
	[MAIL_STARTTLS_AUTO] = "auto",
	[MAIL_STARTTLS_REQUIRE] = "require",
	[MAIL_STARTTLS_NO] = "no",
};

const char *mail_starttls_name(enum mail_starttls starttls)
{
	return starttls_names[starttls];
}

void mail_options_deinit(struct mail_options *options)
{
	free(options->server);
	free(options->ca_file);
	free(options->user);
	free(options->password_file);
	mail_address_deinit(&options->from);
	mail_addresses_deinit(&options->to);
	free(options->prefix);
	*options = (struct mail_options){0};
}

static void curlu_cleanupp(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void curl_freep(char **s)
{
	curl_free(*s);
}

static struct ey_error *bad_server(const char *server, const char *why)
{
	return ey_error_create(EY_ERR_USAGE,
			       "[mail] server = %s: %s; write it as smtp://mail.example.com:25 or "
			       "smtps://mail.example.com:465",
			       server, why);
}

// Only scheme, host and port: a password in the URL would stand in a file that many may read.
static struct ey_error *check_server(const char *server)
{
	__attribute__((cleanup(curlu_cleanupp))) CURLU *u = curl_url();
	__attribute__((cleanup(curl_freep))) char *host = NULL;
	__attribute__((cleanup(curl_freep))) char *user = NULL;
	__attribute__((cleanup(curl_freep))) char *path = NULL;

	if (!u)
		return &ey_error_nomem;
	if (strncmp(server, "smtp://", 7) != 0 && strncmp(server, "smtps://", 8) != 0)
		return bad_server(server, "the address begins neither with smtp:// nor smtps://");
	if (curl_url_set(u, CURLUPART_URL, server, CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) || !*host)
		return bad_server(server, "this is no address of a server");
	if (!curl_url_get(u, CURLUPART_USER, &user, 0))
		return bad_server(server, "a user belongs into user =, its password into the file "
					  "that password_file = names");
	if (!curl_url_get(u, CURLUPART_PATH, &path, 0) && strcmp(path, "/") != 0)
		return bad_server(server, "nothing may follow the port");
	return NULL;
}

static bool is_loopback(const char *server)
{
	const char *host = strstr(server, "//") + 2;
	size_t len = strcspn(host, ":/");

	return (len == 9 && !strncasecmp(host, "localhost", 9)) || !strncmp(host, "127.", 4) ||
	       !strncmp(host, "[::1]", 5);
}

static struct ey_error *copy(const struct ey_config *config, const char *key, const char *fallback,
			     char **ret)
{
	const char *value = ey_config_string(config, "mail", key, fallback);

	*ret = NULL;
	if (!value)
		return NULL;
	*ret = strdup(value);
	return *ret ? NULL : &ey_error_nomem;
}

// Like copy(), but an empty value is as good as none.
static struct ey_error *copy_set(const struct ey_config *config, const char *key, char **ret)
{
	const char *value = ey_config_string(config, "mail", key, NULL);

	*ret = NULL;
	return value && *value ? copy(config, key, NULL, ret) : NULL;
}

static struct ey_error *load_starttls(struct mail_options *o, const struct ey_config *config)
{
	const char *word = ey_config_string(config, "mail", "starttls", NULL);

	o->starttls = o->user ? MAIL_STARTTLS_REQUIRE : MAIL_STARTTLS_AUTO;
	if (word) {
		size_t i = 0;

		while (i < EY_ARRAY_SIZE(starttls_names) && strcmp(word, starttls_names[i]) != 0)
			i++;
		if (i == EY_ARRAY_SIZE(starttls_names))
			return ey_error_create(EY_ERR_USAGE,
					       "[mail] starttls = %s: write auto, require or no",
					       word);
		o->starttls = (enum mail_starttls)i;
	}
	// Whoever sits between us and the server can hide STARTTLS, and would read the password.
	if (o->user && o->starttls != MAIL_STARTTLS_REQUIRE && !is_loopback(o->server) &&
	    !strncmp(o->server, "smtp://", 7))
		return ey_error_create(EY_ERR_USAGE,
				       "[mail] user is set, but with starttls = %s the password "
				       "could travel in clear; write starttls = require",
				       mail_starttls_name(o->starttls));
	return NULL;
}

static struct ey_error *load_addresses(struct mail_options *o, const struct ey_config *config)
{
	const char *from = ey_config_string(config, "mail", "from", NULL);
	const char *to = ey_config_string(config, "mail", "to", "");
	_cleanup_mail_addresses_ struct mail_addresses senders = {0};
	char fallback[160], host[128] = "";

	if (!from || !*from) {
		gethostname(host, sizeof(host) - 1);
		snprintf(fallback, sizeof(fallback), "Eyrie <eyrie@%s>",
			 *host ? host : "localhost");
		from = fallback;
	}
	struct ey_error *err = mail_addresses_parse(from, &senders);
	if (!err && senders.count != 1)
		err = ey_error_create(EY_ERR_USAGE, "one address is wanted, not %zu",
				      senders.count);
	if (err)
		return ey_error_prefix(err, "[mail] from = %s", from);
	o->from = senders.list[0];
	senders.list[0] = (struct mail_address){0};
	return ey_error_prefix(mail_addresses_parse(to, &o->to), "[mail] to");
}

static struct ey_error *load(struct mail_options *o, const struct ey_config *config)
{
	struct ey_error *err = copy_set(config, "server", &o->server);

	if (err || !o->server)
		return err;
	err = check_server(o->server);
	if (!err)
		err = copy_set(config, "ca_file", &o->ca_file);
	if (!err)
		err = copy_set(config, "user", &o->user);
	if (!err)
		err = copy_set(config, "password_file", &o->password_file);
	if (!err && !o->user != !o->password_file)
		err = ey_error_create(EY_ERR_USAGE, "[mail] user and password_file go together: "
						    "set both, or neither");
	if (!err)
		err = load_starttls(o, config);
	if (!err)
		err = copy(config, "prefix", "[eyrie]", &o->prefix);
	if (!err)
		err = ey_config_duration(config, "mail", "timeout", 30, &o->timeout);
	if (!err && (o->timeout < 1 || o->timeout > 3600))
		err = ey_error_create(EY_ERR_USAGE, "[mail] timeout: write 1s to 1h");
	if (!err)
		err = load_addresses(o, config);
	return err;
}

struct ey_error *mail_options_load(struct mail_options *options, const struct ey_config *config)
{
	*options = (struct mail_options){0};
	struct ey_error *err = load(options, config);

	if (err)
		mail_options_deinit(options);
	return err;
}

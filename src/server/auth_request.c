/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/auth_request.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/token.h"
#include "server/auth_header.h"
#include "server/config.h"
#include "server/secret.h"

enum {
	IDLE_SECONDS = 12 * 3600,
	ABSOLUTE_SECONDS = 7 * 86400,
	PASSWORDS_AT_ONCE = 2,
};

struct auth {
	/** Set for good once there is a user: they are shut out, never removed. */
	atomic_bool has_users;
	bool local;
	bool secure;
	const char *proxy_header;
	const char *proxy_addresses;
	/** Role of whom the proxy names and we do not know; NULL: nobody. */
	const char *proxy_role;
	struct db_session_life life;
	pthread_mutex_t password_lock;
	atomic_int passwords;
};

static const struct {
	const char *name;
	unsigned int permissions;
} roles[] = {
#define X(id, name, permissions) {name, permissions},
	AUTH_ROLES(X)
#undef X
};

unsigned int auth_role_permissions(const char *role)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(roles); i++) {
		if (!strcmp(roles[i].name, role))
			return roles[i].permissions;
	}
	return 0;
}

struct ey_error *auth_permissions_parse(const char *names, unsigned int *ret)
{
	*ret = 0;
	for (const char *s = names; *s;) {
		char word[32];

		s += strspn(s, " ,");
		size_t len = strcspn(s, " ,");
		snprintf(word, sizeof(word), "%.*s", (int)len, s);
		unsigned int bit = len ? auth_permission_parse(word) : 0;
		if (len && !bit)
			return ey_error_create(EY_ERR_USAGE,
					       "there is no permission \"%s\": they are view, "
					       "triage, merge, download, operate, administer, "
					       "submit and forward",
					       word);
		*ret |= bit;
		s += len;
	}
	return NULL;
}

static struct ey_error *read_proxy(const struct ey_config *config, struct auth *auth)
{
	char bad[64];

	auth->proxy_header = ey_config_string(config, "auth", "proxy_header", NULL);
	auth->proxy_addresses = ey_config_string(config, "auth", "proxy_addresses", NULL);
	auth->proxy_role = ey_config_string(config, "auth", "proxy_role", NULL);
	if (auth->proxy_role && !auth_role_permissions(auth->proxy_role))
		return ey_error_create(EY_ERR_USAGE, "[auth] proxy_role: there is no role \"%s\"",
				       auth->proxy_role);
	if (!auth_address_list_check(auth->proxy_addresses, bad, sizeof(bad)))
		return ey_error_create(EY_ERR_USAGE,
				       "[auth] proxy_addresses: \"%s\" is neither an address nor a "
				       "network such as 192.0.2.0/24",
				       bad);
	if (auth->proxy_header && !auth->proxy_addresses)
		return ey_error_create(
			EY_ERR_USAGE, "[auth] proxy_header is set without proxy_addresses: anybody "
				      "could send that header");
	return NULL;
}

struct ey_error *auth_create(const struct ey_config *config, bool loopback, bool secure,
			     struct auth **ret)
{
	_cleanup_free_ struct auth *auth = calloc(1, sizeof(*auth));
	bool local;

	if (!auth)
		return &ey_error_nomem;
	struct ey_error *err = read_proxy(config, auth);
	if (!err)
		err = ey_config_bool(config, "auth", "local_administrator", true, &local);
	if (!err)
		err = ey_config_duration(config, "auth", "session_idle", IDLE_SECONDS,
					 &auth->life.idle);
	if (!err)
		err = ey_config_duration(config, "auth", "session_lifetime", ABSOLUTE_SECONDS,
					 &auth->life.absolute);
	if (err)
		return err;
	auth->local = local && loopback && !auth->proxy_header;
	auth->secure = secure;
	pthread_mutex_init(&auth->password_lock, NULL);
	*ret = no_cleanup_ptr(auth);
	return NULL;
}

void auth_destroy(struct auth *auth)
{
	if (!auth)
		return;
	pthread_mutex_destroy(&auth->password_lock);
	free(auth);
}

struct ey_error *auth_is_open(struct auth *auth, struct db *db, bool *ret)
{
	bool any = true;

	*ret = false;
	if (!auth->local || auth->has_users)
		return NULL;
	struct ey_error *err = db_user_any(db, &any);
	if (!err && any)
		auth->has_users = true;
	*ret = !err && !any;
	return err;
}

static bool is_handed_on(const struct server_request *request)
{
	return server_header(request, "X-Forwarded-For") || server_header(request, "Forwarded") ||
	       server_header(request, "X-Real-IP") || server_header(request, "Via");
}

void auth_user_principal(struct auth_principal *who, const struct db_user *user)
{
	unsigned int grants = 0;
	struct ey_error *err = auth_permissions_parse(user->grants, &grants);

	ey_error_destroy(err); // a grant of a newer Eyrie is none here
	who->kind = AUTH_IS_PERSON;
	who->user_id = user->id;
	who->permissions = auth_role_permissions(user->role) | grants;
	snprintf(who->name, sizeof(who->name), "%s", user->name);
}

// What was not found is nobody's; other errors are errors.
static struct ey_error *unless_missing(struct ey_error *err)
{
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		return NULL;
	}
	return err;
}

static struct ey_error *by_token(struct db *db, const char *secret, struct auth_principal *who)
{
	_cleanup_users_ struct db_user_list user = {0};
	char hash[SECRET_HASH_SIZE];
	struct db_token_use use;
	unsigned int scopes = 0;

	secret_hash(secret, hash);
	struct ey_error *err = db_token_find(db, hash, ey_time_now(), &use);
	if (err)
		return unless_missing(err);
	user = use.user;
	auth_user_principal(who, &user.items[0]);
	err = auth_permissions_parse(use.scopes, &scopes);
	ey_error_destroy(err);
	// Never more than the person may do by now.
	who->permissions &= scopes;
	who->kind = AUTH_IS_TOKEN;
	who->token_id = use.id;
	return NULL;
}

static struct ey_error *by_host_token(struct db *db, const char *secret, bool note,
				      struct auth_principal *who)
{
	_cleanup_host_tokens_ struct db_host_token_list list = {0};
	char hash[SECRET_HASH_SIZE];

	secret_hash(secret, hash);
	struct ey_error *err = db_host_token_find(db, hash, note, ey_time_now(), &list);
	if (err)
		return unless_missing(err);
	const struct db_host_token *t = &list.items[0];
	who->kind = AUTH_IS_HOST;
	who->permissions = AUTH_SUBMIT;
	who->token_id = t->id;
	snprintf(who->name, sizeof(who->name), "%.71s", t->hostname);
	snprintf(who->host.site, sizeof(who->host.site), "%s", t->site);
	snprintf(who->host.hostname, sizeof(who->host.hostname), "%s", t->hostname);
	snprintf(who->host.machine_id, sizeof(who->host.machine_id), "%s", t->machine_id);
	snprintf(who->host.dmi_uuid, sizeof(who->host.dmi_uuid), "%s", t->dmi_uuid);
	return NULL;
}

static const char *cookie_name(const struct auth *auth)
{
	// Browsers take the prefix only with Secure, Path=/ and no Domain: no other host of the
	// domain, and nobody on plain HTTP, can set it.
	return auth->secure ? "__Host-eyrie" : "eyrie";
}

bool auth_session_secret(const struct auth *auth, const struct server_request *request, char *ret)
{
	return auth_header_cookie(server_header(request, "Cookie"), cookie_name(auth), ret,
				  SECRET_SIZE) &&
	       secret_is(ret, SECRET_SESSION);
}

void auth_session_cookie(const struct auth *auth, struct server_response *response,
			 const char *secret)
{
	server_response_header(response, "Set-Cookie",
			       "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", cookie_name(auth),
			       secret ? secret : "", auth->secure ? "; Secure" : "",
			       secret ? "" : "; Max-Age=0");
}

const struct db_session_life *auth_session_life(const struct auth *auth)
{
	return &auth->life;
}

static struct ey_error *by_session(struct auth *auth, struct db *db, const char *secret,
				   struct auth_principal *who)
{
	char hash[SECRET_HASH_SIZE];
	struct db_session session;

	secret_hash(secret, hash);
	struct ey_error *err = db_session_find(db, hash, &auth->life, ey_time_now(), &session);
	if (err)
		return unless_missing(err);
	auth_user_principal(who, &session.user.items[0]);
	who->session_id = session.id;
	db_user_list_deinit(&session.user);
	return NULL;
}

static struct ey_error *by_proxy(const struct auth *auth, struct db *db, const char *name,
				 struct auth_principal *who)
{
	_cleanup_users_ struct db_user_list list = {0};
	struct db_user guest = {.name = name, .role = auth->proxy_role, .grants = ""};

	if (!auth_name_is_valid(name))
		return NULL;
	struct ey_error *err = unless_missing(db_user_find(db, name, &list));
	if (err)
		return err;
	if (list.count && !list.items[0].disabled)
		auth_user_principal(who, &list.items[0]);
	else if (!list.count && auth->proxy_role)
		auth_user_principal(who, &guest);
	return NULL;
}

struct ey_error *auth_identify(struct auth *auth, struct db *db,
			       const struct server_request *request, struct auth_principal *ret)
{
	bool from_proxy = auth_address_in(request->peer, auth->proxy_addresses);
	const char *named = from_proxy && auth->proxy_header
				    ? server_header(request, auth->proxy_header)
				    : NULL;
	char secret[SECRET_SIZE];
	bool open = false;
	struct ey_error *err;

	*ret = (struct auth_principal){.kind = AUTH_IS_ANONYMOUS};
	if (!from_proxy ||
	    !auth_header_forwarded(server_header(request, "X-Forwarded-For"), auth->proxy_addresses,
				   ret->address, sizeof(ret->address)))
		snprintf(ret->address, sizeof(ret->address), "%s", request->peer);
	if (auth_header_bearer(server_header(request, "Authorization"), secret, sizeof(secret))) {
		if (secret_is(secret, SECRET_API_TOKEN))
			return by_token(db, secret, ret);
		if (secret_is(secret, SECRET_HOST_TOKEN))
			return by_host_token(db, secret, request->method == SERVER_GET, ret);
		// A token that is none is never this machine's administrator.
		return NULL;
	}
	if (auth_session_secret(auth, request, secret)) {
		err = by_session(auth, db, secret, ret);
		if (err || ret->kind != AUTH_IS_ANONYMOUS)
			return err;
	}
	if (named)
		return by_proxy(auth, db, named, ret);
	if (!auth->local || !server_address_is_loopback(request->peer) || is_handed_on(request))
		return NULL;
	err = auth_is_open(auth, db, &open);
	if (!err && open) {
		ret->kind = AUTH_IS_LOCAL;
		ret->permissions = AUTH_ALL;
		snprintf(ret->name, sizeof(ret->name), "local");
	}
	return err;
}

bool auth_csrf_is_right(const struct auth *auth, const struct server_request *request)
{
	const char *sent = server_header(request, "X-Eyrie-CSRF");
	char secret[SECRET_SIZE], expected[SECRET_HASH_SIZE];

	if (request->who.kind != AUTH_IS_PERSON)
		return true;
	if (!sent)
		return false;
	// Named by the proxy: no page of another site can send a header of ours at all.
	if (!request->who.session_id)
		return true;
	if (!auth_session_secret(auth, request, secret))
		return false;
	secret_csrf(secret, expected);
	return secret_equal(sent, expected);
}

static struct ey_error *begin_password(struct auth *auth)
{
	if (atomic_fetch_add(&auth->passwords, 1) >= PASSWORDS_AT_ONCE) {
		atomic_fetch_sub(&auth->passwords, 1);
		return ey_error_create(EY_ERR_IO,
				       "too many sign in at once; try again in some seconds");
	}
	pthread_mutex_lock(&auth->password_lock);
	return NULL;
}

static void end_password(struct auth *auth)
{
	pthread_mutex_unlock(&auth->password_lock);
	atomic_fetch_sub(&auth->passwords, 1);
}

struct ey_error *auth_verify_password(struct auth *auth, const char *hash, const char *password,
				      bool *right_ret)
{
	struct ey_error *err = begin_password(auth);

	*right_ret = false;
	if (err)
		return err;
	*right_ret = secret_password_verify(hash, password);
	end_password(auth);
	return NULL;
}

struct ey_error *auth_hash_password(struct auth *auth, const char *password, char *ret)
{
	struct ey_error *err = begin_password(auth);

	if (err)
		return err;
	err = secret_password_hash(password, ret);
	end_password(auth);
	return err;
}

static struct ey_error *user_still(struct db *db, int64_t id, bool *ret)
{
	_cleanup_users_ struct db_user_list list = {0};
	struct ey_error *err = unless_missing(db_user_get(db, id, &list));

	if (!err)
		*ret = list.count && !list.items[0].disabled;
	return err;
}

struct ey_error *auth_still(struct auth *auth, struct db *db, const struct auth_principal *who,
			    bool *ret)
{
	if (who->kind == AUTH_IS_LOCAL)
		return auth_is_open(auth, db, ret);
	if (who->kind == AUTH_IS_TOKEN)
		return db_token_alive(db, who->token_id, ey_time_now(), ret);
	if (who->session_id)
		return db_session_alive(db, who->session_id, &auth->life, ey_time_now(), ret);
	if (who->user_id)
		return user_still(db, who->user_id, ret);
	// Whom the proxy lets in without being a user here.
	*ret = true;
	return NULL;
}

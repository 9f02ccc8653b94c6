/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signing in and out, and who one is. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/audit.h"
#include "server/api.h"
#include "server/auth_header.h"
#include "server/auth_request.h"
#include "server/body.h"
#include "server/secret.h"

enum {
	WINDOW_SECONDS = 15 * 60,
	ATTEMPTS_PER_ACCOUNT = 10,
	ATTEMPTS_PER_ADDRESS = 50,
};

struct ey_error *api_attempt_refuse(const struct server_request *request, struct db *db,
				    const char *kind, const char *value, int64_t max,
				    struct server_response *response, bool *refused_ret)
{
	int64_t attempts = 0;
	struct ey_error *err =
		db_attempt_count(db, kind, value, WINDOW_SECONDS, ey_time_now(), &attempts);

	*refused_ret = !err && attempts > max;
	if (!*refused_ret)
		return err;
	// Once a window, not once an attempt: an attacker is not to fill the log.
	if (attempts == max + 1)
		ey_log_warning("too many attempts at %s %s, the last from %s",
			       strcmp(kind, "user") ? "address" : "account", value,
			       request->who.address);
	server_response_error(response, 429, "too many attempts; try again in 15 minutes");
	server_response_header(response, "Retry-After", "%d", WINDOW_SECONDS);
	return NULL;
}

static void write_permissions(struct ey_json *json, unsigned int permissions)
{
	ey_json_key(json, "permissions");
	ey_json_array_begin(json);
	for (unsigned int bit = 1; bit & AUTH_ALL; bit <<= 1) {
		if (permissions & bit)
			ey_json_string(json, auth_permission_name(bit));
	}
	ey_json_array_end(json);
}

static void write_session(struct server_response *response, const struct auth_principal *who,
			  const char *csrf)
{
	struct ey_json json;

	server_response_json(response, &json);
	response->cache_control = "no-store";
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "kind", auth_kind_name(who->kind));
	api_kv_text(&json, "name", who->name);
	write_permissions(&json, who->permissions);
	api_kv_text(&json, "csrf", csrf);
	ey_json_object_end(&json);
}

struct ey_error *api_session(const struct api *api, struct db *db,
			     const struct server_request *request, struct server_response *response)
{
	static const char *const no_parameters[] = {NULL};
	char secret[SECRET_SIZE], csrf[SECRET_HASH_SIZE] = "";
	struct ey_error *err = server_query_only(&request->target, no_parameters);

	if (err)
		return err;
	if (request->who.session_id && auth_session_secret(api->auth, request, secret))
		secret_csrf(secret, csrf);
	else if (request->who.kind == AUTH_IS_PERSON)
		snprintf(csrf, sizeof(csrf), "proxy");
	write_session(response, &request->who, csrf);
	return NULL;
}

static struct ey_error *note(struct db *db, const struct server_request *request, const char *name,
			     const char *action)
{
	return db_audit_add(db, &(struct db_audit_row){
					.time = ey_time_now(),
					.kind = "person",
					.who = name,
					.address = request->who.address,
					.action = action,
				});
}

// Which of the two was wrong, or whether there is such an account, is nobody's business.
static struct ey_error *refuse(struct db *db, const struct server_request *request,
			       const char *name, struct server_response *response)
{
	// What was typed as a name may be a password.
	struct ey_error *err = note(db, request, "", "sign-in.failed");

	server_response_error(response, 401, "name or password is wrong");
	return err;
}

static struct ey_error *begin_session(const struct api *api, struct db *db,
				      const struct server_request *request,
				      const struct db_user *user, struct server_response *response)
{
	char secret[SECRET_SIZE], hash[SECRET_HASH_SIZE], csrf[SECRET_HASH_SIZE];
	_cleanup_txn_ struct db_txn txn = {0};
	struct auth_principal who = {.kind = AUTH_IS_PERSON};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_attempt_forget(db, "user", user->name);
	secret_make(SECRET_SESSION, secret);
	secret_hash(secret, hash);
	if (!err)
		err = db_session_add(db, hash, user->id, request->who.address,
				     auth_session_life(api->auth), ey_time_now());
	if (!err)
		err = note(db, request, user->name, "sign-in");
	if (!err)
		err = db_commit(&txn);
	if (err)
		return err;
	auth_user_principal(&who, user);
	secret_csrf(secret, csrf);
	write_session(response, &who, csrf);
	auth_session_cookie(api->auth, response, secret);
	return NULL;
}

struct ey_error *api_sign_in(const struct api *api, struct db *db,
			     const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {"name", "password", NULL};
	_cleanup_json_ json_t *body = NULL;
	_cleanup_users_ struct db_user_list users = {0};
	const char *name, *password;
	char address[AUTH_ADDRESS_SIZE];
	bool refused = false, right = false;
	struct ey_error *err = server_body_read(request, known, &body);

	if (!err)
		err = server_body_need(body, "name", SERVER_NAME_MAX, &name);
	if (!err)
		err = server_body_need(body, "password", SECRET_PASSWORD_MAX, &password);
	if (err)
		return err;
	auth_address_bucket(request->who.address, address, sizeof(address));
	err = api_attempt_refuse(request, db, "address", address, ATTEMPTS_PER_ADDRESS, response,
				 &refused);
	if (!err && !refused)
		err = api_attempt_refuse(request, db, "user", name, ATTEMPTS_PER_ACCOUNT, response,
					 &refused);
	if (err || refused)
		return err;
	err = db_user_find(db, name, &users);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		err = NULL;
	}
	const struct db_user *user = users.count && !users.items[0].disabled ? users.items : NULL;
	// Somebody unknown, or shut out, takes as long.
	if (!err)
		err = auth_verify_password(api->auth, user ? user->password : NULL, password,
					   &right);
	if (err)
		return err;
	return right && user ? begin_session(api, db, request, user, response)
			     : refuse(db, request, name, response);
}

// The new one in place of the old: every other session of the person ends.
static struct ey_error *set_own_password(const struct api *api, struct db *db,
					 const struct server_request *request, const char *password,
					 struct server_response *response)
{
	_cleanup_users_ struct db_user_list users = {0};
	char hash[SECRET_PASSWORD_HASH_SIZE];
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = auth_hash_password(api->auth, password, hash);

	if (!err)
		err = db_begin(db, &txn);
	if (!err)
		err = db_user_set_password(db, request->who.user_id, hash, ey_time_now());
	if (!err)
		err = note(db, request, request->who.name, "user.passwd");
	if (!err)
		err = db_user_get(db, request->who.user_id, &users);
	if (!err)
		err = db_attempt_forget(db, "user", users.items[0].name);
	if (!err && request->who.session_id)
		err = begin_session(api, db, request, users.items, response);
	else if (!err)
		write_session(response, &request->who, "proxy");
	return err ? err : db_commit(&txn);
}

struct ey_error *api_password(const struct api *api, struct db *db,
			      const struct server_request *request,
			      struct server_response *response)
{
	static const char *const known[] = {"old", "new", NULL};
	_cleanup_json_ json_t *body = NULL;
	_cleanup_users_ struct db_user_list users = {0};
	const char *old, *new;
	bool refused = false, right = false;
	struct ey_error *err = NULL;

	if (request->who.kind != AUTH_IS_PERSON || !request->who.user_id)
		return ey_error_create(EY_ERR_DENIED, "only people who signed in have a password");
	err = server_body_read(request, known, &body);
	if (!err)
		err = server_body_need(body, "old", SECRET_PASSWORD_MAX, &old);
	if (!err)
		err = server_body_need(body, "new", SECRET_PASSWORD_MAX, &new);
	if (!err)
		err = secret_password_check(new);
	if (!err)
		err = api_attempt_refuse(request, db, "user", request->who.name,
					 ATTEMPTS_PER_ACCOUNT, response, &refused);
	if (err || refused)
		return err;
	err = db_user_get(db, request->who.user_id, &users);
	if (!err)
		err = auth_verify_password(api->auth, users.items[0].password, old, &right);
	if (err)
		return err;
	if (right)
		return set_own_password(api, db, request, new, response);
	server_response_error(response, 403, "the present password is wrong");
	return note(db, request, request->who.name, "sign-in.failed");
}

struct ey_error *api_sign_out(const struct api *api, struct db *db,
			      const struct server_request *request,
			      struct server_response *response)
{
	const struct auth_principal nobody = {.kind = AUTH_IS_ANONYMOUS};
	struct ey_error *err = NULL;

	if (request->who.session_id) {
		err = db_session_end(db, request->who.session_id);
		if (!err)
			err = note(db, request, request->who.name, "sign-out");
	}
	if (err)
		return err;
	write_session(response, &nobody, "");
	auth_session_cookie(api->auth, response, NULL);
	return NULL;
}

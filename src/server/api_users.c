/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The people who may sign in, as administrators see and change them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "db/user.h"
#include "server/api.h"
#include "server/auth_header.h"
#include "server/auth_request.h"
#include "server/body.h"
#include "server/secret.h"

// The words of "grants" and of roles, as the command line writes them: blanks between.
static void write_words(struct ey_json *json, const char *key, unsigned int bits)
{
	ey_json_key(json, key);
	ey_json_array_begin(json);
	for (unsigned int bit = 1; bit & AUTH_ALL; bit <<= 1) {
		if (bits & bit)
			ey_json_string(json, auth_permission_name(bit));
	}
	ey_json_array_end(json);
}

static void write_user(struct ey_json *json, const struct db_user *u)
{
	unsigned int grants = 0;
	struct ey_error *err = auth_permissions_parse(u->grants, &grants);

	ey_error_destroy(err); // a grant of a newer Eyrie is none here
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", u->id);
	ey_json_kv_string(json, "name", u->name);
	ey_json_kv_string(json, "role", u->role);
	write_words(json, "grants", grants);
	ey_json_kv_bool(json, "password", *u->password);
	ey_json_kv_bool(json, "disabled", u->disabled);
	api_kv_time(json, "created", u->created);
	api_kv_time(json, "last_sign_in", u->last_sign_in);
	ey_json_object_end(json);
}

// A token that could make people, or open their accounts, would outlive its own end; and who only
// sits at this machine is administrator until there is a user, not for good.
static struct ey_error *only_in_person(const struct server_request *request)
{
	if (request->who.kind == AUTH_IS_PERSON)
		return NULL;
	return ey_error_create(EY_ERR_DENIED,
			       request->who.kind == AUTH_IS_LOCAL
				       ? "nobody signs in here yet: 'eyrie user add NAME --role "
					 "administrator' on the center makes the first user"
				       : "only administrators who signed in change users; 'eyrie "
					 "user' on the center does so for scripts");
}

struct ey_error *api_users(const struct api *api, struct db *db,
			   const struct server_request *request, struct server_response *response)
{
	static const char *const none[] = {NULL};
	_cleanup_users_ struct db_user_list list = {0};
	struct ey_json json;
	struct ey_error *err = server_query_only(&request->target, none);

	if (!err)
		err = db_user_list(db, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "users");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		write_user(&json, &list.items[i]);
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *answer(struct db *db, int64_t id, struct server_response *response)
{
	_cleanup_users_ struct db_user_list list = {0};
	struct ey_json json;
	struct ey_error *err = db_user_get(db, id, &list);

	if (err)
		return err;
	snprintf(response->audit_object, sizeof(response->audit_object), "%s", list.items[0].name);
	server_response_json(response, &json);
	write_user(&json, list.items);
	return NULL;
}

// "role" (a static name) and, as words with blanks between, "grants".
static struct ey_error *read_role(json_t *body, const char **role_ret, struct ey_buf *grants)
{
	static const char *const roles[] = {
#define X(id, name, permissions) name,
		AUTH_ROLES(X)
#undef X
	};
	const json_t *list = json_object_get(body, "grants"), *item;
	const char *role;
	unsigned int bits = 0;
	size_t i;
	struct ey_error *err = server_body_need(body, "role", SERVER_NAME_MAX, &role);

	if (err)
		return err;
	*role_ret = NULL;
	for (i = 0; i < EY_ARRAY_SIZE(roles); i++) {
		if (!strcmp(roles[i], role))
			*role_ret = roles[i];
	}
	if (!*role_ret)
		return ey_error_create(EY_ERR_INPUT, "\"role\" is viewer, engineer, operator or "
						     "administrator");
	if (list && !json_is_array(list))
		return ey_error_create(EY_ERR_INPUT, "\"grants\" must be a list of permissions");
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(item);
		unsigned int bit = name ? auth_permission_parse(name) : 0;

		if (!bit)
			return ey_error_create(EY_ERR_INPUT,
					       "\"grants\" has something that is no permission");
		bits |= bit;
	}
	for (unsigned int bit = 1; bit & AUTH_ALL; bit <<= 1) {
		if (bits & bit)
			ey_buf_printf(grants, "%s%s", grants->len ? " " : "",
				      auth_permission_name(bit));
	}
	return ey_buf_error(grants);
}

// The hash of "password"; "" where there is none and @p optional.
static struct ey_error *read_password(const struct api *api, json_t *body, bool optional, char *ret)
{
	const char *password = NULL;
	struct ey_error *err =
		json_is_null(json_object_get(body, "password"))
			? NULL
			: server_body_text(body, "password", SECRET_PASSWORD_MAX, &password);

	*ret = '\0';
	if (!err && !password && !optional)
		err = ey_error_create(EY_ERR_INPUT, "the body must have a \"password\"");
	if (!err && password)
		err = secret_password_check(password);
	if (!err && password)
		err = auth_hash_password(api->auth, password, ret);
	return err;
}

struct ey_error *api_user_add(const struct api *api, struct db *db,
			      const struct server_request *request,
			      struct server_response *response)
{
	static const char *const known[] = {"name", "role", "grants", "password", NULL};
	char hash[SECRET_PASSWORD_HASH_SIZE];
	_cleanup_buf_ struct ey_buf grants = EY_BUF_INIT;
	_cleanup_json_ json_t *body = NULL;
	struct db_user user = {.password = hash};
	int64_t id;
	struct ey_error *err = only_in_person(request);

	if (!err)
		err = server_body_read(request, known, &body);
	if (!err)
		err = server_body_need(body, "name", SERVER_NAME_MAX, &user.name);
	if (!err && !auth_name_is_valid(user.name))
		err = ey_error_create(EY_ERR_INPUT,
				      "\"name\" must be 1 to 64 letters, digits and ._@+-");
	if (!err)
		err = read_role(body, &user.role, &grants);
	if (!err)
		err = read_password(api, body, true, hash);
	if (err)
		return err;
	user.grants = ey_buf_str(&grants);
	err = db_user_add(db, &user, ey_time_now(), &id);
	if (!err)
		err = answer(db, id, response);
	response->audit = user.role;
	if (!err)
		response->status = 201;
	return err;
}

// Whoever changes people stays an administrator, so that there is always one.
static struct ey_error *somebody_else(const struct server_request *request, int64_t *id_ret,
				      const char *what)
{
	struct ey_error *err = only_in_person(request);

	if (!err)
		err = api_id(request, id_ret);
	if (!err && *id_ret == request->who.user_id)
		err = ey_error_create(EY_ERR_DENIED, "you cannot %s; another administrator can",
				      what);
	return err;
}

struct ey_error *api_user_role(const struct api *api, struct db *db,
			       const struct server_request *request,
			       struct server_response *response)
{
	static const char *const known[] = {"role", "grants", NULL};
	_cleanup_buf_ struct ey_buf grants = EY_BUF_INIT;
	_cleanup_json_ json_t *body = NULL;
	const char *role;
	int64_t id;
	struct ey_error *err = somebody_else(request, &id, "change your own role");

	if (!err)
		err = server_body_read(request, known, &body);
	if (!err)
		err = read_role(body, &role, &grants);
	if (!err)
		err = db_user_set_role(db, id, role, ey_buf_str(&grants));
	if (err)
		return err;
	response->audit = role;
	return answer(db, id, response);
}

static struct ey_error *set_disabled(struct db *db, const struct server_request *request,
				     bool disabled, struct server_response *response)
{
	static const char *const known[] = {NULL};
	_cleanup_json_ json_t *body = NULL;
	int64_t id;
	struct ey_error *err = somebody_else(request, &id, "shut yourself out");

	if (!err)
		err = server_body_read(request, known, &body);
	if (!err)
		err = db_user_set_disabled(db, id, disabled);
	return err ? err : answer(db, id, response);
}

struct ey_error *api_user_disable(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	return set_disabled(db, request, true, response);
}

struct ey_error *api_user_enable(const struct api *api, struct db *db,
				 const struct server_request *request,
				 struct server_response *response)
{
	return set_disabled(db, request, false, response);
}

struct ey_error *api_user_password(const struct api *api, struct db *db,
				   const struct server_request *request,
				   struct server_response *response)
{
	static const char *const known[] = {"password", NULL};
	char hash[SECRET_PASSWORD_HASH_SIZE];
	_cleanup_users_ struct db_user_list users = {0};
	_cleanup_json_ json_t *body = NULL;
	int64_t id;
	// One's own asks for the old one: POST /api/v1/password.
	struct ey_error *err = somebody_else(request, &id, "reset your own password here");

	if (!err)
		err = server_body_read(request, known, &body);
	if (!err)
		err = db_user_get(db, id, &users);
	if (!err)
		err = read_password(api, body, false, hash);
	if (!err)
		err = db_user_set_password(db, id, hash, ey_time_now());
	// Who gets a new one is not to wait for what somebody else tried.
	if (!err)
		err = db_attempt_forget(db, "user", users.items[0].name);
	return err ? err : answer(db, id, response);
}

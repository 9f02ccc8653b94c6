/* SPDX-License-Identifier: GPL-2.0-or-later */
/* People's API tokens, and the audit log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "db/audit.h"
#include "db/token.h"
#include "server/api.h"
#include "server/auth_request.h"
#include "server/body.h"
#include "server/secret.h"

enum { DAYS_DEFAULT = 90, DAYS_MAX = 3650 };

static void write_scopes(struct ey_json *json, const char *scopes)
{
	char word[32];

	ey_json_key(json, "scopes");
	ey_json_array_begin(json);
	for (const char *s = scopes; *s;) {
		s += strspn(s, " ");
		size_t len = strcspn(s, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, s);
		if (len)
			ey_json_string(json, word);
		s += len;
	}
	ey_json_array_end(json);
}

static void write_token(struct ey_json *json, const struct db_token *t)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", t->id);
	ey_json_kv_string(json, "user", t->user);
	ey_json_kv_string(json, "name", t->name);
	write_scopes(json, t->scopes);
	api_kv_time(json, "created", t->created);
	api_kv_time(json, "expires", t->expires);
	api_kv_time(json, "last_used", t->last_used);
	api_kv_time(json, "revoked", t->revoked);
	ey_json_object_end(json);
}

// A token that could make tokens would outlive its own end.
static struct ey_error *only_in_person(const struct server_request *request)
{
	if (request->who.kind == AUTH_IS_PERSON && request->who.user_id)
		return NULL;
	return ey_error_create(EY_ERR_DENIED,
			       "only people who signed in have tokens; 'eyrie token' on the center "
			       "makes them for anybody");
}

struct ey_error *api_tokens(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {"all", NULL};
	_cleanup_tokens_ struct db_token_list list = {0};
	// Who is no user has none of their own.
	bool everybody = (request->who.permissions & AUTH_ADMINISTER) &&
			 (server_query_string(&request->target, "all") || !request->who.user_id);
	struct ey_json json;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err && !everybody)
		err = only_in_person(request);
	if (!err)
		err = db_token_list(db, everybody ? 0 : request->who.user_id, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "tokens");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		write_token(&json, &list.items[i]);
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return NULL;
}

// The names of "scopes" with blanks between; not more than the person may do.
static struct ey_error *read_scopes(json_t *body, unsigned int may, struct ey_buf *ret)
{
	const json_t *list = json_object_get(body, "scopes");
	const json_t *item;
	size_t i;

	if (!json_is_array(list) || !json_array_size(list))
		return ey_error_create(EY_ERR_INPUT, "\"scopes\" must be a list of permissions");
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(item);
		unsigned int bit = name ? auth_permission_parse(name) : 0;

		if (!bit)
			return ey_error_create(EY_ERR_INPUT,
					       "\"scopes\" has something that is no permission");
		if (!(bit & may))
			return ey_error_create(EY_ERR_DENIED,
					       "you may not %s yourself, so no token of yours may",
					       name);
		ey_buf_printf(ret, "%s%s", i ? " " : "", name);
	}
	return ey_buf_error(ret);
}

static struct ey_error *answer_created(struct db *db, struct server_request const *request,
				       int64_t id, const char *secret,
				       struct server_response *response)
{
	_cleanup_tokens_ struct db_token_list list = {0};
	struct ey_json json;
	struct ey_error *err = db_token_list(db, request->who.user_id, &list);

	if (err)
		return err;
	server_response_json(response, &json);
	response->status = 201;
	response->cache_control = "no-store";
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "secret", secret);
	ey_json_key(&json, "token");
	for (size_t i = 0; i < list.count; i++) {
		if (list.items[i].id == id)
			write_token(&json, &list.items[i]);
	}
	ey_json_object_end(&json);
	return NULL;
}

struct ey_error *api_token_create(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	static const char *const known[] = {"name", "scopes", "days", NULL};
	char secret[SECRET_SIZE], hash[SECRET_HASH_SIZE];
	_cleanup_buf_ struct ey_buf scopes = EY_BUF_INIT;
	_cleanup_json_ json_t *body = NULL;
	struct db_token token = {.user_id = request->who.user_id};
	int64_t days = DAYS_DEFAULT, id = 0;
	struct ey_error *err = only_in_person(request);

	if (!err)
		err = server_body_read(request, known, &body);
	if (!err)
		err = server_body_need(body, "name", SERVER_NAME_MAX, &token.name);
	if (!err)
		err = server_body_int(body, "days", 1, DAYS_DEFAULT, &days);
	if (!err && days > DAYS_MAX)
		err = ey_error_create(EY_ERR_INPUT, "\"days\" must be at most %d", DAYS_MAX);
	if (!err)
		err = read_scopes(body, request->who.permissions, &scopes);
	if (err)
		return err;
	token.scopes = ey_buf_str(&scopes);
	token.expires = ey_time_now() + days * 86400;
	secret_make(SECRET_API_TOKEN, secret);
	secret_hash(secret, hash);
	snprintf(response->audit_object, sizeof(response->audit_object), "%s", token.name);
	err = db_token_add(db, &token, hash, ey_time_now(), &id);
	return err ? err : answer_created(db, request, id, secret, response);
}

struct ey_error *api_token_revoke(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	bool any = (request->who.permissions & AUTH_ADMINISTER) != 0;
	struct ey_json json;
	int64_t id;
	struct ey_error *err = any ? NULL : only_in_person(request);

	if (!err)
		err = api_id(request, &id);
	if (!err)
		err = db_token_revoke(db, id, any ? 0 : request->who.user_id, ey_time_now());
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "revoked", id);
	ey_json_object_end(&json);
	return NULL;
}

static void write_row(struct ey_json *json, const struct db_audit_row *row)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", row->id);
	api_kv_time(json, "time", row->time);
	ey_json_kv_string(json, "kind", row->kind);
	api_kv_text(json, "who", row->who);
	api_kv_text(json, "address", row->address);
	ey_json_kv_string(json, "action", row->action);
	api_kv_text(json, "object", row->object);
	api_kv_text(json, "detail", row->detail);
	ey_json_object_end(json);
}

struct ey_error *api_audit(const struct api *api, struct db *db,
			   const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {"who",   "action", "object", "since",
					    "until", "cursor", "limit",	 NULL};
	const struct server_target *target = &request->target;
	_cleanup_audit_ struct db_audit_list list = {0};
	struct db_audit_filter filter = {
		.who = server_query_string(target, "who"),
		.action = server_query_string(target, "action"),
		.object = server_query_string(target, "object"),
	};
	struct db_page page;
	struct ey_json json;
	struct ey_error *err = server_query_only(target, known);

	if (!err)
		err = server_query_time(target, "since", 0, &filter.since);
	if (!err)
		err = server_query_time(target, "until", 0, &filter.until);
	if (!err)
		err = api_page(request, &page);
	if (!err)
		err = db_audit_list(db, &filter, &page, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "audit");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		write_row(&json, &list.items[i]);
	ey_json_array_end(&json);
	api_kv_next(&json, list.next);
	ey_json_object_end(&json);
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys by which hosts enrol, and the hosts' own tokens, as administrators see and end them. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "db/token.h"
#include "server/api.h"
#include "server/body.h"
#include "server/secret.h"

enum { DAYS_DEFAULT = 30, DAYS_MAX = 3650 };

static void write_key(struct ey_json *json, const struct db_enroll_key *k)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", k->id);
	ey_json_kv_string(json, "name", k->name);
	ey_json_kv_string(json, "site", k->site);
	ey_json_kv_int(json, "max_uses", k->max_uses);
	ey_json_kv_int(json, "uses", k->uses);
	api_kv_time(json, "created", k->created);
	api_kv_time(json, "expires", k->expires);
	api_kv_time(json, "revoked", k->revoked);
	ey_json_object_end(json);
}

struct ey_error *api_enroll_keys(const struct api *api, struct db *db,
				 const struct server_request *request,
				 struct server_response *response)
{
	static const char *const none[] = {NULL};
	_cleanup_enroll_keys_ struct db_enroll_key_list list = {0};
	struct ey_json json;
	struct ey_error *err = server_query_only(&request->target, none);

	if (!err)
		err = db_enroll_key_list(db, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "enroll_keys");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		write_key(&json, &list.items[i]);
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *read_key(const struct api *api, json_t *body, struct db_enroll_key *key)
{
	int64_t days = DAYS_DEFAULT;
	struct ey_error *err = server_body_need(body, "name", SERVER_NAME_MAX, &key->name);

	if (!err)
		err = server_body_text(body, "site", SERVER_NAME_MAX, &key->site);
	if (!err && !key->site)
		key->site = ey_config_string(api->config, "repository", "site", "default");
	if (!err && !ey_name_is_safe(key->site))
		err = ey_error_create(EY_ERR_INPUT, "\"site\" is no name of a site");
	if (!err)
		err = server_body_int(body, "uses", 0, 0, &key->max_uses);
	if (!err && key->max_uses > INT32_MAX)
		err = ey_error_create(EY_ERR_INPUT, "\"uses\" must be at most %d", INT32_MAX);
	if (!err)
		err = server_body_int(body, "days", 1, DAYS_DEFAULT, &days);
	if (!err && days > DAYS_MAX)
		err = ey_error_create(EY_ERR_INPUT, "\"days\" must be at most %d", DAYS_MAX);
	key->created = ey_time_now();
	key->expires = key->created + days * 86400;
	return err;
}

struct ey_error *api_enroll_key_add(const struct api *api, struct db *db,
				    const struct server_request *request,
				    struct server_response *response)
{
	static const char *const known[] = {"name", "site", "uses", "days", NULL};
	char secret[SECRET_SIZE], hash[SECRET_HASH_SIZE];
	_cleanup_json_ json_t *body = NULL;
	struct db_enroll_key key = {0};
	struct ey_json json;
	struct ey_error *err = server_body_read(request, known, &body);

	if (!err)
		err = read_key(api, body, &key);
	if (err)
		return err;
	secret_make(SECRET_ENROLL_KEY, secret);
	secret_hash(secret, hash);
	err = db_enroll_key_add(db, &key, hash, key.created, &key.id);
	if (err)
		return err;
	snprintf(response->audit_object, sizeof(response->audit_object), "%s", key.name);
	server_response_json(response, &json);
	response->status = 201;
	response->cache_control = "no-store";
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "secret", secret);
	ey_json_key(&json, "enroll_key");
	write_key(&json, &key);
	ey_json_object_end(&json);
	return NULL;
}

static void answer_revoked(struct server_response *response, int64_t id)
{
	struct ey_json json;

	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "revoked", id);
	ey_json_object_end(&json);
}

struct ey_error *api_enroll_key_revoke(const struct api *api, struct db *db,
				       const struct server_request *request,
				       struct server_response *response)
{
	int64_t id;
	struct ey_error *err = api_id(request, &id);

	if (!err)
		err = db_enroll_key_revoke(db, id, ey_time_now());
	if (!err)
		answer_revoked(response, id);
	return err;
}

static void write_host_token(struct ey_json *json, const struct db_host_token *t)
{
	ey_json_object_begin(json);
	ey_json_kv_int(json, "id", t->id);
	ey_json_kv_string(json, "site", t->site);
	ey_json_kv_string(json, "host", t->hostname);
	api_kv_text(json, "machine_id", t->machine_id);
	api_kv_text(json, "dmi_uuid", t->dmi_uuid);
	api_kv_time(json, "created", t->created);
	api_kv_time(json, "expires", t->expires);
	api_kv_time(json, "last_used", t->last_used);
	ey_json_object_end(json);
}

struct ey_error *api_host_tokens(const struct api *api, struct db *db,
				 const struct server_request *request,
				 struct server_response *response)
{
	static const char *const known[] = {"host", "cursor", "limit", NULL};
	_cleanup_host_tokens_ struct db_host_token_list list = {0};
	struct db_page page;
	struct ey_json json;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = api_page(request, &page);
	if (!err)
		err = db_host_token_list(db, server_query_string(&request->target, "host"), &page,
					 &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "host_tokens");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		write_host_token(&json, &list.items[i]);
	ey_json_array_end(&json);
	api_kv_next(&json, list.next);
	ey_json_object_end(&json);
	return NULL;
}

struct ey_error *api_host_token_revoke(const struct api *api, struct db *db,
				       const struct server_request *request,
				       struct server_response *response)
{
	int64_t id;
	struct ey_error *err = api_id(request, &id);

	if (!err)
		err = db_host_token_revoke(db, id, ey_time_now());
	if (!err)
		answer_revoked(response, id);
	return err;
}

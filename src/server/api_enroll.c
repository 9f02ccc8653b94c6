/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host gets a token of its own: by its site's key, or in place of the one it has. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "db/audit.h"
#include "db/token.h"
#include "server/api.h"
#include "server/auth_header.h"
#include "server/auth_request.h"
#include "server/body.h"
#include "server/secret.h"

enum {
	/** Wrong keys from one address in a quarter of an hour. */
	ATTEMPTS_PER_ADDRESS = 50,
	/** Seconds that a token that was replaced is still good for: what is under way gets done.
	 */
	GRACE_SECONDS = 3600,
	ID_MAX = 64,
};

struct claim {
	const char *hostname;
	char machine_id[ID_MAX + 1];
	char dmi_uuid[ID_MAX + 1];
};

// An id in small letters; null is "".
static struct ey_error *read_id(json_t *body, const char *key, char *ret)
{
	const char *text = NULL;
	size_t n = 0;
	struct ey_error *err = json_is_null(json_object_get(body, key))
				       ? NULL
				       : server_body_text(body, key, ID_MAX, &text);

	for (; !err && text && text[n]; n++) {
		ret[n] = (char)tolower((unsigned char)text[n]);
		if (!isalnum((unsigned char)text[n]) && text[n] != '-')
			err = ey_error_create(EY_ERR_INPUT,
					      "\"%s\" has other characters than letters, digits "
					      "and \"-\"",
					      key);
	}
	ret[n] = '\0';
	return err;
}

static struct ey_error *read_claim(json_t *body, struct claim *ret)
{
	struct ey_error *err =
		server_body_need(body, "hostname", AUTH_HOSTNAME_SIZE - 1, &ret->hostname);

	if (!err)
		err = read_id(body, "machine_id", ret->machine_id);
	if (!err)
		err = read_id(body, "dmi_uuid", ret->dmi_uuid);
	if (!err && !ret->machine_id[0] && !ret->dmi_uuid[0])
		err = ey_error_create(EY_ERR_INPUT, "the body must have a \"machine_id\" or a "
						    "\"dmi_uuid\": names change");
	return err;
}

static struct ey_error *note(struct db *db, const struct server_request *request, const char *kind,
			     const char *who, const char *host)
{
	return db_audit_add(db, &(struct db_audit_row){
					.time = ey_time_now(),
					.kind = kind,
					.who = who,
					.address = request->who.address,
					.action = "host.enrol",
					.object = host,
				});
}

static void answer_token(struct server_response *response, const char *secret, const char *host,
			 const char *site)
{
	struct ey_json json;

	server_response_json(response, &json);
	response->status = 201;
	response->cache_control = "no-store";
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "token", secret);
	ey_json_kv_string(&json, "host", host);
	ey_json_kv_string(&json, "site", site);
	ey_json_object_end(&json);
}

static struct ey_error *rotate(struct db *db, const struct server_request *request,
			       const struct claim *claim, struct server_response *response)
{
	const struct auth_principal *who = &request->who;
	const struct auth_claim same = {.machine_id = claim->machine_id,
					.dmi_uuid = claim->dmi_uuid};
	char secret[SECRET_SIZE], hash[SECRET_HASH_SIZE];
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = auth_check_host(who, &same);

	if (!err)
		err = db_begin(db, &txn);
	secret_make(SECRET_HOST_TOKEN, secret);
	secret_hash(secret, hash);
	if (!err)
		err = db_host_token_rotate(db, who->token_id, claim->hostname, hash, GRACE_SECONDS,
					   ey_time_now());
	if (!err)
		err = note(db, request, "host", who->name, claim->hostname);
	if (!err)
		err = db_commit(&txn);
	if (!err)
		answer_token(response, secret, claim->hostname, who->host.site);
	return err;
}

static struct ey_error *enrol(struct db *db, const struct server_request *request, const char *key,
			      const struct claim *claim, struct server_response *response)
{
	const struct db_host_token host = {.hostname = claim->hostname,
					   .machine_id = claim->machine_id,
					   .dmi_uuid = claim->dmi_uuid};
	char secret[SECRET_SIZE], hash[SECRET_HASH_SIZE], key_hash[SECRET_HASH_SIZE];
	_cleanup_host_tokens_ struct db_host_token_list list = {0};
	_cleanup_txn_ struct db_txn txn = {0};
	const char *key_name;
	struct ey_error *err = db_begin(db, &txn);

	secret_make(SECRET_HOST_TOKEN, secret);
	secret_hash(secret, hash);
	secret_hash(key, key_hash);
	if (!err)
		err = db_enroll(db, key_hash, &host, hash, ey_time_now(), &list, &key_name);
	if (!err)
		err = note(db, request, "key", key_name, claim->hostname);
	if (!err)
		err = db_commit(&txn);
	if (!err)
		answer_token(response, secret, claim->hostname, list.items[0].site);
	return err;
}

struct ey_error *api_enroll(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {"hostname", "machine_id", "dmi_uuid", NULL};
	char key[SECRET_SIZE], address[AUTH_ADDRESS_SIZE];
	_cleanup_json_ json_t *body = NULL;
	struct claim claim;
	bool refused = false;
	struct ey_error *err = server_body_read(request, known, &body);

	if (!err)
		err = read_claim(body, &claim);
	if (err)
		return err;
	if (request->who.kind == AUTH_IS_HOST)
		return rotate(db, request, &claim, response);
	if (auth_header_bearer(server_header(request, "Authorization"), key, sizeof(key)) &&
	    secret_is(key, SECRET_ENROLL_KEY)) {
		err = enrol(db, request, key, &claim, response);
		if (!err || err->code != EY_ERR_NOT_FOUND)
			return err;
		ey_error_destroy(err);
	}
	// Only what is wrong counts: ten thousand hosts may come from behind one address.
	auth_address_bucket(request->who.address, address, sizeof(address));
	err = api_attempt_refuse(request, db, "address", address, ATTEMPTS_PER_ADDRESS, response,
				 &refused);
	if (!err && !refused)
		server_response_error(response, 401,
				      "the enrolment key is unknown, used up, revoked or too old; "
				      "'eyrie enroll-key add' on the center makes another");
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this eyried lives, and whether it can serve: for systemd, balancers and watchers. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "server/api.h"
#include "store/repository.h"

/** How long a store may take to answer that it is there. */
enum { READY_BUCKET_SECONDS = 5 };

struct ey_error *api_health(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	struct ey_json json;
	struct ey_error *err = server_query_only(&request->target, known);

	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_kv_string(&json, "status", "ok");
	ey_json_kv_string(&json, "version", EYRIE_VERSION);
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *check_database(const struct api *api)
{
	struct db *db = NULL;
	unsigned int version = 0;
	struct ey_error *err = server_db_pool_take(api->pool, &db);

	if (err)
		return err;
	err = db_schema_version(db, &version);
	server_db_pool_give(api->pool, db, err != NULL);
	if (!err && version != db_schema_latest())
		err = ey_error_create(EY_ERR_IO,
				      "the database has schema %u and this eyried needs %u; run "
				      "\"eyried db\" of the newest version",
				      version, db_schema_latest());
	return err;
}

// Asked once and for a few seconds: who asks whether we are ready does not wait long.
static struct ey_error *check_bucket(const struct api *api, const char *root)
{
	_cleanup_store_ struct store *store = NULL;
	struct store_s3_options s3;
	struct ey_error *err = store_s3_options_load(api->config, &s3);

	if (err)
		return err;
	s3.retries = -1;
	s3.timeout = EY_MIN(s3.timeout, (int64_t)READY_BUCKET_SECONDS);
	err = store_open_with(root, 0, &s3, &store);
	return err ? err : store_probe(store);
}

// A share that is not mounted leaves an empty folder, of another owner or not to be written.
static struct ey_error *check_repository(const struct api *api)
{
	const char *root = ey_config_string(api->config, "repository", "path", STORE_DEFAULT_ROOT);
	struct stat st;

	if (store_is_bucket(root))
		return check_bucket(api, root);
	if (stat(root, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot use the repository %s", root);
	if (!S_ISDIR(st.st_mode))
		return ey_error_create(EY_ERR_IO, "the repository %s is no directory", root);
	if (access(root, R_OK | W_OK | X_OK) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot write to the repository %s", root);
	return NULL;
}

static struct ey_error *check_stopping(const struct api *api)
{
	return api->stopping ? ey_error_create(EY_ERR_IO, "this eyried is stopping") : NULL;
}

struct ey_error *api_ready(const struct api *api, struct db *db,
			   const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	static const struct {
		const char *name;
		struct ey_error *(*run)(const struct api *api);
	} checks[] = {{"running", check_stopping},
		      {"database", check_database},
		      {"repository", check_repository}};
	struct ey_json json;
	bool ready = true;
	struct ey_error *err = server_query_only(&request->target, known);

	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "checks");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < EY_ARRAY_SIZE(checks); i++) {
		err = checks[i].run(api);
		ready = ready && !err;
		ey_json_object_begin(&json);
		ey_json_kv_string(&json, "name", checks[i].name);
		ey_json_kv_bool(&json, "ok", !err);
		ey_json_kv_string(&json, "why", err ? err->message : NULL);
		ey_json_object_end(&json);
		ey_error_destroy(err);
	}
	ey_json_array_end(&json);
	ey_json_kv_bool(&json, "ready", ready);
	ey_json_kv_string(&json, "version", EYRIE_VERSION);
	ey_json_kv_uint(&json, "schema", db_schema_latest());
	ey_json_object_end(&json);
	response->status = ready ? 200 : 503;
	return NULL;
}

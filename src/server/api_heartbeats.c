/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heartbeats of hosts, and what is made of all of them: exposure, clones. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/boot.h"
#include "db/exposure.h"
#include "db/forward.h"
#include "server/api.h"
#include "server/auth.h"
#include "server/body.h"
#include "store/repository.h"

enum {
	NAME_BYTES = 255,
	LABELS_MAX = 64,
	PACKAGES_MAX = 256,
	KEYS_MAX = 64,
	/** A hundred years; no kernel runs that long. */
	UPTIME_MAX = 36525,
	DAY = 86400,
	/** Days of exposure that are shown where nothing is said. */
	EXPOSURE_DAYS = 30,
};

/** A heartbeat being read: its document, and the strings that were made for it. */
struct reading {
	json_t *root;
	char *folder;
	char *firmware;
	char *configuration;
	struct db_label labels[LABELS_MAX];
	struct db_heartbeat beat;
};

static void reading_deinit(struct reading *r)
{
	json_decref(r->root);
	free(r->folder);
	free(r->firmware);
	free(r->configuration);
}
#define _cleanup_reading_ __attribute__((cleanup(reading_deinit)))

// A text of one line; NULL where it is missing, null or "".
static struct ey_error *get_text(json_t *object, const char *key, const char **ret)
{
	json_t *value = json_object_get(object, key);

	*ret = NULL;
	if (!value || json_is_null(value))
		return NULL;
	struct ey_error *err = server_body_text(object, key, NAME_BYTES, ret);
	if (!err && !**ret)
		*ret = NULL;
	return err;
}

static struct ey_error *read_identity(struct reading *r, const struct server_request *request)
{
	json_t *identity = json_object_get(r->root, "identity");
	struct db_heartbeat *b = &r->beat;
	struct ey_error *err = get_text(identity, "hostname", &b->hostname);

	if (!err)
		err = get_text(identity, "machine_id", &b->machine_id);
	if (!err)
		err = get_text(identity, "boot_id", &b->boot_uuid);
	if (!err)
		err = get_text(identity, "dmi_uuid", &b->dmi_uuid);
	if (!err)
		err = get_text(identity, "dmi_serial", &b->dmi_serial);
	if (!err)
		err = get_text(r->root, "site", &b->site);
	if (!err && (!b->hostname || !b->boot_uuid))
		err = ey_error_create(EY_ERR_INPUT, "a heartbeat needs identity.hostname and "
						    "identity.boot_id");
	if (!err && b->site && !ey_name_is_safe(b->site))
		err = ey_error_create(EY_ERR_INPUT, "\"site\" is no name of a site");
	if (err)
		return err;
	r->folder = store_host_folder(b->hostname);
	b->folder = r->folder;
	if (!r->folder)
		return &ey_error_nomem;
	return auth_check_host(&request->who, &(struct auth_claim){.site = b->site,
								   .hostname = b->hostname,
								   .machine_id = b->machine_id,
								   .dmi_uuid = b->dmi_uuid});
}

// What is plain in @from (texts of one line and numbers), into @to.
static struct ey_error *take_plain(json_t *from, json_t *to)
{
	const char *key, *text;
	json_t *value;

	json_object_foreach(from, key, value)
	{
		struct ey_error *err = NULL;

		if (json_object_size(to) >= KEYS_MAX)
			return ey_error_create(EY_ERR_INPUT,
					       "an object of the heartbeat has more "
					       "than %d keys",
					       KEYS_MAX);
		if (json_is_string(value))
			err = get_text(from, key, &text);
		if (err)
			return err;
		if ((json_is_string(value) && json_string_length(value)) || json_is_number(value))
			json_object_set(to, key, value);
	}
	return NULL;
}

static struct ey_error *take_packages(json_t *packages, json_t *to)
{
	const char *name, *version;
	json_t *package;
	size_t i;

	if (json_array_size(packages) > PACKAGES_MAX)
		return ey_error_create(EY_ERR_INPUT, "a heartbeat has at most %d packages",
				       PACKAGES_MAX);
	json_array_foreach(packages, i, package)
	{
		struct ey_error *err = get_text(package, "name", &name);

		if (!err)
			err = get_text(package, "version", &version);
		if (err)
			return err;
		if (name && version)
			json_object_set_new(to, name, json_string(version));
	}
	return NULL;
}

static struct ey_error *read_inventory(struct reading *r)
{
	json_t *inventory = json_object_get(r->root, "inventory");
	json_t *kernel = json_object_get(r->root, "kernel");
	json_auto_t *out = json_pack("{s:{}, s:{}, s:{}}", "inventory", "kernel", "packages");
	const char *version, *date;
	struct db_heartbeat *b = &r->beat;

	if (!out)
		return &ey_error_nomem;
	struct ey_error *err = take_plain(inventory, json_object_get(out, "inventory"));
	if (!err)
		err = take_plain(kernel, json_object_get(out, "kernel"));
	if (!err)
		err = take_packages(json_object_get(r->root, "packages"),
				    json_object_get(out, "packages"));
	if (!err)
		err = get_text(kernel, "release", &b->kernel);
	if (!err)
		err = get_text(inventory, "vendor", &b->vendor);
	if (!err)
		err = get_text(inventory, "product", &b->product);
	if (!err)
		err = get_text(inventory, "image", &b->image);
	if (!err && !b->image)
		err = get_text(inventory, "os", &b->image);
	if (!err)
		err = get_text(inventory, "bios_version", &version);
	if (!err)
		err = get_text(inventory, "bios_date", &date);
	if (err)
		return err;
	// As crashes name it: version and date.
	if ((version || date) && asprintf(&r->firmware, "%s%s%s", version ? version : "",
					  version && date ? " " : "", date ? date : "") < 0) {
		r->firmware = NULL;
		return &ey_error_nomem;
	}
	b->firmware = r->firmware;
	r->configuration = json_dumps(out, JSON_SORT_KEYS | JSON_COMPACT);
	b->configuration = r->configuration;
	return r->configuration ? NULL : &ey_error_nomem;
}

static struct ey_error *read_labels(struct reading *r)
{
	json_t *labels = json_object_get(r->root, "labels"), *value;
	const char *key, *text;

	json_object_foreach(labels, key, value)
	{
		struct ey_error *err = get_text(labels, key, &text);

		if (!err && (!ey_name_is_safe(key) || r->beat.label_count >= LABELS_MAX))
			err = ey_error_create(EY_ERR_INPUT,
					      "labels are at most %d, their names of letters, "
					      "digits and \"._-:@+\"",
					      LABELS_MAX);
		if (err)
			return err;
		r->labels[r->beat.label_count++] =
			(struct db_label){.name = key, .value = text ? text : ""};
	}
	r->beat.labels = r->labels;
	return NULL;
}

static struct ey_error *read_heartbeat(const struct server_request *request, struct reading *r)
{
	static const char prefix[] = "eyrie/heartbeat/";

	r->root = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
	const char *schema = json_string_value(json_object_get(r->root, "schema"));
	const json_t *uptime = json_object_get(r->root, "uptime");
	// Agents of other releases may say more; what is not known is passed over.
	if (!schema || strncmp(schema, prefix, strlen(prefix)) != 0)
		return ey_error_create(EY_ERR_INPUT, "the body is no heartbeat: \"schema\" must be "
						     "\"eyrie/heartbeat/1\"");
	if (!json_is_number(uptime) || json_number_value(uptime) < 0 ||
	    json_number_value(uptime) > (double)UPTIME_MAX * DAY)
		return ey_error_create(EY_ERR_INPUT, "\"uptime\" must be seconds since the boot");
	r->beat.uptime = (int64_t)json_number_value(uptime);
	struct ey_error *err = read_identity(r, request);
	if (!err)
		err = read_inventory(r);
	return err ? err : read_labels(r);
}

struct ey_error *api_heartbeat_take(struct db *db, const struct server_request *request,
				    const struct api_said *said, struct db_heartbeat_result *ret)
{
	_cleanup_reading_ struct reading r = {0};
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = read_heartbeat(request, &r);

	if (err)
		return err;
	if (said->only_site)
		r.beat.site = said->only_site;
	if (!r.beat.site && request->who.kind == AUTH_IS_HOST && *request->who.host.site)
		r.beat.site = request->who.host.site;
	if (!r.beat.site)
		r.beat.site = said->site;
	err = db_begin(db, &txn);
	if (!err)
		err = db_heartbeat(db, &r.beat, said->time, ret);
	if (!err)
		err = db_forward_note(db, DB_FORWARD_HEARTBEAT, ret->boot_id, said->time,
				      request->body, request->body_len);
	return err ? err : db_commit(&txn);
}

struct ey_error *api_heartbeat(const struct api *api, struct db *db,
			       const struct server_request *request,
			       struct server_response *response)
{
	static const char *const no_parameters[] = {NULL};
	const struct api_said said = {
		.site = ey_config_string(api->config, "repository", "site", "default"),
		.time = ey_time_now(),
	};
	struct db_heartbeat_result result;
	struct ey_json json;
	struct ey_error *err = server_query_only(&request->target, no_parameters);

	if (!err)
		err = api_heartbeat_take(db, request, &said, &result);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_kv_int(&json, "host", result.host_id);
	ey_json_kv_int(&json, "boot", result.boot_id);
	ey_json_kv_string(&json, "life", db_life_name(result.life));
	ey_json_kv_int(&json, "next", DAY);
	ey_json_object_end(&json);
	return NULL;
}

struct ey_error *api_exposure(const struct api *api, struct db *db,
			      const struct server_request *request,
			      struct server_response *response)
{
	static const char *const known[] = {"by", "since", "until", "site", "model", NULL};
	const struct server_target *target = &request->target;
	_cleanup_exposure_ struct db_exposure_list list = {0};
	struct db_exposure_filter filter = {.site = server_query_string(target, "site"),
					    .only_watched = true};
	const char *word = server_query_string(target, "by");
	enum db_exposure_by by = DB_EXPOSURE_ALL;
	int64_t since = 0, until = 0, tomorrow = (ey_time_now() / DAY + 1) * DAY;
	struct ey_json json;
	struct ey_error *err = server_query_only(target, known);

	if (!err && word)
		err = db_exposure_by_parse(word, &by);
	if (!err)
		err = server_query_time(target, "until", tomorrow, &until);
	if (!err)
		err = server_query_time(target, "since", until - (int64_t)EXPOSURE_DAYS * DAY,
					&since);
	if (!err)
		err = server_query_int(target, "model", 1, INT64_MAX, 0, &filter.model_id);
	filter.from = since / DAY;
	filter.to = (until + DAY - 1) / DAY;
	if (!err)
		err = db_exposure(db, by, &filter, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	api_kv_time(&json, "since", filter.from * DAY);
	api_kv_time(&json, "until", filter.to * DAY);
	ey_json_key(&json, "exposure");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++) {
		ey_json_object_begin(&json);
		ey_json_key(&json, "id");
		if (list.items[i].id)
			ey_json_int(&json, list.items[i].id);
		else
			ey_json_null(&json);
		api_kv_text(&json, "name", list.items[i].name);
		ey_json_key(&json, "host_days");
		ey_json_double(&json, (double)list.items[i].seconds / DAY, 3);
		ey_json_object_end(&json);
	}
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return NULL;
}

void api_write_twin(struct ey_json *json, const struct db_twin *twin)
{
	ey_json_object_begin(json);
	ey_json_key(json, "host_id");
	if (twin->host_id)
		ey_json_int(json, twin->host_id);
	else
		ey_json_null(json);
	api_kv_text(json, "name", twin->hostname);
	api_kv_text(json, "site", twin->site);
	ey_json_kv_string(json, "machine_id", twin->machine_id);
	api_kv_time(json, "first_seen", twin->first_seen);
	api_kv_time(json, "last_seen", twin->last_seen);
	ey_json_kv_bool(json, "at_once", twin->at_once);
	ey_json_object_end(json);
}

struct ey_error *api_clones(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	static const char *const known[] = {NULL};
	_cleanup_twins_ struct db_twin_list list = {0};
	struct ey_json json;
	struct ey_error *err = server_query_only(&request->target, known);

	if (!err)
		err = db_clones(db, &list);
	if (err)
		return err;
	server_response_json(response, &json);
	ey_json_object_begin(&json);
	ey_json_key(&json, "clones");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < list.count; i++)
		api_write_twin(&json, &list.items[i]);
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host's boots, and what changed from each to the next. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "db/boot.h"
#include "server/api.h"

enum {
	BOOTS_SHOWN = 50,
	/** Differences that are shown of one boot. */
	DIFFERENCES_MAX = 50,
};

static void write_value(struct ey_json *json, const char *key, const json_t *value)
{
	char number[40];

	if (json_is_string(value)) {
		ey_json_kv_string(json, key, json_string_value(value));
		return;
	}
	ey_json_key(json, key);
	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		ey_json_string(json, number);
	} else if (json_is_real(value)) {
		snprintf(number, sizeof(number), "%g", json_real_value(value));
		ey_json_string(json, number);
	} else {
		ey_json_null(json);
	}
}

static void write_difference(struct ey_json *json, const char *group, const char *key,
			     const json_t *from, const json_t *to, size_t *count)
{
	char what[300];

	if (json_equal((json_t *)from, (json_t *)to) || ++*count > DIFFERENCES_MAX)
		return;
	snprintf(what, sizeof(what), "%s.%.255s", group, key);
	ey_json_object_begin(json);
	ey_json_kv_string(json, "what", what);
	write_value(json, "from", from);
	write_value(json, "to", to);
	ey_json_object_end(json);
}

// "kernel.release", "inventory.bios_version", "packages.NAME": what is in one, or in both and not
// the same.
static void write_differences(struct ey_json *json, json_t *before, json_t *after)
{
	static const char *const groups[] = {"kernel", "inventory", "packages"};
	size_t count = 0;
	const char *key;
	json_t *value;

	for (size_t i = 0; i < EY_ARRAY_SIZE(groups); i++) {
		json_t *a = json_object_get(before, groups[i]);
		json_t *b = json_object_get(after, groups[i]);

		json_object_foreach(a, key, value)
		{
			write_difference(json, groups[i], key, value, json_object_get(b, key),
					 &count);
		}
		json_object_foreach(b, key, value)
		{
			if (!json_object_get(a, key))
				write_difference(json, groups[i], key, NULL, value, &count);
		}
	}
}

static struct ey_error *load(struct db *db, const struct db_boot *boot, json_t **ret)
{
	struct db_arena arena = {0};
	const char *text = "";
	struct ey_error *err = db_boot_configuration(db, boot->id, &arena, &text);

	if (!err && *text)
		*ret = json_loads(text, 0, NULL);
	db_arena_deinit(&arena);
	return err;
}

static void write_boot(struct ey_json *json, const struct db_boot *b, json_t *before, json_t *after)
{
	ey_json_object_begin(json);
	api_kv_text(json, "boot_id", b->boot_uuid);
	api_kv_text(json, "kernel", b->kernel);
	api_kv_text(json, "firmware", b->firmware);
	api_kv_text(json, "image", b->image);
	api_kv_time(json, "started", b->started);
	api_kv_time(json, "last_seen", b->last_seen);
	ey_json_key(json, "crash_id");
	if (b->crash_id)
		ey_json_int(json, b->crash_id);
	else
		ey_json_null(json);
	// null: nothing is known of this boot or of the one before it.
	ey_json_key(json, "changed");
	if (before && after) {
		ey_json_array_begin(json);
		if (before != after)
			write_differences(json, before, after);
		ey_json_array_end(json);
	} else {
		ey_json_null(json);
	}
	ey_json_object_end(json);
}

struct ey_error *api_kv_boots(struct ey_json *json, struct db *db, int64_t host_id)
{
	_cleanup_boots_ struct db_boot_list list = {0};
	json_auto_t *after = NULL;
	struct ey_error *err = db_host_boots(db, host_id, BOOTS_SHOWN + 1, &list);

	if (!err && list.count)
		err = load(db, &list.items[0], &after);
	if (err)
		return err;
	ey_json_key(json, "boots");
	ey_json_array_begin(json);
	for (size_t i = 0; i < list.count && i < BOOTS_SHOWN; i++) {
		json_t *before = NULL;

		// Most boots have the configuration of the one before.
		if (i + 1 < list.count &&
		    list.items[i].configuration_id == list.items[i + 1].configuration_id)
			before = json_incref(after);
		else if (i + 1 < list.count)
			err = load(db, &list.items[i + 1], &before);
		if (!err)
			write_boot(json, &list.items[i], before, after);
		json_decref(after);
		after = before;
		if (err)
			return err;
	}
	ey_json_array_end(json);
	return NULL;
}

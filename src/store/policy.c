/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/policy.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/json.h"

static const char *const want_names[] = {
	[STORE_WANT_VMCORE] = "vmcore",
	[STORE_WANT_DMESG] = "dmesg",
	[STORE_WANT_NOTHING] = "nothing",
};

const char *store_want_name(enum store_want want)
{
	return want_names[want];
}

// "later" is an answer of the server; in a tree, like every word of tomorrow, it means the dump.
static enum store_want parse_want(const json_t *value)
{
	const char *s = json_string_value(value);

	for (size_t i = 0; s && i < EY_ARRAY_SIZE(want_names); i++) {
		if (!strcmp(s, want_names[i]))
			return (enum store_want)i;
	}
	return STORE_WANT_VMCORE;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct store_policy_reason *)a)->key,
		      ((const struct store_policy_reason *)b)->key);
}

static struct ey_error *read_reasons(json_t *reasons, struct store_policy *p)
{
	const char *key;
	json_t *value;

	if (!json_object_size(reasons))
		return NULL;
	p->reasons = calloc(json_object_size(reasons), sizeof(*p->reasons));
	if (!p->reasons)
		return &ey_error_nomem;
	json_object_foreach(reasons, key, value)
	{
		if (!json_is_object(value))
			return ey_error_create(EY_ERR_INPUT,
					       "policy: reasons.%.200s is not an "
					       "object",
					       key);
		p->reasons[p->count].want = parse_want(json_object_get(value, "want"));
		p->reasons[p->count].key = strdup(key);
		if (!p->reasons[p->count].key)
			return &ey_error_nomem;
		p->count++;
	}
	qsort(p->reasons, p->count, sizeof(*p->reasons), by_key);
	return NULL;
}

static struct ey_error *read_document(json_t *root, struct store_policy *p)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	const char *version = json_string_value(json_object_get(root, "group_version"));
	json_t *reasons = json_object_get(root, "reasons");

	if (!schema || strcmp(schema, STORE_POLICY_SCHEMA) != 0)
		return ey_error_create(EY_ERR_INPUT, "policy: its schema is not \"%s\"",
				       STORE_POLICY_SCHEMA);
	if (!version || !*version)
		return ey_error_create(EY_ERR_INPUT, "policy: has no \"group_version\"");
	if (reasons && !json_is_object(reasons))
		return ey_error_create(EY_ERR_INPUT, "policy: \"reasons\" is not an object");
	p->fallback = parse_want(json_object_get(root, "default"));
	p->group_version = strdup(version);
	return p->group_version ? read_reasons(reasons, p) : &ey_error_nomem;
}

struct ey_error *store_policy_read(const char *json, size_t len, struct store_policy *ret)
{
	json_error_t where;

	*ret = (struct store_policy){0};
	if (len > STORE_POLICY_MAX_BYTES)
		return ey_error_create(EY_ERR_INPUT, "policy: larger than %d bytes",
				       STORE_POLICY_MAX_BYTES);
	struct ey_error *err =
		ey_json_check_limits(json, len, STORE_POLICY_MAX_DEPTH, STORE_POLICY_MAX_VALUES);
	if (err)
		return ey_error_prefix(err, "policy");
	json_auto_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return ey_error_create(EY_ERR_INPUT,
				       "policy: not JSON, at line %d, column %d: %.100s",
				       where.line, where.column, where.text);
	err = read_document(root, ret);
	if (err)
		store_policy_deinit(ret);
	return err;
}

struct ey_error *store_policy_load(struct store *store, struct store_policy *ret)
{
	_cleanup_free_ char *json = NULL;
	size_t len;

	*ret = (struct store_policy){0};
	struct ey_error *err =
		store_read(store, STORE_POLICY_FILE, STORE_POLICY_MAX_BYTES, &json, &len);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		return NULL;
	}
	if (!err)
		err = ey_error_prefix(store_policy_read(json, len, ret), "%s/%s", store_root(store),
				      STORE_POLICY_FILE);
	return err;
}

void store_policy_deinit(struct store_policy *policy)
{
	for (size_t i = 0; i < policy->count; i++)
		free(policy->reasons[i].key);
	free(policy->reasons);
	free(policy->group_version);
	*policy = (struct store_policy){0};
}

enum store_want store_policy_decide(const struct store_policy *policy, const char *reason)
{
	if (!policy->group_version || !reason)
		return STORE_WANT_VMCORE;
	// Keys of different versions cannot be compared: what is known there may be new here.
	size_t len = strlen(policy->group_version);
	if (strncmp(reason, policy->group_version, len) != 0 || reason[len] != ':')
		return STORE_WANT_VMCORE;
	struct store_policy_reason key = {.key = (char *)reason};
	const struct store_policy_reason *found =
		policy->count ? bsearch(&key, policy->reasons, policy->count, sizeof(key), by_key)
			      : NULL;
	return found ? found->want : policy->fallback;
}

struct ey_error *store_policy_publish(struct store *store, const char *json, size_t len)
{
	_cleanup_store_policy_ struct store_policy check;
	struct ey_error *err = store_policy_read(json, len, &check);

	return err ? err : store_put(store, STORE_POLICY_FILE, json, len);
}

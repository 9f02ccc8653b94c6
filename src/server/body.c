/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/body.h"

#include <string.h>

struct ey_error *server_body_read(const struct server_request *request, const char *const *known,
				  json_t **ret)
{
	_cleanup_json_ json_t *body =
		json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
	const char *key;
	json_t *value;

	if (!json_is_object(body))
		return ey_error_create(EY_ERR_INPUT, "the body must be a JSON object");
	json_object_foreach(body, key, value)
	{
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return ey_error_create(EY_ERR_INPUT,
					       "the body has a key \"%.40s\" that "
					       "nothing here knows",
					       key);
	}
	*ret = no_cleanup_ptr(body);
	return NULL;
}

struct ey_error *server_body_text(json_t *body, const char *key, size_t max, const char **ret)
{
	json_t *value = json_object_get(body, key);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	*ret = NULL;
	if (!value)
		return NULL;
	if (!text || len > max)
		return ey_error_create(EY_ERR_INPUT, "\"%s\" must be a text of at most %zu bytes",
				       key, max);
	for (size_t i = 0; i < len; i++) {
		bool line = max == SERVER_TEXT_MAX && (text[i] == '\n' || text[i] == '\t');

		if (((unsigned char)text[i] < 0x20 && !line) || text[i] == 0x7f)
			return ey_error_create(EY_ERR_INPUT, "\"%s\" has a control character in it",
					       key);
	}
	*ret = text;
	return NULL;
}

struct ey_error *server_body_need(json_t *body, const char *key, size_t max, const char **ret)
{
	struct ey_error *err = server_body_text(body, key, max, ret);

	if (!err && (!*ret || !(*ret)[strspn(*ret, " \t\n")]))
		err = ey_error_create(EY_ERR_INPUT,
				      "the body must have a \"%s\", a text of at most "
				      "%zu bytes",
				      key, max);
	return err;
}

struct ey_error *server_body_int(json_t *body, const char *key, int64_t min, int64_t fallback,
				 int64_t *ret)
{
	const json_t *value = json_object_get(body, key);

	*ret = value ? json_integer_value(value) : fallback;
	if (value && (!json_is_integer(value) || *ret < min))
		return ey_error_create(EY_ERR_INPUT, "\"%s\" must be a whole number from %lld", key,
				       (long long)min);
	return NULL;
}

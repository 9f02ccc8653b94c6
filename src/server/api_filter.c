/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/api_filter.h"

#include <string.h>

#include "base/cleanup.h"
#include "db/flag.h"

static struct ey_error *not_a_word(const char *name, const char *const *words)
{
	_cleanup_buf_ struct ey_buf list = EY_BUF_INIT;

	for (size_t i = 0; words[i]; i++)
		ey_buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
	return ey_error_create(EY_ERR_INPUT, "parameter \"%s\" is none of %s", name,
			       ey_buf_str(&list));
}

static struct ey_error *read_word(const struct api_filter *filter, const char *text,
				  unsigned int *ret)
{
	static const char *const flag[] = {"1", "0", NULL};
	const char *const *words = filter->words ? filter->words : flag;

	for (unsigned int i = 0; words[i]; i++) {
		if (!strcmp(words[i], text)) {
			*ret = i;
			return NULL;
		}
	}
	return not_a_word(filter->name, words);
}

static struct ey_error *read_one(const struct server_target *target,
				 const struct api_filter *filter)
{
	const char *text = server_query_string(target, filter->name);
	struct ey_error *err = NULL;
	unsigned int word = 0;

	if (!text)
		return NULL;
	switch (filter->type) {
	case API_FILTER_TEXT:
		*(const char **)filter->value = text;
		break;
	case API_FILTER_NUMBER:
		return server_query_int(target, filter->name, 1, INT64_MAX, 0, filter->value);
	case API_FILTER_TIME:
		return server_query_time(target, filter->name, 0, filter->value);
	case API_FILTER_FLAG:
		err = read_word(filter, text, &word);
		*(enum db_flag *)filter->value = word ? DB_FLAG_NO : DB_FLAG_YES;
		break;
	case API_FILTER_WORD:
		err = read_word(filter, text, filter->value);
		break;
	case API_FILTER_TEXT_OF:
		err = read_word(filter, text, &word);
		*(const char **)filter->value = text;
		break;
	}
	return err;
}

struct ey_error *api_filters_read(const struct server_target *target,
				  const struct api_filter *filters, size_t count)
{
	const char *known[API_FILTERS_MAX + 3];

	for (size_t i = 0; i < count; i++)
		known[i] = filters[i].name;
	known[count] = "cursor";
	known[count + 1] = "limit";
	known[count + 2] = NULL;
	struct ey_error *err = server_query_only(target, known);
	for (size_t i = 0; !err && i < count; i++)
		err = read_one(target, &filters[i]);
	return err;
}

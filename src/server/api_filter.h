/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The parameters of a list, as a table: what it does not name is refused. */
#ifndef EYRIE_SERVER_API_FILTER_H
#define EYRIE_SERVER_API_FILTER_H

#include "server/message.h"

enum api_filter_type {
	/** `const char **`. */
	API_FILTER_TEXT,
	/** `int64_t *`: a whole number from 1. */
	API_FILTER_NUMBER,
	/** `int64_t *`, a time. */
	API_FILTER_TIME,
	/** `enum db_flag *`: one of the two words in `words`, "yes" first; "1" and "0" by default.
	 */
	API_FILTER_FLAG,
	/** `unsigned int *`: the index of one of `words` (ended by NULL). */
	API_FILTER_WORD,
	/** `const char **`: one of `words`. */
	API_FILTER_TEXT_OF,
};

struct api_filter {
	const char *name;
	enum api_filter_type type;
	void *value;
	const char *const *words;
};

enum { API_FILTERS_MAX = 40 };

/** Read what is set; "cursor" and "limit" are known besides. EY_ERR_INPUT names what is wrong. */
struct ey_error *api_filters_read(const struct server_target *target,
				  const struct api_filter *filters, size_t count) EY_MUST_CHECK;

#endif

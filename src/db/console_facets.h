/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the console's filters can be set to, from counters and indexes, not from history. */
#ifndef EYRIE_DB_CONSOLE_FACETS_H
#define EYRIE_DB_CONSOLE_FACETS_H

#include "db/arena.h"
#include "db/db.h"

enum db_facet {
	DB_FACET_KIND,
	DB_FACET_KERNEL,
	DB_FACET_MODEL,
	DB_FACET_SITE,
};

struct db_word {
	/** Of a model; 0 for the others. */
	int64_t id;
	const char *label;
	int64_t crashes;
};

struct db_word_list {
	struct db_arena arena;
	struct db_word *items;
	size_t count;
};

/** The words of @p facet that crashes have, the most crashes first, at most 50. */
struct ey_error *db_console_facet(struct db *db, enum db_facet facet,
				  struct db_word_list *ret) EY_MUST_CHECK;
void db_word_list_deinit(struct db_word_list *list);
#define _cleanup_words_ __attribute__((cleanup(db_word_list_deinit)))

/** How many reasons had their first crash at or after @p since. */
struct ey_error *db_console_new_reasons(struct db *db, int64_t since, int64_t *ret) EY_MUST_CHECK;

#endif

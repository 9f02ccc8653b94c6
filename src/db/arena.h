/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Memory that is freed all at once. A result of a query (a list with its rows and their strings)
 * owns one arena; freeing the result frees everything in it, and nothing in it is freed singly.
 */
#ifndef EYRIE_DB_ARENA_H
#define EYRIE_DB_ARENA_H

#include <stddef.h>

struct db_arena_chunk;

/** Zeroed: empty. */
struct db_arena {
	struct db_arena_chunk *chunks;
};

/** @p size zeroed bytes, aligned for any type; NULL when memory is out. */
void *db_arena_alloc(struct db_arena *arena, size_t size);
/** A copy of @p s with its NUL; NULL for NULL or when memory is out. */
char *db_arena_strdup(struct db_arena *arena, const char *s);
/** Free all of it; the arena is empty then and may be used again. */
void db_arena_deinit(struct db_arena *arena);

#endif

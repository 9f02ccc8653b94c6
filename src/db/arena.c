/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct db_arena_chunk {
	struct db_arena_chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

enum { CHUNK_BYTES = 4096 - sizeof(struct db_arena_chunk) };

void *db_arena_alloc(struct db_arena *arena, size_t size)
{
	struct db_arena_chunk *c = arena->chunks;
	size_t rounded;

	if (__builtin_add_overflow(size, alignof(max_align_t) - 1, &rounded))
		return NULL;
	rounded &= ~(alignof(max_align_t) - 1);
	if (!c || c->size - c->used < rounded) {
		size_t room = rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES;

		if (room > SIZE_MAX - sizeof(*c))
			return NULL;
		c = calloc(1, sizeof(*c) + room);
		if (!c)
			return NULL;
		c->size = room;
		c->next = arena->chunks;
		arena->chunks = c;
	}
	void *p = c->data + c->used;
	c->used += rounded;
	return p;
}

char *db_arena_strdup(struct db_arena *arena, const char *s)
{
	if (!s)
		return NULL;
	size_t size = strlen(s) + 1;
	char *copy = db_arena_alloc(arena, size);
	return copy ? memcpy(copy, s, size) : NULL;
}

void db_arena_deinit(struct db_arena *arena)
{
	for (struct db_arena_chunk *c = arena->chunks; c;) {
		struct db_arena_chunk *next = c->next;

		free(c);
		c = next;
	}
	arena->chunks = NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/sql.h"

// Arrays grow by doubling; the old ones stay in the arena until it is freed.
static void *grow(struct db_arena *arena, const void *items, size_t count, size_t item_size)
{
	size_t capacity = count < 8 ? 8 : 2 * count, bytes;

	if (__builtin_mul_overflow(capacity, item_size, &bytes))
		return NULL;
	void *grown = db_arena_alloc(arena, bytes);
	if (grown && count)
		memcpy(grown, items, count * item_size);
	return grown;
}

struct ey_error *db_rows_read(struct db_statement *st, db_read_row *read, size_t item_size,
			      size_t limit, struct db_arena *arena, void *items_ret,
			      size_t *count_ret, bool *more_ret)
{
	struct ey_error *err;
	void *items = NULL;
	size_t count = 0;
	bool row = false, failed = false, more = false;

	while (!(err = db_step(st, &row)) && row) {
		more = limit && count == limit;
		if (more)
			break;
		// Full at 0, 8, 16, 32, ...
		if (!count || (count >= 8 && !(count & (count - 1))))
			items = grow(arena, items, count, item_size);
		if (items)
			read(st, arena, (char *)items + count++ * item_size, &failed);
		if (!items || failed) {
			err = &ey_error_nomem;
			break;
		}
	}
	if (err) {
		db_arena_deinit(arena);
		items = NULL;
		count = 0;
	}
	memcpy(items_ret, &items, sizeof(items));
	*count_ret = count;
	if (more_ret)
		*more_ret = more;
	return err;
}

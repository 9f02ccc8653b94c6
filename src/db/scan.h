/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Lists with many filters, at a price that is known before. A table of columns says which filters
 * an index answers in the order of the list; one of them drives the search, the others are tried on
 * the rows that it finds, at most DB_SCAN_MAX of them a page. Where these run out before the page
 * is full, the page ends there, its cursor goes on, and `bounded` says so.
 *
 * For the files of this room only.
 */
#ifndef EYRIE_DB_SCAN_H
#define EYRIE_DB_SCAN_H

#include "db/flag.h"
#include "db/sql.h"

enum {
	/** Rows of the index that a page may look at; two fifths of that where texts are searched.
	 */
	DB_SCAN_MAX = 5000,
	/** Rows that are counted; where there are more, the count is "at least so many". */
	DB_COUNT_MAX = 10000,
};

enum db_filter_type {
	/** `const char *`; NULL and "" are "any". Or int64_t; 0 is "any". */
	DB_FILTER_TEXT,
	DB_FILTER_INT,
	/** const char *: part of a text in any case. */
	DB_FILTER_LIKE,
	/** const char *: an exact text, or the begin of one where it ends in '*'. */
	DB_FILTER_PREFIX,
	/** enum db_flag. */
	DB_FILTER_FLAG,
	/** int64_t, where the index begins or ends that the list goes along in these orders. */
	DB_FILTER_RANGE,
};

struct db_filter_column {
	enum db_filter_type type;
	/** Of the member in the filter's struct. */
	size_t offset;
	/** The condition. */
	const char *where;
	/**
	 * Set where an index answers `where` in the order of the list: the condition as it is tried
	 * on rows that another one found, written so that no planner takes the index for it. Of a
	 * flag, `where` is then what the index says of rows that have it.
	 */
	const char *aside;
	/**
	 * For what leaves the order and is sorted: how many rows it finds; it drives where
	 * these are at most DB_SCAN_MAX.
	 */
	const char *count;
	/** Of DB_FILTER_PREFIX: the text that must begin so. */
	const char *column;
	/** Bits of the orders in which the index is there; 0: all. */
	unsigned int orders;
};

/** How a list is searched. */
struct db_plan {
	const struct db_filter_column *columns;
	size_t count;
	const void *filter;
	const char *value;
	const char *id;
	unsigned int order;
	/** Index of the driver; -1: the order alone. */
	int driver;
	/** Whether anything is left that only the rows themselves answer. */
	bool rest;
	/** The search ends at the row with this value and id. */
	bool bounded;
	int64_t bound_value;
	int64_t bound_id;
};

/**
 * Choose how to search @p table (with its alias: "crashes c"), ordered by @p value and @p id (its
 * columns), the number of the order being @p order, and find out where a page must end.
 */
struct ey_error *db_plan_make(struct db *db, const struct db_filter_column *columns, size_t count,
			      const void *filter, const char *table, const char *value,
			      const char *id, unsigned int order, const struct db_page *page,
			      struct db_plan *ret) EY_MUST_CHECK;
/** Add the conditions of @p plan to @p sql, which selects from its table. */
void db_plan_where(const struct db_plan *plan, struct db_sql *sql);
/**
 * After the page was read: where it has no next row (@p next_ret NULL) but an end of its own,
 * set the cursor behind it, allocated in @p arena, and @p bounded_ret.
 */
struct ey_error *db_plan_end(const struct db_plan *plan, struct db_arena *arena,
			     const char **next_ret, bool *bounded_ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Hosts from a CSV file of an inventory system: read strictly, applied or only shown. */
#ifndef EYRIE_INGEST_HOSTS_CSV_H
#define EYRIE_INGEST_HOSTS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/life.h"

enum {
	HOSTS_CSV_MAX_BYTES = 64 << 20,
	HOSTS_CSV_MAX_FIELD = 255,
	HOSTS_CSV_MAX_COLUMNS = 64,
	HOSTS_CSV_MAX_LABELS = 32,
};

/** A line of the file; NULL where it says nothing. */
struct hosts_csv_row {
	/** From 1, the header's line being 1. */
	size_t line;
	const char *hostname;
	const char *serial;
	const char *uuid;
	const char *site;
	bool has_life;
	enum db_life life;
	struct db_label labels[HOSTS_CSV_MAX_LABELS];
	size_t label_count;
};

/** Called for each row, whose strings live as long as the call; an error ends the reading. */
typedef struct ey_error *hosts_csv_fn(const struct hosts_csv_row *row, void *arg);

/**
 * Read RFC 4180: a header with any of `hostname`, `serial`, `uuid` (one of them must be there),
 * `site`, `life` and `label:NAME`, and a line a host. EY_ERR_INPUT names the line: a column that is
 * not known, a field that is too long, not UTF-8 or has control characters, a wrong number of
 * fields, a life that is none. @p text is changed.
 */
struct ey_error *hosts_csv_read(char *text, size_t len, hosts_csv_fn *fn, void *arg) EY_MUST_CHECK;

struct hosts_import_options {
	const char *who;
	/** May be NULL. */
	const char *why;
	bool dry_run;
	int64_t now;
	/** A line for each host that changes or is not known, clean for terminals; may be NULL. */
	void (*report)(const char *line, void *arg);
	void *arg;
};

struct hosts_import_result {
	size_t rows;
	size_t lives;
	size_t labels;
	/** Not in the database: nothing was done. */
	size_t unknown;
	/** Several hosts have the name or id: nothing was done. */
	size_t ambiguous;
};

/**
 * Apply the file in one transaction: all of it, or nothing on an error. A host is found by its
 * UUID, else its serial number, else its name (of the site, where one is named). Labels of an
 * earlier import are replaced where the file has label columns.
 */
struct ey_error *hosts_import(struct db *db, char *text, size_t len,
			      const struct hosts_import_options *options,
			      struct hosts_import_result *ret) EY_MUST_CHECK;

#endif

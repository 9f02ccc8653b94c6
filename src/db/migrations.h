/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The schema's migrations, put into the program by embed.py; for this room only. */
#ifndef EYRIE_DB_MIGRATIONS_H
#define EYRIE_DB_MIGRATIONS_H

#include <stddef.h>

struct db_migration {
	/** Name of the file without ".sql", "001-crashes". */
	const char *name;
	/** Statements; @identity@ and @blob@ stand for types of the backend. */
	const char *sql;
};

/** The migration at index i takes version i to i + 1. */
extern const struct db_migration db_migrations[];
extern const size_t db_migration_count;

#endif

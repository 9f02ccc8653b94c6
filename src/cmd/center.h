/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the commands of the center's jobs share: configuration, database, printing. */
#ifndef EYRIE_CMD_CENTER_H
#define EYRIE_CMD_CENTER_H

#include <stdint.h>
#include <stdio.h>

#include "base/config.h"
#include "base/error.h"
#include "db/db.h"

/** The configuration, changed by the options that override it, and the open database. */
struct center {
	struct ey_config config;
	struct db *db;
	/** The run that is noted in the database; 0: none. */
	int64_t job;
};
void center_deinit(struct center *center);
#define _cleanup_center_ __attribute__((cleanup(center_deinit)))

/** Options that all of these commands have; NULL where not given. */
struct center_options {
	/** --config, --db, --repository */
	const char *config;
	const char *database;
	const char *repository;
};

/** Rows of getopt_long() for them, and what takes an option up: false where it is another. */
#define CENTER_LONG_OPTIONS                                                             \
	{"config", required_argument, NULL, 'c'}, {"db", required_argument, NULL, 'D'}, \
	{                                                                               \
		"repository", required_argument, NULL, 'R'                              \
	}
bool center_option(struct center_options *options, int c, const char *argument);

/** Their lines of a help text. */
#define CENTER_OPTIONS_HELP                                                                 \
	"  --config FILE      configuration in place of /etc/eyrie/eyrie.conf\n"            \
	"  --db FILE          database, in place of [database] path; or postgresql://...\n" \
	"  --repository DIR   repository, in place of [repository] path\n"

/** Load the configuration and open the database for writing with @p flags of db_open(). */
struct ey_error *center_open(struct center *ret, const struct center_options *options,
			     unsigned int flags) EY_MUST_CHECK;

/** The same for reading only: EY_ERR_NOT_FOUND where there is no database yet. */
struct ey_error *center_open_reader(struct center *ret,
				    const struct center_options *options) EY_MUST_CHECK;

/** Note in the database that the job @p name begins, and how it ended; @p err passes through. */
struct ey_error *center_job_start(struct center *center, const char *name) EY_MUST_CHECK;
struct ey_error *center_job_finish(struct center *center, struct ey_error *err,
				   const char *summary) EY_MUST_CHECK;

/** Print text from outside as part of one line: clean UTF-8, no control characters. */
void center_print_text(FILE *f, const char *s);

/** The login name of who runs this, for histories; "eyrie" where there is none. */
const char *center_user(void);

/** "17 MiB". */
void center_print_bytes(FILE *f, uint64_t bytes);

#endif

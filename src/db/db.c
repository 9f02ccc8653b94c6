/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/db.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "db/sql.h"

// The forms that libpq takes: a URL, or words with the name of the database among them.
static bool is_postgres(const char *where)
{
	return !strncmp(where, "postgresql://", 13) || !strncmp(where, "postgres://", 11) ||
	       strstr(where, "dbname=");
}

struct ey_error *db_connect(const char *where, unsigned int flags, struct db **ret)
{
	return is_postgres(where) ? db_postgres_open(where, flags, ret)
				  : db_sqlite_open(where, flags, ret);
}

struct ey_error *db_open(const char *where, unsigned int flags, struct db **ret)
{
	_cleanup_db_ struct db *db = NULL;
	struct ey_error *err = db_connect(where, flags, &db);
	unsigned int version;

	if (err)
		return err;
	if (flags & DB_OPEN_WRITE) {
		err = db_migrate(db, 0);
	} else {
		err = db_schema_version(db, &version);
		if (!err && version != db_schema_latest())
			err = ey_error_create(
				EY_ERR_INPUT,
				"database %s has schema %u, this program needs %u; %s", db->where,
				version, db_schema_latest(),
				version < db_schema_latest()
					? "'eyrie populate' brings it up to date"
					: "install the Eyrie that made it, or a later one");
	}
	if (!err)
		*ret = no_cleanup_ptr(db);
	return err;
}

struct ey_error *db_open_config(const struct ey_config *config, unsigned int flags, struct db **ret)
{
	const char *where = ey_config_string(config, "database", "connection", NULL);

	if (!where)
		where = ey_config_string(config, "database", "path", DB_DEFAULT_PATH);
	return db_open(where, flags, ret);
}

void db_close(struct db *db)
{
	db_statements_destroy(db);
	db->backend->close(db);
	free(db->where);
	free(db);
}

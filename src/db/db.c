/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/db.h"

#include "base/config.h"
#include "db/sql.h"

struct ey_error *db_open(const char *where, unsigned int flags, struct db **ret)
{
	_cleanup_db_ struct db *db = NULL;
	struct ey_error *err = db_sqlite_open(where, flags, &db);
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
				"database %s has schema %u, this program needs %u; %s", where,
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
	return db_open(ey_config_string(config, "database", "path", DB_DEFAULT_PATH), flags, ret);
}

void db_close(struct db *db)
{
	db->backend->close(db);
}

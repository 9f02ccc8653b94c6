/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Versioned migrations. Each file of src/db/migrations/ takes the schema from one version to the
 * next and is never changed once released; the build puts their texts into the program.
 */
#include "base/clock.h"
#include "base/log.h"
#include "db/migrations.h"
#include "db/sql.h"

// The two words on which databases differ stand in the files as @identity@ and @blob@.
static struct ey_error *expand(const struct db_backend *backend, const char *text,
			       struct ey_buf *buf)
{
	static const char identity[] = "@identity@", blob[] = "@blob@";

	while (*text) {
		if (!strncmp(text, identity, sizeof(identity) - 1)) {
			ey_buf_adds(buf, backend->identity_type);
			text += sizeof(identity) - 1;
		} else if (!strncmp(text, blob, sizeof(blob) - 1)) {
			ey_buf_adds(buf, backend->blob_type);
			text += sizeof(blob) - 1;
		} else {
			ey_buf_addc(buf, *text++);
		}
	}
	return ey_buf_error(buf);
}

unsigned int db_schema_latest(void)
{
	return (unsigned int)db_migration_count;
}

struct ey_error *db_schema_version(struct db *db, unsigned int *ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	int64_t version = 0, tables = 0;
	struct ey_error *err;

	*ret = 0;
	// Asking for the table first keeps an empty database from being an error.
	err = db_scalar(db, &tables, NULL, db->backend->has_table_sql, db_text("schema_versions"));
	if (err || !tables)
		return err;
	err = db_scalar_values(db, &version, NULL,
			       "SELECT coalesce(max(version), 0) FROM schema_versions", NULL, 0);
	*ret = (unsigned int)version;
	return err;
}

static struct ey_error *migrate_one(struct db *db, unsigned int index)
{
	const struct db_migration *m = &db_migrations[index];
	_cleanup_buf_ struct ey_buf sql = EY_BUF_INIT;
	_cleanup_txn_ struct db_txn txn = {0};
	unsigned int version;
	struct ey_error *err = expand(db->backend, m->sql, &sql);

	if (!err)
		err = db_begin(db, &txn);
	// Another process may have done it while this one waited for the lock.
	if (!err)
		err = db_schema_version(db, &version);
	if (err || version > index)
		return err;
	err = db_exec(db, "CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY, "
			  "name TEXT NOT NULL, applied BIGINT NOT NULL)");
	if (!err)
		err = db_exec(db, ey_buf_str(&sql));
	if (!err)
		err = db_run(db,
			     "INSERT INTO schema_versions (version, name, applied) "
			     "VALUES (?1, ?2, ?3)",
			     db_int((int64_t)index + 1), db_text(m->name), db_int(ey_time_now()));
	if (!err)
		err = db_commit(&txn);
	return ey_error_prefix(err, "database schema %s", m->name);
}

struct ey_error *db_migrate(struct db *db, unsigned int target)
{
	unsigned int version;
	struct ey_error *err = db_schema_version(db, &version);

	if (!target)
		target = db_schema_latest();
	if (!err && version > db_schema_latest())
		return ey_error_create(EY_ERR_INPUT,
				       "the database was made by a newer Eyrie (schema %u, this "
				       "program knows %u); install that version or a later one",
				       version, db_schema_latest());
	// An index over ten million rows is sorted on disk, not in memory.
	if (!err && version < target)
		err = db_exec(db, db->backend->large_sql);
	for (; !err && version < target; version++)
		err = migrate_one(db, version);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "db/part.h"

#include <jansson.h>
#include <zstd.h>

#include "db/sql.h"

/* Level 3 packs a record of 50 kB to 9 kB in 0.2 ms; higher levels gain under a tenth. */
enum { ZSTD_LEVEL = 3 };

static struct ey_error *add_packed(struct db *db, int64_t crash_id, enum db_part part,
				   const void *packed, size_t len, size_t size)
{
	return db_run_later(
		db,
		"INSERT INTO crash_parts (crash_id, part, encoding, size, data) "
		"VALUES (?1, ?2, 'zstd', ?3, ?4) ON CONFLICT (crash_id, part) DO NOTHING",
		db_int(crash_id), db_text(db_part_name(part)), db_int((int64_t)size),
		db_blob(packed, len));
}

struct ey_error *db_part_add(struct db *db, int64_t crash_id, enum db_part part,
			     const struct db_intake_part *data)
{
	if (data->packed_size)
		return add_packed(db, crash_id, part, data->data, data->len, data->packed_size);
	size_t bound = ZSTD_compressBound(data->len);
	_cleanup_free_ char *packed = malloc(bound);
	if (!packed)
		return &ey_error_nomem;
	size_t n = ZSTD_compress(packed, bound, data->data, data->len, ZSTD_LEVEL);
	if (ZSTD_isError(n))
		return ey_error_create(EY_ERR_IO, "cannot compress the %s: %s", db_part_name(part),
				       ZSTD_getErrorName(n));
	return add_packed(db, crash_id, part, packed, n, data->len);
}

static struct ey_error *read_part(struct db *db, int64_t id, enum db_part part, char **data_ret,
				  size_t *len_ret)
{
	_cleanup_statement_ struct db_statement *st = NULL;
	bool row = false;
	size_t packed_len;
	struct ey_error *err = db_query(
		db, &st, "SELECT size, data FROM crash_parts WHERE crash_id = ?1 AND part = ?2",
		db_int(id), db_text(db_part_name(part)));

	if (!err)
		err = db_step(st, &row);
	if (err)
		return err;
	if (!row)
		return ey_error_create(EY_ERR_NOT_FOUND, "crash %lld has no %s", (long long)id,
				       db_part_name(part));
	int64_t size = db_column_int(st, 0);
	const void *packed = db_column_blob(st, 1, &packed_len);
	if (size < 0 || size > DB_PART_MAX_BYTES)
		return ey_error_create(EY_ERR_INPUT, "the %s of crash %lld has an absurd size",
				       db_part_name(part), (long long)id);
	_cleanup_free_ char *data = malloc((size_t)size + 1);
	if (!data)
		return &ey_error_nomem;
	size_t n = ZSTD_decompress(data, (size_t)size, packed, packed_len);
	if (n != (size_t)size)
		return ey_error_create(EY_ERR_INPUT, "the %s of crash %lld is damaged",
				       db_part_name(part), (long long)id);
	data[n] = '\0';
	*data_ret = no_cleanup_ptr(data);
	*len_ret = n;
	return NULL;
}

// The log out of a record, which was checked when it was taken in.
static struct ey_error *log_of_record(int64_t id, const char *record, size_t len, char **data_ret,
				      size_t *len_ret)
{
	struct ey_error *err = NULL;
	json_t *root = json_loadb(record, len, JSON_ALLOW_NUL, NULL);
	const json_t *log = json_object_get(root, "log");

	if (!json_is_string(log)) {
		err = ey_error_create(EY_ERR_NOT_FOUND, "crash %lld has no log", (long long)id);
	} else {
		*len_ret = json_string_length(log);
		*data_ret = malloc(*len_ret + 1);
		if (*data_ret)
			memcpy(*data_ret, json_string_value(log), *len_ret + 1);
		else
			err = &ey_error_nomem;
	}
	json_decref(root);
	return err;
}

struct ey_error *db_crash_part(struct db *db, int64_t id, enum db_part part, char **data_ret,
			       size_t *len_ret)
{
	struct ey_error *err = read_part(db, id, part, data_ret, len_ret);

	if (part != DB_PART_LOG || !err || err->code != EY_ERR_NOT_FOUND)
		return err;
	_cleanup_error_ struct ey_error *no_log = err;
	_cleanup_free_ char *record = NULL;
	size_t len;
	err = read_part(db, id, DB_PART_RECORD, &record, &len);
	if (err)
		return err;
	return log_of_record(id, record, len, data_ret, len_ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ingest/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "analysis/record_read.h"
#include "base/cleanup.h"
#include "db/crash.h"
#include "db/dump.h"
#include "ingest/place.h"

struct ey_error *upload_open(int dirfd, const char *name, int *fd_ret, uint64_t *size_ret,
			     bool *busy_ret)
{
	struct stat st;
	_cleanup_close_ int fd =
		openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);

	*busy_ret = false;
	if (fd < 0 || fstat(fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open the upload");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		*busy_ret = errno == EWOULDBLOCK;
		return ey_error_errno(EY_ERR_IO, errno, "cannot lock the upload");
	}
	*size_ret = (uint64_t)st.st_size;
	*fd_ret = no_cleanup_fd(fd);
	return NULL;
}

void upload_remove(int dirfd, const char *name)
{
	unlinkat(dirfd, name, 0);
}

/** The texts of a crash as the database keeps them. */
struct texts {
	char *data[3];
	size_t len[3];
};

static void texts_deinit(struct texts *t)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(t->data); i++)
		free(t->data[i]);
}

static struct ey_error *read_texts(struct db *db, int64_t crash_id, struct texts *ret)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(ret->data); i++) {
		struct ey_error *err =
			db_crash_part(db, crash_id, (enum db_part)i, &ret->data[i], &ret->len[i]);

		if (err && (err->code != EY_ERR_NOT_FOUND || i == DB_PART_RECORD))
			return err;
		ey_error_destroy(err);
	}
	return NULL;
}

// File a crash that came over HTTP: until now it stands in the database alone.
static struct ey_error *file_crash(struct db *db, struct store *store, const struct db_crash *crash,
				   char **path_ret)
{
	_cleanup_(texts_deinit) struct texts texts = {0};
	_cleanup_record_ struct record record = {0};
	_cleanup_free_ char *id = NULL;
	struct store_filed filed = {0};
	struct ey_error *err = read_texts(db, crash->id, &texts);

	if (!err)
		err = record_read_any(texts.data[DB_PART_RECORD], texts.len[DB_PART_RECORD],
				      &record);
	if (!err)
		err = record_crash_id(&record, &id);
	if (err)
		return err;
	const struct store_crash file = {
		.site = crash->site,
		.hostname = record_hostname(&record),
		.time = record.system.crash_time,
		.id = id,
		.record = {texts.data[DB_PART_RECORD], texts.len[DB_PART_RECORD]},
		.analysis = {texts.data[DB_PART_ANALYSIS], texts.len[DB_PART_ANALYSIS]},
		.dmesg = {texts.data[DB_PART_LOG], texts.len[DB_PART_LOG]},
		.vmcore_fd = -1,
	};
	err = store_file(store, &file, &filed);
	*path_ret = filed.path;
	return err;
}

struct ey_error *upload_open_folder(struct db *db, struct store *store, int64_t crash_id,
				    struct store_entry **ret)
{
	_cleanup_crashes_ struct db_crash_list crashes = {0};
	_cleanup_free_ char *path = NULL;
	struct ey_error *err = db_crash_get(db, crash_id, &crashes);

	if (!err)
		err = store_entry_open(store, crashes.items[0].path, ret);
	if (!err || err->code != EY_ERR_NOT_FOUND || !crashes.count)
		return err;
	ey_error_destroy(err);
	err = file_crash(db, store, &crashes.items[0], &path);
	return err ? err : store_entry_open(store, path, ret);
}

struct ey_error *upload_note(struct db *db, const struct db_upload *upload, const char *path,
			     int64_t now)
{
	_cleanup_txn_ struct db_txn txn = {0};
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_dump_arrived(db, &(struct db_dump_arrival){
						  .crash_id = upload->crash_id,
						  .path = path,
						  .bytes = upload->size,
						  .time = now,
					  });
	if (!err)
		err = db_upload_end(db, upload->name);
	return err ? err : db_commit(&txn);
}

struct ey_error *upload_finish(struct db *db, const struct ey_config *config,
			       const struct db_upload *upload, int64_t now)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_store_entry_ struct store_entry *entry = NULL;
	_cleanup_close_ int dirfd = -1, fd = -1;
	struct ey_error *err = place_open(config, &store);

	if (!err)
		err = place_open_uploads(config, store, &dirfd);
	if (!err)
		err = upload_open_folder(db, store, upload->crash_id, &entry);
	if (err)
		return err;
	fd = openat(dirfd, upload->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot open the upload");
	err = store_entry_add_dump(entry,
				   &(struct store_new_dump){
					   .fd = fd,
					   .may_link = true,
					   .sha256 = *upload->sha256 ? upload->sha256 : NULL,
				   },
				   NULL);
	if (!err)
		err = upload_note(db, upload, entry->path, now);
	else if (err->code == EY_ERR_INPUT)
		ey_error_destroy(db_upload_end(db, upload->name));
	if (!err || err->code == EY_ERR_INPUT)
		upload_remove(dirfd, upload->name);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the files of the S3 backend (s3_*.c) share. */
#ifndef EYRIE_STORE_S3_STORE_H
#define EYRIE_STORE_S3_STORE_H

#include "store/backend.h"
#include "store/s3_client.h"

enum {
	/** Age in seconds after which another writer's claim of a place may be taken over. */
	S3_CLAIM_MAX_AGE = 3600,
};

struct s3_store {
	struct store store;
	struct s3 *s3;
};

static inline struct s3 *s3_of(const struct store_entry *entry)
{
	return ((struct s3_store *)entry->store)->s3;
}

/** The objects of one crash, as a listing told of them. */
struct s3_folder {
	struct store_file_info *files;
	char (*etags)[80];
	size_t count;
	size_t capacity;
	/** Objects that are none of a crash's files: in folders below, or of bad names. */
	size_t strange;
};
void s3_folder_clear(struct s3_folder *folder);
void s3_folder_destroy(struct s3_folder *folder);
/** @p name: of the object, below the crash's key. */
struct ey_error *s3_folder_add(struct s3_folder *folder, const char *name,
			       const struct s3_item *item) EY_MUST_CHECK;
/** The index of @p name, or -1. */
int s3_folder_find(const struct s3_folder *folder, const char *name);
/**
 * Whether the crash is there: with its record; or without one, where somebody else filed a text.
 * Ours without a record are being filed: `checksums` is the first that is written, the record the
 * last.
 */
bool s3_folder_is_crash(const struct s3_folder *folder);
/** List it anew: what is at @p path, "site/host/name". */
struct ey_error *s3_folder_load(struct s3 *s3, const char *path,
				struct s3_folder *folder) EY_MUST_CHECK;
/** List the entry's again, after a change. */
struct ey_error *s3_entry_refresh(const struct store_entry *entry) EY_MUST_CHECK;

/** "PREFIX/path/name"; name NULL: "PREFIX/path/"; free(). */
char *s3_key(const struct s3 *s3, const char *path, const char *name);

struct ey_error *s3_reader_open(struct s3 *s3, const char *key, uint64_t size, const char *etag,
				struct store_reader **ret) EY_MUST_CHECK;

/** The parts of the table. */
struct ey_error *s3_store_file(struct store *store, const struct store_crash *crash,
			       const struct store_place *place, bool *already_ret,
			       char **name_ret) EY_MUST_CHECK;
struct ey_error *s3_store_walk(struct store *store,
			       const struct store_walker *walker) EY_MUST_CHECK;
struct ey_error *s3_store_clean(struct store *store, struct store_cleaned *ret) EY_MUST_CHECK;
struct ey_error *s3_store_put(const struct store_entry *entry, const char *name, const char *data,
			      size_t len) EY_MUST_CHECK;
struct ey_error *s3_store_add_dump(const struct store_entry *entry,
				   const struct store_new_dump *dump,
				   bool *already_ret) EY_MUST_CHECK;
extern const struct store_direct_ops s3_direct_ops;

struct ey_error *store_s3_open(const char *root, unsigned int flags,
			       const struct store_s3_options *options,
			       struct store **ret) EY_MUST_CHECK;

#endif

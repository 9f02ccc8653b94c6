/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What the files of the directory backend (dir*.c) share. Nothing here follows a symbolic link.
 */
#ifndef EYRIE_STORE_INTERNAL_H
#define EYRIE_STORE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/backend.h"

struct store_dir {
	struct store store;
	int fd;
	/**
	 * Permissions of what is made, after the root's: folders of sites and hosts as the root,
	 * folders and files of crashes the same but nothing for others, since dumps hold secrets.
	 */
	mode_t dir_mode;
	mode_t crash_mode;
	mode_t file_mode;
};

static inline struct store_dir *store_dir_of(struct store *store)
{
	return (struct store_dir *)store;
}

/** The parts of the directory's table. */
struct ey_error *store_dir_file(struct store *store, const struct store_crash *crash,
				const struct store_place *place, bool *already_ret,
				char **name_ret) EY_MUST_CHECK;
struct ey_error *store_dir_walk(struct store *store,
				const struct store_walker *walker) EY_MUST_CHECK;
struct ey_error *store_dir_put(const struct store_entry *entry, const char *name, const char *data,
			       size_t len) EY_MUST_CHECK;
struct ey_error *store_dir_add_dump(const struct store_entry *entry,
				    const struct store_new_dump *dump,
				    bool *already_ret) EY_MUST_CHECK;

/** Open a folder below @p dirfd; -1 and errno. A symbolic link is ENOTDIR. */
int store_open_dir(int dirfd, const char *name);
/** Open a regular file for reading. EY_ERR_NOT_FOUND, or EY_ERR_INPUT where it is no such file. */
struct ey_error *store_open_regular(int dirfd, const char *name, int *fd_ret,
				    uint64_t *size_ret) EY_MUST_CHECK;
struct ey_error *store_dir_open_reader(int dirfd, const char *name,
				       struct store_reader **ret) EY_MUST_CHECK;

/** The names in a folder but those that begin with a dot, sorted; store_names_free() them. */
struct ey_error *store_list(int dirfd, size_t max, char ***names_ret, size_t *count_ret,
			    bool *more_ret) EY_MUST_CHECK;
void store_names_free(char **names, size_t count);

/** The SHA-256 of all of a file, as hexadecimal text. */
struct ey_error *store_hash_fd(int fd, char hex_ret[STORE_DIGEST_TEXT]) EY_MUST_CHECK;
/** Copy all of @p src (runs of zeros become holes) into the empty @p dst, and hash it. */
struct ey_error *store_copy_fd(int src, int dst, char hex_ret[STORE_DIGEST_TEXT]) EY_MUST_CHECK;
/** An error where there is no space for a copy of @p dump below @p dirfd. */
struct stat;
struct ey_error *store_check_space(int dirfd, const struct stat *dump) EY_MUST_CHECK;
/** Copy the dump @p source into the empty @p fd, which must not change meanwhile, and hash it. */
struct ey_error *store_copy_dump(int source, int fd, char hex_ret[STORE_DIGEST_TEXT]) EY_MUST_CHECK;

/** Make a folder EY_TEMP_PREFIX... below @p dirfd; free() its name. */
struct ey_error *store_temp_make(int dirfd, mode_t mode, const char *writer, char **name_ret,
				 int *fd_ret) EY_MUST_CHECK;
/** Make a file EY_TEMP_PREFIX... for writing; free() its name. */
struct ey_error *store_temp_create(int dirfd, mode_t mode, char **name_ret,
				   int *fd_ret) EY_MUST_CHECK;
/** Remove a folder of files; best effort. */
void store_temp_remove(int dirfd, const char *name);
/**
 * Remove what @p writer left below @p dirfd, but for the folder @p but; and what is older than
 * STORE_TEMP_MAX_AGE by the clock of the file system: the time of @p now_fd, just made (-1: only
 * the writer's).
 */
void store_temp_clean(int dirfd, const char *writer, int now_fd, const char *but);
/** Remove files EY_TEMP_PREFIX... that are older than STORE_TEMP_MAX_AGE by the time of @p now_fd.
 */
void store_temp_clean_files(int dirfd, int now_fd);

#endif

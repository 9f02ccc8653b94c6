/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the files of the store share. Nothing here follows a symbolic link. */
#ifndef EYRIE_STORE_INTERNAL_H
#define EYRIE_STORE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "store/repository.h"

enum { STORE_DIGEST_BYTES = 32, STORE_DIGEST_TEXT = 2 * STORE_DIGEST_BYTES + 1 };

struct store {
	char *root;
	int fd;
	/**
	 * Permissions of what is made, after the root's: folders of sites and hosts as the root,
	 * folders and files of crashes the same but nothing for others, since dumps hold secrets.
	 */
	mode_t dir_mode;
	mode_t crash_mode;
	mode_t file_mode;
};

/** Open a folder below @p dirfd; -1 and errno. A symbolic link is ENOTDIR. */
int store_open_dir(int dirfd, const char *name);
/** Open a regular file for reading. EY_ERR_NOT_FOUND, or EY_ERR_INPUT where it is no such file. */
struct ey_error *store_open_regular(int dirfd, const char *name, int *fd_ret,
				    uint64_t *size_ret) EY_MUST_CHECK;

/** The names in a folder but those that begin with a dot, sorted; store_names_free() them. */
struct ey_error *store_list(int dirfd, size_t max, char ***names_ret, size_t *count_ret,
			    bool *more_ret) EY_MUST_CHECK;
void store_names_free(char **names, size_t count);

/** Take time and id out of the name of a crash's folder, where it is of our form. */
void store_parse_name(const char *name, int64_t *time_ret, char id_ret[STORE_ID_DIGITS + 1]);

/** The SHA-256 of all of a file, as hexadecimal text. */
struct ey_error *store_hash_fd(int fd, char hex_ret[STORE_DIGEST_TEXT]) EY_MUST_CHECK;
/** Copy all of @p src (runs of zeros become holes) into the empty @p dst, and hash it. */
struct ey_error *store_copy_fd(int src, int dst, char hex_ret[STORE_DIGEST_TEXT]) EY_MUST_CHECK;

/** Make a folder EY_TEMP_PREFIX... below @p dirfd; free() its name. */
struct ey_error *store_temp_make(int dirfd, mode_t mode, const char *writer, char **name_ret,
				 int *fd_ret) EY_MUST_CHECK;
/** Remove a folder of files; best effort. */
void store_temp_remove(int dirfd, const char *name);
/**
 * Remove what @p writer left below @p dirfd, but for the folder @p but; and what is older than
 * STORE_TEMP_MAX_AGE by the clock of the file system: the time of @p now_fd, just made (-1: only
 * the writer's).
 */
void store_temp_clean(int dirfd, const char *writer, int now_fd, const char *but);

#endif

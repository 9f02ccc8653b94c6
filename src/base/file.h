/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Files that appear whole: written under a temporary name, synced, then renamed, so that a
 * reader (or a power cut) never sees half a file under its final name.
 */
#ifndef EYRIE_BASE_FILE_H
#define EYRIE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/** Temporary names begin so; readers of a directory skip what does, cleaners may remove old ones.
 */
#define EY_TEMP_PREFIX ".eyrie-tmp-"

/** A file being written. */
struct ey_newfile {
	int fd;
	int dirfd;
	/** Both owned; NULL once committed or given up. */
	char *temp_name;
	char *name;
};

#define EY_NEWFILE_INIT               \
	(struct ey_newfile)           \
	{                             \
		.fd = -1, .dirfd = -1 \
	}

/** Begin to write @p path with permissions @p mode. Its directory must exist. */
struct ey_error *ey_newfile_open(struct ey_newfile *f, const char *path, mode_t mode) EY_MUST_CHECK;
/** Write all of @p len bytes. */
struct ey_error *ey_newfile_write(struct ey_newfile *f, const void *data, size_t len) EY_MUST_CHECK;
/** Sync, rename to the final name (replacing an older file), sync the directory, close. */
struct ey_error *ey_newfile_commit(struct ey_newfile *f) EY_MUST_CHECK;
/** Close; removes the temporary file if it was not committed. */
void ey_newfile_deinit(struct ey_newfile *f);
#define _cleanup_newfile_ __attribute__((cleanup(ey_newfile_deinit)))

/** The three above in one call. */
struct ey_error *ey_file_write_whole(const char *path, mode_t mode, const void *data,
				     size_t len) EY_MUST_CHECK;
/**
 * Write what the user asked for to where the user asked for it. A regular file appears whole, as
 * with ey_file_write_whole(); a device, a pipe or a symbolic link (/dev/stdout) is written into and
 * never replaced. Not for names that others may choose.
 */
struct ey_error *ey_file_write_output(const char *path, mode_t mode, const void *data,
				      size_t len) EY_MUST_CHECK;

/**
 * Read a whole regular file of at most @p max bytes; @p data_ret is NUL-terminated (free()).
 * A larger file is EY_ERR_INPUT, a missing one EY_ERR_NOT_FOUND, what is no regular file
 * EY_ERR_INPUT.
 */
struct ey_error *ey_file_read_whole(const char *path, size_t max, char **data_ret,
				    size_t *len_ret) EY_MUST_CHECK;

/** Write all bytes to a descriptor, going on after short writes and EINTR. */
struct ey_error *ey_write_all(int fd, const void *data, size_t len) EY_MUST_CHECK;

/** Create @p path and its missing parents with @p mode. */
struct ey_error *ey_mkdir_parents(const char *path, mode_t mode) EY_MUST_CHECK;

/** fsync(2) a directory so that a rename or unlink in it is on disk. */
struct ey_error *ey_sync_dir(const char *path) EY_MUST_CHECK;

/**
 * Whether @p name may be used as one component of a path: not empty, not longer than 255 bytes,
 * no '/', no leading '.', only letters, digits and "._-:@+". For names that come from outside.
 */
bool ey_name_is_safe(const char *name);

#endif

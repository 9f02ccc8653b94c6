/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Find the dumps that kdump left below the crash directory: one folder a crash, in the layouts of
 *
 *	kdump-tools (Debian, Ubuntu)	[TAG-]YYYYMMDDHHMM/ dump.STAMP or vmcore.STAMP, dmesg.STAMP;
 *					dump-incomplete or vmcore-incomplete while it is written
 *	kdump-utils (RHEL, Fedora)	ADDRESS-YYYY-MM-DD-HH:MM:SS/ vmcore or vmcore.flat,
 *					vmcore-dmesg.txt; vmcore-incomplete while it is written
 *	kdump (SUSE)			YYYY-MM-DD-HH:MM[:SS]/ vmcore, dmesg.txt
 *
 * or any folder with such files. The directory is taken as hostile: links are not followed, FIFOs
 * not opened.
 */
#ifndef EYRIE_HOST_FINDER_H
#define EYRIE_HOST_FINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	HOST_KEY_DIGITS = 32,
	/** Seconds without a write after which an "incomplete" dump counts as given up. */
	HOST_GIVEN_UP_AFTER = 6 * 3600,
};

struct host_find_options {
	const char *crash_dir;
	/** Now, and when this kernel was booted, seconds since 1970. What was written before the
	 * boot is finished, whatever its name: who wrote it is gone. */
	int64_t now;
	int64_t boot_time;
	/** Seconds without a write after which a file counts as finished. */
	int64_t settle;
	/** Called for what is passed over and why (escaped for terminals); may be NULL. */
	void (*on_skip)(const char *name, const char *why, void *arg);
	void *arg;
};

/** One crash as it lies in the crash directory. */
struct host_dump {
	/** The folder's name; the dump's and the log's in it, NULL where there is none. Not both
	 * are NULL. */
	char *folder;
	char *vmcore;
	char *dmesg;
	/** What stands before the time in the folder's name and is not the local host: the name or
	 * address of the host it came from. NULL: this host, as far as the name tells. */
	char *tag;
	/** When it crashed, from the folder's name (local time) or the file's. */
	int64_t time;
	/** Size of the dump. */
	uint64_t bytes;
	/** The collector did not finish it. */
	bool incomplete;
	/** Names this dump from one run to the next: over names, size and time. */
	char key[HOST_KEY_DIGITS + 1];
};

struct host_dumps {
	/** Sorted by folder. */
	struct host_dump *dumps;
	size_t count;
	/** Crashes that are still being written. */
	size_t waiting;
};

/** Find them. A crash directory that does not exist has none. */
struct ey_error *host_find_dumps(const struct host_find_options *options,
				 struct host_dumps *ret) EY_MUST_CHECK;
void host_dumps_deinit(struct host_dumps *dumps);
#define _cleanup_host_dumps_ __attribute__((cleanup(host_dumps_deinit)))

/**
 * Open a file of a dump's folder for reading, following nothing. @p crash_dir as above.
 * EY_ERR_NOT_FOUND, EY_ERR_INPUT (no regular file), EY_ERR_IO.
 */
struct ey_error *host_dump_open(const char *crash_dir, const char *folder, const char *name,
				int *fd_ret) EY_MUST_CHECK;

/**
 * Remove the folder of a dump: first renamed out of sight, so that no half of it is ever found as
 * another crash, then its files, then itself (where nothing else is in it).
 */
struct ey_error *host_dump_remove(const char *crash_dir, const char *folder) EY_MUST_CHECK;
/** Go on with removals that were interrupted; best effort. */
void host_dump_remove_leftovers(const char *crash_dir);

#endif

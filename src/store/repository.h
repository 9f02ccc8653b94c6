/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The repository of crashes: one folder a crash, in a directory, a mounted NFS tree, or an S3
 *bucket.
 *
 *	<root>/<site>/<host>/<YYYYMMDDTHHMMSSZ>-<id>/	record.json, analysis.txt, dmesg.txt, vmcore
 *	<root>/policy.json				what is wanted of which reason
 *(store/policy.h)
 *
 * A crash appears whole and never twice: its id (16 digits of the SHA-256 of the crash's id text)
 * is part of the name. Beside the files stands `checksums`, as sha256sum(1) writes and checks it.
 *
 * In a directory a crash appears with one rename, and a folder that is not empty cannot be renamed
 * onto; both hold on NFS, where several hosts write into one tree. What is being built, or was left
 * by a writer that died, is called EY_TEMP_PREFIX... and is no crash; readers pass over names that
 * begin with a dot. The tree is hostile to its readers: anyone on any host may have written it.
 * Nothing here follows a symbolic link or waits for a FIFO below the root. For S3 see
 *docs/adr/0023.
 */
#ifndef EYRIE_STORE_REPOSITORY_H
#define EYRIE_STORE_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "store/s3.h"

/** The root where [repository] path is not set. */
#define STORE_DEFAULT_ROOT "/var/lib/eyrie/repository"

/** The files of a crash. */
#define STORE_RECORD	"record.json"
#define STORE_ANALYSIS	"analysis.txt"
#define STORE_DMESG	"dmesg.txt"
#define STORE_VMCORE	"vmcore"
#define STORE_CHECKSUMS "checksums"

enum {
	/** Digits of the id in a crash's folder name. */
	STORE_ID_DIGITS = 16,
	/** Names in one directory that a walk takes; the rest is reported as skipped. */
	STORE_MAX_NAMES = 1 << 20,
	/** Age in seconds after which what another writer left unfinished is removed. */
	STORE_TEMP_MAX_AGE = 24 * 3600,
	/** Files of one crash that are listed. */
	STORE_MAX_FILES = 1000,
};

struct store;

/** Flags of store_open(). */
enum {
	/** Create the root itself (not its parents) where it is missing. */
	STORE_CREATE = 1,
	/** Refuse a root that is no mount point: an NFS tree that is not mounted just now. */
	STORE_MUST_BE_MOUNTED = 2,
};

/**
 * Open the repository at @p root, a path or "s3://BUCKET[/PREFIX]"; release with store_destroy().
 * @p s3 may be NULL: then the environment tells where the* bucket is. A store, with all that was
 * opened from it, is for one thread at a time.
 */
struct ey_error *store_open_with(const char *root, unsigned int flags,
				 const struct store_s3_options *s3,
				 struct store **ret) EY_MUST_CHECK;
struct ey_error *store_open(const char *root, unsigned int flags, struct store **ret) EY_MUST_CHECK;
void store_destroy(struct store *store);
static inline void store_destroyp(struct store **store)
{
	store_destroy(*store);
}
#define _cleanup_store_ __attribute__((cleanup(store_destroyp)))
/** Whether @p root names an S3 bucket. */
bool store_is_bucket(const char *root);
/** Whether the store can be used just now: EY_ERR_IO says why not. */
struct ey_error *store_probe(struct store *store) EY_MUST_CHECK;
/** The root as it was given; owned by the store. */
const char *store_root(const struct store *store);

/**
 * Read a whole file of the root (STORE_POLICY_FILE), at most @p max bytes, NUL-terminated (free()).
 * EY_ERR_NOT_FOUND: there is none; EY_ERR_INPUT: too large, or no regular file.
 */
struct ey_error *store_read(struct store *store, const char *name, size_t max, char **data_ret,
			    size_t *len_ret) EY_MUST_CHECK;
/** Put a file into the root, whole, for every host to read; an older one is replaced. */
struct ey_error *store_put(struct store *store, const char *name, const char *data,
			   size_t len) EY_MUST_CHECK;
/**
 * Whether there is anything of a site: an NFS tree that is not mounted just now has nothing, and
 * must not make anyone believe that its crashes are gone.
 */
struct ey_error *store_has_site(struct store *store, const char *site, bool *ret) EY_MUST_CHECK;
/**
 * Open the folder for files that are still being received: on the file system of the repository,
 * where store_entry_add_dump() can link them. EY_ERR_NOT_FOUND where the store is no file system.
 */
struct ey_error *store_staging_open(struct store *store, int *dirfd_ret) EY_MUST_CHECK;

struct store_cleaned {
	/** Crashes that were never filed whole, and uploads that nobody finished. */
	unsigned int crashes;
	unsigned int uploads;
};
/**
 * Remove what writers left unfinished more than STORE_TEMP_MAX_AGE ago. (In a directory the next
 * writer to the same place does so.)
 */
struct ey_error *store_clean(struct store *store, struct store_cleaned *ret) EY_MUST_CHECK;

/** One text file of a crash; data NULL: there is none. */
struct store_part {
	const char *data;
	size_t len;
};

/** A crash to file. Nothing in it is owned. */
struct store_crash {
	/** A name that passes ey_name_is_safe(). */
	const char *site;
	/** Any text, from the dump: store_host_folder() makes a name of it. NULL: unknown. */
	const char *hostname;
	/** When it crashed, seconds since 1970. */
	int64_t time;
	/** The crash's id text, record_crash_id(). */
	const char *id;
	struct store_part record;
	struct store_part analysis;
	struct store_part dmesg;
	/** An open regular file, or -1: file without the dump. */
	int vmcore_fd;
	/**
	 * The dump will be removed from where it is: on the same file system a hard link is made
	 * in place of a copy. (The caller removes it after success.)
	 */
	bool may_link;
	/**
	 * A safe name of at most 64 characters of which the caller is the only user at a time
	 * (holds a lock), or NULL. What was left unfinished under it is removed at once.
	 */
	const char *writer;
};

/** Where a crash was filed. */
struct store_filed {
	/** "<site>/<host>/<time>-<id>", below the root; free() it. */
	char *path;
	/** It was there before; nothing was written. */
	bool already;
};

/**
 * File @p crash: build it in a temporary folder beside its place, sync, rename. On any error (disk
 * full, the dump changes while it is copied) nothing is visible and what was written is removed.
 * EY_ERR_IO may be tried again; EY_ERR_INPUT: site or dump are not usable.
 */
struct ey_error *store_file(struct store *store, const struct store_crash *crash,
			    struct store_filed *ret) EY_MUST_CHECK;

/** The id in the folder name of the crash @p id (record_crash_id()). */
void store_short_id(const char *id, char ret[STORE_ID_DIGITS + 1]);
/** A host's name as a folder: what is unsafe becomes '_', NULL and "" become "unknown" (free()). */
char *store_host_folder(const char *hostname);

/** A crash in the repository, open for reading. */
struct store_entry {
	/** "<site>/<host>/<name>", for messages and to be kept. */
	const char *path;
	const char *site;
	const char *host;
	const char *name;
	/** From the name; -1 and "" where the name is not of our form (a tree filled by others). */
	int64_t time;
	char id[STORE_ID_DIGITS + 1];
	/** What is behind it: the store's own. */
	struct store *store;
	union {
		int dirfd;
		struct s3_folder *folder;
	} own;
};

struct store_walker {
	/** Called for each folder of a crash, in the order of site, host, name (so of time). An
	 * error ends the walk. The entry lives until it returns. */
	struct ey_error *(*on_entry)(const struct store_entry *entry, void *arg);
	/** What was passed over: a symbolic link, an unsafe name, a folder that cannot be opened.
	 * @p path is escaped for terminals. May be NULL. */
	void (*on_skip)(const char *path, const char *why, void *arg);
	void *arg;
};

/** Visit every crash of the repository; unfinished and foreign things are passed over. */
struct ey_error *store_walk(struct store *store, const struct store_walker *walker) EY_MUST_CHECK;

/** Open one crash by the path that store_filed or store_entry gave; release with
 * store_entry_destroy(). EY_ERR_NOT_FOUND where it is no longer there. */
struct ey_error *store_entry_open(struct store *store, const char *path,
				  struct store_entry **ret) EY_MUST_CHECK;
void store_entry_destroy(struct store_entry *entry);
static inline void store_entry_destroyp(struct store_entry **entry)
{
	store_entry_destroy(*entry);
}
#define _cleanup_store_entry_ __attribute__((cleanup(store_entry_destroyp)))

/** A file of a crash. */
struct store_file_info {
	char name[256];
	uint64_t size;
	/** When it was last written, by the store's clock. */
	int64_t mtime;
	uint32_t mtime_ns;
	/** S_IFREG, or what else stands there under the name; S3: always S_IFREG. */
	mode_t type;
};
struct store_files {
	/** Sorted by name, without names that are not safe. */
	struct store_file_info *files;
	size_t count;
};
void store_files_deinit(struct store_files *files);
#define _cleanup_store_files_ __attribute__((cleanup(store_files_deinit)))

/** List the files of the crash, at most STORE_MAX_FILES of them. */
struct ey_error *store_entry_list(const struct store_entry *entry,
				  struct store_files *ret) EY_MUST_CHECK;
/** Look at one file; EY_ERR_NOT_FOUND. */
struct ey_error *store_entry_stat(const struct store_entry *entry, const char *name,
				  struct store_file_info *ret) EY_MUST_CHECK;
/** When the crash was filed or last changed, seconds since 1970 by the store's clock. */
struct ey_error *store_entry_filed(const struct store_entry *entry, int64_t *ret) EY_MUST_CHECK;

/**
 * Read a whole file of the crash, at most @p max bytes, NUL-terminated (free()), and compare it
 * with its checksum where it has one. EY_ERR_NOT_FOUND: there is none; EY_ERR_INPUT: too large, no
 * regular file, or damaged.
 */
struct ey_error *store_entry_read(const struct store_entry *entry, const char *name, size_t max,
				  char **data_ret, size_t *len_ret) EY_MUST_CHECK;
/**
 * Open a file of the crash for reading, with the same errors. @p size_ret may be NULL. From S3 the
 * whole file is fetched into an unnamed temporary file (TMPDIR, else /var/tmp) first.
 */
struct ey_error *store_entry_open_file(const struct store_entry *entry, const char *name,
				       int *fd_ret, uint64_t *size_ret) EY_MUST_CHECK;

/** A file of a crash, read piece by piece: nothing is kept, whatever its size. */
struct store_reader;
struct ey_error *store_entry_open_reader(const struct store_entry *entry, const char *name,
					 struct store_reader **ret) EY_MUST_CHECK;
uint64_t store_reader_size(const struct store_reader *reader);
/**
 * Read up to @p len bytes at @p offset; 0 in @p ret at the end only. Reading on where the last read
 * ended is cheap, another offset costs a request on S3.
 */
struct ey_error *store_reader_read(struct store_reader *reader, uint64_t offset, void *buf,
				   size_t len, size_t *ret) EY_MUST_CHECK;
void store_reader_destroy(struct store_reader *reader);
static inline void store_reader_destroyp(struct store_reader **reader)
{
	store_reader_destroy(*reader);
}
#define _cleanup_store_reader_ __attribute__((cleanup(store_reader_destroyp)))

/** Add a text to the crash or replace it, whole, with its line in `checksums`. */
struct ey_error *store_entry_put(const struct store_entry *entry, const char *name,
				 const char *data, size_t len) EY_MUST_CHECK;

/** A dump that comes after its crash. */
struct store_new_dump {
	/** NULL: STORE_VMCORE. */
	const char *name;
	/** An open regular file. */
	int fd;
	/** As in store_crash. */
	bool may_link;
	/** 64 hexadecimal digits that it must have; NULL: any. */
	const char *sha256;
};
/**
 * Add a dump to a crash that was filed without it: whole or not at all, with its line in
 * `checksums`. One that is there stays: @p already_ret (may be NULL). A wrong checksum is
 * EY_ERR_INPUT.
 */
struct ey_error *store_entry_add_dump(const struct store_entry *entry,
				      const struct store_new_dump *dump,
				      bool *already_ret) EY_MUST_CHECK;

/**
 * Remove one file and keep the rest, its checksum as well: @p bytes_ret is the size of what was
 * removed, 0 where there was no such file.
 */
struct ey_error *store_entry_remove(const struct store_entry *entry, const char *name,
				    uint64_t *bytes_ret) EY_MUST_CHECK;
/** store_entry_remove() of the dump: the end of its retention. */
struct ey_error *store_entry_remove_dump(const struct store_entry *entry,
					 uint64_t *bytes_ret) EY_MUST_CHECK;
/**
 * Whether the crash was filed with its dump, also where the dump has been removed since: its
 * checksum stays.
 */
struct ey_error *store_entry_had_dump(const struct store_entry *entry, bool *ret) EY_MUST_CHECK;
/** Digits of a SHA-256 as text, and NUL. */
enum { STORE_SHA256_TEXT = 65 };
/** What `checksums` says of a file as it lies there, "" where it says nothing. */
struct ey_error *store_entry_checksum(const struct store_entry *entry, const char *name,
				      char hex_ret[STORE_SHA256_TEXT]) EY_MUST_CHECK;
/** Check the files that are there against `checksums`. EY_ERR_INPUT names the first that differs.
 */
struct ey_error *store_entry_verify(const struct store_entry *entry) EY_MUST_CHECK;

#endif

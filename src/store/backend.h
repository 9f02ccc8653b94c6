/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What a store must be able to do: the table behind store/repository.h. */
#ifndef EYRIE_STORE_BACKEND_H
#define EYRIE_STORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/direct.h"
#include "store/repository.h"

/** What is said of a file that is not what was filed. */
#define STORE_DAMAGED "not what was filed: its checksum differs; the file is damaged"

enum {
	STORE_DIGEST_BYTES = 32,
	STORE_DIGEST_TEXT = 2 * STORE_DIGEST_BYTES + 1,
	STORE_MAX_CHECKSUMS_BYTES = 1 << 20,
};

/** Where a crash goes: checked names. */
struct store_place {
	const char *site;
	const char *host;
	/** "<time>-<id>" and the id alone. */
	char name[64];
	char id[STORE_ID_DIGITS + 1];
};

/** What each function does is said at the public function of its name. */
struct store_ops {
	void (*destroy)(struct store *store);
	/** Dumps are sealed by file() itself, where store->seal_to says so; else before it. */
	bool file_seals;
	/** Sets ret->already, and @p name_ret where the crash has another name than the place's. */
	struct ey_error *(*file)(struct store *store, const struct store_crash *crash,
				 const struct store_place *place, bool *already_ret,
				 char **name_ret);
	struct ey_error *(*walk)(struct store *store, const struct store_walker *walker);
	struct ey_error *(*read)(struct store *store, const char *name, size_t max, char **data_ret,
				 size_t *len_ret);
	struct ey_error *(*put)(struct store *store, const char *name, const char *data,
				size_t len);
	struct ey_error *(*has_site)(struct store *store, const char *site, bool *ret);
	struct ey_error *(*probe)(struct store *store);
	struct ey_error *(*staging_open)(struct store *store, int *dirfd_ret);
	struct ey_error *(*clean)(struct store *store, struct store_cleaned *ret);

	/** The names of the entry are set; opens what is behind them. */
	struct ey_error *(*entry_open)(struct store_entry *entry);
	void (*entry_close)(struct store_entry *entry);
	struct ey_error *(*entry_filed)(const struct store_entry *entry, int64_t *ret);
	struct ey_error *(*entry_list)(const struct store_entry *entry, struct store_files *ret);
	struct ey_error *(*entry_stat)(const struct store_entry *entry, const char *name,
				       struct store_file_info *ret);
	struct ey_error *(*entry_open_file)(const struct store_entry *entry, const char *name,
					    int *fd_ret, uint64_t *size_ret);
	struct ey_error *(*entry_open_reader)(const struct store_entry *entry, const char *name,
					      struct store_reader **ret);
	struct ey_error *(*entry_put)(const struct store_entry *entry, const char *name,
				      const char *data, size_t len);
	struct ey_error *(*entry_add_dump)(const struct store_entry *entry,
					   const struct store_new_dump *dump, bool *already_ret);
	struct ey_error *(*entry_remove)(const struct store_entry *entry, const char *name,
					 uint64_t *bytes_ret);

	/** NULL where hosts cannot reach the store by themselves. */
	const struct store_direct_ops *direct;
};

struct store_direct_ops {
	struct ey_error *(*url)(const struct store_entry *entry, const char *name,
				const char *filename, unsigned int seconds, char **ret);
	struct ey_error *(*upload_begin)(const struct store_entry *entry, const char *name,
					 uint64_t size, struct store_upload *ret);
	struct ey_error *(*upload_url)(const struct store_entry *entry, const char *name,
				       const char *id, unsigned int part, unsigned int seconds,
				       char **ret);
	struct ey_error *(*upload_parts)(const struct store_entry *entry, const char *name,
					 const char *id, struct store_parts *ret);
	/** Make the object of its parts; their sizes must add up to @p size. */
	struct ey_error *(*upload_finish)(const struct store_entry *entry, const char *name,
					  const char *id, uint64_t size);
	struct ey_error *(*upload_abort)(const struct store_entry *entry, const char *name,
					 const char *id);
};

/** The first member of each backend's own structure. */
struct store {
	const struct store_ops *ops;
	/** As it was given, for messages. */
	char *root;
	/** What is filed is sealed to these, and read with this (store/sealed.h); NULL: not. */
	struct seal_recipients *seal_to;
	struct seal_secret *secret;
};

struct store_reader_ops {
	struct ey_error *(*read)(struct store_reader *reader, uint64_t offset, void *buf,
				 size_t len, size_t *ret);
	void (*destroy)(struct store_reader *reader);
};

/** The first member of each backend's own structure. */
struct store_reader {
	const struct store_reader_ops *ops;
	uint64_t size;
};

struct ey_error *store_dir_open(const char *root, unsigned int flags,
				struct store **ret) EY_MUST_CHECK;

/** Take time and id out of the name of a crash's folder, where it is of our form. */
void store_parse_name(const char *name, int64_t *time_ret, char id_ret[STORE_ID_DIGITS + 1]);

/** Read up to @p max bytes to the end of the file: EY_ERR_INPUT where there are more. */
struct ey_error *store_reader_read_whole(struct store_reader *reader, size_t max, char **data_ret,
					 size_t *len_ret) EY_MUST_CHECK;
/** The SHA-256 of all of a file, as hexadecimal text. */
struct ey_error *store_reader_hash(struct store_reader *reader,
				   char hex_ret[STORE_DIGEST_TEXT]) EY_MUST_CHECK;
/** The same of bytes in memory. */
void store_hash_bytes(const void *data, size_t len, char hex_ret[STORE_DIGEST_TEXT]);

/** The text of the entry's `checksums`, "" where there is none. */
struct ey_error *store_checksums_read(const struct store_entry *entry, char **ret) EY_MUST_CHECK;
/** The digest that @p text, which may be NULL, gives for @p name. */
bool store_checksums_find(const char *text, const char *name, char hex_ret[STORE_DIGEST_TEXT]);
/** Append @p text with the line of @p name replaced or added. */
void store_checksums_set(struct ey_buf *buf, const char *text, const char *name, const char *hex);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A repository that seals what is filed and reads what was sealed. Files keep their names; that
 * one is sealed shows in its first bytes. `checksums` is of the files as they lie there.
 */
#ifndef EYRIE_STORE_SEALED_H
#define EYRIE_STORE_SEALED_H

#include "store/backend.h"
#include "store/seal.h"

/**
 * Seal what is filed from now on. @p seal_to is [repository] seal_to: "auto" or NULL: to the keys
 * in the root's SEAL_PUBLIC_FILE, where there is one; "no"; or a file of public keys. Keys that are
 * there and cannot be read are an error: nothing may be filed unsealed because of that.
 */
struct ey_error *store_set_recipients(struct store *store, const char *seal_to) EY_MUST_CHECK;
/**
 * Read sealed texts (store_entry_read()) and dumps (store_entry_open_plain()) with the secret key
 * in the file @p path, which has no passphrase. NULL: with none.
 */
struct ey_error *store_set_secret(struct store *store, const char *path) EY_MUST_CHECK;
/** Whether files of that purpose are sealed. */
bool store_seals(const struct store *store, enum seal_purpose purpose);

/**
 * Open a file of the crash for people to read: compared with its checksum, and unsealed (into a
 * file without a name) where it is sealed. EY_ERR_INPUT: damaged, or sealed to another key.
 */
struct ey_error *store_entry_open_plain(const struct store_entry *entry, const char *name,
					int *fd_ret, uint64_t *size_ret) EY_MUST_CHECK;
/** Compare one file with its checksum (where it has one): EY_ERR_INPUT where it differs. */
struct ey_error *store_entry_verify_file(const struct store_entry *entry,
					 const char *name) EY_MUST_CHECK;

/* For the files of this room. */

void store_seal_deinit(struct store *store);
/** Where texts are sealed, replace @p part by its sealed bytes, which are in @p buf. */
struct ey_error *store_seal_part(const struct store *store, struct store_part *part,
				 struct ey_buf *buf) EY_MUST_CHECK;
/**
 * Seal the dump @p fd into a new file without a name, which can be linked into the repository if
 * that allows it. @p hex_ret (STORE_DIGEST_TEXT bytes, or NULL): SHA-256 of the original.
 */
struct ey_error *store_seal_dump(struct store *store, int fd, int *fd_ret,
				 char *hex_ret) EY_MUST_CHECK;
/** Replace a text that was read by its original of at most @p max bytes, where it is sealed. */
struct ey_error *store_unseal_text(const struct store *store, size_t max, char **data,
				   size_t *len) EY_MUST_CHECK;

#endif

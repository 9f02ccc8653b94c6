/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Hosts and browsers that reach the store by themselves, with URLs that the center signs for them:
 * dumps go from the host into an S3 store and from there to whoever downloads them, and not through
 * the center. Whoever has such a URL may do this one thing until it expires; hosts never hold a
 * key.
 *
 * An upload is always in parts: nothing is visible before the center completes it. A host that is
 * interrupted asks what arrived and sends the rest.
 */
#ifndef EYRIE_STORE_DIRECT_H
#define EYRIE_STORE_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/repository.h"

/** Whether the store can be reached directly: S3 yes, a directory no. */
bool store_can_upload(const struct store *store);

/**
 * A URL that downloads the file @p name for @p seconds (at most 7 days), under the name @p filename
 * (NULL: as it is called); free(). NULL where the store has none: read it by store_reader then.
 */
struct ey_error *store_entry_url(const struct store_entry *entry, const char *name,
				 const char *filename, unsigned int seconds,
				 char **ret) EY_MUST_CHECK;

struct store_upload {
	/** The store's name of this upload; keep it beside the crash's path. */
	char *id;
	/** Part n (from 1) is the bytes from (n - 1) * part_bytes on, at most so many. */
	uint64_t part_bytes;
	unsigned int part_count;
};
void store_upload_deinit(struct store_upload *upload);
#define _cleanup_store_upload_ __attribute__((cleanup(store_upload_deinit)))

/**
 * Begin to upload @p name of @p size bytes, or go on with the upload of this file that is open.
 * EY_ERR_INPUT: the store cannot be reached directly, or takes no file so large.
 */
struct ey_error *store_upload_begin(const struct store_entry *entry, const char *name,
				    uint64_t size, struct store_upload *ret) EY_MUST_CHECK;
/** Where to PUT the bytes of @p part: valid for @p seconds, no header is needed; free(). */
struct ey_error *store_upload_url(const struct store_entry *entry, const char *name, const char *id,
				  unsigned int part, unsigned int seconds,
				  char **ret) EY_MUST_CHECK;

struct store_part_info {
	unsigned int number;
	uint64_t size;
	char etag[80];
};
struct store_parts {
	/** In the order of their numbers. */
	struct store_part_info *parts;
	size_t count;
};
void store_parts_deinit(struct store_parts *parts);
#define _cleanup_store_parts_ __attribute__((cleanup(store_parts_deinit)))

/** What has arrived. EY_ERR_NOT_FOUND: there is no such upload (any more). */
struct ey_error *store_upload_parts(const struct store_entry *entry, const char *name,
				    const char *id, struct store_parts *ret) EY_MUST_CHECK;

/**
 * Make the file of its parts, read it back and compare it with @p size and @p sha256 (64
 * hexadecimal digits); its checksum is noted. What differs is removed: EY_ERR_INPUT. Parts that are
 * missing are EY_ERR_INPUT, too, and the upload stays open. Safe to repeat: @p already_ret (may be
 * NULL) tells that the file was there with this checksum.
 */
struct ey_error *store_upload_complete(const struct store_entry *entry, const char *name,
				       const char *id, uint64_t size, const char *sha256,
				       bool *already_ret) EY_MUST_CHECK;
/** Give an upload up; one that is not there is none. */
struct ey_error *store_upload_abort(const struct store_entry *entry, const char *name,
				    const char *id) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Uploads that go from the host into the store, and not through the center (store/direct.h). The
 * host asks what is missing and where to put it, until nothing is: then the dump is compared, and
 * is there.
 */
#ifndef EYRIE_INGEST_UPLOAD_DIRECT_H
#define EYRIE_INGEST_UPLOAD_DIRECT_H

#include "base/config.h"
#include "base/error.h"
#include "db/upload.h"

enum {
	/** Parts that are named in one answer, and seconds for which each may be put. */
	UPLOAD_DIRECT_PARTS = 32,
	UPLOAD_DIRECT_SECONDS = 3600,
};

struct upload_direct {
	/** Part n is the bytes from (n - 1) * part_bytes on. */
	uint64_t part_bytes;
	/** Nothing is missing, and the dump is in the repository. */
	bool complete;
	struct {
		unsigned int number;
		char *url;
	} parts[UPLOAD_DIRECT_PARTS];
	size_t count;
};
void upload_direct_deinit(struct upload_direct *direct);
#define _cleanup_upload_direct_ __attribute__((cleanup(upload_direct_deinit)))

/**
 * Whether hosts are to put dumps into the store themselves ([repository] direct_uploads), and the
 * public keys that they must seal them to: free(), NULL for none.
 */
struct ey_error *upload_direct_offer(const struct ey_config *config, bool *on_ret,
				     char **keys_ret) EY_MUST_CHECK;
/**
 * What is missing of @p upload; where nothing is, file it. @p begin: what came of another upload
 * of this dump is thrown away first. EY_ERR_INPUT: what came is not what was announced, or is not
 * sealed as it has to be; it was removed, and the upload is over.
 */
struct ey_error *upload_direct(struct db *db, const struct ey_config *config,
			       const struct db_upload *upload, bool begin, int64_t now,
			       struct upload_direct *ret) EY_MUST_CHECK;

#endif

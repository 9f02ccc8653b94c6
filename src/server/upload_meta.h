/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file The headers of tus that say what an upload is; text that anybody may send. */
#ifndef EYRIE_SERVER_UPLOAD_META_H
#define EYRIE_SERVER_UPLOAD_META_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "db/upload.h"

/** Largest dump that is ever taken, bytes: 16 TiB. */
#define UPLOAD_BYTES_MAX (INT64_C(1) << 44)

struct upload_meta {
	int64_t crash_id;
	int64_t size;
	/** 64 digits, or "". */
	char sha256[DB_UPLOAD_SHA256_SIZE];
};

/**
 * Read Upload-Length and Upload-Metadata ("crash BASE64,filename BASE64,sha256 BASE64"; either may
 * be NULL). Other keys are passed over. EY_ERR_INPUT says what is wrong.
 */
struct ey_error *upload_meta_read(const char *length, const char *metadata,
				  struct upload_meta *ret) EY_MUST_CHECK;
/** Read Upload-Checksum ("sha256 BASE64"); NULL: there is none, and @p has_ret is false. */
struct ey_error *upload_checksum_read(const char *text, unsigned char sha256_ret[32],
				      bool *has_ret) EY_MUST_CHECK;

#endif

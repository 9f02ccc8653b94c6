/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The XML answers of an S3 store, which is as hostile as any network: sizes, depth and counts are
 * bounded, document types refused, numbers and dates read strictly.
 */
#ifndef EYRIE_STORE_S3_XML_H
#define EYRIE_STORE_S3_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	S3_XML_MAX_BYTES = 16 << 20,
	S3_XML_MAX_DEPTH = 16,
	S3_XML_MAX_ITEMS = 20000,
	/** A key has at most 1024 bytes, an upload's id about 200. */
	S3_XML_MAX_TEXT = 4096,
};

/** An object, a common prefix, an upload or a part: what the answer has of it. */
struct s3_item {
	/** Object or upload: its key; a common prefix ends with '/'. NULL in a list of parts. */
	char *key;
	char *etag;
	char *upload_id;
	bool is_prefix;
	uint64_t size;
	unsigned int part;
	/** LastModified or Initiated; 0: none. */
	int64_t time;
};

struct s3_answer {
	/** Name of the outermost element. */
	char *root;
	struct s3_item *items;
	size_t count;
	size_t capacity;
	bool truncated;
	/** Where the next page begins: NextContinuationToken; keys and ids of markers; a part. */
	char *next;
	char *next_upload;
	unsigned int next_part;
	/** Of <Error>, and of <InitiateMultipartUploadResult>. */
	char *code;
	char *message;
	char *region;
	char *upload_id;
};

/** Read an answer; EY_ERR_INPUT where it is not one. */
struct ey_error *s3_xml_read(const char *xml, size_t len, struct s3_answer *ret) EY_MUST_CHECK;
void s3_answer_deinit(struct s3_answer *answer);
#define _cleanup_s3_answer_ __attribute__((cleanup(s3_answer_deinit)))

#endif

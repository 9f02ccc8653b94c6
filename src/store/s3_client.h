/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Requests to an S3 store: signed, repeated where that helps, their failures told in one sentence.
 * For this room only. A client is for one thread at a time.
 */
#ifndef EYRIE_STORE_S3_CLIENT_H
#define EYRIE_STORE_S3_CLIENT_H

#include <curl/curl.h>

#include "base/buf.h"
#include "store/s3.h"
#include "store/s3_xml.h"
#include "store/sigv4.h"

struct s3 {
	char *bucket;
	/** "" or "prefix/". */
	char *prefix;
	/** "https://HOST[:PORT]", and what is signed as the host. */
	char *base;
	char *host;
	/** The bucket's name is part of the path, and not of the host's name. */
	bool by_path;
	char *region;
	char *ca;
	char *access;
	char *secret;
	char *token;
	uint64_t part_bytes;
	int64_t timeout;
	int retries;
	/** All requests run in it, so that they share its connections. */
	CURLM *multi;
	/** Kept from request to request. */
	CURL *easy;
};

struct ey_error *s3_create(const char *root, const struct store_s3_options *options,
			   struct s3 **ret) EY_MUST_CHECK;
void s3_destroy(struct s3 *s3);

enum { S3_CALL_MAX_QUERY = 8, S3_CALL_MAX_HEADERS = 6 };

struct s3_call {
	const char *method;
	/** Of the bucket, with the prefix; NULL: the bucket itself. */
	const char *key;
	/** Those with a name are taken. */
	struct sigv4_pair query[S3_CALL_MAX_QUERY];
	struct sigv4_pair headers[S3_CALL_MAX_HEADERS];
	/** The body: bytes, or @p len bytes at @p offset of a file where fd_set. */
	const void *data;
	bool from_file;
	int fd;
	uint64_t offset;
	uint64_t len;
	/** The answer's largest size; 0: S3_XML_MAX_BYTES. */
	size_t max;

	/** Filled: status, the code of an S3 error or "", and headers of the answer. */
	long status;
	char code[64];
	char etag[80];
	/** The store's clock, 0: it did not say. */
	int64_t date;
	struct ey_buf answer;
};
void s3_call_deinit(struct s3_call *call);
#define _cleanup_s3_call_ __attribute__((cleanup(s3_call_deinit)))

/**
 * Do it. EY_ERR_NOT_FOUND: no such key or upload; EY_ERR_INPUT: the store understood and will never
 * do it; EY_ERR_IO: all else. `status` and `code` are set also then.
 */
struct ey_error *s3_do(struct s3 *s3, struct s3_call *call) EY_MUST_CHECK;
/** The same, and read its XML. */
struct ey_error *s3_ask(struct s3 *s3, struct s3_call *call, struct s3_answer *ret) EY_MUST_CHECK;

/** A request under way: the easy handle's CURLOPT_PRIVATE. */
struct s3_transfer {
	bool done;
	CURLcode result;
};
/** Let all requests go on, for at most @p ms if there is nothing to do. */
struct ey_error *s3_pump(struct s3 *s3, int ms) EY_MUST_CHECK;

/** Set an easy handle up for @p call; @p headers_ret is to be freed after it. */
struct ey_error *s3_prepare(struct s3 *s3, const struct s3_call *call, CURL *easy,
			    struct curl_slist **headers_ret) EY_MUST_CHECK;
/** Wait before try @p n (from 1) is repeated: longer each time, and never as long as others. */
void s3_back_off(int n);
/** Whether this may work the next time. */
bool s3_is_passing(CURLcode curl, long status, const char *code);
/** What failed, as one sentence. */
struct ey_error *s3_error(const struct s3 *s3, const struct s3_call *call, CURLcode curl,
			  const char *curl_text, const struct s3_answer *answer) EY_MUST_CHECK;
/** A URL that does @p call, for @p seconds; free(). */
struct ey_error *s3_presign(const struct s3 *s3, const struct s3_call *call, unsigned int seconds,
			    char **ret) EY_MUST_CHECK;

/** Everything below @p prefix (of the bucket), page by page. */
struct s3_lister {
	const char *prefix;
	/** Stop at the next '/': common prefixes in place of what is below them. */
	bool folders;
	/** At most so many in all; 0: all. */
	size_t max;
	/** Keys come in the order of their bytes; an error ends it. */
	struct ey_error *(*on_item)(const struct s3_item *item, void *arg);
	void *arg;
};
struct ey_error *s3_list(struct s3 *s3, const struct s3_lister *lister) EY_MUST_CHECK;

/** Read a whole object of at most @p max bytes (free()). */
struct ey_error *s3_get(struct s3 *s3, const char *key, size_t max, char **data_ret,
			size_t *len_ret) EY_MUST_CHECK;
/** @p exclusive: only where there is none; *taken_ret says that there was one. */
struct ey_error *s3_put(struct s3 *s3, const char *key, const void *data, size_t len,
			bool exclusive, bool *taken_ret) EY_MUST_CHECK;
/** Put a file, in parts where it is large; goes on with what an earlier try has sent. */
struct ey_error *s3_put_file(struct s3 *s3, const char *key, int fd, uint64_t size) EY_MUST_CHECK;
struct ey_error *s3_delete(struct s3 *s3, const char *key) EY_MUST_CHECK;

/** Size of the parts of a file of @p size bytes. EY_ERR_INPUT: too large for this store. */
struct ey_error *s3_part_size(const struct s3 *s3, uint64_t size, uint64_t *ret) EY_MUST_CHECK;
/** The newest upload of this key that is open, else a new one; free() the id. */
struct ey_error *s3_upload_begin(struct s3 *s3, const char *key, char **id_ret) EY_MUST_CHECK;
/** The parts that have arrived: ret->items with part, size and etag. */
struct ey_error *s3_upload_parts(struct s3 *s3, const char *key, const char *id,
				 struct s3_answer *ret) EY_MUST_CHECK;
struct ey_error *s3_upload_finish(struct s3 *s3, const char *key, const char *id,
				  const struct s3_answer *parts) EY_MUST_CHECK;
struct ey_error *s3_upload_abort(struct s3 *s3, const char *key, const char *id) EY_MUST_CHECK;
/** Visit the uploads of keys that begin with @p prefix. */
struct ey_error *s3_uploads(struct s3 *s3, const char *prefix,
			    struct ey_error *(*on_item)(const struct s3_item *item, void *arg),
			    void *arg) EY_MUST_CHECK;

#endif

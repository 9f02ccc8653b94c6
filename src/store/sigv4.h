/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * AWS Signature Version 4: what proves to an S3 store that a request comes from who holds the key.
 * Source: AWS documentation, "Authenticating Requests (AWS Signature Version 4)" of the S3 API
 * reference; tests/store/test_sigv4.c has its published examples and those of the
 * aws-sig-v4-test-suite. Paths are taken as S3 takes them: encoded once and never normalized.
 */
#ifndef EYRIE_STORE_SIGV4_H
#define EYRIE_STORE_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/** In place of the payload's hash: it is not signed (presigned URLs). */
#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"

enum {
	/** 64 hexadecimal digits and the NUL. */
	SIGV4_HEX_SIZE = 65,
	/** "20130524T000000Z" and the NUL. */
	SIGV4_TIME_SIZE = 17,
	/** Longest life of a presigned URL, seconds. */
	SIGV4_MAX_EXPIRES = 7 * 24 * 3600,
	SIGV4_MAX_PAIRS = 24,
};

/** A header or a query parameter, as they are: not encoded. */
struct sigv4_pair {
	const char *name;
	const char *value;
};

struct sigv4_key {
	const char *access;
	const char *secret;
	const char *region;
	/** "s3" */
	const char *service;
};

struct sigv4_request {
	const char *method;
	/** From the '/' on, not encoded. */
	const char *path;
	/** At most SIGV4_MAX_PAIRS of each, in any order. */
	const struct sigv4_pair *query;
	size_t query_count;
	/** All that are to be signed; "host" among them. Names in any case. */
	const struct sigv4_pair *headers;
	size_t header_count;
	/** Hexadecimal SHA-256 of the body, or SIGV4_UNSIGNED. */
	const char *payload;
	/** Seconds since 1970: the header x-amz-date must say the same, sigv4_time(). */
	int64_t time;
};

/** "20130524T000000Z" */
void sigv4_time(int64_t time, char ret[SIGV4_TIME_SIZE]);
/** Append @p s with all but letters, digits and "-._~" as %XX; a '/' stays where @p path. */
void sigv4_encode(struct ey_buf *buf, const char *s, bool path);
/** Append the query as it is signed, and must be sent. */
void sigv4_query(struct ey_buf *buf, const struct sigv4_pair *query, size_t count);
/** Hexadecimal SHA-256. */
void sigv4_hash(const void *data, size_t len, char ret[SIGV4_HEX_SIZE]);

/** Append the canonical request, for tests and debugging: it holds no secret. */
void sigv4_canonical(struct ey_buf *buf, const struct sigv4_request *request);
/** Append the value of the header Authorization. */
void sigv4_authorization(struct ey_buf *buf, const struct sigv4_request *request,
			 const struct sigv4_key *key);
/**
 * Append the whole query of a presigned URL, valid for @p expires seconds (the caller looks that
 * they are 1 to SIGV4_MAX_EXPIRES). @p token: of temporary keys, or NULL.
 */
void sigv4_presign(struct ey_buf *buf, const struct sigv4_request *request,
		   const struct sigv4_key *key, const char *token, unsigned int expires);

#endif

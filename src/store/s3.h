/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Where an S3 store is, and the keys to it. */
#ifndef EYRIE_STORE_S3_H
#define EYRIE_STORE_S3_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"

/** Roots that begin so are buckets: s3://BUCKET[/PREFIX]. */
#define STORE_S3_SCHEME "s3://"

enum {
	STORE_S3_PART_MIB_MIN = 5,
	STORE_S3_PART_MIB_DEFAULT = 16,
	STORE_S3_PARTS_MAX = 10000,
};

/**
 * Where not set (NULL, 0): from the environment (AWS_ENDPOINT_URL, AWS_REGION, AWS_CA_BUNDLE,
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), else the defaults.
 */
struct store_s3_options {
	/** "https://s3.example.com[:PORT]"; default: Amazon's of the region. */
	const char *endpoint;
	/** Default: us-east-1. */
	const char *region;
	/** A file of certificates in place of the system's. */
	const char *ca;
	/** A file of nobody else's: lines access_key=, secret_key=, token=. */
	const char *keys;
	/** "path", "host" or NULL, which is host at Amazon and path elsewhere. */
	const char *addressing;
	/** Bytes of a part of a large file. */
	uint64_t part_mib;
	/** Seconds without a byte after which a request has failed. */
	int64_t timeout;
	/** How often a request that failed is repeated; 0: the default, -1: never. */
	int retries;
};

/** [repository] s3_*; the strings are the configuration's. */
struct ey_error *store_s3_options_load(const struct ey_config *config,
				       struct store_s3_options *ret) EY_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A crash as a host delivers it over HTTP (ADR 0017): its record, which is read, and beside it the
 * heavy parts, which are not. Everything in it may be hostile.
 */
#ifndef EYRIE_INGEST_DELIVERY_H
#define EYRIE_INGEST_DELIVERY_H

#include "ingest/take.h"

enum {
	/** Largest record, which is parsed, bytes; whole records beyond travel as `whole`. */
	DELIVERY_RECORD_MAX = 4 << 20,
	/** Largest other part, unpacked. */
	DELIVERY_PART_MAX = 32 << 20,
	/** Longest name of the crash that a host may give. */
	DELIVERY_ID_MAX = 512,
	DELIVERY_PARTS_MAX = 32,
};

/** What was read; the intake borrows from the rest and, for what is stored plain, the body. */
struct delivery {
	struct take take;
	char *path;
	char *site;
	char *folder;
	/** Parts that were packed here, by enum db_part. */
	void *packed[3];
	/** The record unpacked, where it came packed. */
	char *unpacked;
	/** Bytes of the dump that the host could upload; 0: it has none. */
	uint64_t dump_bytes;
};

struct delivery_options {
	/** Where the delivery does not say its site. */
	const char *site;
	int64_t now;
};

/**
 * Read a body of @p content_type (multipart/form-data, or application/json for a record alone).
 * @p body must outlive @p ret. EY_ERR_INPUT says in one sentence what is wrong.
 */
struct ey_error *delivery_read(const char *content_type, const char *body, size_t len,
			       const struct delivery_options *options,
			       struct delivery *ret) EY_MUST_CHECK;
void delivery_deinit(struct delivery *delivery);
#define _cleanup_delivery_ __attribute__((cleanup(delivery_deinit)))

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the hosts of a storm send, made before the clock runs. */
#ifndef EYRIE_BENCH_STORM_BODIES_H
#define EYRIE_BENCH_STORM_BODIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** One crash: the multipart body of POST /api/v1/crashes and the parts in it. */
struct storm_body {
	char machine_id[33];
	char boot_id[37];
	/** Bytes of record.json, whole and uncompressed. */
	size_t json;
	char *data;
	size_t len;
	/** Frames of zstd within `data`: the record, record.json whole, the analysis. */
	struct {
		const char *data;
		size_t len;
	} parts[3];
};

#define STORM_BOUNDARY "eyrie-storm-7d0c1f52"

struct storm_plan {
	unsigned int crashes;
	/** Crash i is of host i % hosts. */
	unsigned int hosts;
	/** Different reasons. */
	unsigned int reasons;
	uint64_t seed;
	/** Time of the first crash, seconds since 1970. */
	int64_t start;
};

/** Make the bodies; free with storm_bodies_free(). */
struct ey_error *storm_bodies_make(const struct storm_plan *plan,
				   struct storm_body **ret) EY_MUST_CHECK;
void storm_bodies_free(struct storm_body *bodies, size_t count);

/** Rows of the same bytes into table "bare" of @p where, @p batch rows a commit, for @p seconds. */
struct ey_error *storm_bare(const char *where, const struct storm_body *bodies, size_t count,
			    unsigned int batch, double seconds,
			    double *rows_per_second_ret) EY_MUST_CHECK;

#endif

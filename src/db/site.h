/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file Sites whose eyried forwards to this one: how far each is, and where its dumps are. */
#ifndef EYRIE_DB_SITE_H
#define EYRIE_DB_SITE_H

#include "db/arena.h"
#include "db/crash.h"
#include "db/db.h"
#include "db/forward.h"

struct db_site {
	const char *name;
	const char *stream;
	/** The number up to which all of the stream is here. */
	int64_t position;
	/** Its console; "": not told. */
	const char *url;
	int64_t first_seen;
	int64_t last_seen;
	int64_t queue;
	int64_t oldest;
	int64_t records;
	int64_t refused;
};
struct db_site_list {
	struct db_arena arena;
	struct db_site *items;
	size_t count;
};
/** All, or the one of @p name (EY_ERR_NOT_FOUND is not given: then the list is empty). */
struct ey_error *db_site_list(struct db *db, const char *name,
			      struct db_site_list *ret) EY_MUST_CHECK;
void db_site_list_deinit(struct db_site_list *list);
#define _cleanup_sites_ __attribute__((cleanup(db_site_list_deinit)))

/** Write it as it is now; first_seen stays as it was. */
struct ey_error *db_site_set(struct db *db, const struct db_site *site) EY_MUST_CHECK;

/** Note that a record was not taken (`aside->object_id`: the crash's number there). */
struct ey_error *db_site_refused_add(struct db *db, const char *site, const char *stream,
				     const struct db_forward_aside *aside) EY_MUST_CHECK;
/** What was not taken of a stream after a number, in order. */
struct ey_error *db_site_refused_after(struct db *db, const char *site, const char *stream,
				       int64_t after, unsigned int limit,
				       struct db_forward_aside_list *ret) EY_MUST_CHECK;
/** The newest that were not taken of a site. */
struct ey_error *db_site_refused_last(struct db *db, const char *site, unsigned int limit,
				      struct db_forward_aside_list *ret) EY_MUST_CHECK;

/** What a site keeps of a crash's dump. */
struct db_site_dump {
	const char *site;
	const char *url;
	/** Number of the crash there. */
	int64_t origin;
	const char *state;
	int64_t bytes;
	const char *path;
	int64_t purged;
};
struct db_site_dump_list {
	struct db_arena arena;
	struct db_site_dump *items;
	size_t count;
};
/** Note @p dump (`url` is not read) of @p crash_id, or where it is 0 of the crash that is known by
 * its number there; EY_ERR_NOT_FOUND where there is none. */
struct ey_error *db_site_dump_set(struct db *db, int64_t crash_id,
				  const struct db_site_dump *dump) EY_MUST_CHECK;
struct ey_error *db_site_dumps(struct db *db, int64_t crash_id,
			       struct db_site_dump_list *ret) EY_MUST_CHECK;
void db_site_dump_list_deinit(struct db_site_dump_list *list);
#define _cleanup_site_dumps_ __attribute__((cleanup(db_site_dump_list_deinit)))

#endif

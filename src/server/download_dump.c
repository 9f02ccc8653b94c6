/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dump of a crash, from the database's word for it to the last byte. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/audit.h"
#include "db/crash.h"
#include "db/kept.h"
#include "ingest/damage.h"
#include "ingest/place.h"
#include "server/download_internal.h"
#include "server/http_range.h"
#include "store/seal.h"

enum { PIECE = 256 << 10 };

struct reading {
	struct store *store;
	struct store_entry *entry;
	struct store_reader *reader;
	crypto_hash_sha256_state hash;
	/** All of it is sent, and there is something to compare it with. */
	bool compare;
	bool answered;
};

static void reading_deinit(struct reading *r)
{
	store_reader_destroy(r->reader);
	store_entry_destroy(r->entry);
	store_destroy(r->store);
}

// Somebody who wants a dump that is not there is told why not.
static struct ey_error *why_not(struct db *db, const struct db_crash *crash)
{
	_cleanup_removals_ struct db_removal_list removals = {0};
	char time[EY_TIME_TEXT_SIZE];
	struct ey_error *err = NULL;

	switch (crash->dump) {
	case DB_DUMP_NONE:
		return ey_error_create(EY_ERR_NOT_FOUND, "crash %" PRId64 " came without a dump",
				       crash->id);
	case DB_DUMP_SKIPPED:
		return ey_error_create(EY_ERR_NOT_FOUND,
				       "the dump of crash %" PRId64 " did not come: there were "
				       "enough of its reason, or it is still to come",
				       crash->id);
	case DB_DUMP_KEPT:
	case DB_DUMP_PURGED:
		break;
	}
	err = db_removals(db, crash->id, 1, &removals);
	if (err)
		return err;
	const struct db_removal *last = removals.count ? removals.items : NULL;
	ey_time_format(last ? last->time : crash->purged, time);
	return ey_error_create(EY_ERR_NOT_FOUND,
			       "the dump of crash %" PRId64 " was removed at %s (%s%s%s); its "
			       "record and analysis are here for good",
			       crash->id, time, last ? last->kind : "retention", last ? ": " : "",
			       last ? last->why : "");
}

static struct ey_error *damaged(const struct download *d, const char *what)
{
	return ey_error_create(EY_ERR_FAULT,
			       "the dump of crash %" PRId64 " is damaged and not handed out (%s); "
			       "restore the file from a copy, then run 'eyrie scrub'",
			       d->crash_id, what);
}

static struct ey_error *find_in(struct db *db, struct download *d)
{
	static const char prefix[] = STORE_VMCORE ": ";
	_cleanup_crashes_ struct db_crash_list crash = {0};
	_cleanup_dumps_ struct db_kept_list dumps = {0};
	struct ey_error *err = db_crash_get(db, d->crash_id, &crash);

	if (!err)
		err = db_kept_list(db, &(struct db_kept_filter){.crash_id = d->crash_id},
				   ey_time_now(), &dumps);
	if (err)
		return err;
	if (!dumps.count)
		return why_not(db, crash.items);
	const struct db_kept *dump = dumps.items;
	for (size_t i = 1; i < dumps.count; i++) {
		if (!strcmp(dumps.items[i].path, crash.items->path))
			dump = &dumps.items[i];
	}
	if (!strncmp(dump->damage, prefix, sizeof(prefix) - 1))
		return damaged(d, dump->damage);
	d->path = strdup(dump->path);
	return d->path ? NULL : &ey_error_nomem;
}

static struct ey_error *with_db(struct download *d,
				struct ey_error *(*fn)(struct db *db, struct download *d))
{
	struct db *db = NULL;
	struct ey_error *err = server_db_pool_take(d->pool, &db);

	if (err)
		return err;
	err = fn(db, d);
	server_db_pool_give(d->pool, db, err && err->code == EY_ERR_IO);
	return err;
}

static struct ey_error *note_missing(struct db *db, struct download *d)
{
	return damage_note(db, d->path, STORE_VMCORE, "it is missing");
}

static struct ey_error *note_differs(struct db *db, struct download *d)
{
	return damage_note(db, d->path, STORE_VMCORE, DAMAGE_DIFFERS);
}

// Note it; where that fails (logged), the next reader finds the same.
static struct ey_error *note_damage(struct download *d, const char *what,
				    struct ey_error *(*fn)(struct db *db, struct download *d))
{
	_cleanup_error_ struct ey_error *err = with_db(d, fn);

	if (err)
		ey_log_warning("cannot note that %s is damaged: %s", d->path, err->message);
	return damaged(d, what);
}

static struct ey_error *open_dump(struct download *d, struct reading *r)
{
	char head[SEAL_MAGIC_BYTES];
	struct store_file_info info;
	size_t n = 0;
	struct ey_error *err = place_open_to_read(d->config, &r->store);

	if (!err)
		err = store_entry_open(r->store, d->path, &r->entry);
	// A folder that is gone may be a tree that is not mounted: no damage.
	if (err && err->code == EY_ERR_NOT_FOUND)
		err->code = EY_ERR_IO;
	if (err)
		return err;
	err = store_entry_stat(r->entry, STORE_VMCORE, &info);
	if (!err)
		err = store_entry_open_reader(r->entry, STORE_VMCORE, &r->reader);
	if (err && err->code == EY_ERR_NOT_FOUND) {
		ey_error_destroy(err);
		return note_damage(d, "it is missing", note_missing);
	}
	if (!err)
		err = store_entry_checksum(r->entry, STORE_VMCORE, d->sha256);
	if (!err)
		err = store_reader_read(r->reader, 0, head, sizeof(head), &n);
	if (err)
		return err;
	d->sealed = seal_is_sealed(head, n);
	d->size = store_reader_size(r->reader);
	if (*d->sha256)
		snprintf(d->etag, sizeof(d->etag), "\"%.32s\"", d->sha256);
	else
		snprintf(d->etag, sizeof(d->etag), "\"%" PRIx64 "-%" PRIx64 ".%" PRIx32 "\"",
			 info.size, (uint64_t)info.mtime, info.mtime_ns);
	return NULL;
}

// "sha-256=:BASE64:" (RFC 9530): of all of it, whatever part is sent.
static void add_digest(const struct download *d, struct server_response *response)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(sizeof(digest), sodium_base64_VARIANT_ORIGINAL)];

	if (sodium_hex2bin(digest, sizeof(digest), d->sha256, strlen(d->sha256), NULL, NULL,
			   NULL) ||
	    !*d->sha256)
		return;
	sodium_bin2base64(text, sizeof(text), digest, sizeof(digest),
			  sodium_base64_VARIANT_ORIGINAL);
	server_response_header(response, "Repr-Digest", "sha-256=:%s:", text);
}

static struct ey_error *note_download(struct db *db, struct download *d)
{
	char object[24], detail[128];
	const struct db_audit_row row = {
		.time = ey_time_now(),
		.kind = auth_kind_name(d->who.kind),
		.who = d->who.name,
		.address = d->who.address,
		.action = "dump.download",
		.object = object,
		.detail = detail,
	};

	snprintf(object, sizeof(object), "%" PRId64, d->crash_id);
	snprintf(detail, sizeof(detail), "%" PRIu64 " bytes from %" PRIu64 " of %" PRIu64 "%s",
		 d->len, d->first, d->size, d->sealed ? ", sealed" : "");
	return db_audit_add(db, &row);
}

static void fill_response(struct download *d, struct server_response *response)
{
	response->content_type = "application/octet-stream";
	response->cache_control = "private, no-store";
	response->csp = "default-src 'none'; sandbox";
	server_response_header(response, "ETag", "%s", d->etag);
	server_response_header(response, "Accept-Ranges", "bytes");
	add_digest(d, response);
}

// The answer that is good; before it, who takes what is in the audit log for certain.
static struct ey_error *answer(struct download *d, struct reading *r)
{
	struct server_response response = {.status = d->partial ? 206 : 200};

	r->answered = true;
	struct ey_error *err = d->head ? NULL : with_db(d, note_download);
	if (!err && asprintf(&response.download_name, "crash-%" PRId64 "-vmcore%s", d->crash_id,
			     d->sealed ? ".sealed" : "") < 0) {
		response.download_name = NULL;
		err = &ey_error_nomem;
	}
	if (err) {
		r->answered = false;
		return err;
	}
	fill_response(d, &response);
	if (d->partial)
		server_response_header(&response, "Content-Range",
				       "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, d->first,
				       d->first + d->len - 1, d->size);
	download_attach(d, &response);
	download_answer(d, &response, NULL);
	return NULL;
}

// 304 and 416 need nothing of the dump. Returns whether that was the answer.
static bool answer_at_once(struct download *d)
{
	struct server_response response = {0};
	bool same = !d->if_range || !strcmp(d->if_range, d->etag);

	if (d->if_none_match &&
	    (!strcmp(d->if_none_match, "*") || strstr(d->if_none_match, d->etag))) {
		response.status = 304;
		fill_response(d, &response);
		download_answer(d, &response, NULL);
		return true;
	}
	switch (http_range_parse(same ? d->range : NULL, d->size, &d->first, &d->len)) {
	case HTTP_RANGE_WHOLE:
		return false;
	case HTTP_RANGE_PART:
		d->partial = true;
		return false;
	case HTTP_RANGE_BEYOND:
		break;
	}
	server_response_error(&response, 416, "the dump has no such bytes");
	server_response_header(&response, "Content-Range", "bytes */%" PRIu64, d->size);
	download_answer(d, &response, NULL);
	return true;
}

static struct ey_error *read_piece(struct download *d, struct reading *r)
{
	unsigned char *to = NULL;
	size_t room = 0, n = 0;

	// Nobody takes anything before the answer.
	if (!r->answered && download_is_full(d)) {
		struct ey_error *err = answer(d, r);
		if (err)
			return err;
	}
	if (!download_room(d, &to, &room))
		return ey_error_create(EY_ERR_IO, "nobody takes it");
	room = (size_t)EY_MIN((uint64_t)EY_MIN(room, (size_t)PIECE), d->len - d->produced);
	struct ey_error *err = store_reader_read(r->reader, d->first + d->produced, to, room, &n);
	if (!err && !n)
		err = ey_error_create(EY_ERR_IO, "%s: %s is shorter than it was", d->path,
				      STORE_VMCORE);
	if (err)
		return err;
	if (r->compare)
		crypto_hash_sha256_update(&r->hash, to, n);
	download_produced(d, n, r->compare && d->produced + n == d->len);
	return NULL;
}

static struct ey_error *compare(struct download *d, struct reading *r)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[STORE_SHA256_TEXT];

	crypto_hash_sha256_final(&r->hash, digest);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	return strcmp(hex, d->sha256) != 0 ? note_damage(d, DAMAGE_DIFFERS, note_differs) : NULL;
}

static struct ey_error *send_dump(struct download *d, struct reading *r)
{
	struct ey_error *err = NULL;

	if (d->head)
		return answer(d, r);
	r->compare = d->len == d->size && *d->sha256;
	if (r->compare)
		crypto_hash_sha256_init(&r->hash);
	while (!err && d->produced < d->len)
		err = read_piece(d, r);
	if (!err && r->compare)
		err = compare(d, r);
	if (!err && !r->answered)
		err = answer(d, r);
	if (!err)
		download_release(d);
	return err;
}

void download_dump(struct download *d)
{
	_cleanup_(reading_deinit) struct reading r = {0};
	struct server_response response = {0};
	struct ey_error *err = with_db(d, find_in);

	if (!err)
		err = open_dump(d, &r);
	if (!err && answer_at_once(d))
		return;
	if (!err)
		err = send_dump(d, &r);
	if (err && r.answered) {
		ey_log_warning("the download of the dump of crash %" PRId64 " ends early: %s",
			       d->crash_id, err->message);
		ey_error_destroy(err);
	} else if (err) {
		download_answer(d, &response, err);
	}
}

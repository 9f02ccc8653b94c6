/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Uploads of dumps by the tus protocol 1.0.0: creation, looking, pieces, the end. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/crash.h"
#include "db/host.h"
#include "db/upload.h"
#include "ingest/place.h"
#include "ingest/upload.h"
#include "server/api.h"
#include "server/intake_answer.h"
#include "server/upload_meta.h"
#include "server/upload_worker.h"

#define TUS_VERSION    "1.0.0"
#define TUS_EXTENSIONS "creation,checksum,termination,expiration"

static const char *const no_parameters[] = {NULL};

bool upload_speaks_tus(const struct server_request *request, struct server_response *response)
{
	const char *version = server_header(request, "Tus-Resumable");

	if (version && !strcmp(version, TUS_VERSION))
		return true;
	upload_refuse(response, 412, "the header Tus-Resumable must be " TUS_VERSION);
	server_response_header(response, "Tus-Version", TUS_VERSION);
	return false;
}

struct ey_error *upload_check_host(struct db *db, const struct server_request *request,
				   int64_t crash_id, bool *has_dump_ret)
{
	_cleanup_crashes_ struct db_crash_list crashes = {0};
	_cleanup_hosts_ struct db_host_list hosts = {0};
	struct ey_error *err = db_crash_get(db, crash_id, &crashes);

	if (err)
		return err;
	*has_dump_ret = crashes.items[0].dump == DB_DUMP_KEPT;
	if (request->who.kind != AUTH_IS_HOST)
		return NULL;
	err = db_host_get(db, crashes.items[0].host_id, &hosts);
	if (err)
		return err;
	const struct db_host *h = &hosts.items[0];
	return auth_check_host(&request->who,
			       &(struct auth_claim){
				       .site = crashes.items[0].site,
				       .hostname = h->hostname,
				       .machine_id = *h->machine_id ? h->machine_id : NULL,
				       .dmi_uuid = *h->dmi_uuid ? h->dmi_uuid : NULL,
			       });
}

struct ey_error *api_upload_options(const struct api *api, struct db *db,
				    const struct server_request *request,
				    struct server_response *response)
{
	upload_headers(response, 204);
	server_response_header(response, "Tus-Version", TUS_VERSION);
	server_response_header(response, "Tus-Extension", TUS_EXTENSIONS);
	server_response_header(response, "Tus-Max-Size", "%" PRId64, UPLOAD_BYTES_MAX);
	server_response_header(response, "Tus-Checksum-Algorithm", "sha256");
	return NULL;
}

static void add_expires(struct server_response *response, int64_t expires)
{
	time_t t = (time_t)expires;
	struct tm tm;
	char text[64];

	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm))
		server_response_header(response, "Upload-Expires", "%s", text);
}

static void remove_file(const char *name, void *arg)
{
	upload_remove(*(int *)arg, name);
}

static struct ey_error *put_off(struct server_response *response,
				const struct intake_settings *settings, int64_t crash_id,
				unsigned int status, const char *why)
{
	upload_refuse(response, status, why);
	server_response_header(response, "Retry-After", "%" PRId64,
			       intake_retry_after(settings, crash_id));
	return NULL;
}

// Whether the dump may come now; else the answer says why not. Inside a transaction.
static struct ey_error *may_come(struct db *db, const struct intake_settings *settings,
				 const struct server_request *request,
				 const struct upload_meta *meta, struct server_response *response)
{
	enum policy_want want = POLICY_WANT_LATER;
	bool fits = true;
	// Nothing goes for a dump that is not wanted.
	struct ey_error *err = intake_decide(db, settings, meta->crash_id, (uint64_t)meta->size,
					     UINT64_MAX, ey_time_now(), &want);

	if (!err && want == POLICY_WANT_VMCORE)
		err = intake_make_room(db, settings, meta->crash_id, (uint64_t)meta->size, &fits);
	uint64_t room = intake_room(settings->root);
	if (!err)
		err = intake_decide(db, settings, meta->crash_id, (uint64_t)meta->size, room,
				    ey_time_now(), &want);
	if (err)
		return err;
	if (!fits)
		return put_off(
			response, settings, meta->crash_id, 507,
			"there is no room for the dump: those that are there are worth more");
	if ((uint64_t)meta->size > room)
		return put_off(response, settings, meta->crash_id, 507,
			       "there is no room for the dump now");
	if (want == POLICY_WANT_LATER)
		return put_off(response, settings, meta->crash_id, 503,
			       "all slots of the site are taken; try again later");
	// People and scripts know what they do.
	if (want != POLICY_WANT_VMCORE && request->who.kind == AUTH_IS_HOST)
		return upload_refuse(response, 409, "the policy wants no dump of this crash");
	return NULL;
}

static struct ey_error *create_in(struct db *db, const struct intake_settings *settings, int dirfd,
				  const struct server_request *request,
				  const struct upload_meta *meta, struct server_response *response)
{
	_cleanup_txn_ struct db_txn txn = {0};
	char old[DB_UPLOAD_NAME_SIZE];
	struct db_upload upload;
	bool resumed;
	struct ey_error *err = db_begin(db, &txn);

	if (!err)
		err = db_upload_expire(db, ey_time_now(), remove_file, &dirfd);
	if (!err)
		err = may_come(db, settings, request, meta, response);
	if (err || response->status)
		return err;
	err = db_upload_begin(db, meta->crash_id, meta->size, meta->sha256, ey_time_now(), &upload,
			      &resumed, old);
	if (!err)
		err = db_commit(&txn);
	if (err)
		return err;
	if (*old)
		upload_remove(dirfd, old);
	upload_headers(response, resumed ? 200 : 201);
	server_response_header(response, "Location", "/api/v1/uploads/%s", upload.name);
	add_expires(response, upload.expires);
	return NULL;
}

struct ey_error *api_upload_create(const struct api *api, struct db *db,
				   const struct server_request *request,
				   struct server_response *response)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_close_ int dirfd = -1;
	struct intake_settings settings;
	struct upload_meta meta;
	bool has_dump = false;

	if (!upload_speaks_tus(request, response))
		return NULL;
	struct ey_error *err = server_query_only(&request->target, no_parameters);
	if (!err)
		err = upload_meta_read(server_header(request, "Upload-Length"),
				       server_header(request, "Upload-Metadata"), &meta);
	if (!err)
		err = upload_check_host(db, request, meta.crash_id, &has_dump);
	if (err)
		return err;
	if (has_dump)
		return upload_refuse(response, 409, "the crash has its dump already");
	if (meta.size > UPLOAD_BYTES_MAX)
		return upload_refuse(response, 413, "no dump of that size is taken");
	err = intake_settings_load(&settings, api->config);
	if (!err)
		err = place_open(api->config, &store);
	if (!err)
		err = place_open_uploads(api->config, store, &dirfd);
	return err ? err : create_in(db, &settings, dirfd, request, &meta, response);
}

/** Find the upload of the route's {id}, whose crash @p request may speak for. */
static struct ey_error *find(struct db *db, const struct server_request *request,
			     struct db_upload *ret)
{
	bool has_dump;
	struct ey_error *err = db_upload_get(db, request->id, ey_time_now(), ret);

	return err ? err : upload_check_host(db, request, ret->crash_id, &has_dump);
}

static struct ey_error *open_file(const struct api *api, const char *name, int *fd_ret,
				  uint64_t *size_ret, bool *busy_ret)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_close_ int dirfd = -1;
	struct ey_error *err = place_open(api->config, &store);

	if (!err)
		err = place_open_uploads(api->config, store, &dirfd);
	return err ? err : upload_open(dirfd, name, fd_ret, size_ret, busy_ret);
}

struct ey_error *api_upload(const struct api *api, struct db *db,
			    const struct server_request *request, struct server_response *response)
{
	_cleanup_close_ int fd = -1;
	struct db_upload upload;
	uint64_t size = 0;
	bool busy = false;

	if (!upload_speaks_tus(request, response))
		return NULL;
	struct ey_error *err = find(db, request, &upload);
	if (!err)
		err = open_file(api, upload.name, &fd, &size, &busy);
	if (err && busy) {
		ey_error_destroy(err);
		return upload_refuse(response, 423, "another connection writes this upload");
	}
	if (err)
		return err;
	// All had come when the server was killed.
	if (size == (uint64_t)upload.size)
		return upload_worker_add(api->uploads, &upload, 200, request);
	upload_headers(response, 200);
	server_response_header(response, "Upload-Offset", "%" PRIu64, size);
	server_response_header(response, "Upload-Length", "%" PRId64, upload.size);
	add_expires(response, upload.expires);
	return NULL;
}

struct ey_error *api_upload_delete(const struct api *api, struct db *db,
				   const struct server_request *request,
				   struct server_response *response)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_close_ int dirfd = -1;
	struct db_upload upload;

	if (!upload_speaks_tus(request, response))
		return NULL;
	struct ey_error *err = find(db, request, &upload);
	if (!err)
		err = place_open(api->config, &store);
	if (!err)
		err = place_open_uploads(api->config, store, &dirfd);
	if (!err)
		err = db_upload_end(db, upload.name);
	if (err)
		return err;
	upload_remove(dirfd, upload.name);
	upload_headers(response, 204);
	return NULL;
}

/** A piece on its way into the file. */
struct piece {
	int fd;
	struct db_upload upload;
	uint64_t begin;
	uint64_t offset;
	/** The piece has a checksum of its own, and was not yet found right. */
	bool unproven;
	unsigned char sha256[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
};

static void piece_close(void *arg)
{
	struct piece *p = arg;

	// What was never proven is dropped, as the protocol wants it.
	if (p->unproven && p->fd >= 0 && ftruncate(p->fd, (off_t)p->begin) < 0)
		p->offset = p->begin;
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

static struct ey_error *piece_write(void *arg, const char *data, size_t len)
{
	struct piece *p = arg;

	if (len > (uint64_t)p->upload.size - p->offset)
		return ey_error_create(EY_ERR_INPUT,
				       "the piece is longer than what is left of the upload");
	if (p->unproven)
		crypto_hash_sha256_update(&p->state, (const unsigned char *)data, len);
	while (len) {
		ssize_t n = pwrite(p->fd, data, len, (off_t)p->offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ey_error_errno(EY_ERR_IO, errno, "cannot write the upload");
		data += n;
		len -= (size_t)n;
		p->offset += (uint64_t)n;
	}
	return NULL;
}

// What can be said of a piece before it comes.
static struct ey_error *check_piece(const struct server_request *request, struct piece *p,
				    struct server_response *response)
{
	const char *offset = server_header(request, "Upload-Offset");
	const char *length = server_header(request, "Content-Length");
	int64_t at;

	if (!offset || !server_int_parse(offset, &at) || at < 0)
		return upload_refuse(response, 400, "Upload-Offset must be a number of bytes");
	if ((uint64_t)at != p->begin) {
		upload_refuse(response, 409, "Upload-Offset is not where the upload stands");
		server_response_header(response, "Upload-Offset", "%" PRIu64, p->begin);
		return NULL;
	}
	if (length && strtoull(length, NULL, 10) > (uint64_t)p->upload.size - p->begin)
		return upload_refuse(response, 413,
				     "the piece is longer than what is left of the upload");
	return upload_checksum_read(server_header(request, "Upload-Checksum"), p->sha256,
				    &p->unproven);
}

static struct ey_error *open_piece(const struct api *api, struct server_request *request,
				   struct server_response *response, struct piece *p)
{
	struct db *db = NULL;
	bool busy = false;
	struct ey_error *err = server_db_pool_take(api->pool, &db);

	if (err)
		return err;
	err = find(db, request, &p->upload);
	server_db_pool_give(api->pool, db, err && err->code == EY_ERR_IO);
	if (!err)
		err = open_file(api, p->upload.name, &p->fd, &p->begin, &busy);
	if (err && busy) {
		ey_error_destroy(err);
		return upload_refuse(response, 423, "another connection writes this upload");
	}
	if (err)
		return err;
	p->offset = p->begin;
	return check_piece(request, p, response);
}

struct ey_error *api_upload_begin(const struct api *api, struct server_request *request,
				  struct server_response *response)
{
	const char *type = server_header(request, "Content-Type");

	if (!upload_speaks_tus(request, response))
		return NULL;
	if (!type || strcasecmp(type, "application/offset+octet-stream") != 0)
		return upload_refuse(response, 415,
				     "the piece must be application/offset+octet-stream");
	struct piece *p = calloc(1, sizeof(*p));
	if (!p)
		return &ey_error_nomem;
	p->fd = -1;
	crypto_hash_sha256_init(&p->state);
	struct ey_error *err = open_piece(api, request, response, p);
	if (err || response->status) {
		p->unproven = false;
		piece_close(p);
		return err;
	}
	request->stream = (struct server_stream){piece_write, piece_close, p};
	return NULL;
}

struct ey_error *api_upload_piece(const struct api *api, struct db *db,
				  const struct server_request *request,
				  struct server_response *response)
{
	struct piece *p = request->stream.arg;
	unsigned char sha256[crypto_hash_sha256_BYTES];

	if (p->unproven) {
		crypto_hash_sha256_final(&p->state, sha256);
		if (sodium_memcmp(sha256, p->sha256, sizeof(sha256)) != 0)
			return upload_refuse(
				response, 460,
				"the piece does not have its checksum, and was dropped");
		p->unproven = false;
	}
	struct ey_error *err = db_upload_touch(db, p->upload.name, ey_time_now());
	if (err)
		return err;
	if (p->offset == (uint64_t)p->upload.size)
		return upload_worker_add(api->uploads, &p->upload, 204, request);
	upload_headers(response, 204);
	server_response_header(response, "Upload-Offset", "%" PRIu64, p->offset);
	add_expires(response, ey_time_now() + DB_UPLOAD_REST_SECONDS);
	return NULL;
}

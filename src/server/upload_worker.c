/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/upload_worker.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ingest/upload.h"
#include "ingest/upload_direct.h"

/* "Checksum Mismatch" of the tus protocol. */
enum { TUS_CHECKSUM_MISMATCH = 460 };

struct upload_worker {
	const struct ey_config *config;
	struct server_db_pool *pool;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned int running;
	bool stopping;
};

struct job {
	struct upload_worker *worker;
	struct db_upload upload;
	unsigned int status;
	bool begin;
	/** Does it, and says so. */
	struct ey_error *(*work)(struct job *job, struct server_response *response);
	struct server_later *later;
};

void upload_headers(struct server_response *response, unsigned int status)
{
	response->status = status;
	response->cache_control = "no-store";
	server_response_header(response, "Tus-Resumable", "1.0.0");
}

struct ey_error *upload_refuse(struct server_response *response, unsigned int status,
			       const char *message)
{
	server_response_error(response, status, message);
	upload_headers(response, status);
	return NULL;
}

static struct ey_error *file_it(struct job *job)
{
	struct db *db = NULL;
	struct ey_error *err = server_db_pool_take(job->worker->pool, &db);

	if (err)
		return err;
	err = upload_finish(db, job->worker->config, &job->upload, ey_time_now());
	server_db_pool_give(job->worker->pool, db, err && err->code == EY_ERR_IO);
	return err;
}

static struct ey_error *file_and_say(struct job *job, struct server_response *response)
{
	struct ey_error *err = file_it(job);

	if (err)
		return err;
	upload_headers(response, job->status);
	server_response_header(response, "Upload-Offset", "%" PRId64, job->upload.size);
	server_response_header(response, "Upload-Length", "%" PRId64, job->upload.size);
	return NULL;
}

static struct ey_error *say_offer(struct job *job, struct server_response *response)
{
	_cleanup_free_ char *keys = NULL;
	struct ey_json json;
	bool on = false;
	struct ey_error *err = upload_direct_offer(job->worker->config, &on, &keys);

	if (err)
		return err;
	server_response_json(response, &json);
	response->cache_control = "no-store";
	ey_json_object_begin(&json);
	ey_json_kv_bool(&json, "direct", on);
	ey_json_kv_string(&json, "seal_to", keys);
	ey_json_object_end(&json);
	return NULL;
}

static struct ey_error *say_missing(struct job *job, struct server_response *response)
{
	_cleanup_upload_direct_ struct upload_direct direct = {0};
	struct ey_json json;
	struct db *db = NULL;
	struct ey_error *err = server_db_pool_take(job->worker->pool, &db);

	if (err)
		return err;
	err = upload_direct(db, job->worker->config, &job->upload, job->begin, ey_time_now(),
			    &direct);
	server_db_pool_give(job->worker->pool, db, err && err->code == EY_ERR_IO);
	if (err)
		return err;
	server_response_json(response, &json);
	response->cache_control = "no-store";
	ey_json_object_begin(&json);
	ey_json_kv_bool(&json, "complete", direct.complete);
	ey_json_kv_uint(&json, "part_bytes", direct.part_bytes);
	ey_json_key(&json, "parts");
	ey_json_array_begin(&json);
	for (size_t i = 0; i < direct.count; i++) {
		ey_json_object_begin(&json);
		ey_json_kv_uint(&json, "number", direct.parts[i].number);
		ey_json_kv_string(&json, "url", direct.parts[i].url);
		ey_json_object_end(&json);
	}
	ey_json_array_end(&json);
	ey_json_object_end(&json);
	return NULL;
}

static void *run(void *arg)
{
	struct job *job = arg;
	struct upload_worker *w = job->worker;
	struct server_response response = {0};
	struct ey_error *err = job->work(job, &response);

	if (err && err->code == EY_ERR_INPUT) {
		upload_refuse(&response, TUS_CHECKSUM_MISMATCH, err->message);
		ey_error_destroy(err);
		err = NULL;
	}
	server_later_done(job->later, &response, err);
	free(job);
	pthread_mutex_lock(&w->lock);
	w->running--;
	pthread_cond_signal(&w->idle);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct ey_error *upload_worker_create(const struct ey_config *config, struct server_db_pool *pool,
				      struct upload_worker **ret)
{
	struct upload_worker *w = calloc(1, sizeof(*w));

	if (!w)
		return &ey_error_nomem;
	w->config = config;
	w->pool = pool;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->idle, NULL);
	*ret = w;
	return NULL;
}

void upload_worker_stop(struct upload_worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	while (w->running)
		pthread_cond_wait(&w->idle, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void upload_worker_destroy(struct upload_worker *w)
{
	if (!w)
		return;
	upload_worker_stop(w);
	pthread_cond_destroy(&w->idle);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static struct ey_error *add(struct upload_worker *w, const struct job *what,
			    const struct server_request *request)
{
	struct job *job = malloc(sizeof(*job));
	pthread_attr_t attr;
	pthread_t thread;

	if (!job)
		return &ey_error_nomem;
	*job = *what;
	job->worker = w;
	pthread_mutex_lock(&w->lock);
	bool stopping = w->stopping;
	w->running += !stopping;
	pthread_mutex_unlock(&w->lock);
	if (stopping) {
		free(job);
		return ey_error_create(EY_ERR_IO, "the server stops; try again later");
	}
	job->later = server_later_take(request);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, run, job))
		run(job); // no thread to be had: then here
	pthread_attr_destroy(&attr);
	return NULL;
}

struct ey_error *upload_worker_add(struct upload_worker *w, const struct db_upload *upload,
				   unsigned int status, const struct server_request *request)
{
	return add(w, &(struct job){.work = file_and_say, .upload = *upload, .status = status},
		   request);
}

struct ey_error *upload_worker_offer(struct upload_worker *w, const struct server_request *request)
{
	return add(w, &(struct job){.work = say_offer}, request);
}

struct ey_error *upload_worker_direct(struct upload_worker *w, const struct db_upload *upload,
				      bool begin, const struct server_request *request)
{
	return add(w, &(struct job){.work = say_missing, .upload = *upload, .begin = begin},
		   request);
}

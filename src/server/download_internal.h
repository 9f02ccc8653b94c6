/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A download: what download.c (threads, the ring) and download_dump.c (the dump) share. */
#ifndef EYRIE_SERVER_DOWNLOAD_INTERNAL_H
#define EYRIE_SERVER_DOWNLOAD_INTERNAL_H

#include <pthread.h>

#include "server/download.h"
#include "store/repository.h"

struct download {
	struct server_downloads *all;
	struct download *next;
	struct server_db_pool *pool;
	const struct ey_config *config;

	/** What was asked, copied: the request ends when it is answered, by whomever. */
	int64_t crash_id;
	struct auth_principal who;
	char *range;
	char *if_range;
	char *if_none_match;
	bool head;

	/** The dump, and what of it is sent. */
	char *path;
	uint64_t size;
	uint64_t first;
	uint64_t len;
	bool partial;
	bool sealed;
	/** Its checksum as hexadecimal text, "" where nobody kept one; and its ETag. */
	char sha256[STORE_SHA256_TEXT];
	char etag[80];

	pthread_mutex_t lock;
	/** The client took something or went. */
	pthread_cond_t room;
	/** NULL: was answered. */
	struct server_later *later;
	unsigned char *ring;
	/** Bytes since `first`: read, of these what the client may have, and what it took. */
	uint64_t produced;
	uint64_t released;
	uint64_t taken;
	/** No more will come; and nobody takes any more. */
	bool broken;
	bool gone;
	/** The client that sleeps, NULL: it does not. */
	void *asleep;
	unsigned int refs;
};

/** Give the answer, unless it was given: then @p response is released. */
void download_answer(struct download *d, struct server_response *response, struct ey_error *err);
/** Make @p response one that takes from the ring. */
void download_attach(struct download *d, struct server_response *response);
/** Where to read to: @p room_ret bytes. Waits while the ring is full; false: nobody takes it. */
bool download_room(struct download *d, unsigned char **to_ret, size_t *room_ret);
/** Whether the ring is full, so that nothing goes on before somebody takes it. */
bool download_is_full(struct download *d);
/** @p n bytes were read; @p hold: they are not for the client yet. */
void download_produced(struct download *d, size_t n, bool hold);
/** All that was read is for the client. */
void download_release(struct download *d);

/** In the thread of the download: find the dump, answer, and read it to the end. */
void download_dump(struct download *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The body of POST /api/v1/forward: lines of JSON, the first about the line between the two
 * centers, each further one about a record, whose bytes follow it (ADR 0019). The receiver's side;
 * everything in it may be hostile.
 */
#ifndef EYRIE_SERVER_FORWARD_FRAME_H
#define EYRIE_SERVER_FORWARD_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "db/forward.h"

#define FORWARD_SCHEMA "eyrie/forward/1"
#define FORWARD_TYPE   "application/vnd.eyrie.forward"

enum {
	/** Records a request. */
	FORWARD_BATCH_MAX = 64,
	/** Longest line of JSON, bytes. */
	FORWARD_LINE_MAX = 4096,
	/** Longest reason for which a record was given up, bytes. */
	FORWARD_WHY_MAX = 600,
};

/** A record; texts are borrowed from the batch, bytes from the body. */
struct forward_frame {
	int64_t sequence;
	/** As it was said: newer sites may send what is not known here. */
	const char *kind_name;
	enum db_forward_kind kind;
	bool known;
	/** Number of the crash at the site; 0: none. */
	int64_t origin;
	int64_t time;
	const char *type;
	const char *data;
	size_t len;
	/** Of a record that the site gave up; NULL: not said. */
	const char *why;
	/** The crash's dump at the site; state NULL: not said. */
	const char *dump_state;
	int64_t dump_bytes;
	const char *dump_path;
	int64_t dump_purged;
};

struct forward_batch {
	const char *site;
	const char *stream;
	/** "": none. */
	const char *replaces;
	const char *url;
	int64_t base;
	/** What the site knows to be confirmed. */
	int64_t after;
	int64_t queue;
	int64_t oldest;
	struct forward_frame frames[FORWARD_BATCH_MAX];
	size_t count;
	json_t *lines[FORWARD_BATCH_MAX + 1];
};

/** EY_ERR_INPUT says what is wrong; release @p ret also then. */
struct ey_error *forward_batch_read(const char *body, size_t len,
				    struct forward_batch *ret) EY_MUST_CHECK;
void forward_batch_deinit(struct forward_batch *batch);
#define _cleanup_forward_batch_ __attribute__((cleanup(forward_batch_deinit)))

/** A reason as it may travel and be kept anywhere: cut, and of printable ASCII. */
void forward_clean_why(const char *why, char ret[FORWARD_WHY_MAX + 1]);

#endif

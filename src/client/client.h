/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Talking to a center over HTTP: one address, one token, one connection that is kept. Used by the
 * agent, the command line and a site's eyried that forwards to the next.
 *
 * A failed call returns an error whose code says what to do: EY_ERR_IO may be tried again (nothing
 * there, time-out, 408, 425, 429, 5xx; the answer's `retry_after` says when), EY_ERR_NOT_FOUND is a
 * 404 or 410, EY_ERR_INPUT is what the center refused (any other 4xx) or an answer that is none of
 * a center's, EY_ERR_USAGE what was configured wrongly. The message names method and address, and
 * the center's own words in it are escaped for terminals. Redirections are not followed: a token
 * goes only where it was sent.
 *
 * A client belongs to one thread at a time.
 */
#ifndef EYRIE_CLIENT_CLIENT_H
#define EYRIE_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

struct client;

enum {
	/** Defaults of struct client_options. */
	CLIENT_CONNECT_SECONDS = 20,
	CLIENT_STALL_SECONDS = 60,
	CLIENT_ANSWER_MAX = 16 << 20,
	/** Longest token, bytes. */
	CLIENT_TOKEN_MAX = 4096,
};

/** Zero and NULL are the defaults; nothing in it is owned. */
struct client_options {
	/**
	 * "https://crash.example.com", behind a proxy also with a port and a path. "http://" is
	 * taken for this machine itself only (127.0.0.1, ::1, localhost): a token and a kernel's
	 * memory do not travel in clear.
	 */
	const char *url;
	/** The token, or the file whose first line it is: a file that others than its owner can
	 * read is refused. Neither: requests without a token. */
	const char *token;
	const char *token_file;
	/** PEM file of the authorities to trust; NULL: the system's. */
	const char *ca_file;
	/** Seconds to connect within, and seconds without a byte after which a call is given up. */
	unsigned int connect_timeout;
	unsigned int stall_timeout;
	/** Largest answer that is taken into memory, bytes. */
	size_t answer_max;
};

/** EY_ERR_USAGE where the address, the token or the CA file cannot be used. */
struct ey_error *client_create(const struct client_options *options,
			       struct client **ret) EY_MUST_CHECK;
void client_destroy(struct client *client);
static inline void client_destroyp(struct client **client)
{
	client_destroy(*client);
}
#define _cleanup_client_ __attribute__((cleanup(client_destroyp)))

/** The address as configured, without a slash at its end; owned by the client. */
const char *client_url(const struct client *client);

/** Bytes to send: @p data, or @p len bytes of @p fd from @p offset where @p data is NULL. */
struct client_body {
	const void *data;
	int fd;
	uint64_t offset;
	uint64_t len;
};

/** A part of a multipart/form-data body. */
struct client_part {
	const char *name;
	/** NULL: a field and no file. */
	const char *filename;
	/** NULL: libcurl's choice. */
	const char *content_type;
	struct client_body body;
};

/** Takes what arrives of a successful answer's body; false ends the call with EY_ERR_IO. */
typedef bool client_sink(const void *data, size_t len, void *arg);

/** A request. Nothing in it is owned. */
struct client_request {
	/** "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE". */
	const char *method;
	/**
	 * Path and query below the client's address, begins with '/' (client_add_query()). Or a
	 * whole URL: to the center's own origin as if by its path, to any other one without token.
	 */
	const char *target;
	/** Further headers, "Name: value", ended by NULL; may be NULL. */
	const char *const *headers;
	/** Of the body, where there is one. */
	const char *content_type;
	const struct client_body *body;
	/** In place of a body. */
	const struct client_part *parts;
	size_t part_count;
	/** In place of client_answer.body; it sees nothing of an answer that is an error. */
	client_sink *sink;
	void *sink_arg;
	/** The answer may take as long as it likes (server-sent events). */
	bool endless;
	/** The center may work long before it answers (the end of an upload): ten times the stall
	 * time-out. */
	bool patient;
};

/** What came back. */
struct client_answer {
	/** 0: there was no answer (to its end). A sink sees what was answered. */
	unsigned int status;
	struct ey_buf body;
	/** NULL where not sent. */
	char *content_type;
	char *location;
	char *etag;
	/** Seconds that the center asks to wait, at most a day; -1: it did not say. */
	int64_t retry_after;
	/** tus; -1: not sent. */
	int64_t upload_offset;
	int64_t upload_length;
	/** -1: not sent. */
	int64_t content_length;
	/** Repr-Digest; NULL where not sent. */
	char *digest;
};
void client_answer_deinit(struct client_answer *answer);
#define _cleanup_client_answer_ __attribute__((cleanup(client_answer_deinit)))

/**
 * Send @p request and wait for its answer; @p ret is filled as far as it came, also on an error.
 * 2xx and 304 are success. @p ret need not be initialized; release it with client_answer_deinit().
 */
struct ey_error *client_call(struct client *client, const struct client_request *request,
			     struct client_answer *ret) EY_MUST_CHECK;

/** The answer's body as JSON (json_decref()): depth, size and double keys are checked. */
struct ey_error *client_answer_json(const struct client *client, const struct client_answer *answer,
				    json_t **ret) EY_MUST_CHECK;

/** GET @p target, or POST @p body (JSON text) to it, and read the answer. @p ret may be NULL. */
struct ey_error *client_get_json(struct client *client, const char *target,
				 json_t **ret) EY_MUST_CHECK;
struct ey_error *client_post_json(struct client *client, const char *target, const char *body,
				  size_t len, json_t **ret) EY_MUST_CHECK;

/**
 * Resumable uploads by tus 1.0, with its checksum extension: each PATCH carries a SHA-256 of its
 * bytes, and what the server took is asked for before the first and after every failure.
 */
struct client_upload {
	/** The upload, as the center named it. */
	const char *target;
	int fd;
	uint64_t bytes;
	/** Bytes a PATCH; 0: CLIENT_CHUNK. */
	size_t chunk;
};
enum {
	CLIENT_CHUNK = 16 << 20,
	/** Failures without a byte of progress between them after which it is given up for now. */
	CLIENT_UPLOAD_ATTEMPTS = 4,
};

/** A name and its value in Upload-Metadata. */
struct client_meta {
	const char *name;
	const char *value;
};

/**
 * Ask for an upload of @p bytes at @p target, or for the one that is there for the same. @p answer
 * is as of client_call(); its `location` is where to, a success has one.
 */
struct ey_error *client_upload_create(struct client *client, const char *target, uint64_t bytes,
				      const struct client_meta *meta, size_t count,
				      struct client_answer *answer) EY_MUST_CHECK;

/**
 * Send what is missing of the upload. @p retry_after_ret: seconds that the center asks to wait, -1
 * where it does not. EY_ERR_NOT_FOUND: the center does not know this upload (any more): ask it
 * again. EY_ERR_IO: try again later, it goes on from where it was.
 */
struct ey_error *client_upload(struct client *client, const struct client_upload *upload,
			       int64_t *retry_after_ret) EY_MUST_CHECK;

/**
 * The SHA-256 of @p len bytes of @p fd from @p offset, as text: 64 hexadecimal digits and NUL.
 */
enum { CLIENT_SHA256_TEXT = 65 };
struct ey_error *client_sha256(int fd, uint64_t offset, uint64_t len,
			       char text_ret[CLIENT_SHA256_TEXT]) EY_MUST_CHECK;

/**
 * Resumable downloads: HEAD says what it is, GETs bring it, each from where the last one broke off,
 * and its SHA-256 (Repr-Digest) is compared in the end.
 */
struct client_download {
	/** As given; not owned. */
	const char *target;
	uint64_t size;
	char etag[80];
	/** "" where the center knows none. */
	char sha256[CLIENT_SHA256_TEXT];
};
/** Failures without a byte of progress between them after which it is given up. */
enum { CLIENT_DOWNLOAD_ATTEMPTS = 5 };

/** What is at @p target, which is kept. EY_ERR_NOT_FOUND, EY_ERR_INPUT: the center says why not. */
struct ey_error *client_download_look(struct client *client, const char *target,
				      struct client_download *ret) EY_MUST_CHECK;
/**
 * Fetch it into the regular file @p fd; what that holds already is the beginning of the same.
 * EY_ERR_IO: try again, it goes on from there. EY_ERR_INPUT: damaged at the center or on its way,
 * or replaced meanwhile.
 */
struct ey_error *client_download(struct client *client, const struct client_download *download,
				 int fd) EY_MUST_CHECK;

/** Append "?name=value" or, where @p target has a query, "&name=value"; the value %-escaped. */
void client_add_query(struct ey_buf *target, const char *name, const char *value);
/** Append @p text %-escaped, for one component of a path. */
void client_add_escaped(struct ey_buf *target, const char *text);

#endif

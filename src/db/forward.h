/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * What a site's eyried has to forward: a queue that is written in the transaction that changes
 * something, and the state of the line (ADR 0019). Numbers are given in the order of commits, since
 * every transaction that writes holds the database's one lock.
 */
#ifndef EYRIE_DB_FORWARD_H
#define EYRIE_DB_FORWARD_H

#include "db/arena.h"
#include "db/db.h"

#define DB_FORWARD_KINDS(X)                                    \
	/* A crash, or parts of it that came later. */         \
	X(CRASH, "crash")                                      \
	/* What became of a crash's dump: it came, or went. */ \
	X(DUMP, "dump")                                        \
	/* A heartbeat and a change, as they were said. */     \
	X(HEARTBEAT, "heartbeat")                              \
	X(CHANGE, "change")

enum db_forward_kind {
#define X(id, name) DB_FORWARD_##id,
	DB_FORWARD_KINDS(X)
#undef X
};
const char *db_forward_kind_name(enum db_forward_kind kind);
bool db_forward_kind_parse(const char *name, enum db_forward_kind *ret);

enum { DB_FORWARD_STREAM_SIZE = 33 };

struct db_forward_line {
	bool active;
	char stream[DB_FORWARD_STREAM_SIZE];
	char replaces[DB_FORWARD_STREAM_SIZE];
	int64_t base;
	int64_t last;
	int64_t sent;
	int64_t confirmed;
	int64_t records;
	int64_t refused;
	int64_t last_ok;
	/** 0 while the line is up. */
	int64_t down_since;
	char why[1024];
	/** Records that wait, crashes of the history among them that are not queued yet, and since
	 * when the oldest does (0: none). */
	int64_t queue;
	bool filling;
	int64_t oldest;
};
struct ey_error *db_forward_line(struct db *db, struct db_forward_line *ret) EY_MUST_CHECK;

/**
 * Queue a record, inside the transaction that it tells of; nothing where nothing is forwarded.
 * @p data NULL: what is sent is read from the database by @p object_id.
 */
struct ey_error *db_forward_note(struct db *db, enum db_forward_kind kind, int64_t object_id,
				 int64_t now, const void *data, size_t len) EY_MUST_CHECK;
/** Parts that a crash has, 0 where nothing is forwarded: whether more came. */
struct ey_error *db_forward_parts(struct db *db, int64_t crash_id, int64_t *ret) EY_MUST_CHECK;

/**
 * Forward from now on: with a new stream that begins with all crashes there are, where nothing was
 * forwarded before (db_forward_fill()). Switched off, what waits stays as it is.
 */
struct ey_error *db_forward_switch(struct db *db, bool active) EY_MUST_CHECK;
/** Both sides' numbers do not fit (one was restored from a backup): all crashes again, in a new
 * stream. The receiver knows what it has. */
struct ey_error *db_forward_restart(struct db *db) EY_MUST_CHECK;
/**
 * Queue the next @p limit crashes of the history of a stream that began. A crash that comes, or
 * changes, before the history has reached it is not queued by itself.
 */
struct ey_error *db_forward_fill(struct db *db, unsigned int limit) EY_MUST_CHECK;

struct db_forward_item {
	int64_t sequence;
	enum db_forward_kind kind;
	int64_t object_id;
	int64_t time;
	const void *data;
	size_t len;
};
struct db_forward_list {
	struct db_arena arena;
	struct db_forward_item *items;
	size_t count;
};
/** The first that wait after @p after. */
struct ey_error *db_forward_next(struct db *db, int64_t after, unsigned int limit,
				 struct db_forward_list *ret) EY_MUST_CHECK;
void db_forward_list_deinit(struct db_forward_list *list);
#define _cleanup_forward_list_ __attribute__((cleanup(db_forward_list_deinit)))

/** All up to @p sequence is about to be sent. */
struct ey_error *db_forward_sending(struct db *db, int64_t sequence) EY_MUST_CHECK;

/** A record that will never be taken, by its number. */
struct db_forward_refusal {
	int64_t sequence;
	const char *why;
};
/** All up to @p sequence is there, but those @p refused, which are set aside. */
struct ey_error *db_forward_confirm(struct db *db, int64_t sequence,
				    const struct db_forward_refusal *refused, size_t count,
				    int64_t now) EY_MUST_CHECK;

/** Something that was set aside, at the sender or the receiver. */
struct db_forward_aside {
	int64_t sequence;
	const char *kind;
	int64_t object_id;
	int64_t time;
	const char *why;
};
struct db_forward_aside_list {
	struct db_arena arena;
	struct db_forward_aside *items;
	size_t count;
};
/** The newest of what was set aside here. */
struct ey_error *db_forward_aside(struct db *db, unsigned int limit,
				  struct db_forward_aside_list *ret) EY_MUST_CHECK;
void db_forward_aside_list_deinit(struct db_forward_aside_list *list);
#define _cleanup_forward_aside_ __attribute__((cleanup(db_forward_aside_list_deinit)))
/** Read a row of sequence, kind, object_id, time, why: for db_list_read(). */
struct db_statement;
void db_forward_aside_read(struct db_statement *st, struct db_arena *arena, void *item,
			   bool *failed);

/** Note that the line is down since @p now (where it was up), and why. */
struct ey_error *db_forward_down(struct db *db, const char *why, int64_t now) EY_MUST_CHECK;

/** A part as it stands in the database: a zstd frame (free()); NULL where there is none. */
struct ey_error *db_forward_packed(struct db *db, int64_t crash_id, const char *part,
				   void **data_ret, size_t *len_ret,
				   size_t *size_ret) EY_MUST_CHECK;

#endif

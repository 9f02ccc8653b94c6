/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The words of our mails: from facts to subject, text and HTML. Pure functions: no database, no
 * network. Every string may be NULL and may hold anything: it comes from dumps.
 */
#ifndef EYRIE_NOTIFY_COMPOSE_H
#define EYRIE_NOTIFY_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "notify/message.h"

/** One crash, as far as it is known. */
struct notify_crash {
	/** Row of the crash; 0 where none. */
	int64_t id;
	const char *site;
	const char *host;
	const char *kernel;
	/** "Dell Inc. PowerEdge R640". */
	const char *model;
	/** "2.19.1 06/04/2023". */
	const char *firmware;
	const char *taint;
	/** Seconds since 1970; 0: not known. */
	int64_t time;
	/** Seconds that the host had been up; negative: not known. */
	int64_t uptime_seconds;
	/** What ran: command, pid (negative: not known) and CPU (negative: not known). */
	const char *comm;
	int64_t pid;
	int cpu;
	/** The call trace as text, a line each frame, innermost first. */
	const char *call_trace;
	/** The kernel log, whole or in part, and the lines of it (from 1) where the event stands;
	 * 0, 0: not known, then its end is shown. */
	const char *log;
	uint64_t event_first_line;
	uint64_t event_last_line;
	/** Where dump and analysis lie: a path or URL. */
	const char *location;
	/** Page of the crash in the console. */
	const char *url;
};
/** Nothing known. */
#define NOTIFY_CRASH_INIT                                   \
	(struct notify_crash)                               \
	{                                                   \
		.uptime_seconds = -1, .pid = -1, .cpu = -1, \
	}

/** A crash reason. */
struct notify_reason {
	/** Row of the reason; 0 where none. */
	int64_t id;
	/** "NULL-DEREF". */
	const char *kind;
	const char *title;
	/** Where it crashed, and whose module that is (NULL: the kernel's own). */
	const char *function;
	const char *module;
	/** The group key "g1:..." and the exact key "function+0xoffset". */
	const char *key;
	const char *signature;
	/** How often and on how many hosts so far, this crash included. */
	uint64_t crashes;
	uint64_t hosts;
	/** Seconds since 1970; 0: not known. */
	int64_t first_seen;
	/** Page of the reason in the console. */
	const char *url;
};

/** What compose makes; owned strings. */
struct notify_text {
	/** Without the prefix of the options. */
	char *subject;
	char *text;
	char *html;
	/** For Message-ID and References, see struct mail_message. thread_key NULL: begins one. */
	char *key;
	char *thread_key;
};
void notify_text_deinit(struct notify_text *text);
#define _cleanup_notify_text_ __attribute__((cleanup(notify_text_deinit)))
/** The message that says @p text; borrows from it. Recipients and attachments can be added. */
struct mail_message notify_text_message(const struct notify_text *text, int64_t date);

/** "A reason that was not there before", with the crash that brought it. */
struct ey_error *notify_compose_new_reason(const struct notify_reason *reason,
					   const struct notify_crash *crash,
					   struct notify_text *ret) EY_MUST_CHECK;

enum notify_scope {
	NOTIFY_SCOPE_HOST,
	NOTIFY_SCOPE_MODEL,
	NOTIFY_SCOPE_REASON,
	NOTIFY_SCOPE_SITE,
	NOTIFY_SCOPE_KERNEL,
	NOTIFY_SCOPE_FLEET,
};

enum notify_alert_event {
	NOTIFY_ALERT_FIRE,
	NOTIFY_ALERT_ACKNOWLEDGE,
	NOTIFY_ALERT_RESOLVE,
};

/** A name and how often it occurs, for the lists of an alert; biggest first. */
struct notify_count {
	const char *name;
	uint64_t count;
	/** What else to say of it, e.g. the reason's title; may be NULL. */
	const char *note;
};

struct notify_alert {
	enum notify_alert_event event;
	/** Row of the alert; with fired_at makes the key of the conversation. */
	int64_t id;
	enum notify_scope scope;
	/** Which host, model, reason's title, site or kernel. Ignored for the fleet. */
	const char *name;
	/** The reason's key, where the scope is a reason. */
	const char *reason_key;
	/**
	 * What was counted: crashes of the host, distinct hosts in every other scope; more than
	 * the threshold raise the alert.
	 */
	uint64_t count;
	uint64_t threshold;
	int64_t window_seconds;
	/** Crashes in the window; 0: not known. */
	uint64_t crashes;
	int64_t fired_at;
	/** When this event happened; for FIRE the same as fired_at. */
	int64_t at;
	/** Who acknowledged, and what they said. */
	const char *who;
	const char *note;
	/** Who is hit, by what, and where; any may be empty. */
	const struct notify_count *hosts;
	size_t host_count;
	const struct notify_count *reasons;
	size_t reason_count;
	const struct notify_count *kernels;
	size_t kernel_count;
	const struct notify_count *models;
	size_t model_count;
	/** The latest crash that counted; NULL: not known. */
	const struct notify_crash *last;
	/** Page of the alert in the console. */
	const char *url;
};

/** An alert begins, is taken, or is over. The three make one conversation in the mail reader. */
struct ey_error *notify_compose_alert(const struct notify_alert *alert,
				      struct notify_text *ret) EY_MUST_CHECK;

/**
 * Append the part of @p log that tells of the event: some lines before @p first_line, and up to
 * @p last_line; both 0: the end. At most @p max_lines lines; what is left out in the middle is
 * said so. Lines are cut at 400 bytes.
 */
void notify_log_excerpt(const char *log, uint64_t first_line, uint64_t last_line,
			unsigned int max_lines, struct ey_buf *buf);

#endif

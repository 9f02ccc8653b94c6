/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * A mail as a value, and as the bytes that go over the wire (RFC 5322, 2045 to 2047).
 */
#ifndef EYRIE_NOTIFY_MESSAGE_H
#define EYRIE_NOTIFY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/** "Eyrie <eyrie@example.com>" in its parts; both owned. */
struct mail_address {
	/** NULL where there is none. */
	char *name;
	char *address;
};

struct mail_addresses {
	struct mail_address *list;
	size_t count;
};

struct mail_attachment {
	/** File name for the reader, e.g. "analysis.txt". */
	const char *name;
	/** E.g. "text/plain; charset=utf-8". */
	const char *type;
	const void *data;
	size_t len;
	/** Send it as gzip, with ".gz" behind the name. */
	bool gzip;
};

/** One message. It borrows all it points to. */
struct mail_message {
	/** Comma list; NULL: the recipients of the options. */
	const char *to;
	/** UTF-8, without the prefix. */
	const char *subject;
	/** UTF-8, lines ended by '\n'. Bytes that are not UTF-8 and control bytes are made visible.
	 */
	const char *text;
	/** The same for readers of HTML; NULL: text only. */
	const char *html;
	/**
	 * What this message is, for good, e.g. "alert-17-fire-1795430000": makes the Message-ID.
	 */
	const char *key;
	/** The key of the message that this one follows in its conversation; NULL: it begins one.
	 */
	const char *thread_key;
	/** Seconds since 1970; 0: now. */
	int64_t date;
	const struct mail_attachment *attachments;
	size_t attachment_count;
};

/**
 * Read a comma list of "user@host", "Name <user@host>" and "\"Name, Jr.\" <user@host>".
 * EY_ERR_USAGE, naming the word: an address that is none. An empty list is no error.
 */
struct ey_error *mail_addresses_parse(const char *text, struct mail_addresses *ret) EY_MUST_CHECK;
void mail_address_deinit(struct mail_address *address);
void mail_addresses_deinit(struct mail_addresses *addresses);
#define _cleanup_mail_addresses_ __attribute__((cleanup(mail_addresses_deinit)))

/**
 * Append the message as it is sent, lines ended by CRLF, all bytes 7-bit. Nothing of the message
 * can begin a header of its own: control bytes in header values become spaces.
 */
struct ey_error *mail_message_write(const struct mail_message *message,
				    const struct mail_address *from,
				    const struct mail_addresses *to, const char *prefix,
				    struct ey_buf *buf) EY_MUST_CHECK;

#endif

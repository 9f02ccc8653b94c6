/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file How text and bytes are written in a mail: RFC 2045 (bodies), RFC 2047 (headers). */
#ifndef EYRIE_NOTIFY_ENCODE_H
#define EYRIE_NOTIFY_ENCODE_H

#include <stddef.h>

#include "base/buf.h"

/**
 * Append "Name: value" CRLF, with @p value as RFC 2047 encoded words where it is not plain ASCII,
 * folded below 78 columns where it has spaces. Line breaks in it become spaces, control bytes
 * become visible: a value cannot begin another header.
 */
void mail_header_write(struct ey_buf *buf, const char *name, const char *value);
/** Append @p name as the phrase before an address: a quoted string, or encoded words. */
void mail_phrase_write(struct ey_buf *buf, const char *name);
/** Append @p text in quoted-printable, its lines ended by CRLF. */
void mail_quoted_printable_write(struct ey_buf *buf, const char *text, size_t len);
/** Append @p data in base64, lines of 76 columns ended by CRLF. */
void mail_base64_write(struct ey_buf *buf, const void *data, size_t len);

#endif
